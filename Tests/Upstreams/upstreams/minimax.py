"""A simulated MiniMax: `chatcompletion_v2`, the path that is OpenAI's in name, and embeddings.

See `vendor` for steering. It says 200 to nearly everything and means it only where `base_resp` says 0. `{"base": CODE}`
makes it fail like that, before the answer or, with `after`, within a stream. Beside the scenarios of all it knows
`ignores_usage` (whoever asks for it gets the older stream), `no_deltas` (a stream of nothing but the whole answer),
`empty_roles`, `first_index` and `call_on_finish` (of tool calls), `search` (what its web search found) and `old_usage`
(nothing but a total).
"""

from __future__ import annotations

import json
from typing import Any

from .brain import View
from .content import last_user_text, message_text, vector
from .exchange import Exchange
from .minimax_answer import Answer, asks_usage
from .minimax_rules import MODELS, Refused, base, check, invalid
from .sse import dumps
from .vendor import VendorSimulator, run

NATIVE, COMPATIBLE = "/v1/text/chatcompletion_v2", "/v1/chat/completions"
KINDS = {400: "bad_request_error", 401: "authorized_error", 404: "not_found_error", 429: "rate_limit_error"}
# Stands for nobody; the native path refuses it in its own way.
NOBODY = "nobody"


class MiniMaxSimulator(VendorSimulator):
    """Its paths for chat, for embeddings and for the list of models."""

    def key(self, exchange: Exchange) -> str:
        return (exchange.request.header("authorization") or "").removeprefix("Bearer ").strip() or NOBODY

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        return last_user_text(body)

    def view(self, body: dict[str, Any]) -> View:
        last = (body.get("messages") or [{}])[-1]
        tools = [(t["function"]["name"], t["function"].get("parameters") or {}) for t in body.get("tools") or []]
        choice = body.get("tool_choice")
        text = message_text(last) if last.get("role") == "user" else ""
        return View(text, tools, "*" if choice == "required" else "", choice == "none")

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        trace = f"05trace{exchange.number}"
        return [("Content-Type", kind), ("trace-id", trace), ("Minimax-Trace-Id", trace)]

    def end_of(self, exchange: Exchange) -> bytes | None:
        """With a frame for usage it ends as OpenAI does; else the whole answer is the end, or the failure."""
        ends = asks_usage(json.loads(exchange.request.body), exchange.scenario) and "base" not in exchange.scenario
        return b"[DONE]" if ends else None

    # Failures

    def failure(self, status: int, message: str | None = None) -> Any:
        error = {"type": KINDS.get(status, "server_error"), "message": message or "failed", "http_code": str(status)}
        return {"type": "error", "error": error, "request_id": "05sim"}

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        failed = {"id": "05sim", "choices": None, "object": "chat.completion", "usage": {"total_tokens": 0}}
        told = failed | {"base_resp": base(scenario.get("code", 1000))}
        return b"data: " + dumps(scenario.get("body", told)) + b"\n\n"

    # Routes

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        method, path = exchange.request.method, exchange.request.path
        if self.key(exchange) == NOBODY and path != NATIVE:
            text = f"{base(1004)['status_msg']} (1004)"
            await self.error(exchange, 401, self.failure(401, text))
            return
        try:
            if self.key(exchange) == NOBODY:
                raise Refused(1004)
            if method == "POST" and path in (NATIVE, COMPATIBLE):
                await self._chat(exchange, body, scenario, path == COMPATIBLE)
            elif (method, path) == ("POST", "/v1/embeddings"):
                await self.json(exchange, _embeddings(exchange, body), scenario)
            elif (method, path) == ("GET", "/v1/models"):
                listed = [{"id": name, "object": "model", "owned_by": "minimax"} for name in MODELS]
                await self.json(exchange, {"object": "list", "data": listed}, scenario)
            else:
                await self.error(exchange, 404, self.failure(404, "404 page not found"))
        except Refused as refused:
            failed = {"id": f"05sim{exchange.number}", "choices": None, "usage": {"total_tokens": 0}}
            # All of the body, be it a stream that was asked for.
            await self.json(exchange, failed | {"base_resp": refused.base}, {})

    async def _chat(
        self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any], is_compatible: bool
    ) -> None:
        if "base" in scenario and "after" not in scenario:
            raise Refused(scenario["base"], scenario.get("status_msg"))
        answer = Answer(check(body), body, scenario, exchange.number, is_compatible)
        if body.get("stream"):
            await self.stream(exchange, answer.chunks(), scenario)
        else:
            await self.json(exchange, answer.whole(), scenario)


def _embeddings(exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
    texts = body.get("texts")
    if not exchange.request.query.get("GroupId"):
        raise invalid("GroupId is empty")
    if body.get("model") != "embo-01":
        raise invalid(f"unknown model '{body.get('model')}'")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise invalid("texts is empty")
    if body.get("type") not in ("db", "query"):
        raise invalid("type must be db or query")
    vectors = [vector([body["type"], text], 1536) for text in texts]
    return {"vectors": vectors, "total_tokens": sum(len(text.split()) for text in texts), "base_resp": base(0)}


if __name__ == "__main__":
    run(MiniMaxSimulator, __doc__)
