"""What clients did, and what they should not have done.

That is: a use before a wait was over, too much at once, two turns of a conversation at the same time, odd headers.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .exchange import Request
from .grok_clock import Clock

UUID4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", re.IGNORECASE)
KEPT = 1000
CHATS = ("new", "continue")


@dataclass
class Told:
    """When an account was told to wait, and until when."""

    at: float
    until: float


@dataclass
class Tally:
    """The account's part in it."""

    operations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    peak: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    violation_count: int = 0
    early: list[dict[str, Any]] = field(default_factory=list)
    early_count: int = 0
    waits: dict[str, Told] = field(default_factory=dict)
    last_at: float = 0.0

    def told(self) -> dict[str, Any]:
        return {
            "requests": self.operations.total(),
            "chats": sum(self.operations[name] for name in CHATS),
            "operations": dict(self.operations),
            "statuses": dict(self.statuses),
            "in_flight": self.in_flight,
            "in_flight_peak": self.peak,
            "violations": self.violation_count,
            "violation_records": self.violations,
            "early_uses": self.early_count,
            "early_records": self.early,
            "last_at": self.last_at,
        }


class Watch:
    """All tallies."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.tallies: dict[str, Tally] = {}
        self.odd: Counter[str] = Counter()
        self.overlaps: list[dict[str, Any]] = []
        self._request_ids: set[str] = set()

    def of(self, account: str) -> Tally:
        return self.tallies.setdefault(account, Tally())

    def arrived(self, account: str, operation: str, request: Request) -> None:
        tally = self.of(account)
        tally.operations[operation] += 1
        tally.last_at = self._clock.now()
        if operation not in ("asset", "shared", "abroad"):
            self._look_at(request)

    def answered(self, account: str, status: int | None) -> None:
        self.of(account).statuses[str(status)] += 1

    # Too much at once

    def enter(self, account: str, limit: int) -> bool:
        """One more answer begins; says whether that is one too many."""
        tally = self.of(account)
        tally.in_flight += 1
        tally.peak = max(tally.peak, tally.in_flight)
        if not 0 < limit < tally.in_flight:
            return False
        tally.violation_count += 1
        if len(tally.violations) < KEPT:
            tally.violations.append({"at": self._clock.now(), "in_flight": tally.in_flight, "limit": limit})
        return True

    def leave(self, account: str) -> None:
        self.of(account).in_flight -= 1

    def overlap(self, account: str, conversation: str) -> None:
        """A turn begins in a conversation whose last one is still being written."""
        if len(self.overlaps) < KEPT:
            self.overlaps.append({"at": self._clock.now(), "account": account, "conversation": conversation})
        self.odd["two turns of a conversation at once"] += 1

    # Too early

    def tell_to_wait(self, account: str, key: str, seconds: float) -> None:
        now = self._clock.now()
        self.of(account).waits[key] = Told(now, now + seconds)

    def must_wait(self, account: str, key: str) -> bool:
        """Whether an account comes before its wait is over, which is written down."""
        tally, now = self.of(account), self._clock.now()
        told = tally.waits.get(key)
        if told is None or now >= told.until:
            return False
        tally.early_count += 1
        if len(tally.early) < KEPT:
            tally.early.append({"key": key, "told_at": told.at, "until": told.until, "at": now})
        return True

    # Manners

    def strange(self, fields: list[str]) -> None:
        for name in fields:
            self.odd[f"unknown field {name}"] += 1

    def _look_at(self, request: Request) -> None:
        request_id = request.header("x-xai-request-id")
        if request_id is None:
            self.odd["no x-xai-request-id"] += 1
        elif not UUID4.match(request_id):
            self.odd["x-xai-request-id is no UUID"] += 1
        elif request_id in self._request_ids:
            self.odd["x-xai-request-id was used before"] += 1
        else:
            self._request_ids.add(request_id)
        for name in ("user-agent", "origin"):
            if not request.header(name):
                self.odd[f"no {name}"] += 1

    def by_account(self) -> dict[str, Any]:
        return {account: tally.told() for account, tally in sorted(self.tallies.items())}

    def manners(self) -> dict[str, Any]:
        return {"odd": dict(self.odd), "overlaps": self.overlaps}
