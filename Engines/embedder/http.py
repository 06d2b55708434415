"""A small HTTP/1.1 server over asyncio: whole requests in, whole answers out, everything bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

HEAD_LIMIT = 16 << 10
IDLE = 75.0
BODY_TIME = 30.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class BadRequest(Exception):
    """What cannot be read; the connection ends with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(
            status,
            {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}},
        )


Handler = Callable[[Request], Awaitable[Answer]]


class Server:
    def __init__(self, handler: Handler, *, body_limit: int, connection_limit: int = 1024) -> None:
        self._handler = handler
        self._body_limit = body_limit
        self._connection_limit = connection_limit
        self._connections: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._draining = False

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port, for those who asked for any."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_LIMIT)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, patience: float) -> None:
        """Lets running requests finish."""
        self._draining = True
        self._server.close()
        for task in self._connections - self._busy:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=patience)
        for task in self._connections:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= self._connection_limit:
            writer.close()
            return
        self._connections.add(task)
        try:
            while await self._exchange(reader, writer, task) and not self._draining:
                pass
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError, TimeoutError):
            pass  # Nobody is left to be told.
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> bool:
        """One request and its answer; whether the connection can serve another."""
        try:
            request = await self._read(reader)
        except BadRequest as error:
            await self._write(writer, error.answer, keep=False)
            return False
        self._busy.add(task)
        try:
            answer = await self._answered(request, reader)
            keep = request.headers.get("connection", "").lower() != "close" and not self._draining
            await self._write(writer, answer, keep=keep)
            return keep
        finally:
            self._busy.discard(task)

    async def _answered(self, request: Request, reader: asyncio.StreamReader) -> Answer:
        """Runs the handler, and cancels it when the client leaves."""
        work = asyncio.ensure_future(self._handler(request))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=0.5)
                if reader.at_eof():
                    raise ConnectionResetError
            return work.result()
        finally:
            work.cancel()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE)
        except asyncio.LimitOverrunError as error:
            raise BadRequest(431, "The head is too large.") from error
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise BadRequest(400, "The request line is not HTTP/1.1.")
        headers: dict[str, str] = {}
        for line in lines[1:-2]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or name.lower() in headers and "length" in name.lower():
                raise BadRequest(400, "A header line is malformed.")
            headers[name.lower()] = value.strip()
        if parts[2] == "HTTP/1.0":
            headers["connection"] = "close"
        if "transfer-encoding" in headers:
            raise BadRequest(411, "The body must come with a Content-Length.")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 12:
            raise BadRequest(400, "Content-Length is not a number.")
        if int(length) > self._body_limit:
            raise BadRequest(413, f"The body must have at most {self._body_limit} bytes.")
        body = await asyncio.wait_for(reader.readexactly(int(length)), BODY_TIME)
        return Request(parts[0], parts[1].partition("?")[0], headers, body)

    @staticmethod
    async def _write(writer: asyncio.StreamWriter, answer: Answer, *, keep: bool) -> None:
        body = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
        head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", "Content-Type: application/json"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        head += [f"Content-Length: {len(body)}", f"Connection: {'keep-alive' if keep else 'close'}", "", ""]
        writer.write("\r\n".join(head).encode() + body)
        await asyncio.wait_for(writer.drain(), BODY_TIME)
