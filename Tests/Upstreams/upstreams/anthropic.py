"""A simulated Anthropic: Messages, counts of tokens and models. See `vendor` for how it is steered.

Beside the scenarios of all vendors it knows `redacted` (thoughts that nobody may read), `safety` (an answer that ends
in a refusal), `stop_reason`, and `why` of a failure (`spend_limit`, `too_long`).
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from .anthropic_answer import Message, block_text, last_user_text, words_of
from .anthropic_models import LISTED, model_named
from .anthropic_rules import check, check_version
from .anthropic_shape import Refused
from .anthropic_turns import Issued
from .brain import View
from .exchange import Exchange
from .sse import Framing
from .vendor import VendorSimulator, run

LARGEST = 32 * 1024 * 1024
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
MESSAGES = {
    401: "invalid x-api-key",
    429: "This request would exceed your organization's rate limit of 50 requests per minute.",
    500: "Internal server error",
    529: "Overloaded",
}


class AnthropicSimulator(VendorSimulator):
    """`/v1/messages`, `/v1/messages/count_tokens` and `/v1/models`."""

    keyless = (401, "x-api-key header is required")

    def __init__(self, send_buffer: int | None = None) -> None:
        super().__init__(send_buffer)
        self.issued: Issued = {}

    def forget(self) -> None:
        self.issued.clear()

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
        error = {"type": kind, "message": message or MESSAGES.get(status, f"A {kind}.")}
        return {"type": "error", "error": error, "request_id": "req_sim"}

    def told_failure(self, scenario: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        body, headers = super().told_failure(scenario)
        if scenario.get("why") == "spend_limit":
            body["error"]["details"] = {"error_code": "enforced_spend_limit_reached"}
        elif scenario.get("why") == "too_long":
            body["error"]["message"] = "prompt is too long: 200001 tokens > 200000 maximum"
        return body, headers

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        return [
            ("Content-Type", kind),
            ("request-id", f"req_sim_{exchange.number}"),
            ("anthropic-ratelimit-requests-limit", "1000"),
            ("anthropic-ratelimit-requests-remaining", "999"),
            ("anthropic-ratelimit-requests-reset", "2026-11-26T21:00:00Z"),
        ]

    def event(self, framing: Framing, value: Any) -> bytes:
        # The vendor pads its objects with blanks, some more and some less.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        padded = text[:-1] + " " * (len(text) % 3) + "}" + " " * (len(text) % 5)
        return framing.end.join([f"event: {value['type']}".encode(), b"data: " + padded.encode(), b"", b""])

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        body = scenario.get("body", self.failure(529))
        return b"event: error\ndata: " + json.dumps(body).encode() + b"\n\n"

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        try:
            version = check_version(exchange.request.header("anthropic-version"))
            if len(exchange.request.body) > LARGEST:
                raise Refused("Request exceeds the maximum size", 413)
            await self._answer(exchange, body, scenario, version)
        except Refused as refused:
            await self.error(exchange, refused.status, self.failure(refused.status, str(refused)))

    async def _answer(
        self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any], version: str
    ) -> None:
        method, path = exchange.request.method, exchange.request.path
        if (method, path) == ("POST", "/v1/messages"):
            model = check(body, version, self.issued)
            message = Message(body, scenario, exchange.number, model)
            self.issued |= message.issued()
            if body.get("stream"):
                await self.stream(exchange, message.events(), scenario)
            else:
                await self.json(exchange, message.whole(), scenario)
        elif (method, path) == ("POST", "/v1/messages/count_tokens"):
            check(body, version, self.issued, is_count=True)
            await self.json(exchange, {"input_tokens": words_of(body)}, scenario)
        elif (method, path) == ("GET", "/v1/models"):
            await self.json(exchange, _listing(exchange.request.query), scenario)
        elif method == "GET" and path.startswith("/v1/models/"):
            name = unquote(path.removeprefix("/v1/models/"))
            model_found = model_named(name)
            if model_found is None:
                raise Refused(f"model: {name}", 404)
            await self.json(exchange, model_found.listed(), scenario)
        else:
            raise Refused("Not found", 404)


def _listing(query: dict[str, str]) -> dict[str, Any]:
    limit, after = query.get("limit", "20"), query.get("after_id")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise Refused("limit: Input should be between 1 and 1000")
    entries = [model.listed() for model in LISTED]
    names = [entry["id"] for entry in entries]
    if after is not None and after not in names:
        raise Refused(f"after_id: no model '{after}'")
    first = names.index(after) + 1 if after is not None else 0
    page = entries[first : first + int(limit)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return {"data": page, "has_more": first + len(page) < len(entries)} | ends


if __name__ == "__main__":
    run(AnthropicSimulator, __doc__)
