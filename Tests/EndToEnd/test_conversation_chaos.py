"""Hundreds of conversations while workers are killed and accounts reach their limits: every one keeps its memory."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.cluster import Cluster
from support.commands import SECRET, made_key
from support.grok import GrokSimulator
from support.talking import Answer, Broken, Forgotten, Habit, Refused, Talk, somewhere
from support.waiting import wait_until

Start = Callable[..., Cluster]
Note = Callable[[str], None]

MANY = int(os.environ.get("CONVERSATIONS", "500"))
TURNS = 8
WORKERS = 4
ACCOUNTS = 40
OWNERS = 10
IN_FLIGHT = 4
PATIENCE = 20.0


@dataclass
class Books:
    """What became of all turns."""

    turns: Counter[str] = field(default_factory=Counter)
    passages: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kills: int = 0
    limits: int = 0


class Crowd:
    """People who talk at once, each turn at another worker than the last one."""

    def __init__(self, cluster: Cluster, keys: list[str], conversations: int, seed: int) -> None:
        self.cluster = cluster
        self.books = Books()
        self.lock = threading.Lock()
        self.answered = threading.Condition()
        self.seed = seed
        habits = list(Habit)
        self.talks = [
            Talk(f"c{number}-o{number % OWNERS}", keys[number % OWNERS], habits[number % len(habits)])
            for number in range(conversations)
        ]

    def hold(self, number: int) -> None:
        talk, dice, last = self.talks[number], random.Random(self.seed + number), number % WORKERS
        addresses = [worker.address for worker in self.cluster.workers]
        for _ in range(TURNS):
            deadline = time.monotonic() + PATIENCE
            while True:
                last = somewhere(addresses, last, dice)
                outcome = self._try(talk, addresses[last], dice.random() < 0.7)
                if outcome == "answered":
                    break
                if outcome == "over" or time.monotonic() > deadline:
                    self._count("given up" if outcome == "over" else "out of patience")
                    return
                with self.answered:
                    # Accounts that were all taken are free again when somebody has had an answer.
                    self.answered.wait(1.0)

    def _try(self, talk: Talk, address: Any, stream: bool) -> str:
        try:
            answer: Answer = talk.turn(address, stream)
        except Forgotten as forgotten:
            with self.lock:
                self.books.wrong.append(str(forgotten))
            return "over"
        except Broken:
            self._count("broken")
            return "again"
        except Refused as refused:
            with self.lock:
                self.books.refusals[f"{refused.status} {refused.code}"] += 1
            return "over" if refused.status == 409 else "again"
        with self.lock:
            self.books.turns["answered"] += 1
            self.books.passages[answer.passage] += 1
        with self.answered:
            self.answered.notify_all()
        return "answered"

    def _count(self, what: str) -> None:
        with self.lock:
            self.books.turns[what] += 1


class Trouble(threading.Thread):
    """Kills a worker now and then, and lets accounts reach their limits."""

    def __init__(self, cluster: Cluster, sim: GrokSimulator, books: Books, seed: int) -> None:
        super().__init__(daemon=True)
        self.cluster, self.sim, self.books = cluster, sim, books
        self.dice = random.Random(seed)
        self.over = threading.Event()

    def run(self) -> None:
        killed = time.monotonic() - 1
        while not self.over.wait(0.1):
            account = f"sim-grok-heavy-{self.dice.randrange(ACCOUNTS)}"
            rule = {"account": account, "operation": "chat", "fault": "too_many", "wait": 3, "times": 1}
            self.sim.faults(rule, add=True)
            self.books.limits += 1
            if time.monotonic() - killed > 0.5 + self.dice.random():
                victim = self.dice.randrange(WORKERS)
                self.cluster.kill_worker(victim)
                self.books.kills += 1
                self.cluster.restart_worker(victim)
                killed = time.monotonic()


@pytest.mark.chaos
@pytest.mark.limit(300)
def test_hundreds_of_conversations_keep_their_memory(
    start_cluster: Start, grok_sim: GrokSimulator, note: Note
) -> None:
    hold_conversations(start_cluster, grok_sim, note, MANY, kills=3)


@pytest.mark.limit(60)
def test_conversations_keep_their_memory(start_cluster: Start, grok_sim: GrokSimulator, note: Note) -> None:
    hold_conversations(start_cluster, grok_sim, note, 60, kills=1)


def hold_conversations(start_cluster: Start, grok_sim: GrokSimulator, note: Note, conversations: int, kills: int) -> None:
    grok_sim.settings(in_flight_limit=IN_FLIGHT, latency=[0.0, 0.03])
    cluster = start_cluster(
        workers=WORKERS,
        edge=False,
        GROK_BASE_URL=grok_sim.url,
        GROK_ASSETS_URL=grok_sim.url,
        GROK_TOKENS=",".join(f"sim-grok-heavy-{number}" for number in range(ACCOUNTS)),
        GROK_CONCURRENCY=str(IN_FLIGHT),
        MILLRACE_SECRET=SECRET,
        COOLDOWNS="true",
        LEASE_TTL="5",
        REDIS_TIMEOUT_MS="2000",
        MAX_CONVERSATIONS_PER_ACCOUNT="1000",
        LOG_LEVEL="error",
    )
    keys = [made_key(cluster, f"owner-{number}") for number in range(OWNERS)]
    crowd = Crowd(cluster, keys, conversations, seed=5)
    trouble = Trouble(cluster, grok_sim, crowd.books, seed=6)
    began = time.monotonic()
    trouble.start()
    try:
        with ThreadPoolExecutor(48) as pool:
            list(pool.map(crowd.hold, range(conversations)))
    finally:
        trouble.over.set()
        trouble.join(20)
    seconds = time.monotonic() - began
    books = crowd.books
    stats = wait_until(lambda: s if not (s := grok_sim.stats())["conversations"]["running"] else None, 30)
    accounts = stats["accounts"]
    violations = sum(account["violations"] for account in accounts.values())
    lags = sorted(use["at"] - use["told_at"] for a in accounts.values() for use in a["early_records"])
    note(
        f"{conversations} conversations of {TURNS} turns over {WORKERS} workers in {seconds:.0f} s: "
        f"{dict(books.turns)}, {books.kills} workers killed, {books.limits} limits reached"
    )
    note(f"passages {dict(books.passages)}, refusals {dict(books.refusals)}")
    note(
        f"in flight: {violations} violations, peak {max(a['in_flight_peak'] for a in accounts.values())} of {IN_FLIGHT}; "
        f"{len(lags)} uses after a 429 was told, the last {lags[-1] * 1000 if lags else 0:.0f} ms after it"
    )
    note(f"conversations at the upstream {stats['conversations']}, links left {len(stats['links_left'])}")
    assert not books.wrong, books.wrong[:5]
    assert books.kills >= kills and books.limits >= kills
    assert books.turns["answered"] + books.turns["given up"] * TURNS >= conversations * TURNS
    assert books.turns["out of patience"] == 0
    assert set(books.refusals) <= {
        "409 conversation_unavailable", "429 rate_limit_exceeded", "503 upstream_overloaded", "503 state_unavailable",
        "503 overloaded", "200 upstream_cut",
    }, books.refusals  # fmt: skip
    assert violations == 0
    # The call that was told of the limit must end, and its report's script run, before anybody can know.
    assert not lags or lags[-1] < 1.0


def figures(cluster: Cluster) -> dict[str, float]:
    """What Redis has done so far, and what the worker has spent."""
    told = cluster.redis.command("INFO", "everything").decode(errors="replace")
    found = {name: float(value) for name, _, value in (line.partition(":") for line in told.split("\r\n")) if name in NAMES}
    process = cluster.workers[0].process
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return found | {"cpu": (int(fields[11]) + int(fields[12])) / ticks * 1e6}


NAMES = {"total_commands_processed", "total_net_input_bytes", "total_net_output_bytes"}


@pytest.mark.chaos
@pytest.mark.limit(120)
def test_what_a_turn_costs(start_cluster: Start, grok_sim: GrokSimulator, note: Note) -> None:
    """Figures for people; what is asserted is only that a turn is a matter of a few commands."""
    cluster = start_cluster(
        workers=1,
        edge=False,
        GROK_BASE_URL=grok_sim.url,
        GROK_ASSETS_URL=grok_sim.url,
        GROK_TOKENS=",".join(f"sim-grok-heavy-{number}" for number in range(4)),
        MILLRACE_SECRET=SECRET,
        REDIS_TIMEOUT_MS="2000",
        LOG_LEVEL="error",
    )
    talks = [Talk(f"t{number}-o0", cluster.key, Habit.NAMED) for number in range(50)]
    for talk in talks:
        talk.turn(cluster.worker)
    before = figures(cluster)
    for _ in range(6):
        for talk in talks:
            talk.turn(cluster.worker)
    after = figures(cluster)
    turns = 6 * len(talks)
    spent = {name: (after[name] - before[name]) / turns for name in after}
    note(
        f"a continued turn: {spent['total_commands_processed']:.1f} commands of Redis (those of scripts included), "
        f"{spent['total_net_input_bytes']:.0f} bytes to it and {spent['total_net_output_bytes']:.0f} from it, "
        f"{spent['cpu']:.0f} µs of the worker's CPU"
    )
    assert spent["total_commands_processed"] < 120
