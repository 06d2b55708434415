"""Conversations as the site keeps them: trees of messages, each its account's own."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any

from .chatgpt_rules import text_of
from .web import Refused

MOST = 20_000


def lost(code: str = "conversation_not_found", status: int = 404) -> Refused:
    return Refused(status, {"detail": {"code": code, "message": "Can't load conversation."}})


class Conversation:
    """One tree. What somebody said hangs under what it was said to."""

    def __init__(self, account: str, is_temporary: bool, gizmo: str | None, announce: Callable[[], None]) -> None:
        self.id = str(uuid.uuid4())
        self.account, self.is_temporary, self.gizmo = account, is_temporary, gizmo
        self.title = "New chat"
        self.created = time.time()
        self.updated = self.created
        self.is_archived = False
        self.is_visible = True
        self.async_status: int | None = None
        #: A message that comes by itself: when, and how it is made.
        self.late: tuple[float, Callable[[], dict[str, Any]]] | None = None
        self._announce = announce
        self.turns = 0
        #: What answers that were too long still have to say, by their last message.
        self.rests: dict[str, list[str]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.current = ""

    def expect(self, seconds: float, make: Callable[[], dict[str, Any]]) -> None:
        """A message will come by itself; whoever waits for such messages hears of it."""
        self.late = (time.monotonic() + seconds, make)
        self._announce()

    def add(self, message: dict[str, Any] | None, parent: str | None, name: str = "") -> str:
        name = message["id"] if message else name
        self.nodes[name] = {"id": name, "message": message, "parent": parent, "children": []}
        if parent is not None:
            self.nodes[parent]["children"].append(name)
        self.current = name
        self.updated = time.time()
        return name

    def path(self, name: str) -> list[dict[str, Any]]:
        """The messages from the first to this one."""
        messages: list[dict[str, Any]] = []
        at: str | None = name
        while at is not None:
            node = self.nodes[at]
            if node["message"]:
                messages.append(node["message"])
            at = node["parent"]
        return messages[::-1]

    def shown(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "create_time": self.created,
            "update_time": self.updated,
            "mapping": self.nodes,
            "current_node": self.current,
            "conversation_id": self.id,
            "async_status": self.async_status,
            "is_archived": self.is_archived,
            "gizmo_id": self.gizmo,
            "default_model_slug": "auto",
        }

    def listed(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "create_time": self.created,
            "update_time": self.updated,
            "gizmo_id": self.gizmo,
            "is_archived": self.is_archived,
        }


class Library:
    """The conversations of all accounts."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        #: Set when some conversation expects a message that comes by itself; then another takes its place.
        self.expected = asyncio.Event()

    def announce(self) -> None:
        self.expected.set()
        self.expected = asyncio.Event()

    def open(self, account: str, body: dict[str, Any]) -> tuple[Conversation, str]:
        """The conversation that a turn belongs to, and the node that it hangs under."""
        name, parent = body.get("conversation_id"), body["parent_message_id"]
        if name:
            conversation = self.of(account, name)
            if conversation.is_temporary:
                raise lost("history_disabled_conversation_not_found")
            if parent not in conversation.nodes:
                raise Refused(400, {"detail": "parent_message_id is not in the conversation"})
            return conversation, parent
        mode = body.get("conversation_mode") or {}
        is_temporary = bool(body.get("history_and_training_disabled"))
        conversation = Conversation(account, is_temporary, mode.get("gizmo_id"), self.announce)
        self.conversations[conversation.id] = conversation
        while len(self.conversations) > MOST:
            del self.conversations[next(iter(self.conversations))]
        return conversation, conversation.add(None, None, parent)

    def of(self, account: str, name: str) -> Conversation:
        """An account's conversation; others' are not there."""
        conversation = self.conversations.get(name)
        if conversation is None or conversation.account != account or not conversation.is_visible:
            raise lost()
        return conversation

    def listed(self, account: str, query: dict[str, str]) -> dict[str, Any]:
        is_archived = query.get("is_archived") == "true"
        mine = [c for c in self.conversations.values() if c.account == account and not c.is_temporary]
        found = [c for c in mine if c.is_visible and c.is_archived == is_archived]
        found.sort(key=lambda c: c.updated, reverse=True)
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 28))
        items = [c.listed() for c in found[offset : offset + limit]]
        ends = {"total": len(found), "limit": limit, "offset": offset, "has_missing_conversations": False}
        return {"items": items} | ends

    def change(self, account: str, name: str, body: dict[str, Any]) -> None:
        conversation = self.of(account, name)
        conversation.title = str(body.get("title", conversation.title))
        conversation.is_archived = bool(body.get("is_archived", conversation.is_archived))
        conversation.is_visible = bool(body.get("is_visible", True))

    def hide_all(self, account: str) -> None:
        for conversation in self.conversations.values():
            conversation.is_visible = conversation.is_visible and conversation.account != account


def hang(conversation: Conversation, parent: str, messages: list[dict[str, Any]]) -> str:
    """Hangs what was said under a node; returns the last of it."""
    for message in messages:
        known = message["id"] in conversation.nodes
        parent = message["id"] if known else conversation.add(message, parent)
    return parent


def echo_of(conversation: Conversation, node: str, said: list[dict[str, Any]]) -> str:
    """What shows a test that the site knows the conversation: the turn, the texts before it, and its own text."""
    path = conversation.path(node)
    users = sum(message["author"]["role"] == "user" for message in path)
    visible = [m for m in path if m["author"]["role"] in ("user", "assistant", "system") and text_of(m)]
    visible = [m for m in visible if not (m.get("metadata") or {}).get("is_visually_hidden_from_conversation")]
    got = text_of(said[-1]) if said else ""
    before = visible[:-1] if said and visible and visible[-1]["id"] == said[-1]["id"] else visible
    return f"turn={users}; history={'|'.join(map(text_of, before))}; got={got}"


def user_texts(conversation: Conversation, node: str) -> str:
    """What users said on the way to a node."""
    texts = (text_of(m) for m in conversation.path(node) if m["author"]["role"] == "user")
    return "|".join(itertools.filterfalse(lambda text: not text, texts))
