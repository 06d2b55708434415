"""The site's web socket: turns that were handed over to it, and pictures that come late.

Commands come as arrays of `{"id", "command"}`; each is answered, and a subscription to a turn is followed by what is
said in it. What a subscriber was given as a catch-up may come again (`#dup`), under the same `stream_item_id`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

from .chatgpt_encoding import Item
from .chatgpt_running import Running
from .chatgpt_site import Site
from .exchange import ClientGone
from .http1 import Http1Exchange
from .web import Refused

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
LARGEST = 1 << 20


def frame(kind: int, data: bytes) -> bytes:
    """One frame from the server."""
    size = len(data)
    if size < 126:
        return struct.pack("!BB", 0x80 | kind, size) + data
    if size < 1 << 16:
        return struct.pack("!BBH", 0x80 | kind, 126, size) + data
    return struct.pack("!BBQ", 0x80 | kind, 127, size) + data


async def frames(exchange: Http1Exchange) -> AsyncIterator[tuple[int, bytes]]:
    """The frames from the client."""
    buffer = bytearray()
    while True:
        while (found := _cut(buffer)) is None:
            data = await exchange.received()
            if data is None or len(buffer) > LARGEST:
                return
            buffer += data
        yield found


def _cut(buffer: bytearray) -> tuple[int, bytes] | None:
    """The first frame of a buffer, when all of it is there."""
    if len(buffer) < 2:
        return None
    size, at = buffer[1] & 0x7F, 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, at = int.from_bytes(buffer[2 : 2 + width], "big"), 2 + width
    end = at + 4 + size
    if len(buffer) < end:
        return None
    mask, masked = buffer[at : at + 4], buffer[at + 4 : end]
    data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
    kind = buffer[0] & 0x0F
    del buffer[:end]
    return kind, data


class Socket:
    """One connection of an account."""

    def __init__(self, exchange: Http1Exchange, account: str, site: Site) -> None:
        self._exchange, self._account, self._site = exchange, account, site
        self._updates: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        await self._accept()
        try:
            async for kind, data in frames(self._exchange):
                if kind == CLOSE:
                    await self._exchange.raw(frame(CLOSE, data))
                    break
                if kind == PING:
                    await self._exchange.raw(frame(PONG, data))
                elif kind == TEXT:
                    await self._obey(json.loads(data))
        finally:
            if self._updates:
                self._updates.cancel()
        self._exchange.cut()

    async def _accept(self) -> None:
        key = (self._exchange.request.header("sec-websocket-key") or "").encode()
        if not key or (self._exchange.request.header("upgrade") or "").lower() != "websocket":
            raise Refused(400, {"detail": "a web socket is needed"})
        accepted = base64.b64encode(hashlib.sha1(key + _MAGIC).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Accept: {accepted}", "", ""]
        self._exchange.status = 101
        await self._exchange.raw("\r\n".join(lines).encode())

    async def _tell(self, value: Any) -> None:
        await self._exchange.raw(frame(TEXT, json.dumps(value, ensure_ascii=False).encode()))

    async def _obey(self, orders: list[dict[str, Any]]) -> None:
        for order in orders:
            command = order["command"]
            topic = command.get("topic_id", "")
            reply: dict[str, Any] = {"type": command["type"]}
            running = self._site.board.of_topic(self._account, topic) if command["type"] == "subscribe" else None
            if command["type"] == "subscribe":
                heard = running.heard if running else []
                caught = [self._message(topic, place, item) for place, item in enumerate(heard)]
                reply |= {"topic_id": topic, "catchups": caught}
            await self._tell({"type": "reply", "id": order.get("id"), "reply": reply})
            if running and not running.is_read:
                await self._follow(running, topic)
            elif topic == "conversations" and self._updates is None:
                self._updates = asyncio.create_task(self._watch())

    def _message(self, topic: str, place: int, item: Item | None) -> dict[str, Any]:
        name = f"event: {item.name}\n" if item and item.name else ""
        text = f"{name}data: {item.data.decode() if item else '[DONE]'}\n\n"
        item_of = {"type": "stream-item", "encoded_item": text, "stream_item_id": f"{topic}-{place}"}
        item_of["parent_stream_item_id"] = f"{topic}-{place - 1}" if place else None
        payload = {"type": "conversation-turn-stream", "payload": item_of}
        return {"type": "message", "topic_id": topic, "payload": payload, "offset": str(place + 1)}

    async def _follow(self, running: Running, topic: str) -> None:
        """Says what is still to come; with duplicates, the last that the subscriber has and every third twice."""
        repeats = bool(running.ask.scenario.get("duplicates"))
        known = len(running.heard)
        running.is_read = True
        try:
            place = -1
            for place, item in enumerate(running.from_offset(0)):
                if place < known - 2 * repeats:
                    continue
                for _ in range(2 if repeats and place % 3 == 0 else 1):
                    await self._tell(self._message(topic, place, item))
            await self._tell(self._message(topic, place + 1, None))
        finally:
            running.is_read = False

    async def _watch(self) -> None:
        """Says when a picture has come, until nobody listens any more."""
        library, told = self._site.library, set[str]()
        while not self._exchange.gone.is_set():
            expected, waits = library.expected, []
            for conversation in list(library.conversations.values()):
                if conversation.account != self._account or conversation.late is None or conversation.id in told:
                    continue
                wait = conversation.late[0] - time.monotonic()
                if wait > 0:
                    waits.append(wait)
                    continue
                told.add(conversation.id)
                await self._update(conversation.id)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(expected.wait(), min(waits, default=None))

    async def _update(self, conversation: str) -> None:
        found = self._site.shown(self._account, conversation)
        message = found["mapping"][found["current_node"]]["message"]
        update = {"conversation_id": conversation, "update_type": "async-task-update-message"}
        payload = {"type": "conversation-update", "payload": update | {"update_content": {"message": message}}}
        try:
            await self._tell({"type": "message", "topic_id": "conversations", "payload": payload, "offset": "1"})
        except ClientGone:
            return
