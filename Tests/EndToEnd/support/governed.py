"""A cluster with everything on: keys with limits and budgets, pools of both kinds, settings, an administrator."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .cluster import KEY, Cluster
from .commands import ADMIN, SECRET, admin_json, made_key, run_worker, worker_json
from .load import CHAT, Ask, Load, finished
from .raw import Decoder, chat, fetch, told
from .redises import ClusterRedis, key_names
from .simulator import Simulator
from .waiting import wait_until

PLAIN = "openai/gpt-4o-mini"
#: Served by one account that takes so many calls at once: only Redis can say whether there is room.
COUNTED = "deepseek/deepseek-chat"
ROOM = 24
ECHO = "echo/echo"
ALIAS = "chaos-alias"
RATE = 40
LEASE = 2
ENVIRONMENT = {
    "ADMIN_PASSWORD": ADMIN,
    "MILLRACE_SECRET": SECRET,
    "LEASE_TTL": LEASE,
    "COOLDOWNS": "true",
    "OPENAI_API_KEY": "sim-a,sim-b",
    "DEEPSEEK_API_KEY": "",
}
UNLIMITED = ("--rpm", 1_000_000, "--tpm", 1_000_000_000, "--concurrent", 10_000, "--budget", "1000000000tokens/month")


@dataclass
class Governed:
    """The cluster with the keys that tell its rules apart."""

    cluster: Cluster
    sim: Simulator
    #: Limits of every kind, none of which is ever reached.
    free: str = ""
    #: A small rate, of which each worker has a share.
    shared: str = ""
    #: A budget that is spent, and one nobody has asked about yet.
    spent: str = ""
    fresh: str = ""
    pids: list[int] = field(default_factory=list)

    @classmethod
    def start(
        cls, start_cluster: Callable[..., Cluster], sim: Simulator, url: str, workers: int = 4, **env: Any
    ) -> Governed:
        began = time.monotonic()
        self = cls(start_cluster(workers=workers, REDIS_URL=url, **(ENVIRONMENT | env)), sim)
        self.free = made_key(self.cluster, "free", *UNLIMITED)
        self.shared = made_key(self.cluster, "shared", "--rpm", RATE)
        self.spent = made_key(self.cluster, "spent", "--budget", "100tokens/month")
        self.fresh = made_key(self.cluster, "fresh", "--budget", "100000tokens/month")
        done = run_worker(self.cluster, "accounts", "deepseek", "add", "-", "--concurrency", ROOM, stdin="sim-deep\n")
        assert done.returncode == 0, done.stderr
        routes = json.dumps({ALIAS: [PLAIN]})
        worker_json(self.cluster, "settings", "set", "model_routes", routes)
        self.pids = [worker.process.pid for worker in self.cluster.workers if worker.process]
        self._make_known()
        # With its second sign of life a worker knows how many there are.
        wait_until(lambda: time.monotonic() > began + 2.5)
        return self

    def _make_known(self) -> None:
        """Every worker has seen every key, and what is spent is spent."""
        assert self.ask(0, self.spent, PLAIN, tokens=120).status == 200
        for worker in range(len(self.cluster.workers)):
            wait_until(lambda w=worker: self.ask(w, self.free, ALIAS).status == 200, 3, what="the setting")
            wait_until(lambda w=worker: self.ask(w, KEY, COUNTED).status == 200, 3, what="the account")
            wait_until(lambda w=worker: self.ask(w, self.spent, PLAIN).status == 402, 3, what="the end of the budget")
            assert self.ask(worker, self.shared, ECHO).status == 200
            # Else the first look would last as long as the password's derivation.
            assert self.admin(worker) == 200
            # Known, but what it has spent was never asked.
            assert fetch(self.address(worker), "/v1/models", key=self.fresh).status == 200

    def address(self, worker: int) -> str:
        return str(self.cluster.workers[worker].address)

    def ask(self, worker: int, key: str, model: str, tokens: int = 2) -> Decoder:
        """One plain request that the vendor says has used so many tokens."""
        text = told({"usage": {"prompt_tokens": tokens - 1, "completion_tokens": 1, "total_tokens": tokens}})
        return fetch(self.address(worker), CHAT, chat(text, model, max_tokens=20), key)

    def change(self, worker: int, method: str, path: str, body: Any = None) -> Decoder:
        """One call of the administration."""
        secret = base64.b64encode(f"admin:{ADMIN}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}"}
        return fetch(self.address(worker), f"/admin/api/{path}", body, method=method, headers=headers)

    def admin(self, worker: int) -> int:
        """The status of a look at the administration."""
        return self.change(worker, "GET", "keys").status

    # Load

    def asks(self) -> list[Ask]:
        """Plain and streaming requests, by the master key and by one with limits, over both kinds of pools."""
        short = {"count": 3, "interval": 0.01}
        return [
            Ask(KEY, PLAIN),
            Ask(KEY, PLAIN, True, short),
            Ask(self.free, PLAIN),
            Ask(self.free, PLAIN, True, short),
            Ask(self.free, COUNTED),
            Ask(KEY, ECHO),
            Ask(self.free, ECHO, True),
        ]

    def load(self, clients: int = 8, pause: float = 0.03) -> Load:
        return Load(self.cluster, self.asks(), clients, pause)

    # The table

    def seconds_of(self, expected: str, call: Callable[[], bool], slowest: list[float]) -> None:
        """One row of the table holds, and nobody waited."""
        began = time.monotonic()
        assert call(), expected
        slowest.append(time.monotonic() - began)

    def check_away(self, worker: int) -> float:
        """What one worker does while Redis is away; returns how long its slowest answer took."""
        seconds: list[float] = []

        def row(said: str, call: Callable[[], bool]) -> None:
            self.seconds_of(f"worker {worker}: {said}", call, seconds)

        def refused(answer: Decoder) -> bool:
            return (
                answer.status == 503
                and error_code(answer) == "state_unavailable"
                and answer.header("retry-after") == "1"
            )

        row("the master key works", lambda: self.ask(worker, KEY, ECHO).status == 200)
        row("a known key works from memory", lambda: self.ask(worker, self.free, ECHO).status == 200)
        row("a key nobody has seen cannot be judged", lambda: refused(self.ask(worker, "sk-nobody", ECHO)))
        row("a pool of keys goes on", lambda: self.ask(worker, KEY, PLAIN).status == 200)
        row("a budget with room goes on", lambda: self.ask(worker, self.free, PLAIN).status == 200)
        row("a spent budget stays shut", lambda: self.ask(worker, self.spent, PLAIN).status in (402, 503))
        row("a budget of which nothing is known stays shut", lambda: refused(self.ask(worker, self.fresh, PLAIN)))
        row("calls that must be counted are not made", lambda: refused(self.ask(worker, KEY, COUNTED)))
        row("settings stay", lambda: self.ask(worker, KEY, ALIAS).status == 200)
        row("the administration says so", lambda: self.admin(worker) == 503)
        row("figures are the worker's own", lambda: workers_in(self.figures(worker)) == 1)
        row("the worker is not ready", lambda: fetch(self.address(worker), "/ready").status == 503)
        row("but lives", lambda: fetch(self.address(worker), "/health").status == 200)
        return max(seconds)

    def all_say(self, status: int) -> bool:
        """Whether every worker answers so when it is asked whether it is ready."""
        return all(fetch(self.address(w), "/ready").status == status for w in range(len(self.cluster.workers)))

    def check_full(self, worker: int) -> None:
        """What one worker does while Redis answers but takes nothing: what is read works, what is written does not."""
        assert self.ask(worker, KEY, ECHO).status == 200
        assert self.ask(worker, KEY, PLAIN).status == 200
        assert self.ask(worker, self.free, PLAIN).status == 200
        assert self.ask(worker, "sk-nobody", ECHO).status == 401, "keys can be read"
        assert self.ask(worker, KEY, COUNTED).status == 200, "a lease takes the place of those that have ended"
        assert self.ask(worker, self.spent, PLAIN).status in (402, 503)
        assert self.admin(worker) == 200
        refused = self.change(worker, "POST", "keys", {"name": "no room"})
        assert refused.status == 503 and error_code(refused) == "state_unavailable"
        assert fetch(self.address(worker), "/ready").status == 200

    def check_shares(self) -> dict[str, int]:
        """A rate goes on within each worker's share of it."""
        count = len(self.cluster.workers)
        served = []
        for worker in range(count):
            answers = [self.ask(worker, self.shared, ECHO) for _ in range(RATE // count + 3)]
            good = [answer for answer in answers if answer.status == 200]
            assert {answer.status for answer in answers} == {200, 429}
            assert error_code(answers[-1]) == "rate_limit_exceeded"
            assert {answer.header("x-ratelimit-limit-requests") for answer in good} == {str(RATE // count)}
            served.append(len(good))
        # One each was admitted by Redis within the same minute.
        assert served == [RATE // count - 1] * count
        return {"served": sum(served), "share": RATE // count}

    def check_rate_when_full(self) -> int:
        """Some decisions Redis can still write down, the others are made by the workers: open, but not without end."""
        statuses = [
            self.ask(w, self.shared, ECHO).status for w in range(len(self.cluster.workers)) for _ in range(RATE)
        ]
        assert set(statuses) == {200, 429}
        served = statuses.count(200)
        assert RATE // 2 <= served <= 2 * RATE
        return served

    def figures(self, worker: int) -> str:
        return bytes(fetch(self.address(worker), "/metrics").body).decode()

    def check_back(self, since: float) -> dict[str, float]:
        """How long after Redis every worker is back, for each thing that needs it, in seconds."""
        count = range(len(self.cluster.workers))
        limit = str(UNLIMITED[1])

        def decided(worker: int) -> bool:
            answer = self.ask(worker, self.free, ECHO)
            return answer.status == 200 and answer.header("x-ratelimit-limit-requests") == limit

        waits = {
            "ready": lambda w: fetch(self.address(w), "/ready").status == 200,
            "limits": decided,
            "leases": lambda w: self.ask(w, KEY, COUNTED).status == 200,
            "keys": lambda w: self.ask(w, "sk-nobody", ECHO).status == 401,
            "budgets": lambda w: self.ask(w, self.fresh, PLAIN).status == 200,
            "admin": lambda w: self.admin(w) == 200,
        }
        seconds = dict.fromkeys(waits, 0.0)
        waiting = {(name, worker) for name in waits for worker in count}
        # Asked in turn, so that none has to wait for another.
        while waiting:
            assert time.monotonic() - since < 10, f"never back: {sorted(waiting)}"
            for name, worker in sorted(waiting):
                if waits[name](worker):
                    waiting.discard((name, worker))
                    seconds[name] = max(seconds[name], time.monotonic() - since)
        return seconds

    # Afterwards

    def check_alive(self) -> None:
        assert [w.process.pid for w in self.cluster.workers if w.process] == self.pids
        assert all(w.process and w.process.is_running for w in self.cluster.workers), "a worker has died"

    def totals(self) -> tuple[int, int, int]:
        """Requests and tokens of upstream answers as the ledger has them: what the vendors served, by model."""
        rows = worker_json(self.cluster, "usage", "--by", "account")
        rows = [row for row in rows if row["id"] != "-"]
        models = [
            row for row in worker_json(self.cluster, "usage", "--by", "model") if not row["id"].startswith("echo/")
        ]
        assert sum(row["prompt_tokens"] for row in models) == sum(row["prompt_tokens"] for row in rows)
        return (
            sum(row["requests"] for row in rows),
            sum(row["prompt_tokens"] for row in rows),
            sum(row["completion_tokens"] for row in rows),
        )

    def vendor(self) -> tuple[int, int, int]:
        """The same as the vendors have it."""
        answers = list(finished(self.sim.requests("/chat/completions")))
        return len(answers), sum(a[1] for a in answers), sum(a[2] for a in answers)

    def use(self, name: str) -> tuple[str, Any]:
        """The digest of a key and what it uses now."""
        digest = next(row["digest"] for row in worker_json(self.cluster, "keys", "list") if row["name"] == name)
        return digest, admin_json(self.cluster, f"keys/{digest}/usage")

    def budget_differs(self) -> str:
        """Where the free key's budget has other tokens than the ledger; empty when it has the same."""
        digest, use = self.use("free")
        rows = {row["id"]: row for row in worker_json(self.cluster, "usage", "--by", "key")}
        used = rows[digest]["prompt_tokens"] + rows[digest]["completion_tokens"]
        spent = use["budgets"][0]["spent"]
        return "" if used == spent else f"the ledger has {used}, the budget {spent}"

    def limit_slot(self, setting: ClusterRedis) -> int:
        """Where in a cluster the free key's limits lie."""
        return setting.slot(f"millrace:{{limit:{self.use('free')[0][:16]}}}")

    def nothing_left(self, port: int | None = None) -> str:
        """What is still held by leases and reservations; empty when nothing is."""
        names = {row["name"]: row["digest"] for row in worker_json(self.cluster, "keys", "list")}
        for name, digest in names.items():
            use = admin_json(self.cluster, f"keys/{digest}/usage")
            if use["concurrent"]["used"] or any(budget["reserved"] not in (0, "0") for budget in use["budgets"]):
                return f"{name}: {use}"
        if port is not None and (left := [name for name in key_names(port) if ":leases:" in name]):
            return f"leases: {left}"
        return ""


def error_code(answer: Decoder) -> str:
    return str(json.loads(answer.body)["error"]["code"])


def workers_in(text: str) -> int:
    """How many workers an exposition tells of."""
    return len({line.split('worker="')[1].split('"')[0] for line in text.splitlines() if 'worker="' in line})
