"""Failures by account, by operation and by the number of the call.

`POST /_faults {"rules": [...]}` sets rules; `"add": true` keeps those there are. A rule names its `fault` (below, or
one that all vendors know), whom it concerns: `account`, `operation` (`new`, `continue`, `chat` for both, `share`,
`clone`, `upload`, `asset`, `rate-limits`, ... see `grok_routes`), and which of the calls that it concerns, counted from
1: `at` (a list), `first`, `after_calls`, `every`, `share` (a part of them, by a seed), `times` (at most so often). All
else in it goes into the scenario of the call: `after` (frames before it), `head_delay`, `wait`, `retry_after`, `words`,
and so on. A rule without a fault only adds those. The first rule that applies is the one.

A 429 comes with a `wait` of 60 seconds unless told otherwise: until then the account is refused for that model, and
every try is recorded as a use too early. With `no_quota` its window is empty for as long; `"wait": 0` refuses once.
"""

from __future__ import annotations

import random
from typing import Any

FAULTS: dict[str, dict[str, Any]] = {
    "unauthorized": {"fault": "status", "status": 401},
    "anti_bot": {"fault": "status", "status": 403, "why": "anti_bot"},
    "challenge": {"fault": "status", "status": 403, "why": "challenge"},
    "blocked": {"fault": "status", "status": 403, "why": "blocked"},
    "forbidden": {"fault": "status", "status": 403},
    "rejected": {"fault": "status", "status": 400, "why": "rejected"},
    "outdated": {"fault": "status", "status": 400},
    "not_found": {"fault": "status", "status": 404},
    "too_large": {"fault": "status", "status": 413},
    "too_many": {"fault": "status", "status": 429},
    "no_quota": {"fault": "status", "status": 429, "why": "no_quota"},
    "server_error": {"fault": "status", "status": 500},
    "bad_gateway": {"fault": "status", "status": 502},
    "unavailable": {"fault": "status", "status": 503},
    # Nothing at all: reset or closed before a head, no byte ever, a head and no byte after it.
    "reset": {"fault": "accept_close", "reset": True},
    "close": {"fault": "accept_close"},
    "silence": {"fault": "silence"},
    "head_only": {"fault": "head_silence"},
    # Half of it.
    "reset_mid": {"fault": "cut_after", "reset": True},
    "cut_mid": {"fault": "cut_after"},
    "end_mid": {"fault": "end_after"},
    "stall_mid": {"fault": "stall"},
    "error_frame": {"fault": "error_frame"},
    # A stream like any other, to look at.
    "empty": {"fault": "end_after", "after": 0},
    "no_text": {"words": ["empty"]},
    "banner": {"words": ["banner"]},
    "stream_error": {"detail": "modelNotAvailable"},
    "model_error": {"words": ["empty", "error-model:internalError"]},
}
MID = {"reset_mid", "cut_mid", "end_mid", "stall_mid", "error_frame"}
OWN = {"account", "operation", "at", "first", "after_calls", "every", "share", "times"}
FRAMES_BEFORE = 6


def spelled(told: dict[str, Any]) -> dict[str, Any]:
    """A scenario with the names of this vendor's faults put into words that all vendors know."""
    name = told.get("fault")
    if name not in FAULTS:
        return told
    rest = {member: value for member, value in told.items() if member != "fault"}
    meant = FAULTS[name] | ({"after": FRAMES_BEFORE} if name in MID else {})
    words = [*meant.get("words", []), *rest.get("words", [])]
    return meant | rest | ({"words": words} if words else {})


class Rule:
    """One of them, with how often it was asked and applied."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.asked = self.applied = 0

    def concerns(self, account: str, operation: str) -> bool:
        names = {operation, "chat" if operation in ("new", "continue") else operation}
        return self.told.get("account", account) == account and self.told.get("operation", operation) in names

    def applies(self, chance: random.Random) -> bool:
        """Whether it is this call's turn."""
        self.asked += 1
        told, number = self.told, self.asked
        if self.applied >= told.get("times", number):
            return False
        chosen = number in told.get("at", [number]) and number <= told.get("first", number)
        chosen = chosen and number > told.get("after_calls", 0) and number % told.get("every", 1) == 0
        if chosen and "share" in told:
            chosen = chance.random() < told["share"]
        self.applied += chosen
        return chosen


class Faults:
    """The rules, in the order in which they are asked."""

    def __init__(self, seed: int) -> None:
        self.rules: list[Rule] = []
        self._chance = random.Random(seed)

    def apply(self, order: dict[str, Any]) -> None:
        for told in order["rules"]:
            if not isinstance(told, dict):
                raise ValueError("a rule is an object")
        kept = self.rules if order.get("add") else []
        self.rules = kept + [Rule(told) for told in order["rules"]]

    def scenario(self, account: str, operation: str) -> dict[str, Any]:
        """What the rules say of a call."""
        for rule in self.rules:
            if rule.concerns(account, operation) and rule.applies(self._chance):
                return spelled({name: value for name, value in rule.told.items() if name not in OWN})
        return {}

    def told(self) -> list[dict[str, Any]]:
        return [rule.told | {"asked": rule.asked, "applied": rule.applied} for rule in self.rules]
