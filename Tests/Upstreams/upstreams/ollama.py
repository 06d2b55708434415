"""A simulated Ollama: native chat in lines of JSON, embeddings and the models it has. See `vendor` for steering.

Beside the scenarios of all vendors it knows `no_call_ids`, `no_index` and `omit_zero` (calls as older servers tell
them), `bare_end` (a last line without a message) and `cached_prompt` (a prompt that is not counted).
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from .brain import View
from .exchange import Exchange
from .ollama_answer import Answer, moved
from .ollama_models import MODELS, Model
from .ollama_rules import EMBED, Refused, check_chat, known
from .sse import Framing
from .vendor import VendorSimulator, run

SIZE = 384
WORDS = {
    400: "invalid request",
    401: "unauthorized",
    403: "ollama cloud is disabled",
    404: "model 'x' not found",
    429: "too many requests",
    500: "model requires more system memory (9.1 GiB) than is available (4.0 GiB)",
    502: "ollama cloud is unreachable",
    503: "server busy, please try again.  maximum pending requests exceeded",
}


def scaled(values: list[float]) -> list[float]:
    """The same direction, of length one."""
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


def raw_embedding(text: str) -> list[float]:
    """A vector that is the text's alone, of whatever length."""
    return [byte - 127.5 for byte in hashlib.shake_256(text.encode()).digest(SIZE)]


class OllamaSimulator(VendorSimulator):
    """Its own paths; those that are OpenAI's in name are not here."""

    stream_type = "application/x-ndjson"

    def __init__(self, send_buffer: int | None = None) -> None:
        super().__init__(send_buffer)
        self.loaded: dict[str, Model] = {}

    def forget(self) -> None:
        self.loaded.clear()

    def key(self, exchange: Exchange) -> str:
        # Nobody needs one at home.
        return (exchange.request.header("authorization") or "").removeprefix("Bearer ").strip() or "home"

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        users = [turn for turn in body.get("messages") or [] if turn.get("role") == "user"]
        return str(users[-1].get("content", "")) if users else ""

    def view(self, body: dict[str, Any]) -> View:
        last = (body.get("messages") or [{}])[-1]
        tools = [(t["function"]["name"], t["function"].get("parameters") or {}) for t in body.get("tools") or []]
        # The dialect cannot force a call: whoever is forced is offered that tool alone, and told in words.
        told = " ".join(str(turn.get("content")) for turn in body.get("messages") or [] if turn["role"] == "system")
        forced = (tools[0][0] if len(tools) == 1 else "*") if "call" in told and "tool" in told else ""
        return View(str(last.get("content")) if last.get("role") == "user" else "", tools, forced)

    # How it fails and what its lines look like

    def failure(self, status: int, message: str | None = None) -> Any:
        failed: dict[str, Any] = {"error": message or WORDS.get(status, "internal error")}
        return failed | ({"signin_url": "https://signin.invalid/connect"} if status == 401 else {})

    def event(self, framing: Framing, value: Any) -> bytes:
        text = json.dumps(value, ensure_ascii=False)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode() + b"\n"

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        text = "an error was encountered while running the model: CUDA error: out of memory"
        return json.dumps(scenario.get("body", {"error": text})).encode() + b"\n"

    # Routes

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        try:
            if exchange.request.method == "POST":
                await self._post(exchange, body, scenario)
            else:
                await self._read(exchange, scenario)
        except Refused as refused:
            await self.error(exchange, refused.status, self.failure(refused.status, str(refused)))

    async def _post(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        path = exchange.request.path
        if path == "/api/chat":
            await self._chat(exchange, body, scenario)
        elif path == "/api/embed":
            await self.json(exchange, self._embed(body), scenario)
        elif path == "/api/embeddings":
            model = self._embedder(body, {"model", "prompt", "keep_alive", "options"})
            self.loaded[model.name] = model
            await self.json(exchange, {"embedding": raw_embedding(str(body.get("prompt", "")))}, scenario)
        elif path == "/api/show":
            await self.json(exchange, known(body, {"model", "verbose"}).shown(), scenario)
        else:
            await self._lost(exchange)

    async def _read(self, exchange: Exchange, scenario: dict[str, Any]) -> None:
        path = exchange.request.path
        if exchange.request.method == "HEAD":
            await exchange.head(200, self.head(exchange, "text/plain; charset=utf-8"), 0)
            await exchange.finish()
        elif path == "/":
            await self.error(exchange, 200, "Ollama is running", kind="text/plain; charset=utf-8")
        elif path == "/api/tags":
            await self.json(exchange, {"models": [model.listed() for model in MODELS.values()]}, scenario)
        elif path == "/api/ps":
            await self.json(exchange, {"models": [model.loaded() for model in self.loaded.values()]}, scenario)
        elif path == "/api/version":
            await self.json(exchange, {"version": "0.12.6"}, scenario)
        else:
            await self._lost(exchange)

    async def _lost(self, exchange: Exchange) -> None:
        await self.error(exchange, 404, "404 page not found", kind="text/plain")

    async def _chat(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        model = check_chat(body)
        self.loaded[model.name] = model
        if not body.get("messages"):
            answer = moved(body)
            if answer["done_reason"] == "unload":
                del self.loaded[model.name]
            await self.json(exchange, answer, scenario)
            return
        made = Answer(body, scenario, model)
        # A stream, unless it is told otherwise.
        if body.get("stream", True):
            await self.stream(exchange, made.lines(), scenario)
        else:
            await self.json(exchange, made.whole(), scenario)

    def _embedder(self, body: dict[str, Any], members: set[str]) -> Model:
        model = known(body, members)
        if not model.can("embedding"):
            raise Refused(f'"{body["model"]}" does not support embeddings')
        return model

    def _embed(self, body: dict[str, Any]) -> dict[str, Any]:
        model = self._embedder(body, EMBED)
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given or []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused("invalid input type")
        counts = [len(text.split()) for text in texts]
        if body.get("truncate") is False and max(counts, default=0) > model.context:
            raise Refused("the input length exceeds the context length")
        self.loaded[model.name] = model
        size = body.get("dimensions") or SIZE
        cut = [" ".join(text.split(" ")[: model.context]) for text in texts]
        vectors = [scaled(raw_embedding(text)[:size]) for text in cut]
        counted = sum(min(count, model.context) for count in counts)
        timed = {"total_duration": 14143917, "load_duration": 1019500, "prompt_eval_count": counted}
        return {"model": body["model"], "embeddings": vectors} | timed


if __name__ == "__main__":
    run(OllamaSimulator, __doc__)
