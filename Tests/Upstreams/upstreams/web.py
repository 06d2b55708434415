"""What simulated web sites have in common: turns of several calls, settings, magic words, and books about accounts.

A scenario is meant for the call that answers, unless it says `at` which path it is meant for (its end is enough):
`{"at": "/conversation/create", "fault": "status", "status": 404}`. Magic words stand in the user's text, `#word` or
`#word=number`; what a scenario says wins over them. `POST /_control` takes `settings` beside what all vendors take, and
`GET /_stats` shows the books.
"""

from __future__ import annotations

import re
from typing import Any

from .exchange import Exchange, Request
from .ledger import Ledger
from .scenario import Steering, inline
from .vendor import VendorSimulator

#: The faults that leave nothing to answer.
EARLY = ("status", "accept_close", "silence", "head_silence", "bad_head", "not_sse")
HTML_TYPE = "text/html; charset=utf-8"


class Refused(Exception):
    """A request that the site does not accept, with what it says instead."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None, kind: str = "") -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers, self.kind = status, body, headers or {}, kind


class StepwiseSteering(Steering):
    """Scenarios that are meant for one of the calls of a turn."""

    def meant(self, path: str, answers: bool, body: dict[str, Any], key: str, text: str) -> dict[str, Any]:
        """The scenario for a call; `answers` says whether it is the one that answers the user."""

        def is_meant(told: dict[str, Any]) -> bool:
            return path.endswith(told["at"]) if "at" in told else answers

        told = [self.default, self.models.get(str(body.get("model")), {}), self.keys.get(key, {}), inline(text)]
        if self.next and is_meant(self.next[0]):
            told.append(self.next.popleft())
        merged: dict[str, Any] = {}
        for scenario in filter(is_meant, told):
            merged |= scenario
        return merged


class WebSimulator(VendorSimulator):
    """A web site with accounts."""

    #: What `settings` may say, and what holds as long as they do not.
    usual: dict[str, Any] = {}
    #: How a magic word begins.
    mark = "#"
    #: The header in which a client says which device it is.
    device_header = ""

    def __init__(self, send_buffer: int | None = None, **settings: Any) -> None:
        super().__init__(send_buffer)
        self.steering: StepwiseSteering = StepwiseSteering()
        self.ledger = Ledger()
        self._started_with = self.usual | settings
        self.settings = dict(self._started_with)
        #: Where it is; known once it has started.
        self.url = ""

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        port = await super().start(port, host)
        self.url = f"http://127.0.0.1:{port}"
        return port

    def forget(self) -> None:
        self.ledger = Ledger()
        self.settings = dict(self._started_with)

    def apply(self, order: dict[str, Any]) -> None:
        super().apply(order)
        settings = order.get("settings", {})
        unknown = set(settings) - set(self.usual)
        if unknown:
            raise ValueError(f"unknown settings: {unknown}")
        self.settings |= settings

    def inspected(self, request: Request) -> Any:
        if request.path == "/_stats":
            return self.stats()
        return super().inspected(request)

    def stats(self) -> dict[str, Any]:
        return self.ledger.stats()

    async def handle(self, exchange: Exchange) -> None:
        if exchange.request.path.startswith("/_"):
            await super().handle(exchange)
            return
        account = self.ledger.of(self.key(exchange) or "nobody")
        account.requests += 1
        account.seen_with(exchange.request.header(self.device_header))
        try:
            await super().handle(exchange)
        finally:
            account.statuses[exchange.status or 0] += 1

    def answers(self, request: Request) -> bool:
        """Whether it is the call that answers the user."""
        return False

    async def _fails_before_answer(self, exchange: Exchange, scenario: dict[str, Any]) -> bool:
        if scenario.get("fault") not in EARLY or not self.answers(exchange.request):
            return await super()._fails_before_answer(exchange, scenario)
        # A failure takes its time too, and the account is in use for as long.
        with self.ledger.turn(self.key(exchange) or "nobody"):
            return await super()._fails_before_answer(exchange, scenario)

    def words(self, text: str) -> dict[str, int | None]:
        """The magic words of a text, each with its number if it has one."""
        found = re.finditer(re.escape(self.mark) + r"([a-z][a-z0-9-]*)(?:=(\d+))?", text)
        return {match[1]: int(match[2]) if match[2] else None for match in found}

    async def reply(
        self, exchange: Exchange, status: int, body: Any, headers: dict[str, str] | None = None, kind: str = ""
    ) -> None:
        """A whole answer of any status."""
        kind = kind or ("application/json" if not isinstance(body, str) else "text/plain; charset=utf-8")
        await self.error(exchange, status, body, headers, kind)

    async def refuse(self, exchange: Exchange, refused: Refused) -> None:
        """Says what a refusal says."""
        await self.reply(exchange, refused.status, refused.body, refused.headers, refused.kind)


def bearer_of(request: Request) -> str:
    """The bearer's token; empty without one."""
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
