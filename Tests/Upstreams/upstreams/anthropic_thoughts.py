"""Thinking: whether a request has it on, and the signatures by which the vendor knows its own thoughts again."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from .anthropic_models import Model

SECRET = b"the simulator's own"
THOUGHTS = ("thinking", "redacted_thinking")


def thinks(body: dict[str, Any], model: Model) -> bool:
    kind = (body.get("thinking") or {}).get("type")
    return model.thinks_unasked if kind is None else kind in ("enabled", "adaptive")


def shows_thoughts(body: dict[str, Any], model: Model) -> bool:
    display = (body.get("thinking") or {}).get("display")
    return not model.hides_thoughts if display is None else display == "summarized"


def blocks_of(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def before(body: dict[str, Any], place: int, model: Model) -> str:
    """What a thought at this place is bound to: the digest of all before it, or nothing for most models.

    How a text is written (a string or blocks), what is cached, and thoughts that were left out make no difference.
    """
    if not model.binds_thoughts:
        return ""
    turns: list[list[Any]] = []
    for message in body["messages"][:place]:
        kept = [_plain(b) for b in blocks_of(message["content"]) if b["type"] not in THOUGHTS]
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1] += kept
        else:
            turns.append([message["role"], kept])
    system = [_plain(block) for block in blocks_of(body.get("system"))]
    tools = [_plain(tool) for tool in body.get("tools") or []]
    told = json.dumps([system, tools, turns], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def sign(thinking: str, bound_to: str) -> str:
    """Opaque to everyone else. Hidden thoughts have the signature of the empty text, for that is what comes back."""
    return "sig" + hmac.new(SECRET, f"{bound_to}\n{thinking}".encode(), hashlib.sha256).hexdigest()


def seal(data: str) -> str:
    """Thoughts that nobody may read, in a form whose change is noticed."""
    return f"{data}.{hmac.new(SECRET, data.encode(), hashlib.sha256).hexdigest()}"


def is_sealed(data: str) -> bool:
    return hmac.compare_digest(seal(data.rpartition(".")[0]), data)


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "cache_control"}
