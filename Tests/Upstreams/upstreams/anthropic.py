"""A simulated Anthropic: Messages with its rules about blocks, results and signatures. See `vendor` for steering.

A thinking block is signed with a secret of this process over its text, so that a signature which was lost, changed or put
elsewhere is noticed as the vendor notices it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from .anthropic_rules import Refused, check
from .brain import View
from .content import instance_of, split_words
from .exchange import Exchange
from .sse import Framing
from .vendor import VendorSimulator, run

SECRET = b"the simulator's own"
MODELS = ["claude-opus-5-5", "claude-sonnet-4-5-20250929", "claude-haiku-4-5", "claude-3-haiku-20240307"]
STOPS = {"length": "max_tokens", "content_filter": "refusal", "stop": "end_turn", "tool_calls": "tool_use"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def sign(thinking: str) -> str:
    return "sig" + hmac.new(SECRET, thinking.encode(), hashlib.sha256).hexdigest()


def block_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part.get("text", "") for part in parts if isinstance(part, dict))


def last_user_text(body: dict[str, Any]) -> str:
    users = [m for m in body.get("messages") or [] if isinstance(m, dict) and m.get("role") == "user"]
    return block_text(users[-1].get("content")) if users else ""


class Message:
    """One answer, written whole or as events."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], number: int) -> None:
        self.body, self.scenario, self.id = body, scenario, f"msg_sim{number}"
        self.blocks = list(self._blocks())
        finish = scenario.get("finish") or ("tool_calls" if scenario.get("tool_calls") else "stop")
        self.stop = scenario.get("stop_reason") or ("refusal" if scenario.get("refusal") else STOPS.get(finish, finish))

    def _blocks(self) -> Iterator[dict[str, Any]]:
        scenario, wants = self.scenario, self.body.get("thinking", {}).get("type") not in (None, "disabled")
        thoughts = scenario.get("reasoning", ["Let me ", "think."] if wants else [])
        if thoughts and wants:
            text = "".join(thoughts)
            yield {"type": "thinking", "pieces": list(thoughts), "thinking": text, "signature": sign(text)}
        if "redacted" in scenario:
            yield {"type": "redacted_thinking", "data": scenario["redacted"]}
        pieces = self._pieces()
        if pieces:
            yield {"type": "text", "pieces": pieces, "text": "".join(pieces)}
        for place, call in enumerate(scenario.get("tool_calls", [])):
            name = call.get("id", f"toolu_{self.id}_{place}")
            yield {"type": "tool_use", "id": name, "name": call["name"], "input": call["arguments"]}

    def _pieces(self) -> list[str]:
        scenario, body = self.scenario, self.body
        if scenario.get("tool_calls") and "text" not in scenario or scenario.get("refusal"):
            return []
        if "pieces" in scenario:
            return scenario["pieces"]
        if "count" in scenario:
            return [f"{number} {'x' * int(scenario.get('piece_bytes', 0))}" for number in range(scenario["count"])]
        if scenario.get("recall"):
            texts = [block_text(m["content"]) for m in body["messages"] if m["role"] == "user"]
            return ["|".join(texts)]
        form = (body.get("output_config") or {}).get("format")
        if "text" not in scenario and form:
            return [json.dumps(instance_of(form["schema"]), ensure_ascii=False)]
        return split_words(scenario.get("text", f"You said: {last_user_text(body)}"))

    @property
    def usage(self) -> dict[str, Any]:
        words = len(json.dumps(self.body["messages"]).split())
        written = sum(len(block.get("pieces", [0])) for block in self.blocks)
        usual = {"input_tokens": words, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20}
        usual |= {"output_tokens": written, "service_tier": "standard"}
        return usual | self.scenario.get("usage", {})

    @property
    def details(self) -> dict[str, Any] | None:
        refusal = self.scenario.get("refusal")
        return {"type": "refusal", "category": None, "explanation": refusal} if refusal else None

    def whole(self) -> dict[str, Any]:
        blocks = [{k: v for k, v in block.items() if k != "pieces"} for block in self.blocks]
        return self._head(blocks, self.stop, self.usage) | {"stop_details": self.details}

    def _head(self, blocks: list[Any], stop: str | None, usage: dict[str, Any]) -> dict[str, Any]:
        answer = {"id": self.id, "type": "message", "role": "assistant", "model": self.body["model"]}
        return answer | {"content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": usage}

    def events(self) -> Iterator[dict[str, Any]]:
        usage = self.usage
        yield {"type": "message_start", "message": self._head([], None, usage | {"output_tokens": 1})}
        yield {"type": "ping"}
        for index, block in enumerate(self.blocks):
            yield from self._block_events(index, block)
        end = {"stop_reason": self.stop, "stop_sequence": None}
        if self.details:
            end["stop_details"] = self.details
        yield {"type": "message_delta", "delta": end, "usage": usage}
        yield {"type": "message_stop"}

    def _block_events(self, index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        kind = block["type"]
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}.get(kind, {})
        start = {k: v for k, v in block.items() if k != "pieces"} | empty
        if kind == "tool_use":
            start["input"] = {}
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in self._deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}

    def _deltas(self, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        match block["type"]:
            case "text":
                yield from ({"type": "text_delta", "text": piece} for piece in block["pieces"])
            case "thinking":
                yield from ({"type": "thinking_delta", "thinking": piece} for piece in block["pieces"])
                yield {"type": "signature_delta", "signature": block["signature"]}
            case "tool_use" if block["input"]:
                text = json.dumps(block["input"], ensure_ascii=False)
                size = max(1, len(text) // int(self.scenario.get("tool_pieces", 2)))
                pieces = ["", *(text[at : at + size] for at in range(0, len(text), size))]
                yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)


class AnthropicSimulator(VendorSimulator):
    """`/v1/messages`, `/v1/messages/count_tokens` and `/v1/models`."""

    def key(self, exchange: Exchange) -> str:
        bearer = (exchange.request.header("authorization") or "").removeprefix("Bearer ").strip()
        return exchange.request.header("x-api-key") or bearer

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        return last_user_text(body)

    def view(self, body: dict[str, Any]) -> View:
        choice = body.get("tool_choice") or {}
        last = (body.get("messages") or [{}])[-1]
        blocks = last.get("content") if isinstance(last.get("content"), list) else []
        is_result = any(block.get("type") == "tool_result" for block in blocks)
        return View(
            "" if is_result else block_text(last.get("content")),
            [(tool["name"], tool.get("input_schema") or {}) for tool in body.get("tools") or []],
            choice.get("name") or ("*" if choice.get("type") == "any" else ""),
            choice.get("type") == "none",
        )

    def failure(self, status: int, message: str | None = None) -> Any:
        kind = ERRORS.get(status, "api_error")
        error = {"type": kind, "message": message or {529: "Overloaded"}.get(status, f"A {kind}.")}
        return {"type": "error", "error": error, "request_id": "req_sim"}

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        return [
            ("Content-Type", kind),
            ("request-id", f"req_sim_{exchange.number}"),
            ("anthropic-ratelimit-requests-limit", "1000"),
            ("anthropic-ratelimit-requests-remaining", "999"),
            ("anthropic-ratelimit-requests-reset", "2026-11-26T21:00:00Z"),
        ]

    def event(self, framing: Framing, value: Any) -> bytes:
        # The vendor pads its lines with blanks.
        text = json.dumps(value, ensure_ascii=False) + "   "
        return framing.end.join([f"event: {value['type']}".encode(), b"data: " + text.encode(), b"", b""])

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        body = scenario.get("body", self.failure(529))
        return b"event: error\ndata: " + json.dumps(body).encode() + b"\n\n"

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        method, path = exchange.request.method, exchange.request.path
        if not exchange.request.header("anthropic-version"):
            await self.error(exchange, 400, self.failure(400, "anthropic-version: header is required"))
        elif (method, path) == ("GET", "/v1/models"):
            data = [{"id": m, "type": "model", "display_name": m, "created_at": "2025-09-29T00:00:00Z"} for m in MODELS]
            await self.json(exchange, {"data": data, "has_more": False, "first_id": None, "last_id": None}, scenario)
        elif (method, path) == ("POST", "/v1/messages"):
            await self._message(exchange, body, scenario)
        elif (method, path) == ("POST", "/v1/messages/count_tokens"):
            await self.json(exchange, {"input_tokens": len(json.dumps(body).split())}, scenario)
        else:
            await self.error(exchange, 404, self.failure(404, "Not found"))

    async def _message(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        try:
            check(body, exchange.request.header("anthropic-version") or "", sign)
        except Refused as refused:
            await self.error(exchange, refused.status, self.failure(refused.status, str(refused)))
            return
        message = Message(body, scenario, exchange.number)
        if body.get("stream"):
            await self.stream(exchange, message.events(), scenario)
        else:
            await self.json(exchange, message.whole(), scenario)


if __name__ == "__main__":
    run(AnthropicSimulator, __doc__)
