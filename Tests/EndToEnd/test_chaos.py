"""Everything that can happen to Redis while requests run: nothing crashes, nobody waits, no count is lost."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.cluster import KEY, Cluster
from support.governed import COUNTED, LEASE, RATE, Governed
from support.load import CHAT, Ask, Load, pause, percentile, slowest
from support.raw import chat, fetch, told
from support.redises import ClusterRedis, PrivateRedis, SentinelRedis
from support.simulator import Recorded, Simulator
from support.waiting import wait_until

pytestmark = pytest.mark.chaos

Start = Callable[..., Cluster]
Note = Callable[[str], None]
# A request needs some milliseconds, and a command of Redis has 50 of them before others decide.
LONGEST = 1.0
BACK = 1.0
# For what is not about a Redis that is away: on a busy machine it may be late.
PATIENT = 1000


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="millrace-") as directory:
        yield Path(directory)


@pytest.fixture
def own_redis(directory: Path) -> Iterator[PrivateRedis]:
    """A Redis that a test may break, with an append-only file."""
    redis = PrivateRedis(directory, append_only=True)
    yield redis
    redis.stop()


def check_load(load: Load, note: Note, what: str) -> None:
    """No answer but those the table allows, none of them late."""
    allowed = {"whole"} | ({"503 state_unavailable"} if what != "scripts" else set())
    wrong = [s for s in load.samples if not s.is_whole and f"{s.status} {s.code}" not in allowed]
    assert not wrong, f"{len(wrong)} of {len(load.samples)}: " + "; ".join(map(str, wrong[:5]))
    # Only what must be counted may be refused.
    refused = {s.ask.model for s in load.samples if not s.is_whole}
    assert refused <= {COUNTED}, refused
    note(f"{what}: {len(load.samples)} requests {load.summary()}, slowest {slowest(load.samples) * 1000:.0f} ms")
    assert slowest(load.samples) < LONGEST


def check_books(governed: Governed, note: Note, what: str, port: int | None = None, lost: int = 0) -> None:
    """The ledger has what the vendors have, and nothing is held any more."""
    vendor = governed.vendor()

    def equal() -> bool:
        return governed.totals()[0] >= vendor[0] - lost

    wait_until(equal, 5, every=0.1, what=f"{vendor} in the ledger, which has {governed.totals()}")
    ledger = governed.totals()
    note(f"{what}: the ledger has {ledger[0]} answers of {ledger[1]} + {ledger[2]} tokens, the vendors say {vendor}")
    if lost:
        assert vendor[0] - lost <= ledger[0] <= vendor[0] and ledger[1] <= vendor[1] and ledger[2] <= vendor[2]
    else:
        assert ledger == vendor
        wait_until(lambda: not governed.budget_differs(), 3, every=0.1, what="the budget to be what the ledger has")
    wait_until(lambda: not governed.nothing_left(port), 2 * LEASE + 3, every=0.2, what="the end of all leases")
    governed.check_alive()


def told_back(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value * 1000:.0f}" for name, value in seconds.items()) + " ms"


@pytest.mark.limit(60)
def test_redis_frozen_for_ten_seconds(
    start_cluster: Start, sim: Simulator, own_redis: PrivateRedis, note: Note
) -> None:
    governed = Governed.start(start_cluster, sim, own_redis.url())
    with governed.load() as load:
        pause(1)
        own_redis.freeze()
        frozen = time.monotonic()
        wait_until(lambda: governed.all_say(503), 3, what="all workers to notice")
        noticed = time.monotonic() - frozen
        worst = max(governed.check_away(worker) for worker in range(4))
        shares = governed.check_shares()
        pause(max(0.0, frozen + 10 - time.monotonic()))
        meanwhile = load.between(frozen, time.monotonic())
        own_redis.thaw()
        back = governed.check_back(time.monotonic())
        pause(1)
    note(f"frozen: noticed in {noticed * 1000:.0f} ms, slowest row {worst * 1000:.0f} ms, {shares}")
    note(f"frozen: {len(meanwhile)} requests meanwhile, back after {told_back(back)}")
    assert worst < LONGEST
    check_load(load, note, "frozen")
    check_books(governed, note, "frozen", own_redis.port)
    assert max(back.values()) < BACK


@pytest.mark.limit(60)
def test_redis_killed_and_started_again(
    start_cluster: Start, sim: Simulator, own_redis: PrivateRedis, note: Note
) -> None:
    governed = Governed.start(start_cluster, sim, own_redis.url())
    with governed.load() as load:
        pause(1)
        own_redis.kill()
        killed = time.monotonic()
        wait_until(lambda: governed.all_say(503), 3, what="all workers to notice")
        noticed = time.monotonic() - killed
        worst = max(governed.check_away(worker) for worker in range(4))
        governed.check_shares()
        own_redis.launch()
        back = governed.check_back(time.monotonic())
        pause(1)
    note(f"killed: noticed in {noticed * 1000:.0f} ms, slowest row {worst * 1000:.0f} ms, back after {told_back(back)}")
    assert worst < LONGEST
    check_load(load, note, "killed")
    check_books(governed, note, "killed", own_redis.port)
    assert max(back.values()) < BACK


@pytest.mark.limit(40)
def test_scripts_are_flushed(start_cluster: Start, sim: Simulator, own_redis: PrivateRedis, note: Note) -> None:
    governed = Governed.start(start_cluster, sim, own_redis.url(), REDIS_TIMEOUT_MS=PATIENT)
    with governed.load() as load:
        for _ in range(20):
            assert own_redis.ask("SCRIPT", "FLUSH") == "OK"
            pause(0.1)
    check_load(load, note, "scripts")
    check_books(governed, note, "scripts", own_redis.port)


@pytest.mark.limit(40)
def test_redis_is_full(start_cluster: Start, sim: Simulator, own_redis: PrivateRedis, note: Note) -> None:
    governed = Governed.start(start_cluster, sim, own_redis.url())
    with governed.load() as load:
        pause(0.5)
        assert own_redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1") == "OK"
        for worker in range(4):
            governed.check_full(worker)
        served = governed.check_rate_when_full()
        pause(2)
        assert own_redis.ask("CONFIG", "SET", "maxmemory", "0") == "OK"
        back = governed.check_back(time.monotonic())
        pause(0.5)
    note(f"full: {served} requests at a rate of {RATE} over 4 workers, back after {told_back(back)}")
    check_load(load, note, "full")
    check_books(governed, note, "full", own_redis.port)
    assert max(back.values()) < BACK


@pytest.mark.limit(60)
def test_sentinels_elect_another_master(start_cluster: Start, sim: Simulator, directory: Path, note: Note) -> None:
    setting = SentinelRedis(directory)
    try:
        governed = Governed.start(start_cluster, sim, setting.url())
        with governed.load() as load:
            pause(1)
            setting.master.kill()
            killed = time.monotonic()
            wait_until(lambda: setting.knows(setting.replica.port), 20, what="a new master")
            elected = time.monotonic()
            back = governed.check_back(elected)
            pause(1)
        note(f"sentinels: a new master after {elected - killed:.1f} s, back after {told_back(back)}")
        check_load(load, note, "sentinels")
        # What the old master had not passed on when it died is gone, as Redis' replication is.
        late = [s for s in load.samples if s.is_whole and killed - 0.2 < s.ended < killed]
        check_books(governed, note, "sentinels", setting.replica.port, lost=len(late))
        assert max(back.values()) < BACK
    finally:
        setting.stop()


@pytest.mark.limit(60)
def test_a_cluster_moves_slots(start_cluster: Start, sim: Simulator, directory: Path, note: Note) -> None:
    setting = ClusterRedis(directory)
    try:
        governed = Governed.start(start_cluster, sim, setting.url())
        names = ["{pool:openai}", "{pool:deepseek}", "{ledger}", "{keys}", "{settings}", "{workers}"]
        slots = [setting.slot(f"millrace:{name}") for name in names] + [governed.limit_slot(setting)]
        with governed.load() as load:
            pause(1)
            moved = 0
            for _ in range(2):
                for slot in slots:
                    moved += setting.move(slot)
            back = governed.check_back(time.monotonic())
            pause(1)
        note(f"slots: {2 * len(slots)} moved with {moved} keys, back after {told_back(back)}")
        check_load(load, note, "slots")
        check_books(governed, note, "slots")
        assert max(back.values()) < BACK
    finally:
        setting.stop()


def uses_of(load: Load, model: str, start: int) -> int:
    return sum(sample.ask.model == model for sample in load.samples[start:])


def reach(cluster: Cluster, sim: Simulator, trials: int) -> list[float]:
    """Under steady load one worker after the other meets a limit; how long after its refusal the others last used that
    account for that model, by the vendor's clock."""
    limited = {"fault": "status", "status": 429, "headers": {"Retry-After": "300"}}
    with Load(cluster, [Ask(KEY, "openai/trial-0")], clients=8, pause=0.002) as load:
        for trial in range(trials):
            before = len(load.samples)
            load.asks = [Ask(KEY, f"openai/trial-{trial}")]
            # Until every worker has used both accounts for it, however busy the machine is.
            wait_until(lambda start=before, name=f"openai/trial-{trial}": uses_of(load, name, start) >= 40, 10)
            body = chat(told(limited, f"Trial {trial}."), f"openai/trial-{trial}")
            assert fetch(cluster.workers[trial % 4].address, CHAT, body, KEY).status == 429
            pause(0.08)
    uses: dict[str, list[Recorded]] = {}
    for record in sim.requests("/chat/completions"):
        uses.setdefault(record.json["model"], []).append(record)
    delays = []
    for trial in range(trials):
        records = uses[f"trial-{trial}"]
        refusal = next(record for record in records if record["status"] == 429)
        own = f" to {trial % 4}."
        elsewhere = [r for r in records if r.key == refusal.key and r["status"] == 200 and own not in r.body.decode()]
        assert elsewhere, "others used the account, too"
        delays.append(max(0.0, max(r["at"] for r in elsewhere) - refusal["ended_at"]))
    return delays


@pytest.mark.limit(60)
def test_a_limit_met_by_one_worker_is_known_to_all(start_cluster: Start, sim: Simulator, note: Note) -> None:
    """How long another worker still uses an account for a model after the vendor has refused it to one."""
    trials = 100
    env = {"COOLDOWNS": "true", "RETRY_TIMES": 0, "REDIS_TIMEOUT_MS": PATIENT}
    cluster = start_cluster(workers=4, OPENAI_API_KEY="sim-a,sim-b", **env)
    delays = reach(cluster, sim, trials)
    late = sum(delay > 0.020 for delay in delays)
    note(
        f"a 429 known to all: {len(delays)} trials over 4 workers, last use elsewhere after p50 "
        f"{percentile(delays, 0.5) * 1000:.1f} ms, p99 {percentile(delays, 0.99) * 1000:.1f} ms, "
        f"max {max(delays) * 1000:.1f} ms, {late} later than 20 ms"
    )
    assert len(delays) == trials
    assert percentile(delays, 0.5) < 0.020
    assert max(delays) < 1.0, "never again, not only less often"


def test_what_kills_workers_kills_two_of_them_at_most(start_cluster: Start, sim: Simulator) -> None:
    """A request that was sent to a worker is sent to one other, whatever becomes of that one."""
    cluster = start_cluster(workers=4, edge=True)
    body = chat(told({"fault": "silence"}), "openai/gpt-4o")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(fetch, cluster.edge, CHAT, body, KEY)
        for victim in range(2):
            wait_until(lambda sent=victim + 1: len(sim.requests(CHAT)) == sent, 5, what="the request upstream")
            cluster.kill_worker(next(place for place in alive(cluster) if open_requests(cluster, place) == 2))
        assert answer.result(5).status == 502
    assert len(sim.requests(CHAT)) == 2 and len(alive(cluster)) == 2


def alive(cluster: Cluster) -> list[int]:
    return [place for place, worker in enumerate(cluster.workers) if worker.process and worker.process.is_running]


def open_requests(cluster: Cluster, place: int) -> int:
    """How many requests a worker has, the one that asks among them."""
    text = bytes(fetch(cluster.workers[place].address, "/metrics?scope=worker").body).decode()
    return int(next(line.split()[-1] for line in text.splitlines() if line.startswith("millrace_open_requests")))
