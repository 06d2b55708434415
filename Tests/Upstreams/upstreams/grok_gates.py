"""Gates, at which streams wait until a test lets them go on: a slow answer without a clock.

`POST /_gates {"name": "a", "steps": 3}` lets three frames through, `{"name": "a", "open": true}` all there will be. The
end of a stream takes a step as well, so that one can be held open when all is said.
`GET /_gates` tells how many wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from .exchange import ClientGone, Exchange


class Gate:
    """Steps that were granted and not taken, and who waits for one."""

    def __init__(self) -> None:
        self.steps = 0
        self.is_open = False
        self.waiting: deque[asyncio.Future[None]] = deque()

    def grant(self, steps: int, is_open: bool) -> None:
        self.steps += steps
        self.is_open = self.is_open or is_open
        while self.waiting and (self.is_open or self.steps):
            waiter = self.waiting.popleft()
            if not waiter.done():
                self.steps -= not self.is_open
                waiter.set_result(None)

    async def pass_through(self, exchange: Exchange) -> None:
        """Waits for a step, or until the reader has left."""
        if self.is_open:
            return
        if self.steps:
            self.steps -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        gone = asyncio.ensure_future(exchange.gone.wait())
        try:
            await asyncio.wait({waiter, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not waiter.done():
                waiter.cancel()
        if exchange.gone.is_set():
            raise ClientGone


class Gates:
    """All gates, by their names."""

    def __init__(self) -> None:
        self.by_name: dict[str, Gate] = {}

    def of(self, name: str) -> Gate:
        return self.by_name.setdefault(name, Gate())

    def apply(self, order: dict[str, Any]) -> None:
        self.of(order["name"]).grant(order.get("steps", 0), order.get("open", False))

    def open_all(self) -> None:
        for gate in self.by_name.values():
            gate.grant(0, is_open=True)

    def told(self) -> dict[str, Any]:
        return {name: sum(not w.done() for w in gate.waiting) for name, gate in self.by_name.items()}
