"""Who asks, and how accounts behave that are called so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .chatgpt_words import CAPPED, CHALLENGE, UNUSUAL
from .ledger import Account
from .web import HTML_TYPE, Refused

EVERYWHERE: dict[str, tuple[int, str]] = {
    "at-401": (401, "token_expired"),
    "at-revoked": (401, "token_revoked"),
    "at-deactivated": (401, "account_deactivated"),
}
BUSY = "Only one message at a time. Please allow any other responses to complete before sending another message."
CAP = "You have sent too many messages to the model. Please try again later."


@dataclass
class Visitor:
    """An account, or somebody without one."""

    name: str
    plan: str
    claims: dict[str, Any]

    @property
    def persona(self) -> str:
        return {"anonymous": "chatgpt-noauth", "free": "chatgpt-freeaccount"}.get(self.plan, "chatgpt-paid")


def told_by_name(name: str) -> dict[str, Any]:
    """The scenario that an account's name comes to."""
    if name.startswith("at-slow"):
        return {"interval": 0.1}
    if name.startswith("at-unusual"):
        return {"refused": UNUSUAL}
    return {"text": CAPPED, "blocked": True} if name.startswith("at-capped") else {}


def behave(name: str) -> None:
    """What some accounts get whatever they ask for."""
    for called, (status, code) in EVERYWHERE.items():
        if name.startswith(called):
            raise Refused(status, {"detail": {"code": code, "message": "Your authentication token is not accepted."}})
    if name.startswith("at-403-html"):
        raise Refused(403, CHALLENGE, kind=HTML_TYPE)
    if name.startswith("at-500"):
        raise Refused(500, {"detail": "Internal server error"})


def behave_in_turn(name: str, account: Account, model: str, clears_in: float) -> None:
    """What some accounts get when they ask a model."""
    if account.is_cooling(model):
        account.used_while_cooling += 1
    if name.startswith("at-late-401"):
        raise Refused(401, {"detail": {"code": "token_expired", "message": "Your authentication token has expired."}})
    if name.startswith("at-busy"):
        raise Refused(429, {"detail": BUSY})
    is_limited = not account.has_cooled(model) if name.startswith("at-429-once") else name.startswith("at-429")
    if is_limited:
        is_bare = name.startswith("at-429-bare")
        if not is_bare:
            account.cool(model, clears_in, extends=not name.startswith("at-429-once"))
        told = {"clears_in": clears_in, "code": "model_cap_exceeded", "message": CAP}
        raise Refused(429, {"detail": "Too many requests" if is_bare else told})
