"""One request with its answer: what a simulator writes through, and the record a test reads afterwards."""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class ClientGone(Exception):
    """The peer closed or reset the connection (or the stream) while its answer was being written."""


@dataclass
class Request:
    """One request exactly as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes
    connection: int
    sequence: int
    protocol: str = "http/1.1"
    at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query))

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Exchange(ABC):
    """A request with its answer. Subclasses know how bytes become HTTP/1.1 or HTTP/2."""

    def __init__(self, request: Request, number: int) -> None:
        self.request = request
        self.number = number
        self.gone = asyncio.Event()
        self.status: int | None = None
        self.scenario: dict[str, Any] = {}
        # What a simulator found out about the request, for its record.
        self.notes: dict[str, Any] = {}
        self.events_written = 0
        self.bytes_written = 0
        self.state = "open"
        self.ended_at: float | None = None
        self.gone_at: float | None = None
        self.write_size: int | None = None
        self._pause: asyncio.Future[None] | None = None

    @abstractmethod
    async def head(self, status: int, headers: list[tuple[str, str]], length: int | None = None) -> None:
        """Writes status and headers; without a length the body ends by framing, with -1 with the connection."""

    @abstractmethod
    async def body(self, data: bytes) -> None:
        """Writes one piece of the body."""

    @abstractmethod
    async def finish(self) -> None:
        """Ends the body properly."""

    @abstractmethod
    async def raw(self, data: bytes) -> None:
        """Writes bytes as they are, below the framing, and waits while the peer does not read."""

    @abstractmethod
    def cut(self, reset: bool = False) -> None:
        """Ends the answer here without ending its body."""

    @property
    @abstractmethod
    def bytes_waiting(self) -> int:
        """Bytes written that the kernel has not taken yet."""

    async def pause(self, seconds: float) -> None:
        """Waits, but never longer than the peer stays."""
        if seconds > 0 and not self.gone.is_set():
            loop = asyncio.get_running_loop()
            self._pause = loop.create_future()
            timer = loop.call_later(seconds, self._resume)
            try:
                await self._pause
            finally:
                timer.cancel()
        if self.gone.is_set():
            raise ClientGone

    def _resume(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    async def until_gone(self) -> None:
        """Says nothing more until the peer leaves."""
        await self.gone.wait()
        raise ClientGone

    def client_left(self) -> None:
        """The peer is gone: whoever writes learns it at once."""
        self.gone.set()
        self._resume()
        if self.state == "open":
            self.gone_at = time.time()
            self.end("gone")

    def end(self, state: str) -> None:
        if self.state == "open":
            self.state = state
            self.ended_at = time.time()

    @property
    def bytes_sent(self) -> int:
        """What the kernel took."""
        return self.bytes_written - (self.bytes_waiting if self.state == "open" else 0)

    def record(self) -> dict[str, Any]:
        request = self.request
        return {
            "number": self.number,
            "protocol": request.protocol,
            "connection": request.connection,
            "sequence": request.sequence,
            "method": request.method,
            "target": request.target,
            "path": request.path,
            "head": request.head.decode("latin-1"),
            "headers": request.headers,
            "body": base64.b64encode(request.body).decode(),
            "at": request.at,
            "status": self.status,
            "scenario": self.scenario,
            "events_written": self.events_written,
            "bytes_written": self.bytes_written,
            "bytes_sent": self.bytes_sent,
            "state": self.state,
            "ended_at": self.ended_at,
            "gone_at": self.gone_at,
        } | self.notes


Handler = Callable[[Exchange], Awaitable[None]]


class Journal:
    """The exchanges of one server, in the order in which they began."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.connections = itertools.count(1)
        self._numbers = itertools.count(1)

    def number(self, request: Request) -> int:
        """A number for an exchange worth remembering; 0 for those that only steer the simulator."""
        return 0 if request.path.startswith("/_") else next(self._numbers)

    def add(self, exchange: Exchange) -> None:
        if exchange.number:
            self.exchanges.append(exchange)


async def next_turn() -> None:
    """Lets the loop run once."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn
