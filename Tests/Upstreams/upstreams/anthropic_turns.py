"""Anthropic's rules about a conversation: whose turn it is, results and their calls, and thoughts that come back."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from .anthropic_models import Model
from .anthropic_shape import Refused
from .anthropic_thoughts import THOUGHTS, before, blocks_of, is_sealed, sign, thinks

ASSISTANT_ONLY = ("tool_use", "thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result")
USER_ONLY = ("tool_result", "image", "search_result")
CALL_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
BEGINNINGS = {
    "image/png": (b"\x89PNG",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF8",),
    "image/webp": (b"RIFF",),
    "application/pdf": (b"%PDF",),
}

# What the simulator thought before each call it made, by the call's id.
Issued = dict[str, list[dict[str, Any]]]


def check_turns(body: dict[str, Any], model: Model, version: str, issued: Issued) -> None:
    """Raises what the vendor would answer to these messages, whose shape is right."""
    messages = body["messages"]
    if not messages:
        raise Refused("messages: at least one message is required")
    for place, message in enumerate(messages):
        _check_role(message, place, model)
        is_last = place == len(messages) - 1
        blocks = blocks_of(message["content"])
        if not blocks and not (is_last and message["role"] == "assistant"):
            raise Refused(
                f"messages.{place}: all messages must have non-empty content except for the optional final assistant"
                " message"
            )
        for position, block in enumerate(blocks):
            _check_block(block, message["role"], f"messages.{place}.content.{position}", version)
    spoken = [message for message in messages if message["role"] != "system"]
    if not spoken or spoken[0]["role"] != "user":
        raise Refused('messages: first message must use the "user" role')
    _check_prefill(messages[-1], model)
    _check_results(messages)
    if thinks(body, model):
        _check_thoughts(body, model, issued)


def _check_role(message: dict[str, Any], place: int, model: Model) -> None:
    if message["role"] == "system" and not (model.takes_system_turns or model.ignores_system_turns):
        raise Refused(f"messages.{place}: role 'system' is not supported on this model")


def _check_prefill(last: dict[str, Any], model: Model) -> None:
    if last["role"] != "assistant":
        return
    if model.takes_no_prefill:
        raise Refused(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    blocks = blocks_of(last["content"])
    if blocks and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        raise Refused("messages: final assistant content cannot end with trailing whitespace")


# Blocks


def _check_block(block: dict[str, Any], role: str, path: str, version: str) -> None:
    kind = block["type"]
    if kind in ASSISTANT_ONLY and role != "assistant":
        raise Refused(f"{path}: `{kind}` blocks can only be in `assistant` messages")
    if kind in USER_ONLY and role != "user":
        raise Refused(f"{path}: `{kind}` blocks can only be in `user` messages")
    is_new = version >= "2026-10-21"
    if kind == "document" and role == "assistant" and is_new:
        raise Refused(f"{path}: `document` blocks can only be in `user` messages")
    if kind == "text" and role == "user" and is_new and block.get("citations"):
        raise Refused(f"{path}.text.citations: Extra inputs are not permitted")
    if kind == "tool_use" and not CALL_ID.match(block["id"]):
        raise Refused(f"{path}.tool_use.id: String should match pattern '{CALL_ID.pattern}'")
    inner = block.get("content")
    for part in [block, *(inner if kind == "tool_result" and isinstance(inner, list) else [])]:
        if part["type"] == "text":
            check_text(part, "messages")
        if part["type"] in ("image", "document"):
            _check_source(part["source"], f"{path}.{part['type']}.source")


def check_text(block: dict[str, Any], path: str) -> None:
    if not block["text"]:
        raise Refused(f"{path}: text content blocks must be non-empty")
    if not block["text"].strip():
        raise Refused(f"{path}: text content blocks must contain non-whitespace text")


def _check_source(source: dict[str, Any], path: str) -> None:
    match source["type"]:
        case "url":
            if not source["url"].startswith(("https://", "http://")):
                raise Refused(f"{path}.url.url: Only HTTPS URLs are supported.")
        case "base64":
            try:
                data = base64.b64decode(source["data"], validate=True)
            except (binascii.Error, ValueError):
                raise Refused(f"{path}.base64.data: Input should be a valid base64 string") from None
            if not data.startswith(BEGINNINGS[source["media_type"]]):
                raise Refused(f"{path}.base64: The data does not match the media type {source['media_type']}")
        case "text" if not source["data"]:
            raise Refused(f"{path}.text.data: Input should be a non-empty string")


# Calls and results


def _check_results(messages: list[dict[str, Any]]) -> None:
    """Neighbours of one role are one turn to the vendor, but results must stand in the very next message."""
    waiting: list[str] = []
    seen: set[str] = set()
    for place, message in enumerate(messages):
        blocks = blocks_of(message["content"])
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if missing := [name for name in waiting if name not in results]:
            raise Refused(_unanswered(place - 1, missing))
        for position, name in enumerate(results):
            if name not in waiting:
                raise Refused(
                    f"messages.{place}.content.{position}: unexpected `tool_use_id` found in `tool_result` blocks:"
                    f" {name}. Each `tool_result` block must have a corresponding `tool_use` block in the previous"
                    " message."
                )
            if results.count(name) > 1:
                raise Refused(
                    f"messages.{place}.content.{position}: each tool_use must have a single result. Found multiple"
                    f" `tool_result` blocks with id: {name}"
                )
        if any(block["type"] == "tool_result" for block in blocks[len(results) :]):
            raise Refused(f"messages.{place}: `tool_result` blocks must come before any other content")
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(waiting)) < len(waiting) or seen & set(waiting):
            raise Refused(f"messages.{place}: `tool_use` ids must be unique")
        seen |= set(waiting)
    if waiting:
        raise Refused(_unanswered(len(messages) - 1, waiting))


def _unanswered(place: int, names: list[str]) -> str:
    return (
        f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after:"
        f" {', '.join(names)}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


# Thoughts


def _check_thoughts(body: dict[str, Any], model: Model, issued: Issued) -> None:
    replies = [n for n, message in enumerate(body["messages"]) if message["role"] == "assistant"]
    for place in replies:
        bound_to = before(body, place, model)
        for position, block in enumerate(blocks_of(body["messages"][place]["content"])):
            path = f"messages.{place}.content.{position}"
            if block["type"] == "thinking" and block["signature"] != sign(block["thinking"], bound_to):
                raise Refused(f"{path}: Invalid `signature` in `thinking` block")
            if block["type"] == "redacted_thinking" and not is_sealed(block["data"]):
                raise Refused(f"{path}: Invalid `data` in `redacted_thinking` block")
    if replies:
        _check_last_reply(body, replies[-1], issued)


def _check_last_reply(body: dict[str, Any], place: int, issued: Issued) -> None:
    """A turn under way, which called tools, must come back with the thoughts that led to its calls."""
    blocks = blocks_of(body["messages"][place]["content"])
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    if not calls:
        return
    by_budget = (body.get("thinking") or {}).get("type") == "enabled"
    wanted = next((issued[name] for name in calls if name in issued), [])
    if (by_budget or wanted) and blocks[0]["type"] not in THOUGHTS:
        raise Refused(
            f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
            f" `{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a"
            " thinking block (preceding the lastmost set of `tool_use` and `tool_result` blocks)."
        )
    given = [block for block in blocks if block["type"] in THOUGHTS]
    if wanted and given != wanted:
        raise Refused(
            f"messages.{place}.content: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot"
            " be modified. These blocks must remain as they were in the original response."
        )
