"""What Anthropic refuses, in its own words: the shape of a request, block by block and turn by turn."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

TOP = {
    "model", "max_tokens", "messages", "system", "stop_sequences", "stream", "thinking", "output_config", "tools",
    "tool_choice", "metadata", "service_tier", "speed", "cache_control", "container", "inference_geo", "diagnostics",
    "temperature", "top_p", "top_k",
}  # fmt: skip
SAMPLING = ("temperature", "top_p", "top_k")
# Models that have no sampling parameters, think adaptively only, and cannot be forced to call.
NEWEST = re.compile(r"claude-(opus-(4-[789]|5)|sonnet-5|haiku-5-5|fable-5|mythos-5)")
UNFORCED = re.compile(r"claude-(opus-5-5|sonnet-5-5|fable-5-[12]|mythos-5-[12])")
SCHEMAS = re.compile(r"claude-(sonnet-4-[5-9]|opus-4-[1-9]|haiku-4-[5-9]|(opus|sonnet|haiku|fable|mythos)-5)")
MEDIA = {"image/jpeg", "image/png", "image/gif", "image/webp"}
TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")


class Refused(Exception):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def check(body: dict[str, Any], version: str, sign: Callable[[str], str]) -> None:
    """Raises what the vendor would answer."""
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Refused(f"{name}: Field required")
    for name in body:
        if name not in TOP or version >= "2026-10-21" and name in SAMPLING:
            raise Refused(f"{name}: Extra inputs are not permitted")
    model = body["model"]
    if not model.startswith("claude-"):
        raise Refused(f"model: {model}", 404)
    _check_capabilities(body, model)
    _check_tools(body)
    thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive", "between_tools")
    if not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
        raise Refused("max_tokens: must be at least 1")
    for block in body.get("system") or [] if isinstance(body.get("system"), list) else []:
        _check_text(block, "system")
    _check_turns(body, thinks, sign)


def _check_capabilities(body: dict[str, Any], model: str) -> None:
    thinking = body.get("thinking") or {}
    if NEWEST.match(model):
        for name in SAMPLING:
            if name in body:
                raise Refused(f"{name}: Extra inputs are not permitted")
        if thinking.get("type") == "enabled":
            raise Refused("thinking.type: 'enabled' is not supported on this model")
    if not 0 <= body.get("temperature", 1) <= 1:
        raise Refused("temperature: range: 0..1")
    if "temperature" in body and "top_p" in body:
        raise Refused("`temperature` and `top_p` cannot both be specified for this model.")
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < 1024:
            raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body["max_tokens"]:
            raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`")
        if body.get("temperature", 1) != 1:
            raise Refused("`temperature` may only be set to 1 when thinking is enabled")
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    if forced and (UNFORCED.match(model) or thinking.get("type") == "enabled"):
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")
    if (body.get("output_config") or {}).get("format") and not SCHEMAS.match(model):
        raise Refused("output_config.format: not supported on this model")


def _check_tools(body: dict[str, Any]) -> None:
    for place, tool in enumerate(body.get("tools") or []):
        if not TOOL_NAME.match(tool.get("name", "")):
            raise Refused(f"tools.{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if (tool.get("input_schema") or {}).get("type") != "object":
            raise Refused(f"tools.{place}.input_schema.type: Field required")
        extra = set(tool) - {"name", "description", "input_schema", "strict", "cache_control", "type"}
        if extra:
            raise Refused(f"tools.{place}.{extra.pop()}: Extra inputs are not permitted")
    choice = body.get("tool_choice")
    if choice and not body.get("tools"):
        raise Refused("tool_choice: may only be specified while providing tools")
    if choice and choice.get("type") not in ("auto", "any", "tool", "none"):
        raise Refused("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    for text in body.get("stop_sequences") or []:
        if not text.strip():
            raise Refused("stop_sequences: each stop sequence must contain non-whitespace")


def _check_turns(body: dict[str, Any], thinks: bool, sign: Callable[[str], str]) -> None:
    turns = body["messages"]
    if not turns:
        raise Refused("messages: at least one message is required")
    if turns[0].get("role") != "user":
        raise Refused("messages: first message must use the \"user\" role")
    if turns[-1].get("role") == "assistant" and NEWEST.match(body["model"]):
        raise Refused("This model does not support assistant message prefill.")
    waiting: list[str] = []
    for place, turn in enumerate(turns):
        path = f"messages.{place}"
        if turn.get("role") not in ("user", "assistant"):
            raise Refused(f"{path}.role: role '{turn.get('role')}' is not supported on this model")
        if set(turn) - {"role", "content"}:
            raise Refused(f"{path}: Extra inputs are not permitted")
        content = turn.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        if not blocks:
            raise Refused(f"{path}.content: at least one block is required")
        if turn["role"] == "assistant":
            waiting = _check_assistant(blocks, path, thinks, sign)
        else:
            _check_user(blocks, path, waiting)
            waiting = []
    if waiting:
        raise Refused(_unanswered(waiting))


def _check_assistant(
    blocks: list[dict[str, Any]], path: str, thinks: bool, sign: Callable[[str], str]
) -> list[str]:
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    for at, block in enumerate(blocks):
        match block["type"]:
            case "text":
                _check_text(block, f"{path}.content.{at}")
            case "thinking":
                if block.get("signature") != sign(block.get("thinking", "")):
                    raise Refused(f"{path}.content.{at}: Invalid `signature` in `thinking` block")
            case "tool_use":
                if not isinstance(block.get("input"), dict):
                    raise Refused(f"{path}.content.{at}.tool_use.input: Input should be a valid dictionary")
            case "redacted_thinking":
                pass
            case kind:
                raise Refused(f"{path}.content.{at}: unexpected block '{kind}'")
    if thinks and calls and blocks[0]["type"] not in ("thinking", "redacted_thinking"):
        raise Refused(
            f"{path}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{blocks[0]['type']}`. When"
            " `thinking` is enabled, a final `assistant` message must start with a thinking block"
        )
    return calls


def _check_user(blocks: list[dict[str, Any]], path: str, waiting: list[str]) -> None:
    results = [block.get("tool_use_id") for block in blocks if block["type"] == "tool_result"]
    if set(results) != set(waiting):
        if set(waiting) - set(results):
            raise Refused(_unanswered([name for name in waiting if name not in results]))
        raise Refused(f"{path}: `tool_use_id` found in `tool_result` blocks without `tool_use`: {results}")
    kinds = [block["type"] for block in blocks]
    if "tool_result" in kinds[len(results) :]:
        raise Refused(f"{path}: `tool_result` blocks must come first")
    for at, block in enumerate(blocks):
        match block["type"]:
            case "text":
                _check_text(block, f"{path}.content.{at}")
            case "image" | "document":
                _check_source(block, f"{path}.content.{at}")
            case "tool_result":
                inner = block.get("content")
                for part in inner if isinstance(inner, list) else []:
                    if part["type"] == "text":
                        _check_text(part, f"{path}.content.{at}.tool_result")
            case kind:
                raise Refused(f"{path}.content.{at}: unexpected block '{kind}'")


def _check_source(block: dict[str, Any], path: str) -> None:
    source = block.get("source") or {}
    allowed = MEDIA if block["type"] == "image" else {"application/pdf", "text/plain"}
    match source.get("type"):
        case "base64" | "text":
            if source.get("media_type") not in allowed or not source.get("data"):
                raise Refused(f"{path}.source.media_type: Input should be one of {sorted(allowed)}")
        case "url":
            if not source.get("url", "").startswith("http"):
                raise Refused(f"{path}.source.url: invalid")
        case kind:
            raise Refused(f"{path}.source: unexpected '{kind}'")


def _check_text(block: dict[str, Any], path: str) -> None:
    if not block.get("text"):
        raise Refused(f"{path}: text content blocks must be non-empty")


def _unanswered(names: list[str]) -> str:
    return (
        "`tool_use` ids were found without `tool_result` blocks immediately after: " + ", ".join(names) + ". Each"
        " `tool_use` block must have a corresponding `tool_result` block in the next message."
    )
