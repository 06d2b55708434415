"""Steady load through the edge of a running cluster, to see what its clients notice while it is scaled or broken.

    cd Tests/EndToEnd && MILLRACE_KEY=sk-… python3 -m support.steady http://127.0.0.1:8088 --seconds 60

Half of the clients ask for streams, half for plain answers, of `echo/…` and, with `--slow MODEL`, of a simulated
upstream that takes its time (`--takes SECONDS`) for each. Whatever does not go well is printed when it happens; a summary
follows at the end or on Ctrl-C, and the status is 1 if there was anything. A fault excuses an error and a cut, but never a
`fake end` or `wrong content`: an answer that looks whole and is not. Only Python's own library is needed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .raw import Address, Outcome, chat, exchange, request_bytes, told

CHAT = "/v1/chat/completions"
WORDS = "Water drives the mill, the mill grinds the corn."
EVENTS = 20


@dataclass(frozen=True)
class Kind:
    """One sort of request and the answer that is due to it."""

    model: str
    stream: bool
    #: How long a simulated upstream takes, 0 for `echo/…`.
    seconds: float = 0.0

    @property
    def slow(self) -> bool:
        return self.seconds > 0

    @property
    def name(self) -> str:
        return f"{'slow' if self.slow else 'echo'} {'stream' if self.stream else 'plain'}"

    @property
    def expected(self) -> str:
        if not self.slow:
            return WORDS
        return " ".join(map(str, range(EVENTS))) if self.stream else "late"

    def body(self) -> dict[str, Any]:
        if not self.slow:
            return chat(WORDS, self.model, stream=self.stream)
        scenario = {"head_delay": self.seconds, "text": "late"}
        if self.stream:
            scenario = {"count": EVENTS, "interval": self.seconds / EVENTS}
        return chat(told(scenario), self.model, stream=self.stream)

    def judge(self, outcome: Outcome) -> str:
        """`whole`, or in a few words what was wrong."""
        if outcome.error and not outcome.status:
            return f"no answer ({outcome.error})"
        if outcome.status != 200:
            return f"{outcome.status} {code_of(bytes(outcome.decoder.body))}"
        if not self.stream:
            if not outcome.clean:
                return "cut"
            return "whole" if plain_text(bytes(outcome.decoder.body)) == self.expected else "wrong content"
        stream = outcome.stream
        if not outcome.clean:
            # An unclean end after a [DONE] is one that was lost behind it; before it, the honest way to break off.
            return "cut after [DONE]" if stream.done else "cut"
        if stream.done != 1 or stream.errors:
            return "fake end"
        return "whole" if stream.text().strip() == self.expected else "wrong content"


def code_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return "unreadable"


def plain_text(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    except (ValueError, LookupError, TypeError):
        return None


class SteadyLoad:
    """So many clients, each with one request at a time; those of slow answers do not pause."""

    def __init__(self, address: Address, key: str, kinds: list[Kind], clients: int, pause: float = 0.05) -> None:
        self.address = address
        self.key = key
        self.kinds = kinds
        self.clients = clients
        self.pause = pause
        self.verdicts: dict[Kind, Counter[str]] = {kind: Counter() for kind in kinds}
        self.slowest: dict[Kind, float] = dict.fromkeys(kinds, 0.0)
        self._numbers = itertools.count()

    async def run(self, stop: asyncio.Event) -> None:
        kinds = itertools.islice(itertools.cycle(self.kinds), self.clients)
        await asyncio.gather(*(self._client(kind, stop) for kind in kinds))

    async def _client(self, kind: Kind, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._one(kind)
            if not kind.slow:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.pause)

    async def _one(self, kind: Kind) -> None:
        identity = f"steady-{os.getpid()}-{next(self._numbers)}"
        data = request_bytes(CHAT, kind.body(), self.key, headers={"X-Request-ID": identity})
        began = time.monotonic()
        outcome = await exchange(self.address, data, 60.0)
        took = time.monotonic() - began
        verdict = kind.judge(outcome)
        self.verdicts[kind][verdict] += 1
        self.slowest[kind] = max(self.slowest[kind], took)
        if verdict != "whole":
            clock = time.strftime("%H:%M:%S")
            print(f"{clock} {kind.name}: {verdict} after {took:.2f} s, {identity}", flush=True)

    @property
    def total(self) -> int:
        return sum(sum(counter.values()) for counter in self.verdicts.values())

    @property
    def failures(self) -> Counter[str]:
        """Everything but whole answers, by verdict."""
        every = sum(self.verdicts.values(), Counter[str]())
        del every["whole"]
        return every

    def summary(self) -> str:
        lines = [
            f"{kind.name:12} {', '.join(f'{n} {verdict}' for verdict, n in sorted(counter.items()))}; "
            f"slowest {self.slowest[kind]:.2f} s"
            for kind, counter in self.verdicts.items()
        ]
        return "\n".join([*lines, f"{self.total} requests, {self.failures.total()} not whole"])


def kinds(slow: str | None = None, seconds: float = 1.0) -> list[Kind]:
    """Plain and streamed, of `echo/…` and of a simulated upstream."""
    models = [("echo/steady", 0.0)] + ([(slow, seconds)] if slow else [])
    return [Kind(model, stream, takes) for model, takes in models for stream in (False, True)]


async def main(options: argparse.Namespace) -> int:
    url = urlsplit(options.url)
    load = SteadyLoad((url.hostname or "", url.port or 80), options.key, kinds(options.slow, options.takes), options.clients)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.call_later(options.seconds, stop.set)
    await load.run(stop)
    print(load.summary())
    return 1 if load.failures else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the edge, without a path")
    parser.add_argument("--key", default=os.environ.get("MILLRACE_KEY", ""), help="or in MILLRACE_KEY")
    parser.add_argument("--slow", metavar="MODEL", help="a model that a simulated upstream serves")
    parser.add_argument("--takes", metavar="SECONDS", type=float, default=1.0, help="how long each of its answers takes")
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=60.0)
    sys.exit(asyncio.run(main(parser.parse_args())))
