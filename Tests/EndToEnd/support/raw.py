"""HTTP/1.1 clients that show what is on the wire: every byte, when it came, and how the connection ended."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Address = tuple[str, int] | str
DONE = "[DONE]"


def connect(address: Address, seconds: float = 10.0, receive_buffer: int | None = None) -> socket.socket:
    """A connected socket; a string is the path of a unix socket."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(seconds)
    sock.connect(address)
    return sock


def request_bytes(
    path: str,
    body: Any = None,
    key: str | None = None,
    method: str | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    """A well-formed request."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1", "Host: localhost"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body is not None:
        kind = [] if "Content-Type" in (headers or {}) else ["Content-Type: application/json"]
        lines += [*kind, f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def chat(text: str, model: str = "openai/gpt-4o-mini", **members: Any) -> dict[str, Any]:
    """The body of a chat request with one user message."""
    return {"model": model, "messages": [{"role": "user", "content": text}]} | members


def told(scenario: dict[str, Any], text: str = "Go.") -> str:
    """A user message that carries a scenario for the simulated upstream."""
    return f"{text} sim:{json.dumps(scenario, ensure_ascii=False)}"


class Decoder:
    """Takes the bytes of one response apart. `clean` tells whether its end was announced, not merely a close."""

    def __init__(self, no_body: bool = False) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.clean = False
        self.pieces: list[tuple[float, bytes]] = []
        self._buffer = bytearray()
        self._length: int | None = None
        self._chunked = False
        self._no_body = no_body

    @property
    def has_head(self) -> bool:
        return self.status != 0

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while self._step():
            pass

    @property
    def rest(self) -> bytes:
        """Bytes after the end of this response."""
        return bytes(self._buffer)

    def _step(self) -> bool:
        if self.clean:
            return False
        if not self.has_head:
            return self._head()
        if self._chunked:
            return self._chunk()
        wanted = len(self._buffer) if self._length is None else self._length - len(self.body)
        self._keep(bytes(self._buffer[:wanted]))
        del self._buffer[:wanted]
        self.clean = self._length is not None and len(self.body) >= self._length
        return False

    def _head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        status = int(lines[0].split(" ", 2)[1])
        if status == 100:
            return True
        self.status = status
        self.headers = [(k, v.strip()) for k, _, v in (line.partition(":") for line in lines[1:])]
        self._chunked = (self.header("transfer-encoding") or "").lower() == "chunked"
        length = self.header("content-length")
        self._length = int(length) if length is not None else None
        if self._no_body or status in (204, 304):
            self.clean = True
        return True

    def _chunk(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        size = int(bytes(self._buffer[:end]).split(b";")[0], 16)
        if len(self._buffer) < end + 2 + size + 2:
            return False
        self._keep(bytes(self._buffer[end + 2 : end + 2 + size]))
        del self._buffer[: end + 2 + size + 2]
        self.clean = size == 0
        return True

    def _keep(self, data: bytes) -> None:
        if data:
            self.body += data
            self.pieces.append((time.monotonic(), data))


def blocks(body: bytes) -> list[str]:
    """The event blocks of a stream, comments too; a block without its blank line at the end counts as well."""
    return [block for block in body.decode().split("\n\n") if block]


@dataclass
class Stream:
    """A decoded stream: what a strict reader makes of the body."""

    payloads: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, body: bytes) -> Stream:
        stream = cls()
        for block in blocks(body):
            if block.startswith("data: ") and "\n" not in block:
                stream.payloads.append(block[6:])
            elif block.startswith(":") and "\n" not in block:
                stream.comments.append(block)
            else:
                stream.stray.append(block)
        return stream

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [v for v in self._objects() if "error" not in v]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [v["error"] for v in self._objects() if "error" in v]

    @property
    def done(self) -> int:
        return self.payloads.count(DONE)

    def text(self, index: int = 0) -> str:
        """The content of one choice, put together."""
        deltas = [c["delta"] for v in self.chunks for c in v.get("choices", []) if c["index"] == index]
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def finish(self) -> list[str]:
        reasons = [c.get("finish_reason") for v in self.chunks for c in v.get("choices", [])]
        return [reason for reason in reasons if reason]

    def _objects(self) -> Iterator[dict[str, Any]]:
        return (json.loads(payload) for payload in self.payloads if payload != DONE)


class RawClient:
    """One blocking connection with one request on it."""

    def __init__(self, address: Address, data: bytes, seconds: float = 15.0, receive_buffer: int | None = None) -> None:
        self.decoder = Decoder(no_body=data.startswith(b"HEAD "))
        self.seconds = seconds
        self.sock = connect(address, seconds, receive_buffer)
        self.started = time.monotonic()
        self.ended = False
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while we still spoke: the answer may be there to read

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def receive(self) -> bool:
        """Reads once; False at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.decoder.feed(data)
        return True

    def read_head(self) -> Decoder:
        while not self.decoder.has_head and self.receive():
            pass
        return self.decoder

    def read_events(self, count: int) -> Stream:
        """Reads until so many payloads are there."""
        while len((stream := self.stream()).payloads) < count and not self.decoder.clean and self.receive():
            pass
        return stream

    def read_all(self) -> Decoder:
        """Reads to the end of the response, announced or not."""
        while not self.decoder.clean and self.receive():
            pass
        return self.decoder

    def stream(self) -> Stream:
        return Stream.parse(bytes(self.decoder.body))

    def json(self) -> Any:
        return json.loads(self.read_all().body)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started


def fetch(address: Address, path: str, body: Any = None, key: str | None = None, **options: Any) -> Decoder:
    """One whole request and response."""
    with RawClient(address, request_bytes(path, body, key, **options)) as client:
        return client.read_all()


@dataclass
class Outcome:
    """How one of many asynchronous requests went."""

    decoder: Decoder
    error: str | None = None

    @property
    def status(self) -> int:
        return self.decoder.status

    @property
    def clean(self) -> bool:
        return self.decoder.clean

    @property
    def stream(self) -> Stream:
        return Stream.parse(bytes(self.decoder.body))


async def exchange(
    address: Address, data: bytes, seconds: float = 60.0, first_byte: asyncio.Event | None = None
) -> Outcome:
    """One request on its own connection, for running many at once."""
    decoder = Decoder()
    try:
        async with asyncio.timeout(seconds):
            if isinstance(address, str):
                reader, writer = await asyncio.open_unix_connection(address)
            else:
                reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(data)
                while not decoder.clean and (piece := await reader.read(65536)):
                    decoder.feed(piece)
                    if first_byte is not None and decoder.body:
                        first_byte.set()
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError) as error:
        return Outcome(decoder, f"{type(error).__name__}: {error}")
    return Outcome(decoder)
