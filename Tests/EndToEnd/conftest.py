"""Fixtures of the end-to-end tests: upstreams, clusters, clients, and the closing line.

MILLRACE_E2E_DIRECT=1 points the client tests at the simulated upstream itself, which tests the tests.
MILLRACE_ROOT and MILLRACE_WORKER choose another checkout or another worker binary.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import openai
import pytest

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(_ROOT / "Tests" / "Upstreams"), str(_ROOT / "Engines")]

from support.cluster import KEY, Cluster, RedisServer  # noqa: E402
from support.commands import ADMIN, SECRET  # noqa: E402
from support.grok import GrokSimulator  # noqa: E402
from support.processes import raise_file_limit  # noqa: E402
from support.raw import Address  # noqa: E402
from support.simulator import Simulator  # noqa: E402
from support.vendors import ENGINES, VENDORS, environment_of  # noqa: E402
from upstreams.chatgpt_tokens import mint  # noqa: E402

DIRECT = os.environ.get("MILLRACE_E2E_DIRECT") == "1"
USUAL_LIMIT = 30.0
ROUTES = {
    "fast": ["openai/gpt-4o-mini", "deepseek/deepseek-chat"],
    "gpt-6-astra": ["openai/gpt-6-astra"],
}


# Time and totals


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """No test may hang: an alarm raises in the test itself, so its fixtures still clean up."""
    marker = item.get_closest_marker("limit")
    seconds = float(marker.args[0]) if marker else USUAL_LIMIT

    def expire(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """A failed test shows what the processes of its cluster wrote."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Cluster):
                report.sections.append(("cluster", value.report()))
        for cluster in getattr(item, "started_clusters", []):
            report.sections.append(("cluster", cluster.report()))
    return report


_notes: list[str] = []
_totals: dict[str, int] = {}


@pytest.fixture
def note() -> Callable[[str], None]:
    """Keeps a measured figure for the end of the run."""
    return _notes.append


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in _notes:
        terminalreporter.write_line(line)
    stats = terminalreporter.stats
    _totals["passed"] = len(stats.get("passed", [])) + len(stats.get("xpassed", []))
    _totals["failed"] = len(stats.get("failed", [])) + len(stats.get("error", []))
    _totals["skipped"] = len(stats.get("skipped", [])) + len(stats.get("xfailed", []))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The very last line is the one that machines read."""
    if _totals:
        skipped = f", {_totals['skipped']} skipped" if _totals["skipped"] else ""
        print(f"{_totals['passed']} passed, {_totals['failed']} failed{skipped}", flush=True)


# Processes


@pytest.fixture(scope="session")
def run_directory() -> Iterator[Path]:
    raise_file_limit()
    directory = Path(tempfile.mkdtemp(prefix="millrace-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def simulator(run_directory: Path) -> Iterator[Simulator]:
    simulator = Simulator(run_directory)
    yield simulator
    simulator.stop()


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """The simulated upstream with an empty journal and no scenario left over."""
    simulator.reset()
    return simulator


def _vendor(name: str, kind: type[Simulator] = Simulator) -> tuple[Any, Any]:
    """A simulated vendor that runs for all tests, and the fixture of one test, for which it has forgotten the others."""

    @pytest.fixture(scope="session", name=f"{name}_process")
    def process(run_directory: Path) -> Iterator[Simulator]:
        simulator = kind(run_directory, f"upstreams.{name}")
        yield simulator
        simulator.stop()

    @pytest.fixture(name=f"{name}_sim")
    def fresh(request: pytest.FixtureRequest) -> Simulator:
        simulator: Simulator = request.getfixturevalue(f"{name}_process")
        simulator.reset()
        return simulator

    return process, fresh


anthropic_process, anthropic_sim = _vendor("anthropic")
ollama_process, ollama_sim = _vendor("ollama")
gemini_process, gemini_sim = _vendor("gemini")
minimax_process, minimax_sim = _vendor("minimax")
grok_process, grok_sim = _vendor("grok", GrokSimulator)
flowgpt_process, flowgpt_sim = _vendor("flowgpt")
chatgpt_process, chatgpt_sim = _vendor("chatgpt")


@pytest.fixture(scope="session")
def engine_processes(run_directory: Path) -> Iterator[dict[str, Simulator]]:
    """Simulated engines by kind; each is started when it is first asked for."""
    started: dict[str, Simulator] = {}
    yield started
    for simulator in started.values():
        simulator.stop()


@pytest.fixture
def engine_sim(run_directory: Path, engine_processes: dict[str, Simulator]) -> Callable[[str], Simulator]:
    def of_kind(kind: str) -> Simulator:
        if kind not in engine_processes:
            engine_processes[kind] = Simulator(run_directory, "upstreams.engines", "--kind", kind)
        engine_processes[kind].reset()
        return engine_processes[kind]

    return of_kind


@pytest.fixture(scope="session")
def redis(run_directory: Path) -> Iterator[RedisServer]:
    redis = RedisServer(run_directory)
    yield redis
    redis.stop()


def upstream_environment(simulator: Simulator) -> dict[str, str]:
    """The environment that points a worker at the simulated upstream."""
    return {
        "OPENAI_API_KEY": "sim-key-1,sim-key-2",
        "OPENAI_BASE_URL": simulator.base_url,
        "DEEPSEEK_API_KEY": "sim-deep-1",
        # Tests that make an upstream fail must not take its accounts from those that follow.
        "COOLDOWNS": "false",
        "DEEPSEEK_API_URL": simulator.deepseek_url,
        "MODEL_ROUTES": json.dumps(ROUTES),
    }


@pytest.fixture(scope="session")
def shared_cluster(redis: RedisServer, simulator: Simulator) -> Iterator[Cluster]:
    if DIRECT:
        pytest.skip("needs the gateway")
    # None of the tests that share it is about a slow Redis; on a busy machine it may be one.
    patience = {"REDIS_TIMEOUT_MS": "2000"}
    cluster = Cluster(redis, workers=2, env=upstream_environment(simulator) | patience)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(shared_cluster: Cluster, sim: Simulator) -> Cluster:
    """Two workers and an edge with everyday settings, shared by all tests that leave no marks on it."""
    return shared_cluster


@pytest.fixture
def start_cluster(
    request: pytest.FixtureRequest, redis: RedisServer, sim: Simulator
) -> Iterator[Callable[..., Cluster]]:
    """Starts clusters of a test's own; keyword arguments in capitals are environment variables."""
    if DIRECT:
        pytest.skip("needs the gateway")
    started: list[Cluster] = []
    request.node.started_clusters = started
    with ExitStack() as stack:

        def start(workers: int = 1, edge: bool = False, **env: str | float) -> Cluster:
            database = 1 + len(started)
            redis.flush(database)
            settings = upstream_environment(sim) | {name: str(value) for name, value in env.items()}
            cluster = Cluster(redis, workers, settings, edge, database)
            started.append(cluster)
            stack.callback(cluster.stop)
            return cluster.start()

        yield start


@pytest.fixture
def start_mirror(start_cluster: Callable[..., Cluster], chatgpt_sim: Simulator) -> Callable[..., Cluster]:
    """Starts clusters that mirror the simulated ChatGPT site, with these tokens in their pool."""

    def start(*tokens: str, workers: int = 2, edge: bool = False, **env: str | float) -> Cluster:
        usual: dict[str, str | float] = {
            "ENABLE_GATEWAY": "true",
            "CHATGPT_TOKENS": " ".join(tokens or (mint("at-ok-1"), mint("at-ok-2"))),
            "CHATGPT_BASE_URL": chatgpt_sim.url,
            "OPENAI_AUTH_TOKEN_URL": f"{chatgpt_sim.url}/oauth/token",
            "MILLRACE_SECRET": SECRET,
            "ADMIN_PASSWORD": ADMIN,
            "REDIS_TIMEOUT_MS": 2000,
        }
        return start_cluster(workers=workers, edge=edge, **usual | env)

    return start


@pytest.fixture(scope="session")
def simulators(run_directory: Path) -> Iterator[dict[str, Simulator]]:
    """Every vendor's simulator, by the vendor's name."""
    started: dict[tuple[str, ...], Simulator] = {}
    for vendor in VENDORS + ENGINES:
        key = (vendor.module, *vendor.options)
        if key not in started:
            started[key] = Simulator(run_directory, vendor.module, *vendor.options, send_buffer=65536)
    yield {vendor.name: started[(vendor.module, *vendor.options)] for vendor in VENDORS + ENGINES}
    for simulator in started.values():
        simulator.stop()


@pytest.fixture(scope="session")
def vendors_cluster(redis: RedisServer, simulators: dict[str, Simulator]) -> Iterator[Cluster]:
    """Two workers and an edge in front of every vendor."""
    env = {"COOLDOWNS": "false", "REDIS_TIMEOUT_MS": "2000", "RETRY_TIMES": "0"}
    env |= environment_of(VENDORS + ENGINES, simulators)
    redis.flush(7)
    cluster = Cluster(redis, workers=2, env=env, database=7)
    cluster.start()
    yield cluster
    cluster.stop()


# Clients


@dataclass
class Target:
    """Where the client libraries are pointed at."""

    base_url: str
    key: str
    address: Address
    is_gateway: bool


@pytest.fixture
def target(request: pytest.FixtureRequest, sim: Simulator) -> Target:
    if DIRECT:
        return Target(sim.base_url, "sim-key-1", ("127.0.0.1", sim.port), False)
    cluster: Cluster = request.getfixturevalue("cluster")
    return Target(cluster.base_url, KEY, cluster.edge, True)


@pytest.fixture
def client(target: Target) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=target.base_url, api_key=target.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
async def aclient(target: Target) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=target.base_url, api_key=target.key, max_retries=0, timeout=20) as client:
        yield client
