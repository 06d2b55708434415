"""What all simulated vendors have in common: steering, records, pace and faults. A vendor adds its routes and its words.

Each is a module that `python3 -m upstreams.NAME --port 0` runs; it prints its port and serves until it is told to stop.
`POST /_control`, `GET /_requests?since=N`, `POST /_take`, `GET /_open`, `DELETE /_requests` steer and inspect it. With
`--certificate` and `--key` it prints a second port, which serves the same over TLS and HTTP/2 only.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import itertools
import json
import random
import signal
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

from . import brain, faults
from .exchange import Exchange, Journal, Request, next_turn
from .http1 import Server
from .scenario import Steering
from .sse import Framing, dumps, garbage

JSON_TYPE = "application/json"
SSE_TYPE = "text/event-stream; charset=utf-8"


class VendorSimulator(ABC):
    """Answers as told by scenarios, and fails on demand."""

    # What a stream is sent as, and how its end is told; nothing where the end of the body is all there is.
    stream_type = SSE_TYPE
    end_of_stream: bytes | None = None
    # How a request without a key is refused.
    keyless = (401, "You didn't provide an API key.")

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """What its program can be told beside what all can."""

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        """The simulator that the program's options ask for."""
        return cls(options.send_buffer)

    def __init__(self, send_buffer: int | None = None) -> None:
        self.steering = Steering()
        self.journal = Journal()
        self.server = Server(self.handle, self.journal, send_buffer)

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        return await self.server.start(port, host)

    async def stop(self) -> None:
        await self.server.stop()

    # What a vendor says

    @abstractmethod
    def key(self, exchange: Exchange) -> str:
        """The credential of the request; empty without one."""

    @abstractmethod
    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        """The text in which a scenario may stand."""

    def view(self, body: dict[str, Any]) -> brain.View:
        """What the request comes to, for a model that decides by itself."""
        return brain.View("")

    @abstractmethod
    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        """Answers a request with a key."""

    @abstractmethod
    def failure(self, status: int, message: str | None = None) -> Any:
        """The body with which the vendor says that it failed."""

    def told_failure(self, scenario: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        """The body and headers of a failure that a scenario asks for."""
        headers = {"Retry-After": str(scenario["retry_after"])} if "retry_after" in scenario else {}
        return scenario.get("body", self.failure(scenario["status"])), headers

    def error_type(self, body: Any) -> str:
        """What the body of a failure is sent as."""
        return JSON_TYPE

    def model(self, exchange: Exchange, body: dict[str, Any]) -> str:
        """The model that is asked for."""
        return str(body.get("model"))

    def parsed(self, request: Request) -> Any:
        """What the body says; raises ValueError when it says nothing."""
        return json.loads(request.body) if request.body else {}

    def scenario(self, exchange: Exchange, body: dict[str, Any], key: str) -> dict[str, Any]:
        """What it is told to do with the request."""
        named = body | {"model": self.model(exchange, body)}
        return self.steering.scenario(named, key, self.steering_text(exchange, body))

    def apply(self, order: dict[str, Any]) -> None:
        """Does as it is told through the control endpoint."""
        self.steering.apply(order)

    def inspected(self, request: Request) -> Any:
        """The answer to a control request that only this vendor knows."""
        return {"ok": False}

    def forget(self) -> None:
        """Lets go of what it remembers of earlier requests, beside the records."""

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        """The headers of every answer."""
        return [("Content-Type", kind)]

    def event(self, framing: Framing, value: Any) -> bytes:
        """One event of a stream."""
        return framing.event(value)

    def end_of(self, exchange: Exchange) -> bytes | None:
        """How the end of this stream is told."""
        return self.end_of_stream

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        """How it tells within a stream that it failed."""
        return b"data: " + dumps(scenario.get("body", faults.MID_STREAM)) + b"\n\n"

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.path.startswith("/_"):
            await self._control(exchange)
            return
        try:
            body = self.parsed(request)
        except ValueError:
            await self.error(exchange, 400, self.failure(400, "We could not parse the JSON body."))
            return
        if not isinstance(body, dict):
            await self.error(exchange, 400, self.failure(400, "The body must be a JSON object."))
            return
        key = self.key(exchange)
        scenario = self.scenario(exchange, body, key)
        if scenario.get("smart") and exchange.request.method == "POST":
            scenario = brain.decide(self.view(body)) | scenario
        exchange.scenario = scenario
        if await self._fails_before_answer(exchange, scenario):
            return
        if not key:
            status, message = self.keyless
            await self.error(exchange, status, self.failure(status, message))
            return
        await self.route(exchange, body, scenario)

    # Answers

    def _headers(self, exchange: Exchange, scenario: dict[str, Any], kind: str) -> list[tuple[str, str]]:
        return [*self.head(exchange, scenario.get("content_type", kind)), *scenario.get("headers", {}).items()]

    async def json(self, exchange: Exchange, value: Any, scenario: dict[str, Any]) -> None:
        data = b"\n" * int(scenario.get("blank_lines", 0)) + dumps(value)
        fault = scenario.get("fault")
        if fault == "invalid_json":
            data = data[: len(data) // 2]
        elif fault == "not_json":
            data, scenario = b"<html><body>It works!</body></html>", scenario | {"content_type": "text/html"}
        headers = self._headers(exchange, scenario, JSON_TYPE)
        if scenario.get("gzip"):
            data = gzip.compress(data)
            headers.append(("Content-Encoding", "gzip"))
        exchange.write_size = scenario.get("write_size")
        await exchange.pause(scenario.get("head_delay", 0))
        length = None if scenario.get("chunked") else -1 if scenario.get("close_delimited") else len(data)
        await exchange.head(200, headers, length)
        await exchange.pause(scenario.get("first_delay", 0))
        if fault in ("cut_json", "stall_json"):
            await exchange.body(data[: len(data) // 2])
            if fault == "stall_json":
                await exchange.until_gone()
            exchange.cut(scenario.get("reset", False))
            return
        await exchange.body(data)
        await exchange.finish()

    async def error(
        self, exchange: Exchange, status: int, body: Any, headers: dict[str, str] | None = None, kind: str = JSON_TYPE
    ) -> None:
        data = body.encode() if isinstance(body, str) else dumps(body)
        await exchange.head(status, self._headers(exchange, {"headers": headers or {}}, kind), len(data))
        await exchange.body(data)
        await exchange.finish()

    async def _fails_before_answer(self, exchange: Exchange, scenario: dict[str, Any]) -> bool:
        fault = scenario.get("fault")
        if fault == "status":
            await exchange.pause(scenario.get("head_delay", 0))
            body, headers = self.told_failure(scenario)
            headers = scenario.get("headers", {}) | headers
            kind = scenario.get("content_type", self.error_type(body))
            await self.error(exchange, scenario["status"], body, headers, kind)
        elif fault == "accept_close":
            exchange.cut(scenario.get("reset", False))
        elif fault == "silence":
            await exchange.until_gone()
        elif fault == "head_silence":
            await exchange.head(200, self._headers(exchange, scenario, self.stream_type))
            await exchange.until_gone()
        elif fault == "bad_head":
            await exchange.raw(b"\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n")
            exchange.cut()
        elif fault == "not_sse":
            page = b"<html><body>Please log in</body></html>"
            await exchange.head(200, [("Content-Type", "text/html")], len(page))
            await exchange.body(page)
            await exchange.finish()
        else:
            return False
        return True

    # Streams

    async def stream(self, exchange: Exchange, chunks: Iterator[dict[str, Any]], scenario: dict[str, Any]) -> None:
        framing = Framing(scenario)
        exchange.write_size = scenario.get("write_size")
        await exchange.pause(scenario.get("head_delay", 0))
        headers = [*self._headers(exchange, scenario, self.stream_type), ("Cache-Control", "no-cache")]
        await exchange.head(200, headers, -1 if scenario.get("close_delimited") else None)
        await exchange.body(b"\xef\xbb\xbf" if scenario.get("bom") else b"")
        for _ in range(scenario.get("keep_alives", 0)):
            await exchange.body(framing.comment("keep-alive"))
            await exchange.pause(scenario.get("keep_alive_interval", 0))
        await exchange.pause(scenario.get("first_delay", 0))
        fault, after = scenario.get("fault"), int(scenario.get("after", 0))
        events = (self.event(framing, chunk) for chunk in chunks)
        if fault:
            await self._events(exchange, itertools.islice(events, after), scenario)
            if await self._fails_mid_stream(exchange, events, scenario):
                return
        await self._events(exchange, events, scenario)
        end = self.end_of(exchange)
        if fault != "no_done" and end:
            done = framing.event(end)
            await exchange.body(done if scenario.get("last_blank", True) else done.rstrip())
        await exchange.finish()

    async def _events(self, exchange: Exchange, events: Iterator[bytes], scenario: dict[str, Any]) -> None:
        interval, burst = scenario.get("interval", 0), int(scenario.get("burst", 1))
        dice = random.Random(scenario["random_splits"]) if "random_splits" in scenario else None
        while group := list(itertools.islice(events, burst)):
            data = b"".join(group)
            if scenario.get("pause_inside"):
                await exchange.body(data[: len(data) // 2])
                await exchange.pause(scenario["pause_inside"])
                await exchange.body(data[len(data) // 2 :])
            elif scenario.get("split_characters"):
                for piece in _inside_characters(data):
                    await exchange.body(piece)
            elif dice:
                for piece in _anywhere(data, dice):
                    await exchange.body(piece)
                    await next_turn()  # lets the piece leave alone
            else:
                await exchange.body(data)
            exchange.events_written += len(group)
            if interval:
                await exchange.pause(interval)
            elif len(group) == burst:
                await next_turn()  # an endless stream must notice that nobody listens any more

    async def _fails_mid_stream(self, exchange: Exchange, events: Iterator[bytes], scenario: dict[str, Any]) -> bool:
        """Fails where the stream stands; says whether the answer is over."""
        fault = scenario["fault"]
        if fault == "cut_after":
            exchange.cut(scenario.get("reset", False))
        elif fault == "end_after":
            await exchange.finish()
        elif fault == "cut_inside":
            event = next(events)
            await exchange.body(event[: int(scenario.get("bytes", len(event) // 2))])
            exchange.cut(scenario.get("reset", False))
        elif fault == "cut_framing":
            event = next(events)
            await exchange.raw(b"%x\r\n%s" % (len(event), event[: len(event) // 2]))
            exchange.cut()
        elif fault == "stall":
            await exchange.until_gone()
        elif fault == "garbage":
            await exchange.body(garbage(scenario.get("kind", "json")))
            return False
        elif fault == "error_frame":
            await exchange.body(self.error_event(scenario))
            await exchange.finish()
        elif fault == "bad_chunk":
            await exchange.raw(b"zz\r\nnot a chunk\r\n")
            exchange.cut()
        else:
            return False
        return True

    # Control

    async def _control(self, exchange: Exchange) -> None:
        request = exchange.request
        records = self.journal.exchanges
        if (request.method, request.path) == ("POST", "/_control"):
            self.apply(json.loads(request.body))
            answer: Any = {"ok": True}
        elif (request.method, request.path) == ("DELETE", "/_requests"):
            records[:] = [e for e in records if e.state == "open" and request.query.get("keep_open")]
            self.steering.reset()
            self.forget()
            answer = {"ok": True}
        elif (request.method, request.path) == ("POST", "/_take"):
            answer = [e.record() for e in records if e.state != "open"]
            records[:] = [e for e in records if e.state == "open"]
        elif request.path == "/_requests":
            since = int(request.query.get("since", 0))
            answer = [e.record() for e in records if e.number > since]
        elif request.path == "/_open":
            still = [e for e in records if e.state == "open"]
            answer = {
                "open": len(still),
                "connections": len(self.server.connections),
                "bytes_sent": sum(e.bytes_sent for e in still),
                "requests": len(records),
            }
        else:
            answer = self.inspected(request)
        data = dumps(answer)
        await exchange.head(200, [("Content-Type", JSON_TYPE)], len(data))
        await exchange.body(data)
        await exchange.finish()


def _inside_characters(data: bytes) -> Iterator[bytes]:
    """Cuts before every byte that continues a character, so that no piece is valid UTF-8 unless it is ASCII."""
    start = 0
    for position in range(1, len(data)):
        if data[position] & 0xC0 == 0x80:
            yield data[start:position]
            start = position
    yield data[start:]


def _anywhere(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """Cuts where the dice fall."""
    start = 0
    while start < len(data):
        end = start + dice.randint(1, 17)
        yield data[start:end]
        start = end


def decode_body(record: dict[str, Any]) -> bytes:
    """The body bytes of a record from `/_requests`."""
    return base64.b64decode(record["body"])


def run(vendor: type[VendorSimulator], about: str | None) -> None:
    """The program of a vendor's module."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 where workers are on other machines or in containers")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--send-buffer", type=int, help="SO_SNDBUF of accepted connections, to feel pressure early")
    parser.add_argument("--certificate", help="PEM chain of the TLS port")
    parser.add_argument("--key", help="PEM private key of the TLS port")
    vendor.add_options(parser)
    asyncio.run(_main(vendor, parser.parse_args()))


async def _main(vendor: type[VendorSimulator], options: argparse.Namespace) -> None:
    simulator = vendor.of(options)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    ports = [await simulator.start(options.port, options.host)]
    secure = None
    if options.certificate:
        from .http2 import Http2Server

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)
        secure = Http2Server(simulator.handle, simulator.journal, context)
        ports.append(await secure.start())
    print(*ports, flush=True)
    await stopped.wait()
    if secure:
        await secure.stop()
    await simulator.stop()
