"""Everything changes all the time: nothing grows, nothing is left over, the books are right.

SOAK_SECONDS sets the length; `make soak` runs ten minutes.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.churn import SURVIVORS, Churn, exact_asks
from support.cluster import Cluster
from support.commands import worker_json
from support.governed import LEASE, PLAIN, Governed
from support.load import Load, finished
from support.redises import PrivateRedis, key_names
from support.simulator import Simulator
from support.waiting import wait_until

pytestmark = pytest.mark.chaos

SECONDS = float(os.environ.get("SOAK_SECONDS", "40"))
Start = Callable[..., Cluster]
# Redis is never away here; on a busy machine it may be late, which is no reason to do without it.
PATIENT = 1000
# Between the first third and the last: what a worker may still learn, and what its allocator scatters.
MEMORY_SLACK = 4 << 20
DESCRIPTOR_SLACK = 24
# The keys without a lifetime, as docs/redis-keys.md lists them, with how many entries each kind may have in all:
# so many for each API key, for each account, and besides.
LASTING: dict[str, tuple[int, int, int]] = {
    r"millrace:\{keys\}": (1, 0, 0),
    r"millrace:\{keys\}:[0-9a-f]{64}": (16, 0, 0),
    r"millrace:\{limit:[0-9a-f]{16}\}:budgets": (8, 0, 0),
    r"millrace:\{pool:\w+\}:pool": (0, 0, 20),
    r"millrace:\{pool:\w+\}:(ready|away|accounts|registered|departed)": (0, 5, 0),
    r"millrace:\{pool:\w+\}:models": (0, 0, 128),
    r"millrace:\{pool:\w+\}:account:[0-9a-f]{16}": (0, 32, 0),
    r"millrace:\{ledger\}:log": (0, 0, 110_000),
    r"millrace:\{settings\}": (0, 0, 30),
    r"millrace:\{settings\}:version": (0, 0, 1),
    r"millrace:\{settings\}:audit": (0, 0, 1200),
    r"millrace:\{leader\}:token": (0, 0, 1),
    r"millrace:\{leader\}:jobs": (0, 0, 20),
}


@pytest.fixture
def own_redis() -> Iterator[PrivateRedis]:
    with tempfile.TemporaryDirectory(prefix="millrace-") as directory:
        redis = PrivateRedis(Path(directory))
        yield redis
        redis.stop()


def entries(redis: PrivateRedis) -> dict[str, int]:
    """How many entries each key without a lifetime has."""
    script = (
        "local out = {} for _, name in ipairs(ARGV) do local life = redis.call('TTL', name) if life == -1 then "
        "local kind = redis.call('TYPE', name).ok local size = 1 "
        "if kind == 'zset' then size = redis.call('ZCARD', name) elseif kind == 'hash' then size = redis.call('HLEN', name) "
        "elseif kind == 'set' then size = redis.call('SCARD', name) elseif kind == 'stream' then size = redis.call('XLEN', name) "
        "end out[#out + 1] = name .. ' ' .. size end end return out"
    )
    names = list(key_names(redis.port))
    found: dict[str, int] = {}
    for start in range(0, len(names), 500):
        command = ["redis-cli", "-p", str(redis.port), "EVAL", script, "0", *names[start : start + 500]]
        text = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
        for line in text.splitlines():
            name, _, size = line.strip().rpartition(" ")
            if name:
                found[name] = int(size)
    return found


def check_keys(governed: Governed, redis: PrivateRedis) -> dict[str, int]:
    """Every key without a lifetime is one that is known, and no kind is larger than what there is accounts for."""
    keys = len(worker_json(governed.cluster, "keys", "list"))
    pools = ("openai", "deepseek")
    accounts = sum(len(worker_json(governed.cluster, "accounts", pool, "list")) for pool in pools)
    sums: dict[str, int] = {}
    for name, size in entries(redis).items():
        kind = next((pattern for pattern in LASTING if re.fullmatch(pattern, name)), None)
        assert kind, f"{name} has no lifetime and is not known to need none"
        sums[kind] = sums.get(kind, 0) + size
    for kind, total in sums.items():
        each_key, each_account, besides = LASTING[kind]
        assert total <= each_key * keys + each_account * accounts + besides, f"{kind}: {total} entries"
    return sums


@pytest.mark.limit(SECONDS + 60)
def test_nothing_grows(start_cluster: Start, sim: Simulator, own_redis: PrivateRedis, note: Callable[[str], None]) -> None:
    governed = Governed.start(start_cluster, sim, own_redis.url(), RETRY_TIMES=2, REDIS_TIMEOUT_MS=PATIENT)
    sim.take()
    base = plain_tokens(governed)
    survivors = [governed.cluster.workers[place].process for place in SURVIVORS]
    memory: list[list[int]] = []
    descriptors: list[list[int]] = []
    vendor = [0, 0, 0]

    def read_vendor() -> None:
        for model, prompt, completion in finished(sim.take()):
            if f"openai/{model}" == PLAIN:
                vendor[0] += 1
                vendor[1] += prompt
                vendor[2] += completion

    began = time.monotonic()
    sampled = 0.0
    with Load(governed.cluster, exact_asks(governed), clients=8, pause=0.03) as load:
        churn = Churn(governed, load)
        while time.monotonic() < began + SECONDS:
            churn.step()
            wait_until(lambda now=time.monotonic(): time.monotonic() > now + 0.05)
            if time.monotonic() > sampled + 1:
                sampled = time.monotonic()
                memory.append([process.memory() for process in survivors if process])
                descriptors.append([len(os.listdir(f"/proc/{process.pid}/fd")) for process in survivors if process])
                read_vendor()
        churn.restore()
    assert [process.pid for process in survivors if process and process.is_running] == [governed.pids[p] for p in SURVIVORS]
    read_vendor()
    third = len(memory) // 3
    grown = [median(memory[-third:], place) - median(memory[:third], place) for place in range(len(SURVIVORS))]
    opened = [median(descriptors[-third:], place) - median(descriptors[:third], place) for place in range(len(SURVIVORS))]
    note(f"soak of {SECONDS:.0f} s: {len(load.samples)} requests {load.summary()}; {dict(churn.counts)}")
    rates = ", ".join(f"{median(memory[-third:], place) / 1e6:.1f} MB" for place in range(len(SURVIVORS)))
    note(f"soak: memory {rates}, grown by {[round(g / 1e3) for g in grown]} kB, descriptors by {opened}")
    assert max(grown) < MEMORY_SLACK
    assert max(opened) < DESCRIPTOR_SLACK
    check_ledger(governed, vendor, base, churn, note)
    wait_until(lambda: not governed.nothing_left(own_redis.port), 2 * LEASE + 4, every=0.2, what="the end of all leases")
    left = check_keys(governed, own_redis)
    note(f"soak: {sum(left.values())} entries without a lifetime, {sum(1 for _ in key_names(own_redis.port))} keys in all")


def median(rows: list[list[int]], place: int) -> int:
    return int(statistics.median(row[place] for row in rows))


def plain_tokens(governed: Governed) -> tuple[int, int]:
    """What the ledger has of the model whose every token counts."""
    wait_until(lambda: not governed.budget_differs(), 3, every=0.1)
    row = next(row for row in worker_json(governed.cluster, "usage", "--by", "model") if row["id"] == PLAIN)
    return row["prompt_tokens"], row["completion_tokens"]


def check_ledger(
    governed: Governed, vendor: list[int], base: tuple[int, int], churn: Churn, note: Callable[[str], None]
) -> None:
    """Nothing is missing but what killed workers had in their hands, and nothing is there twice."""
    prompts = sum(sample.prompt for sample in churn.at_risk if sample.ask.model == PLAIN)
    completions = sum(sample.completion for sample in churn.at_risk if sample.ask.model == PLAIN)

    def missing() -> tuple[int, int]:
        prompt, completion = plain_tokens(governed)
        return vendor[1] - (prompt - base[0]), vendor[2] - (completion - base[1])

    wait_until(lambda: missing()[0] <= prompts and missing()[1] <= completions, 5, every=0.2, what="the ledger")
    prompt, completion = missing()
    note(
        f"soak: vendors served {vendor[0]} exact answers of {vendor[1]} + {vendor[2]} tokens; the ledger lacks {prompt} + "
        f"{completion}, {len(churn.at_risk)} requests were in flight in {churn.counts['kills']} killed workers"
    )
    assert 0 <= prompt <= prompts and 0 <= completion <= completions
