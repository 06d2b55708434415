"""Accounts of the Grok web app: who they are, what they pay, and how much of each model is left to them.

An account is made by `POST /_accounts`, or on its first use when its cookie follows the rule: `sim-grok-1` pays for
SuperGrok, `sim-grok-free-1` for nothing, `sim-grok-lite-1` and `sim-grok-heavy-1` for what they say. Two kinds exist to
be refused: `sim-grok-dead-1` (its session is over) and `sim-grok-blocked-1`. Any other cookie is nobody's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .grok_clock import Clock, derived

NAMED = re.compile(r"^sim-grok-(?:(free|lite|super|heavy|dead|blocked)-)?[A-Za-z0-9]+$")
TIERS = {"lite": "SUPER_GROK_LITE", "super": "GROK_PRO", "heavy": "SUPER_GROK_PRO"}

# What a plan may send in a window: gen B by mode, gen A by the name of the model.
TWO_HOURS, DAY = 7200.0, 86400.0
MODES: dict[str, dict[str, tuple[int, float]]] = {
    "free": {"fast": (30, DAY), "auto": (20, DAY)},
    "lite": {"fast": (60, TWO_HOURS), "auto": (30, TWO_HOURS)},
    "super": {"fast": (140, TWO_HOURS), "auto": (50, TWO_HOURS), "expert": (50, TWO_HOURS)},
    "heavy": {"fast": (400, TWO_HOURS), "auto": (150, TWO_HOURS), "expert": (150, TWO_HOURS), "heavy": (20, TWO_HOURS)},
}
MODE_IDS = ("fast", "auto", "expert", "heavy", "grok-420-computer-use-sa", "regular")
MODEL_NAMES = ("grok-3", "grok-420", "grok-4-1-thinking-1129", "grok-4", "grok-4-mini", "grok-4-mini-thinking-tahoe")
PER_MODEL = {"free": 80, "lite": 100, "super": 140, "heavy": 400}
HIGH_COST = 4


@dataclass
class Window:
    """So many units in so many seconds, counted from the first use."""

    total: int
    seconds: float
    used: int = 0
    began: float | None = None

    def refresh(self, now: float) -> None:
        if self.began is not None and now >= self.began + self.seconds:
            self.used, self.began = 0, None

    def remaining(self, now: float) -> int:
        self.refresh(now)
        return max(0, self.total - self.used)

    def wait(self, now: float) -> float:
        """Seconds until there is some left; nothing while there is."""
        if self.remaining(now):
            return 0.0
        return self.seconds if self.began is None else self.began + self.seconds - now

    def take(self, cost: int, now: float) -> bool:
        """Whether there was enough, and has been taken."""
        if self.remaining(now) < cost:
            return False
        self.began = now if self.began is None else self.began
        self.used += cost
        return True

    def empty(self, now: float, wait: float) -> None:
        """Nothing is left for so long."""
        self.used, self.began = self.total, now + wait - self.seconds


@dataclass
class Account:
    """One login."""

    sso: str
    plan: str
    user_id: str
    windows: dict[str, Window] = field(default_factory=dict)
    # `dead` and `blocked` accounts are refused.
    state: str = "alive"
    # More answers at once than this are violations; they are refused as well if it is enforced. 0 is no limit.
    in_flight_limit: int = 8
    enforced: bool = False

    def window(self, key: str) -> Window | None:
        """What it has of a model or a mode; nothing of a mode that its plan does not have or nobody knows."""
        if key not in self.windows:
            if key in MODE_IDS:
                told = MODES[self.plan].get(key)
            elif key in MODEL_NAMES:
                told = (PER_MODEL[self.plan], TWO_HOURS)
            else:
                told = None
            if told is None:
                return None
            self.windows[key] = Window(*told)
        return self.windows[key]

    def subscriptions(self) -> list[dict[str, Any]]:
        tier = TIERS.get(self.plan)
        if tier is None:
            return []
        subscription = {
            "tier": f"SUBSCRIPTION_TIER_{tier}",
            "status": "SUBSCRIPTION_STATUS_ACTIVE",
            "createTime": "2026-01-05T10:00:00Z",
            "modTime": "2026-02-05T10:00:00Z",
            "billingPeriodEnd": "2027-03-05T10:00:00Z",
            "cancelAtPeriodEnd": False,
            "stripe": {},
        }
        return [subscription]

    def told(self, clock: Clock) -> dict[str, Any]:
        """It, for a test."""
        now = clock.now()
        windows = {
            key: {"total": w.total, "remaining": w.remaining(now), "wait": w.wait(now)}
            for key, w in self.windows.items()
        }
        return {"sso": self.sso, "plan": self.plan, "userId": self.user_id, "state": self.state, "windows": windows}


class Accounts:
    """All accounts, by the value of their cookie."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.by_sso: dict[str, Account] = {}
        self.in_flight_limit = 8
        self.made_on_use = True

    def find(self, sso: str) -> Account | None:
        """The account of a cookie, made if its name says what it is."""
        found = self.by_sso.get(sso)
        named = NAMED.match(sso) if found is None and self.made_on_use else None
        if named is None:
            return found
        kind = named.group(1) or "super"
        is_refused = kind in ("dead", "blocked")
        made = Account(sso, "free" if is_refused else kind, derived(sso), in_flight_limit=self.in_flight_limit)
        made.state = kind if is_refused else "alive"
        self.by_sso[sso] = made
        return made

    def apply(self, order: dict[str, Any]) -> Account:
        """Makes or changes an account as `POST /_accounts` asks."""
        sso = order["sso"]
        account = self.find(sso) or Account(sso, "super", derived(sso), in_flight_limit=self.in_flight_limit)
        self.by_sso[sso] = account
        if "plan" in order:
            account.plan = order["plan"]
            account.windows.clear()
        account.user_id = order.get("userId", account.user_id)
        account.state = order.get("state", account.state)
        account.in_flight_limit = order.get("inFlightLimit", account.in_flight_limit)
        account.enforced = order.get("enforced", account.enforced)
        for key, told in order.get("windows", {}).items():
            window = Window(told.get("total", 100), told.get("seconds", TWO_HOURS))
            if "remaining" in told:
                window.used, window.began = window.total - told["remaining"], self._clock.now()
            account.windows[key] = window
        return account


def quota(account: Account, key: str, now: float) -> dict[str, Any] | None:
    """What `rate-limits` says of a model or a mode; nothing if there is no such."""
    window = account.window(key)
    if window is None:
        return {"windowSizeSeconds": 7200, "remainingQueries": 0, "totalQueries": 0} if key in MODE_IDS else None
    left, wait = window.remaining(now), window.wait(now)
    told: dict[str, Any] = {"windowSizeSeconds": int(window.seconds), "remainingQueries": left}
    told["totalQueries"] = window.total
    if wait:
        told["waitTimeSeconds"] = max(1, int(wait + 0.999))
    if key in MODE_IDS:
        return told | {"lowEffortRateLimits": None, "highEffortRateLimits": None}
    efforts = {
        "lowEffortRateLimits": {"cost": 1, "remainingQueries": left},
        "highEffortRateLimits": {"cost": HIGH_COST, "remainingQueries": left // HIGH_COST},
    }
    return told | {"remainingTokens": left, "totalTokens": window.total} | efforts
