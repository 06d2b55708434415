"""A small HTTP/1.1 server on asyncio that lets its handler decide about every byte it writes.

It is deliberately naive about requests (the gateway under test is the only client) and exact about responses: one call
is one write, a connection can be cut anywhere, and the moment the peer goes away is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from .exchange import ClientGone, Exchange, Handler, Journal, Request, next_turn

REASONS = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    529: "Overloaded",
}


class Http1Exchange(Exchange):
    """An answer on an HTTP/1.1 connection."""

    def __init__(self, connection: Connection, request: Request, number: int) -> None:
        super().__init__(request, number)
        self.connection = connection
        self.chunked = False
        self.must_close = False
        #: The answer to HEAD is the head alone, whatever it says of a body.
        self.is_bare = request.method == "HEAD"

    async def head(self, status: int, headers: list[tuple[str, str]], length: int | None = None) -> None:
        self.status = status
        self.chunked = length is None
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if length is None:
            lines.append("Transfer-Encoding: chunked")
        elif length < 0:
            lines.append("Connection: close")
            self.must_close = True
        else:
            lines.append(f"Content-Length: {length}")
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def body(self, data: bytes) -> None:
        if data and not self.is_bare:
            await self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    async def finish(self) -> None:
        if self.chunked and not self.is_bare:
            await self.raw(b"0\r\n\r\n")
        self.end("done")
        if self.must_close:
            self.connection.transport.close()

    async def raw(self, data: bytes) -> None:
        step = self.write_size or len(data)
        for start in range(0, len(data), step):
            if self.gone.is_set():
                raise ClientGone
            piece = data[start : start + step]
            self.connection.transport.write(piece)
            self.bytes_written += len(piece)
            if not self.connection.can_write.is_set():
                await self.connection.can_write.wait()
            elif self.write_size:
                await next_turn()  # lets the bytes leave alone
        if self.gone.is_set():
            raise ClientGone

    async def received(self) -> bytes | None:
        """Bytes after the request, for protocols that take a connection over; nothing when the peer is gone."""
        connection = self.connection
        if not connection.arrived and not await connection.more():
            return None
        data = bytes(connection.arrived)
        connection.arrived.clear()
        return data

    def cut(self, reset: bool = False) -> None:
        transport = self.connection.transport
        if reset:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
        self.end("cut")

    @property
    def bytes_waiting(self) -> int:
        return self.connection.transport.get_write_buffer_size()


class Connection(asyncio.Protocol):
    """One accepted connection: cuts requests out of the bytes and runs the handler for one after the other."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.number = next(server.journal.connections)
        self.can_write = asyncio.Event()
        self.can_write.set()
        self.is_gone = False
        self.arrived = bytearray()
        self._news = asyncio.Event()
        self._exchange: Http1Exchange | None = None
        self._requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=64 * 1024, low=16 * 1024)
        sock = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server.send_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.server.send_buffer)
        self.server.connections.add(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self.arrived += data
        self._news.set()

    def eof_received(self) -> bool:
        self._left()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self)
        self._left()

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()

    def _left(self) -> None:
        self.is_gone = True
        self.can_write.set()
        self._news.set()
        if self._exchange is not None:
            self._exchange.client_left()

    async def _serve(self) -> None:
        while (request := await self._read_request()) is not None:
            exchange = Http1Exchange(self, request, self.server.journal.number(request))
            self.server.journal.add(exchange)
            self._exchange = exchange
            try:
                await self.server.handler(exchange)
            except ClientGone:
                exchange.client_left()
            finally:
                self._exchange = None
                if exchange.state != "done":
                    exchange.end("failed")
                    self.transport.close()
            if exchange.state != "done":
                return

    async def _read_request(self) -> Request | None:
        while (end := self.arrived.find(b"\r\n\r\n")) < 0:
            if not await self.more():
                return None
        head = bytes(self.arrived[:end])
        del self.arrived[: end + 4]
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        known = {name.lower(): value for name, value in headers}
        if known.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if known.get("transfer-encoding", "").lower() == "chunked":
            body = await self._read_chunked()
        else:
            body = await self._take(int(known.get("content-length", 0)))
        if body is None:
            return None
        self._requests += 1
        return Request(method, target, headers, head, body, self.number, self._requests)

    async def _read_chunked(self) -> bytes | None:
        body = bytearray()
        while True:
            while (end := self.arrived.find(b"\r\n")) < 0:
                if not await self.more():
                    return None
            size = int(bytes(self.arrived[:end]).split(b";")[0], 16)
            del self.arrived[: end + 2]
            data = await self._take(size + 2)
            if data is None:
                return None
            if size == 0:
                return bytes(body)
            body += data[:-2]

    async def _take(self, count: int) -> bytes | None:
        while len(self.arrived) < count:
            if not await self.more():
                return None
        data = bytes(self.arrived[:count])
        del self.arrived[:count]
        return data

    async def more(self) -> bool:
        if self.is_gone:
            return False
        self._news.clear()
        await self._news.wait()
        return True


class Server:
    """Listens, keeps the journal, and stops without leaving anything behind."""

    def __init__(self, handler: Handler, journal: Journal, send_buffer: int | None = None) -> None:
        self.handler = handler
        self.journal = journal
        self.send_buffer = send_buffer
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=4096)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)
