"""A simulated OpenAI-compatible vendor, with DeepSeek under `/deepseek`. See `vendor` for how it is steered."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from . import content, deepseek, faults
from .brain import View
from .exchange import Exchange
from .vendor import VendorSimulator, run


class OpenAISimulator(VendorSimulator):
    """`/v1/…` answers as OpenAI does, `/deepseek/…` as DeepSeek."""

    end_of_stream = b"[DONE]"

    def key(self, exchange: Exchange) -> str:
        return (exchange.request.header("authorization") or "").removeprefix("Bearer ").strip()

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        return _steering_text(_path(exchange), body)

    def view(self, body: dict[str, Any]) -> View:
        choice = body.get("tool_choice")
        turns = body.get("messages") or [{}]
        return View(
            content.last_user_text(body) if turns[-1].get("role") == "user" else "",
            [(t["function"]["name"], t["function"].get("parameters") or {}) for t in body.get("tools") or []],
            choice["function"]["name"] if isinstance(choice, dict) else "*" if choice == "required" else "",
            choice == "none",
        )

    def failure(self, status: int, message: str | None = None) -> Any:
        if message:
            return faults.error(message, "invalid_request_error")
        return faults.STATUS_BODIES.get(status, faults.error("Failed.", "server_error"))

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        return [
            ("Content-Type", kind),
            ("x-request-id", f"req_sim_{exchange.number}"),
            ("openai-processing-ms", "12"),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-reset-requests", "6m0s"),
        ]

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        path, method = _path(exchange), exchange.request.method
        is_deepseek = exchange.request.path.startswith("/deepseek")
        missing = next((name for name in _required(path) if name not in body), None)
        if method == "POST" and missing:
            text = f"Missing required parameter: '{missing}'."
            await self.error(exchange, 400, faults.error(text, "invalid_request_error", "missing", missing))
        elif (method, path) == ("POST", "/chat/completions"):
            await self._chat(exchange, body, scenario, is_deepseek)
        elif (method, path) == ("POST", "/completions") and (not is_deepseek or _is_beta(exchange)):
            if body.get("stream"):
                chunks = content.text_completion_chunks(body, scenario, exchange.number)
                await self.stream(exchange, chunks, scenario)
            else:
                await self.json(exchange, content.text_completion(body, scenario, exchange.number), scenario)
        elif (method, path) == ("POST", "/embeddings") and not is_deepseek:
            await self.json(exchange, content.embeddings(body, scenario), scenario)
        elif (method, path) == ("GET", "/models"):
            await self.json(exchange, deepseek.models() if is_deepseek else content.models(), scenario)
        elif (method, path) == ("GET", "/user/balance") and is_deepseek:
            await self.json(exchange, deepseek.BALANCE, scenario)
        elif method == "GET" and path.startswith("/models/") and not is_deepseek:
            await self._one_model(exchange, unquote(path.removeprefix("/models/")), scenario)
        else:
            text = f"Invalid URL ({method} {exchange.request.path})"
            await self.error(exchange, 404, faults.error(text, "invalid_request_error", "unknown_url"))

    async def _chat(
        self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any], is_deepseek: bool
    ) -> None:
        if is_deepseek:
            try:
                deepseek.check(body, _is_beta(exchange))
            except deepseek.Refused as refused:
                # What it is sent as says nothing about what it is.
                await self.error(exchange, refused.status, refused.body, kind="application/octet-stream")
                return
            answer: content.Answer = deepseek.DeepSeekAnswer(body, scenario, exchange.number)
        else:
            answer = content.Answer(body, scenario, exchange.number, scenario.get("flavour") == "deepseek")
        if body.get("stream"):
            await self.stream(exchange, answer.chunks(), scenario)
        else:
            await self.json(exchange, answer.completion(), scenario)

    async def _one_model(self, exchange: Exchange, name: str, scenario: dict[str, Any]) -> None:
        found = next((m for m in content.models()["data"] if m["id"] == name), None)
        if found is None:
            text = f"The model '{name}' does not exist"
            await self.error(exchange, 404, faults.error(text, "invalid_request_error", "model_not_found", "model"))
        else:
            await self.json(exchange, found, scenario)


def _path(exchange: Exchange) -> str:
    return exchange.request.path.removeprefix("/deepseek").removeprefix("/beta").removeprefix("/v1")


def _is_beta(exchange: Exchange) -> bool:
    return exchange.request.path.startswith("/deepseek/beta/")


def _required(path: str) -> list[str]:
    return {
        "/chat/completions": ["model", "messages"],
        "/completions": ["model"],
        "/embeddings": ["model", "input"],
    }.get(path, [])


def _steering_text(path: str, body: dict[str, Any]) -> str:
    if path == "/embeddings":
        given = body.get("input")
        return given if isinstance(given, str) else next((v for v in given or [] if isinstance(v, str)), "")
    if path == "/completions":
        prompt = body.get("prompt")
        return prompt if isinstance(prompt, str) else ""
    return content.last_user_text(body)


if __name__ == "__main__":
    run(OpenAISimulator, __doc__)
