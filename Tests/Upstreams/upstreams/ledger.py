"""Who used which account, how much at once, and against which rules: what a web site's operator would see."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: A client counts from the moment it read the refusal, which is never before it was written; but clocks are coarse.
LENIENCE = 0.05


class Account:
    """One account's books."""

    def __init__(self) -> None:
        self.requests = 0
        self.turns = 0
        self.in_flight = 0
        self.peak = 0
        #: What was done against the rules, by rule.
        self.violations: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.devices: set[str] = set()
        self.workspaces: set[str] = set()
        self.used_while_cooling = 0
        self._cooling: dict[str, float] = {}

    def cool(self, model: str, seconds: float, extends: bool = True) -> None:
        """The account was told to wait; asking again may make it longer."""
        if extends or model not in self._cooling:
            self._cooling[model] = time.monotonic() + seconds

    def is_cooling(self, model: str) -> bool:
        return time.monotonic() < self._cooling.get(model, 0.0) - LENIENCE

    def has_cooled(self, model: str) -> bool:
        """Whether it was told to wait at all, and has."""
        return model in self._cooling and not self.is_cooling(model)

    def seen_with(self, device: str | None, workspace: str | None = None) -> None:
        self.devices |= {device} if device else set()
        self.workspaces |= {workspace} if workspace else set()

    def stats(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "turns": self.turns,
            "in_flight": self.in_flight,
            "peak": self.peak,
            "violations": dict(self.violations),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "used_while_cooling": self.used_while_cooling,
            "devices": sorted(self.devices),
            "workspaces": sorted(self.workspaces),
        }


class Turn:
    """One answer that an account is getting."""

    def __init__(self, ledger: Ledger, account: Account) -> None:
        self._ledger, self._account = ledger, account
        self.is_over = False
        account.turns += 1
        account.in_flight += 1
        account.peak = max(account.peak, account.in_flight)
        ledger.in_flight += 1
        ledger.peak = max(ledger.peak, ledger.in_flight)

    def end(self) -> None:
        """Called before the client can know that it is over, so that its next turn is never too early."""
        if not self.is_over:
            self.is_over = True
            self._account.in_flight -= 1
            self._ledger.in_flight -= 1


class Ledger:
    """All accounts' books."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.in_flight = 0
        self.peak = 0

    def of(self, name: str) -> Account:
        return self.accounts.setdefault(name, Account())

    @contextmanager
    def turn(self, name: str) -> Iterator[Turn]:
        """A turn that ends with the block, if not before."""
        turn = Turn(self, self.of(name))
        try:
            yield turn
        finally:
            turn.end()

    def stats(self) -> dict[str, Any]:
        accounts = {name: account.stats() for name, account in self.accounts.items()}
        return {
            "requests": sum(account.requests for account in self.accounts.values()),
            "turns": sum(account.turns for account in self.accounts.values()),
            "violations": sum(account.violations.total() for account in self.accounts.values()),
            "used_while_cooling": sum(account.used_while_cooling for account in self.accounts.values()),
            "in_flight": self.in_flight,
            "peak": self.peak,
            "accounts": accounts,
        }
