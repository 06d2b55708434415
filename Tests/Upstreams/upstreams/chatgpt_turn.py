"""A turn that has been found right, and the messages that the site writes in it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .chatgpt_tree import Conversation


@dataclass
class Ask:
    """What was asked, and where in its conversation it hangs."""

    conversation: Conversation
    node: str
    said: list[dict[str, Any]]
    body: dict[str, Any]
    scenario: dict[str, Any]
    is_present: bool
    model: str
    plan: str
    #: What came with the messages: a line for each file.
    attached: list[str] = field(default_factory=list)
    #: Makes a file of the account and returns its name.
    make_file: Callable[..., str] = lambda *_: ""
    #: With which an answer that broke off is taken up again.
    resume_token: str = ""
    #: What an earlier answer that was too long still has to say.
    rest: list[str] = field(default_factory=list)

    @property
    def is_delta(self) -> bool:
        told = self.scenario.get("encoding")
        return told == "v1" if told else self.body.get("supported_encodings") == ["v1"]

    def metadata(self) -> dict[str, Any]:
        return {
            "message_type": "next",
            "model_slug": self.scenario.get("model") or self.model,
            "citations": [],
            "content_references": [],
            "parent_id": self.node,
        }


def message(
    ask: Ask, content: dict[str, Any], role: str = "assistant", name: str | None = None, **members: Any
) -> dict[str, Any]:
    """A message as the site writes it."""
    author = {"role": role, "name": name, "metadata": {}}
    usual = {
        "id": str(uuid.uuid4()),
        "author": author,
        "create_time": time.time(),
        "update_time": None,
        "content": content,
        "status": "in_progress",
        "end_turn": None,
        "weight": 1.0,
        "metadata": ask.metadata(),
        "recipient": "all",
        "channel": None,
    }
    return usual | members


def topic_of(ask: Ask) -> str:
    """Where a turn is to be heard, beside its stream."""
    return f"conversation-turn-{ask.node}"
