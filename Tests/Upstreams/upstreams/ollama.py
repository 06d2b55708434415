"""A simulated Ollama: native chat in lines of JSON, embeddings and the list of models. See `vendor` for steering."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

from .brain import View
from .content import instance_of
from .exchange import Exchange
from .sse import Framing
from .spoken import Limited, described, pieces_of
from .vendor import VendorSimulator, run

CREATED = "2026-11-20T03:00:00.100000000Z"
MODELS = ["llama3:latest", "qwen3:8b", "all-minilm:latest"]
THINKERS = ("qwen3", "gpt-oss", "deepseek-r1")
EMBEDDERS = ("all-minilm", "nomic-embed-text")
CHAT = {
    "model", "messages", "stream", "tools", "format", "options", "keep_alive", "think", "truncate", "shift", "logprobs",
    "top_logprobs",
}  # fmt: skip
ROLES = {"system", "user", "assistant", "tool"}


class Refused(Exception):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def check_chat(body: dict[str, Any]) -> None:
    """Raises what the server would answer. It ignores what it does not know, so a member that is no longer its own is
    a mistake of the sender's: here that is told."""
    if foreign := set(body) - CHAT:
        raise Refused(f"unknown field {sorted(foreign)}")
    known = [name.split(":")[0] for name in MODELS]
    if body["model"].split(":")[0] not in known:
        raise Refused(f"model '{body['model']}' not found", 404)
    if body.get("think") not in (None, False) and not body["model"].startswith(THINKERS):
        raise Refused(f'"{body["model"]}" does not support thinking')
    form = body.get("format")
    if form not in (None, "", "json") and not isinstance(form, dict):
        raise Refused("invalid format: expected \"json\" or a JSON schema")
    for turn in body["messages"]:
        if turn.get("role") not in ROLES or not isinstance(turn.get("content", ""), str):
            raise Refused("json: cannot unmarshal message")
        for image in turn.get("images") or []:
            try:
                base64.b64decode(image, validate=True)
            except (binascii.Error, ValueError):
                raise Refused("illegal base64 data at input byte 0") from None
        for call in turn.get("tool_calls") or []:
            if not isinstance(call["function"].get("arguments"), dict):
                raise Refused("json: cannot unmarshal string into Go struct field .arguments of type map[string]any")
        if turn["role"] == "tool" and not (turn.get("tool_name") or turn.get("tool_call_id")):
            raise Refused("a tool's result must name its tool")
    options = body.get("options") or {}
    if not isinstance(options.get("stop", []), list):
        raise Refused("option \"stop\" must be of type array")


class Answer:
    """One answer, whole or line by line."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        self.body, self.scenario = body, scenario
        options = body.get("options") or {}
        limit = options.get("num_predict", -1)
        calls = scenario.get("tool_calls", [])
        said = [] if calls and "text" not in scenario else pieces_of(scenario, self._usual())
        if "refusal" in scenario:
            said = [scenario["refusal"]]
        self.text = Limited(said, limit if limit > 0 else None, options.get("stop") or [])
        wants = body.get("think") if "think" in body else body["model"].startswith(THINKERS)
        self.thoughts = list(scenario.get("reasoning", [])) if wants else []
        # Servers of today give ids; a scenario may take them away.
        self.calls = [
            ({} if scenario.get("no_call_ids") else {"id": call.get("id", f"call_{place}")})
            | {"function": {"index": place, "name": call["name"], "arguments": call["arguments"]}}
            for place, call in enumerate(calls)
        ]

    def _usual(self) -> str:
        form = self.body.get("format")
        if isinstance(form, dict):
            return json.dumps(instance_of(form), ensure_ascii=False)
        if form == "json":
            return '{"ok": true}'
        last = next((turn for turn in reversed(self.body["messages"]) if turn["role"] == "user"), {})
        seen = [described("image", "", image) for image in last.get("images") or []]
        return " ".join([f"You said: {last.get('content', '')}", *seen])

    def _line(self, message: dict[str, Any], **rest: Any) -> dict[str, Any]:
        said = {"role": "assistant", "content": ""} | message
        return {"model": self.body["model"], "created_at": CREATED, "message": said, "done": False} | rest

    def _end(self) -> dict[str, Any]:
        words = len(json.dumps(self.body["messages"]).split())
        finish = self.scenario.get("finish", "length" if self.text.is_cut else "stop")
        counts = {"prompt_eval_count": words, "eval_count": self.text.count + len(self.thoughts) + len(self.calls)}
        if self.scenario.get("cached_prompt"):
            del counts["prompt_eval_count"]
        reason = finish if finish in ("stop", "length", "load") else "stop"
        return {"done": True, "done_reason": reason, "total_duration": 4100200300, "load_duration": 900} | counts

    def lines(self) -> Iterator[dict[str, Any]]:
        yield from (self._line({"thinking": piece}) for piece in self.thoughts)
        yield from (self._line({"content": piece}) for piece in self.text)
        yield from (self._line({"tool_calls": [call]}) for call in self.calls)
        end = self._line({}, **self._end())
        if self.scenario.get("bare_end"):
            del end["message"]
        yield end

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"content": "".join(self.text)}
        if self.thoughts:
            message["thinking"] = "".join(self.thoughts)
        if self.calls:
            message["tool_calls"] = self.calls
        return self._line(message, **self._end())


def embedding(text: str, size: int) -> list[float]:
    """A vector of length one that is the text's alone."""
    digest = hashlib.shake_256(text.encode()).digest(size)
    values = [byte - 127.5 for byte in digest]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


class OllamaSimulator(VendorSimulator):
    """`/api/chat`, `/api/embed`, `/api/tags`, `/api/version`."""

    stream_type = "application/x-ndjson"

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

    def failure(self, status: int, message: str | None = None) -> Any:
        return {"error": message or {404: "model 'x' not found", 503: "server busy, please try again."}.get(status, "failed")}

    def event(self, framing: Framing, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").encode() + b"\n"

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        text = "an error was encountered while running the model: CUDA error: out of memory"
        return json.dumps(scenario.get("body", {"error": text})).encode() + b"\n"

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        method, path = exchange.request.method, exchange.request.path
        try:
            if (method, path) == ("POST", "/api/chat"):
                check_chat(body)
                answer = Answer(body, scenario)
                if body.get("stream", True):
                    await self.stream(exchange, answer.lines(), scenario)
                else:
                    await self.json(exchange, answer.whole(), scenario)
            elif (method, path) == ("POST", "/api/embed"):
                await self._embed(exchange, body, scenario)
            elif (method, path) == ("GET", "/api/tags"):
                models = [{"name": m, "model": m, "modified_at": CREATED, "size": 1, "digest": "d"} for m in MODELS]
                await self.json(exchange, {"models": models}, scenario)
            elif (method, path) == ("GET", "/api/version"):
                await self.json(exchange, {"version": "0.12.6"}, scenario)
            else:
                await self.error(exchange, 404, "404 page not found", kind="text/plain")
        except Refused as refused:
            await self.error(exchange, refused.status, self.failure(refused.status, str(refused)))

    async def _embed(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        if foreign := set(body) - {"model", "input", "truncate", "dimensions", "keep_alive", "options"}:
            raise Refused(f"unknown field {sorted(foreign)}")
        if not body["model"].startswith(EMBEDDERS):
            raise Refused(f"model '{body['model']}' not found", 404)
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if not all(isinstance(text, str) for text in texts):
            raise Refused("invalid input type")
        vectors = [embedding(text, body.get("dimensions") or 384) for text in texts]
        words = sum(len(text.split()) for text in texts)
        answer = {"model": body["model"], "embeddings": vectors, "total_duration": 9, "prompt_eval_count": words}
        await self.json(exchange, answer, scenario)


if __name__ == "__main__":
    run(OllamaSimulator, __doc__)
