"""HTTP/2 over TLS for the same handlers: a thin asyncio server around `h2`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from .exchange import ClientGone, Exchange, Handler, Journal, Request, next_turn


class Http2Exchange(Exchange):
    """An answer on one stream of an HTTP/2 connection."""

    def __init__(self, connection: Http2Connection, stream: int, request: Request, number: int) -> None:
        super().__init__(request, number)
        self.connection = connection
        self.stream = stream

    async def head(self, status: int, headers: list[tuple[str, str]], length: int | None = None) -> None:
        self.status = status
        fields = [(":status", str(status)), *((name.lower(), value) for name, value in headers)]
        if length is not None and length >= 0:
            fields.append(("content-length", str(length)))
        self._check()
        self.connection.h2.send_headers(self.stream, fields)
        self.connection.flush()

    async def body(self, data: bytes) -> None:
        await self.raw(data)

    async def raw(self, data: bytes) -> None:
        h2 = self.connection.h2
        while data:
            self._check()
            room = min(
                h2.local_flow_control_window(self.stream), h2.max_outbound_frame_size, self.write_size or 1 << 20
            )
            if room <= 0:
                await self.connection.window_opened()
                continue
            h2.send_data(self.stream, data[:room])
            self.connection.flush()
            self.bytes_written += min(room, len(data))
            data = data[room:]
            await next_turn()
        self._check()

    async def finish(self) -> None:
        self._check()
        self.connection.h2.end_stream(self.stream)
        self.connection.flush()
        self.end("done")

    def cut(self, reset: bool = False) -> None:
        """Resets the stream; with `reset` the whole connection dies."""
        if reset:
            self.connection.transport.abort()
        else:
            self.connection.h2.reset_stream(self.stream, ErrorCodes.INTERNAL_ERROR)
            self.connection.flush()
        self.end("cut")

    @property
    def bytes_waiting(self) -> int:
        return self.connection.transport.get_write_buffer_size()

    def _check(self) -> None:
        if self.gone.is_set():
            raise ClientGone


class Http2Connection(asyncio.Protocol):
    """One TLS connection with its streams."""

    def __init__(self, server: Http2Server) -> None:
        self.server = server
        self.number = next(server.journal.connections)
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._pending: dict[int, tuple[list[tuple[str, str]], bytearray]] = {}
        self._exchanges: dict[int, Http2Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._window: asyncio.Event = asyncio.Event()
        self._requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.add(self)
        self.h2.initiate_connection()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self)
        for exchange in self._exchanges.values():
            exchange.client_left()
        self._window.set()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            self.transport.close()
            return
        for event in events:
            self._handle(event)
        self.flush()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.transport.write(data)

    async def window_opened(self) -> None:
        self._window.clear()
        await self._window.wait()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._pending[event.stream_id] = ([(str(k), str(v)) for k, v in event.headers], bytearray())
        elif isinstance(event, DataReceived):
            self._pending[event.stream_id][1].extend(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._begin(event.stream_id)
        elif isinstance(event, StreamReset):
            self._pending.pop(event.stream_id, None)
            if exchange := self._exchanges.get(event.stream_id):
                exchange.client_left()
            self._window.set()
        elif isinstance(event, WindowUpdated):
            self._window.set()
        elif isinstance(event, ConnectionTerminated):
            self.transport.close()

    def _begin(self, stream: int) -> None:
        fields, body = self._pending.pop(stream)
        known = dict(fields)
        self._requests += 1
        headers = [(name, value) for name, value in fields if not name.startswith(":")]
        head = "\r\n".join(f"{name}: {value}" for name, value in fields).encode()
        request = Request(
            known[":method"], known[":path"], headers, head, bytes(body), self.number, self._requests, protocol="h2"
        )
        exchange = Http2Exchange(self, stream, request, self.server.journal.number(request))
        self.server.journal.add(exchange)
        self._exchanges[stream] = exchange
        task = asyncio.get_running_loop().create_task(self._run(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, exchange: Http2Exchange) -> None:
        try:
            await self.server.handler(exchange)
        except (ClientGone, ProtocolError):
            exchange.client_left()
        finally:
            exchange.end("failed")
            self._exchanges.pop(exchange.stream, None)


class Http2Server:
    """Listens with TLS and ALPN `h2`."""

    def __init__(self, handler: Handler, journal: Journal, context: ssl.SSLContext) -> None:
        self.handler = handler
        self.journal = journal
        self.context = context
        self.connections: set[Http2Connection] = set()
        self._server: asyncio.Server | None = None
        context.set_alpn_protocols(["h2"])

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Http2Connection(self), host, port, ssl=self.context, backlog=1024
        )
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)
