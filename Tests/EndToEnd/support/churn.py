"""An operator who never rests: keys, accounts, settings and workers come, change and go."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from .governed import ECHO, PLAIN, Governed
from .load import Ask, Load, Sample

#: The model that upstreams fail for and clients leave; nothing about it is exact.
ROUGH = "openai/gpt-4o"
#: These are never killed, so that it can be seen what they keep.
SURVIVORS = (0, 1)
FAULTS: list[dict[str, Any]] = [
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"fault": "cut_after", "after": 2, "count": 5},
    {"fault": "error_frame", "after": 2, "count": 5},
    {"fault": "garbage", "after": 1, "count": 3},
    {"fault": "accept_close"},
]
LIMITS: list[dict[str, Any]] = [
    {"requests_per_minute": 5},
    {"tokens_per_minute": 3000},
    {"concurrent": 1},
    {"budgets": [{"amount": 2000, "unit": "tokens", "window": "day"}]},
    {"budgets": [{"amount": 0.01, "unit": "usd", "window": "total"}]},
    {"requests_per_minute": 1000, "budgets": [{"amount": 10**9, "unit": "tokens", "window": "month"}]},
]


class Churn:
    """One change after the other, by chance; `restore` takes back what is left of them."""

    def __init__(self, governed: Governed, load: Load, seed: int = 5) -> None:
        self.governed = governed
        self.load = load
        self.counts: Counter[str] = Counter()
        #: What may be missing in the ledger, because its worker was killed.
        self.at_risk: list[Sample] = []
        self.down: int | None = None
        self._dice = random.Random(seed)
        self._keys: dict[str, str] = {}
        self._accounts: list[str] = []
        self._number = 0
        self._usual = list(load.asks) + rough_asks(governed)
        self._set_asks()

    def step(self) -> None:
        """One change of any kind; a worker only now and then."""
        actions = [self._make_key] * 3 + [self._change_key, self._remove_key, self._remove_key]
        actions += [self._add_account, self._switch_account, self._remove_account, self._set, self._clear]
        self._dice.choice(actions)()
        if self._dice.random() < 0.04:
            self._kill_or_restart()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """One call to a worker that lives."""
        answer = self.governed.change(self._dice.choice(SURVIVORS), method, path, body)
        assert answer.status in (200, 201), f"{method} {path}: {answer.status} {bytes(answer.body)[:300]!r}"
        self.counts[f"{method} {path.split('/')[0]}"] += 1
        return json.loads(answer.body)

    def _set_asks(self) -> None:
        self.load.asks = self._usual + [Ask(key, model) for key in self._keys.values() for model in (ROUGH, ECHO)]

    # Keys

    def _make_key(self) -> None:
        if len(self._keys) < 12:
            self._number += 1
            body = {"name": f"churned {self._number}", "limits": self._dice.choice(LIMITS)}
            made = self._call("POST", "keys", body)
            self._keys[made["digest"]] = made["key"]
            self._set_asks()

    def _change_key(self) -> None:
        if self._keys:
            digest = self._dice.choice(list(self._keys))
            change = self._dice.choice([{"enabled": False}, {"enabled": True}, {"limits": self._dice.choice(LIMITS)}])
            self._call("PATCH", f"keys/{digest}", change)

    def _remove_key(self) -> None:
        # While its requests run: what they settle afterwards must not stay.
        if self._keys:
            digest = self._dice.choice(list(self._keys))
            self._call("DELETE", f"keys/{digest}")
            del self._keys[digest]
            self._set_asks()

    # Accounts

    def _add_account(self) -> None:
        if len(self._accounts) < 6:
            self._number += 1
            body: dict[str, Any] = {"credential": f"sim-churned-{self._number}", "note": "churned"}
            if self._dice.random() < 0.5:
                body["concurrency"] = self._dice.randint(1, 4)
            self._accounts.append(self._call("POST", "pools/openai/accounts", body)["id"])

    def _switch_account(self) -> None:
        if self._accounts:
            path = f"pools/openai/accounts/{self._dice.choice(self._accounts)}"
            self._call("PATCH", path, {"enabled": self._dice.random() < 0.5})

    def _remove_account(self) -> None:
        if self._accounts:
            account = self._accounts.pop(self._dice.randrange(len(self._accounts)))
            self._call("DELETE", f"pools/openai/accounts/{account}")

    def _clear(self) -> None:
        if self._accounts:
            path = f"pools/openai/accounts/{self._dice.choice(self._accounts)}/clear-cooldown"
            self._call("POST", path, {"all": True})

    # Settings and workers

    def _set(self) -> None:
        self._call("PUT", "settings/retry_times", {"value": self._dice.randint(0, 3)})

    def _kill_or_restart(self) -> None:
        if self.down is not None:
            self.governed.cluster.restart_worker(self.down)
            self.load.running = self.load.running | {self.down}
            self.down = None
            return
        self.down = self._dice.choice([w for w in range(len(self.governed.cluster.workers)) if w not in SURVIVORS])
        at_risk = self.load.at_risk(self.down)
        self.governed.cluster.kill_worker(self.down)
        self.at_risk += at_risk + self.load.at_risk(self.down)
        self.load.running = self.load.running - {self.down}
        self.counts["kills"] += 1

    def restore(self) -> None:
        """As it was before, but for what was used."""
        if self.down is not None:
            self._kill_or_restart()
        while self._keys:
            self._remove_key()
        while self._accounts:
            self._remove_account()
        self._call("DELETE", "settings/retry_times")


def rough_asks(governed: Governed) -> list[Ask]:
    """Clients that leave and upstreams that fail."""
    slow = {"count": 200, "interval": 0.02}
    leaving = [
        Ask(governed.free, ROUGH, True, slow, leaves=0.1),
        Ask(governed.free, ROUGH, False, {"head_delay": 3}, leaves=0.1),
    ]
    return leaving + [Ask(governed.free, ROUGH, stream, fault) for fault in FAULTS for stream in (False, True)]


def exact_asks(governed: Governed) -> list[Ask]:
    """Requests whose every token must be found again, three of four."""
    return [ask for ask in governed.asks() if ask.model == PLAIN] * 6
