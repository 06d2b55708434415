"""Steady load on all workers, in a thread and loop of its own, so that a test can break things meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from upstreams.scenario import inline

from .cluster import Cluster
from .raw import Outcome, chat, exchange, request_bytes, told
from .simulator import Recorded
from .waiting import wait_until

CHAT = "/v1/chat/completions"


@dataclass
class Ask:
    """One kind of request."""

    key: str
    model: str
    stream: bool = False
    scenario: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    #: The client leaves after so many seconds.
    leaves: float | None = None


@dataclass
class Sample:
    """How one request went; its answer is not kept, for there are many."""

    ask: Ask
    worker: int
    began: float
    prompt: int
    completion: int
    ended: float = 0.0
    status: int = 0
    #: Of the error, where the gateway told one.
    code: str = ""
    #: A success to its last byte.
    is_whole: bool = False
    #: What went wrong with the connection.
    broken: str | None = "it has not ended"

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    def end(self, outcome: Outcome) -> None:
        self.ended = time.monotonic()
        self.status = outcome.status
        self.broken = outcome.error
        if self.status == 200:
            stream = outcome.stream if self.ask.stream else None
            self.is_whole = outcome.clean and (stream is None or (stream.done == 1 and not stream.errors))
        elif self.status:
            try:
                self.code = str(json.loads(outcome.decoder.body)["error"]["code"])
            except (ValueError, KeyError):
                self.code = "unreadable"

    def __str__(self) -> str:
        how = f"{self.status} {self.code} {self.broken} after {self.seconds:.3f} s"
        return f"worker {self.worker}, {self.ask.model}: {how}"


class Load:
    """So many clients, each with one request at a time and a pause after it."""

    def __init__(self, cluster: Cluster, asks: list[Ask], clients: int = 8, pause: float = 0.03, seed: int = 1) -> None:
        self.cluster = cluster
        self.asks = asks
        self.samples: list[Sample] = []
        self.running: set[int] = set()
        self._open: dict[int, Sample] = {}
        self._clients = clients
        self._pause = pause
        self._dice = random.Random(seed)
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)

    def __enter__(self) -> Load:
        self.running = set(range(len(self.cluster.workers)))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Waits for the answers that are under way."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "requests that never end"

    async def _run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._clients)))

    async def _client(self) -> None:
        while not self._stop.is_set():
            if workers := sorted(self.running):
                await self._one(self._dice.choice(workers), self._dice.choice(self.asks))
            await asyncio.sleep(self._pause * self._dice.uniform(0.5, 1.5))

    async def _one(self, worker: int, ask: Ask) -> None:
        number = next(self._numbers)
        # Counts that tell one request from another, so that none can stand in for one that was lost.
        prompt, completion = self._dice.randint(1, 3000), self._dice.randint(1, 3000)
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        body = chat(
            told({"usage": usage} | ask.scenario, f"Request {number} to {worker}."), ask.model, stream=ask.stream
        )
        body["max_tokens"] = 1000
        sample = Sample(ask, worker, time.monotonic(), prompt, completion)
        self._open[number] = sample
        data = request_bytes(CHAT, body, ask.key, headers=ask.headers)
        sample.end(await exchange(self.cluster.workers[worker].address, data, ask.leaves or 30.0))
        del self._open[number]
        self.samples.append(sample)

    # What was seen

    def at_risk(self, worker: int) -> list[Sample]:
        """Requests that a worker has not answered, or only just: what is lost with it when it dies now."""
        lately = time.monotonic() - 0.1
        near = [sample for sample in self.samples[-200:] if sample.ended > lately]
        return [sample for sample in [*list(self._open.values()), *near] if sample.worker == worker]

    def between(self, first: float, last: float) -> list[Sample]:
        """Requests that were begun within a span of time."""
        return [sample for sample in list(self.samples) if first <= sample.began < last]

    def summary(self, samples: list[Sample] | None = None) -> dict[str, int]:
        chosen = self.samples if samples is None else samples
        names = Counter("whole" if s.is_whole else f"{s.status} {s.code}".strip() for s in chosen)
        return dict(sorted(names.items()))


def pause(seconds: float) -> None:
    """Lets the load run."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= until, seconds + 5)


def slowest(samples: list[Sample]) -> float:
    return max((sample.seconds for sample in samples), default=0.0)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def finished(journal: list[Recorded]) -> Iterator[tuple[str, int, int]]:
    """Model and tokens of each whole answer to a request of such a load, from a vendor's journal."""
    for record in journal:
        if record["state"] == "done" and record["status"] == 200:
            body = record.json
            usage = inline(body["messages"][-1]["content"])["usage"]
            yield body["model"], usage["prompt_tokens"], usage["completion_tokens"]
