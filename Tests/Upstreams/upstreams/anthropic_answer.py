"""What Anthropic answers: one message, or the events of a stream, from the same blocks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .anthropic_models import Model
from .anthropic_thoughts import THOUGHTS, before, blocks_of, seal, shows_thoughts, sign, thinks
from .anthropic_turns import Issued
from .content import instance_of
from .spoken import Limited, described, pieces_of

STOPS = {"length": "max_tokens", "content_filter": "refusal", "stop": "end_turn", "tool_calls": "tool_use"}


def block_text(content: Any) -> str:
    """The text of a content whose shape nobody may have looked at yet."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def last_user_text(body: dict[str, Any]) -> str:
    messages = body["messages"] if isinstance(body.get("messages"), list) else []
    users = [message for message in messages if isinstance(message, dict) and message.get("role") == "user"]
    return block_text(users[-1].get("content")) if users else ""


def words_of(body: dict[str, Any]) -> int:
    """Tokens are words here, of all that a model reads."""
    return len(json.dumps([body.get(name) for name in ("system", "tools", "messages")], ensure_ascii=False).split())


def default_text(body: dict[str, Any], scenario: dict[str, Any]) -> str:
    """What a model says that nobody told what to say; it depends on what it was sent."""
    if scenario.get("recall"):
        texts = [block_text(m["content"]) for m in body["messages"] if m["role"] == "user"]
        return "|".join(text for text in texts if text)
    form = (body.get("output_config") or {}).get("format")
    if form:
        return json.dumps(instance_of(form["schema"]), ensure_ascii=False)
    last = blocks_of(body["messages"][-1]["content"])
    results = [block for block in last if block["type"] == "tool_result"]
    if results:
        return "Results: " + "; ".join(f"{b['tool_use_id']}={block_text(b.get('content'))}" for b in results)
    return " ".join([f"You said: {last_user_text(body)}", *_media(body)])


def _media(body: dict[str, Any]) -> Iterator[str]:
    for block in (block for message in body["messages"] for block in blocks_of(message["content"])):
        if block["type"] in ("image", "document"):
            source = block["source"]
            data = source.get("data") or source.get("url") or source.get("file_id") or json.dumps(source.get("content"))
            yield described(block["type"], source.get("media_type", source["type"]), data)


class Message:
    """One answer to a request that has been found right."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], number: int, model: Model) -> None:
        self.body, self.scenario, self.model = body, scenario, model
        self.id = scenario.get("id") or f"msg_sim{number}"
        self.calls: list[dict[str, Any]] = [] if scenario.get("refusal") else scenario.get("tool_calls", [])
        self.bound_to = before(body, len(body["messages"]), model)
        self.thoughts: list[str] = list(scenario.get("reasoning", ["Let me ", "think."])) if thinks(body, model) else []
        self.limited = self._text()
        self.written = 0

    def _text(self) -> Limited:
        has_words = any(name in self.scenario for name in ("text", "pieces", "count", "endless", "huge"))
        if self.scenario.get("refusal") or self.calls and not has_words:
            return Limited([], None, [])
        room = self.body["max_tokens"] - len(self.thoughts)
        pieces = pieces_of(self.scenario, default_text(self.body, self.scenario))
        return Limited(pieces, room, self.body.get("stop_sequences") or [])

    def issued(self) -> Issued:
        """What must come back with each of the calls."""
        blocks = list(self._before_text())
        return {self._call_id(place): blocks for place in range(len(self.calls))}

    # Blocks

    def _before_text(self) -> Iterator[dict[str, Any]]:
        if self.thoughts:
            text = "".join(self.thoughts) if shows_thoughts(self.body, self.model) else ""
            yield {"type": "thinking", "thinking": text, "signature": sign(text, self.bound_to)}
        if "redacted" in self.scenario:
            yield {"type": "redacted_thinking", "data": seal(self.scenario["redacted"])}

    def _call_blocks(self) -> Iterator[dict[str, Any]]:
        for place, call in enumerate(self.calls):
            told = call["arguments"]
            given = json.loads(told) if isinstance(told, str) else told
            yield {"type": "tool_use", "id": self._call_id(place), "name": call["name"], "input": given}

    def _call_id(self, place: int) -> str:
        return self.calls[place].get("id", f"toolu_{self.id}_{place}")

    # The whole answer

    def whole(self) -> dict[str, Any]:
        text = "".join(self.limited)
        blocks = list(self._before_text())
        blocks += [{"type": "text", "text": text}] if text else []
        blocks += list(self._call_blocks())
        return self._head(blocks, self._usage()) | self._end() | self.scenario.get("extra", {})

    def _head(self, blocks: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
        name = self.scenario.get("model") or self.model.name
        message = {"id": self.id, "type": "message", "role": "assistant", "model": name, "content": blocks}
        return message | {"stop_reason": None, "stop_sequence": None, "usage": usage}

    def _end(self) -> dict[str, Any]:
        end: dict[str, Any] = {"stop_reason": self._stop_reason(), "stop_sequence": self.limited.stopped_by}
        refusal = self.scenario.get("refusal")
        if refusal:
            end["stop_details"] = {"type": "refusal", "category": None, "explanation": refusal}
        return end

    def _stop_reason(self) -> str:
        told = self.scenario.get("stop_reason") or self.scenario.get("finish")
        if told:
            return STOPS.get(told, told)
        if self.scenario.get("refusal") or self.scenario.get("safety"):
            return "refusal"
        if self.limited.stopped_by:
            return "stop_sequence"
        return "max_tokens" if self.limited.is_cut else "tool_use" if self.calls else "end_turn"

    def _usage(self) -> dict[str, Any]:
        written = self.limited.count + len(self.thoughts) + len(self.calls)
        usage: dict[str, Any] = {
            "input_tokens": words_of(self.body),
            "cache_creation_input_tokens": 10,
            "cache_read_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0},
            "output_tokens": written,
            "service_tier": "standard",
        }
        if self.model.version >= (4, 5):
            usage["output_tokens_details"] = {"thinking_tokens": len(self.thoughts)}
        return usage | self._told_usage()

    def _told_usage(self) -> dict[str, Any]:
        """A scenario's usage, in the vendor's names or in those that scenarios for all vendors use."""
        told = dict(self.scenario.get("usage") or {})
        if "prompt_tokens" not in told:
            return told
        details = told.get("prompt_tokens_details") or {}
        read, made = details.get("cached_tokens", 0), details.get("cache_write_tokens", 0)
        reasoned = (told.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
        return {
            "input_tokens": told["prompt_tokens"] - read - made,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": made,
            "output_tokens": told.get("completion_tokens", 0),
            "output_tokens_details": {"thinking_tokens": reasoned},
        }

    # The stream

    def events(self) -> Iterator[dict[str, Any]]:
        first = self._usage() | {"output_tokens": 1}
        first.pop("output_tokens_details", None)
        yield {"type": "message_start", "message": self._head([], first)}
        yield {"type": "ping"}
        index = 0
        for block in self._before_text():
            yield from self._block(index, *self._in_pieces(block))
            index += 1
        first_piece = next(pieces := iter(self.limited), None)
        if first_piece is not None:
            deltas = ({"type": "text_delta", "text": text} for text in _and_then(first_piece, pieces))
            yield from self._block(index, {"type": "text", "text": ""}, deltas)
            index += 1
        for block in self._call_blocks():
            yield from self._block(index, *self._in_pieces(block))
            index += 1
        restated = {k: v for k, v in self._usage().items() if k not in ("cache_creation", "service_tier")}
        yield {"type": "message_delta", "delta": self._end(), "usage": restated}
        yield {"type": "message_stop"}

    def _block(
        self, index: int, start: dict[str, Any], deltas: Iterable[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}

    def _in_pieces(self, block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """How a block begins, and what is added to it. Sealed thoughts come whole."""
        match block["type"]:
            case "thinking":
                thoughts = self.thoughts if block["thinking"] else []
                deltas = [{"type": "thinking_delta", "thinking": piece} for piece in thoughts]
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
                return block | {"thinking": "", "signature": ""}, deltas
            case "tool_use":
                text = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
                size = max(1, len(text) // int(self.scenario.get("tool_pieces", 2)))
                pieces = ["", *(text[at : at + size] for at in range(0, len(text), size))] if text else []
                return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        assert block["type"] in THOUGHTS
        return block, []


def _and_then(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
