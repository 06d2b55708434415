"""A simulated OpenAI-compatible vendor, steered by scenarios, with a DeepSeek flavour under `/deepseek`.

    python3 -m upstreams.openai --port 0

prints its port and serves until it is told to stop. `/v1/…` answers as OpenAI does, `/deepseek/…` as DeepSeek.
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
import signal
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from . import content, faults
from .exchange import Exchange, Journal, next_turn
from .http1 import Server
from .scenario import Steering
from .sse import Framing, dumps, garbage

JSON_TYPE = "application/json"
SSE_TYPE = "text/event-stream; charset=utf-8"


class OpenAISimulator:
    """The vendor: routes, authenticates by key, answers, and fails on demand."""

    def __init__(self, send_buffer: int | None = None) -> None:
        self.steering = Steering()
        self.journal = Journal()
        self.server = Server(self.handle, self.journal, send_buffer)

    async def start(self, port: int = 0) -> int:
        return await self.server.start(port)

    async def stop(self) -> None:
        await self.server.stop()

    # Routing

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.path.startswith("/_"):
            await self._control(exchange)
            return
        deepseek = request.path.startswith("/deepseek")
        path = request.path.removeprefix("/deepseek").removeprefix("/v1")
        key = (request.header("authorization") or "").removeprefix("Bearer ").strip()
        try:
            body = json.loads(request.body) if request.body else {}
        except ValueError:
            await self._error(exchange, 400, faults.error("We could not parse the JSON body.", "invalid_request_error"))
            return
        scenario = self.steering.scenario(body, key, _steering_text(path, body))
        exchange.scenario = scenario
        deepseek = scenario.get("flavour", "deepseek" if deepseek else "openai") == "deepseek"
        if await self._fails_before_answer(exchange, scenario):
            return
        if not key:
            await self._error(exchange, 401, faults.error("You didn't provide an API key.", "invalid_request_error"))
            return
        await self._route(exchange, path, body, scenario, deepseek)

    async def _route(
        self, exchange: Exchange, path: str, body: dict[str, Any], scenario: dict[str, Any], deepseek: bool
    ) -> None:
        method = exchange.request.method
        missing = next((name for name in _required(path) if name not in body), None)
        if method == "POST" and missing:
            text = f"Missing required parameter: '{missing}'."
            await self._error(exchange, 400, faults.error(text, "invalid_request_error", "missing", missing))
        elif (method, path) == ("POST", "/chat/completions"):
            answer = content.Answer(body, scenario, exchange.number, deepseek)
            if body.get("stream"):
                await self._stream(exchange, answer.chunks(), scenario)
            else:
                await self._json(exchange, answer.completion(), scenario)
        elif (method, path) == ("POST", "/completions"):
            if body.get("stream"):
                chunks = content.text_completion_chunks(body, scenario, exchange.number)
                await self._stream(exchange, chunks, scenario)
            else:
                await self._json(exchange, content.text_completion(body, scenario, exchange.number), scenario)
        elif (method, path) == ("POST", "/embeddings") and not deepseek:
            await self._json(exchange, content.embeddings(body, scenario), scenario)
        elif (method, path) == ("GET", "/models"):
            await self._json(exchange, content.models(deepseek), scenario)
        elif method == "GET" and path.startswith("/models/"):
            await self._one_model(exchange, unquote(path.removeprefix("/models/")), scenario, deepseek)
        else:
            text = f"Invalid URL ({method} {exchange.request.path})"
            await self._error(exchange, 404, faults.error(text, "invalid_request_error", "unknown_url"))

    async def _one_model(self, exchange: Exchange, name: str, scenario: dict[str, Any], deepseek: bool) -> None:
        found = next((m for m in content.models(deepseek)["data"] if m["id"] == name), None)
        if found is None:
            text = f"The model '{name}' does not exist"
            await self._error(exchange, 404, faults.error(text, "invalid_request_error", "model_not_found", "model"))
        else:
            await self._json(exchange, found, scenario)

    # Answers

    def _headers(self, exchange: Exchange, scenario: dict[str, Any], kind: str) -> list[tuple[str, str]]:
        return [
            ("Content-Type", scenario.get("content_type", kind)),
            ("x-request-id", f"req_sim_{exchange.number}"),
            ("openai-processing-ms", "12"),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "6m0s"),
            *scenario.get("headers", {}).items(),
        ]

    async def _json(self, exchange: Exchange, value: dict[str, Any], scenario: dict[str, Any]) -> None:
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

    async def _error(
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
            status = scenario["status"]
            body = scenario.get("body", faults.STATUS_BODIES.get(status, faults.error("Failed.", "server_error")))
            headers = dict(scenario.get("headers", {}))
            if "retry_after" in scenario:
                headers["Retry-After"] = str(scenario["retry_after"])
            await self._error(exchange, status, body, headers, scenario.get("content_type", JSON_TYPE))
        elif fault == "accept_close":
            exchange.cut(scenario.get("reset", False))
        elif fault == "silence":
            await exchange.until_gone()
        elif fault == "head_silence":
            await exchange.head(200, self._headers(exchange, scenario, SSE_TYPE))
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

    async def _stream(self, exchange: Exchange, chunks: Iterator[dict[str, Any]], scenario: dict[str, Any]) -> None:
        framing = Framing(scenario)
        exchange.write_size = scenario.get("write_size")
        await exchange.pause(scenario.get("head_delay", 0))
        headers = [*self._headers(exchange, scenario, SSE_TYPE), ("Cache-Control", "no-cache")]
        await exchange.head(200, headers, -1 if scenario.get("close_delimited") else None)
        await exchange.body(b"\xef\xbb\xbf" if scenario.get("bom") else b"")
        for _ in range(scenario.get("keep_alives", 0)):
            await exchange.body(framing.comment("keep-alive"))
            await exchange.pause(scenario.get("keep_alive_interval", 0))
        await exchange.pause(scenario.get("first_delay", 0))
        fault, after = scenario.get("fault"), int(scenario.get("after", 0))
        events = (framing.event(chunk) for chunk in chunks)
        if fault:
            await self._events(exchange, itertools.islice(events, after), scenario)
            if await self._fails_mid_stream(exchange, events, scenario):
                return
        await self._events(exchange, events, scenario)
        if fault != "no_done":
            done = framing.event(b"[DONE]")
            await exchange.body(done if scenario.get("last_blank", True) else done.rstrip())
        await exchange.finish()

    async def _events(self, exchange: Exchange, events: Iterator[bytes], scenario: dict[str, Any]) -> None:
        interval, burst = scenario.get("interval", 0), int(scenario.get("burst", 1))
        while group := list(itertools.islice(events, burst)):
            data = b"".join(group)
            if scenario.get("pause_inside"):
                await exchange.body(data[: len(data) // 2])
                await exchange.pause(scenario["pause_inside"])
                await exchange.body(data[len(data) // 2 :])
            elif scenario.get("split_characters"):
                for piece in _inside_characters(data):
                    await exchange.body(piece)
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
            await exchange.body(b"data: " + dumps(scenario.get("body", faults.MID_STREAM)) + b"\n\n")
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
            self.steering.apply(json.loads(request.body))
            answer: Any = {"ok": True}
        elif (request.method, request.path) == ("DELETE", "/_requests"):
            records[:] = [e for e in records if e.state == "open" and request.query.get("keep_open")]
            self.steering.reset()
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
            answer = {"ok": False}
        data = dumps(answer)
        await exchange.head(200, [("Content-Type", JSON_TYPE)], len(data))
        await exchange.body(data)
        await exchange.finish()


def _required(path: str) -> list[str]:
    return {
        "/chat/completions": ["model", "messages"],
        "/completions": ["model"],
        "/embeddings": ["model", "input"],
    }.get(path, [])


def _steering_text(path: str, body: dict[str, Any]) -> str:
    if path == "/embeddings":
        given = body.get("input")
        return given if isinstance(given, str) else next((v for v in given or [] if isinstance(v, str)), "")
    if path == "/completions":
        prompt = body.get("prompt")
        return prompt if isinstance(prompt, str) else ""
    return content.last_user_text(body)


def _inside_characters(data: bytes) -> Iterator[bytes]:
    """Cuts before every byte that continues a character, so that no piece is valid UTF-8 unless it is ASCII."""
    start = 0
    for position in range(1, len(data)):
        if data[position] & 0xC0 == 0x80:
            yield data[start:position]
            start = position
    yield data[start:]


def decode_body(record: dict[str, Any]) -> bytes:
    """The body bytes of a record from `/_requests`."""
    return base64.b64decode(record["body"])


async def _main(options: argparse.Namespace) -> None:
    simulator = OpenAISimulator(options.send_buffer)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    ports = [await simulator.start(options.port)]
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--send-buffer", type=int, help="SO_SNDBUF of accepted connections, to feel pressure early")
    parser.add_argument("--certificate", help="PEM chain of the TLS port")
    parser.add_argument("--key", help="PEM private key of the TLS port")
    asyncio.run(_main(parser.parse_args()))
