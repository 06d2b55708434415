"""One request to the Grok web app, ready to be answered by whoever has its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import grok_errors as errors
from .grok_accounts import Account
from .grok_answer import Answer
from .grok_conversations import Conversation
from .grok_files import Asset
from .grok_world import World

NOBODY = "(nobody)"


@dataclass
class Call:
    """One request, ready to be answered."""

    world: World
    sso: str
    operation: str
    args: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]
    scenario: dict[str, Any]
    has_cookie: bool
    is_excess: bool = False

    @property
    def account(self) -> Account:
        account = self.world.accounts.find(self.sso)
        if account is None or account.state == "dead":
            raise errors.Refused(401, errors.UNAUTHENTICATED, errors.BAD_CREDENTIALS)
        if account.state == "blocked":
            raise errors.Refused(403, errors.DENIED, errors.BLOCKED, bare=True)
        return account

    @property
    def conversation(self) -> Conversation:
        return self.world.library.owned(self.args[0], self.account.sso)


Reply = dict[str, Any] | Asset | Answer


def page(call: Call, entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Newest first, from the number that the token is."""
    size, first = call.query.get("pageSize", "60"), call.query.get("pageToken") or "0"
    if not size.isdigit() or not first.isdigit():
        raise errors.invalid("pageSize and pageToken must be numbers")
    end = int(first) + int(size)
    return {name: entries[::-1][int(first) : end], "nextPageToken": str(end) if end < len(entries) else ""}
