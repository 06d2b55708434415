"""A simulated MiniMax: `chatcompletion_v2` and the path that is OpenAI's in name. See `vendor` for steering.

It says 200 to nearly everything and means it only where `base_resp` says 0. `{"base": CODE}` makes it fail like that,
before the answer or, with `after`, within a stream; `{"fault": "status"}` is what stands before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .brain import View
from .content import CREATED, instance_of, last_user_text, message_text
from .exchange import Exchange
from .spoken import pieces_of
from .sse import dumps
from .vendor import VendorSimulator, run

WORDS = {1002: "rate limit exceeded", 1004: "login fail", 1008: "insufficient balance", 1026: "input new_sensitive",
         1027: "output new_sensitive", 1000: "unknown error", 2013: "invalid params", 2061: "plan not support model"}  # fmt: skip
KNOWN = {
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
    "tools", "tool_choice", "response_format", "mask_sensitive_info", "thinking", "reasoning_split", "seed",
}  # fmt: skip
FLAGS = {"input_sensitive": False, "output_sensitive": False, "input_sensitive_type": 0, "output_sensitive_type": 0}
NAMED = {"role": "assistant", "name": "MiniMax AI", "audio_content": ""}


def base(code: int) -> dict[str, Any]:
    return {"status_code": code, "status_msg": WORDS.get(code, "") if code else ""}


def wrong(body: dict[str, Any]) -> str | None:
    """What is invalid about the request, as error 2013 would say it."""
    if foreign := set(body) - KNOWN:
        return f"Invalid parameters detected, json: unknown field {sorted(foreign)}"
    if not 0 < body.get("temperature", 1) <= 1 and "M3" not in body["model"]:
        return "temperature must be in (0, 1]"
    if body.get("tool_choice") not in (None, "none", "auto", "required"):
        return "tool_choice must be none, auto or required"
    if (body.get("response_format") or {}).get("type") == "json_schema" and "Text-01" not in body["model"]:
        return "response_format is not supported by this model"
    waiting: list[str] = []
    for turn in body["messages"]:
        if turn.get("role") not in ("system", "user", "assistant", "tool"):
            return f"role {turn.get('role')} is not supported"
        if turn["role"] == "tool":
            if turn.get("tool_call_id") not in waiting or not isinstance(turn.get("content"), str):
                return "tool call result does not follow tool call"
            waiting.remove(turn["tool_call_id"])
        elif waiting:
            return "tool call and result not match"
        for call in turn.get("tool_calls") or []:
            json.loads(call["function"]["arguments"])
            waiting.append(call["id"])
    return "tool call and result not match" if waiting else None


class Answer:
    """One answer; whether its reasoning stands apart or within the text depends on how it is asked for."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], number: int, compatible: bool) -> None:
        self.body, self.scenario, self.id = body, scenario, f"05sim{number}"
        self.apart = body.get("reasoning_split") or not compatible
        self.thoughts = list(scenario.get("reasoning", []))
        self.calls = [
            {
                "id": call.get("id", f"call_function_{number}_{place}"),
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)},
                "index": place,
            }
            for place, call in enumerate(scenario.get("tool_calls", []))
        ]
        self.pieces = [] if self.calls and "text" not in scenario else list(pieces_of(scenario, self._usual()))
        if "refusal" in scenario:
            self.pieces = []
        if self.thoughts and not self.apart:
            self.pieces = ["<think>\n", *self.thoughts, "\n</think>\n\n", *self.pieces]
            self.thoughts = []
        self.finish = scenario.get("finish") or ("tool_calls" if self.calls else "stop")
        if "refusal" in scenario:
            self.finish = "content_filter"

    def _usual(self) -> str:
        form = self.body.get("response_format") or {}
        if form.get("type") == "json_schema":
            return json.dumps(instance_of(form["json_schema"]["schema"]), ensure_ascii=False)
        # Models that have no formats do as they are told.
        told = message_text(self.body["messages"][0])
        if self.body["messages"][0]["role"] == "system" and "JSON schema: {" in told:
            return json.dumps(instance_of(json.loads(told[told.index("{") :])), ensure_ascii=False)
        return f"You said: {last_user_text(self.body)}"

    @property
    def usage(self) -> dict[str, Any]:
        prompt = sum(len(message_text(m).split()) + 3 for m in self.body["messages"])
        said = len(self.pieces) + len(self.thoughts) + len(self.calls)
        counts = {"total_tokens": prompt + said, "total_characters": 0, "prompt_tokens": prompt}
        return counts | {"completion_tokens": said, "completion_tokens_details": {"reasoning_tokens": len(self.thoughts)}}

    def _flags(self) -> dict[str, Any]:
        return FLAGS | ({"output_sensitive": True, "output_sensitive_type": 1} if "refusal" in self.scenario else {})

    def _envelope(self, kind: str, choices: Any) -> dict[str, Any]:
        head = {"id": self.id, "object": kind, "created": CREATED, "model": self.body["model"], "choices": choices}
        return head | self._flags()

    def whole(self) -> dict[str, Any]:
        message: dict[str, Any] = {"content": "".join(self.pieces)} | NAMED
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
        if self.calls:
            message["tool_calls"] = self.calls
        choice = {"finish_reason": self.finish, "index": 0, "message": message}
        return self._envelope("chat.completion", [choice]) | {"usage": self.usage, "base_resp": base(0)}

    def chunks(self) -> Iterator[dict[str, Any]]:
        asked = (self.body.get("stream_options") or {}).get("include_usage")
        usage = {"usage": None if asked else {"total_tokens": 0, "total_characters": 0}}

        def chunk(delta: dict[str, Any], **rest: Any) -> dict[str, Any]:
            choice = rest | {"index": 0, "delta": NAMED | delta}
            return self._envelope("chat.completion.chunk", [choice]) | usage

        for piece in self.thoughts:
            yield chunk({"content": "", "reasoning_content": piece})
        for piece in self.pieces[:-1]:
            yield chunk({"content": piece})
        for call in self.calls:
            function = call["function"]
            start = {"name": function["name"], "arguments": ""}
            yield chunk({"tool_calls": [call | {"function": start}]})
            text, size = function["arguments"], max(1, len(function["arguments"]) // 2)
            for at in range(0, len(text), size):
                part = {"function": {"arguments": text[at : at + size]}, "index": call["index"]}
                yield chunk({"tool_calls": [part]})
        if "base" in self.scenario:
            failed = self._envelope("chat.completion", None) | {"output_sensitive": True}
            yield failed | usage | {"base_resp": base(self.scenario["base"])}
            return
        # The last piece of text comes with the reason for the end.
        yield chunk({"content": self.pieces[-1] if self.pieces else ""}, finish_reason=self.finish)
        if asked:
            yield self._envelope("chat.completion.chunk", []) | {"usage": self.usage, "base_resp": base(0)}
        else:
            yield self.whole()


class MiniMaxSimulator(VendorSimulator):
    """`/v1/text/chatcompletion_v2`, `/v1/chat/completions` and `/v1/models`."""

    def key(self, exchange: Exchange) -> str:
        return (exchange.request.header("authorization") or "").removeprefix("Bearer ").strip()

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        return last_user_text(body)

    def view(self, body: dict[str, Any]) -> View:
        last = (body.get("messages") or [{}])[-1]
        tools = [(t["function"]["name"], t["function"].get("parameters") or {}) for t in body.get("tools") or []]
        choice = body.get("tool_choice")
        text = message_text(last) if last.get("role") == "user" else ""
        return View(text, tools, "*" if choice == "required" else "", choice == "none")

    def failure(self, status: int, message: str | None = None) -> Any:
        kinds = {400: "bad_request_error", 401: "authorized_error", 429: "rate_limit_error"}
        error = {"type": kinds.get(status, "server_error"), "message": message or "failed", "http_code": str(status)}
        return {"type": "error", "error": error, "request_id": "05sim"}

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        failed = {"id": "05sim", "choices": None, "object": "chat.completion", "base_resp": base(scenario.get("code", 1000))}
        return b"data: " + dumps(scenario.get("body", failed)) + b"\n\n"

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        method, path = exchange.request.method, exchange.request.path
        compatible = path == "/v1/chat/completions"
        if (method, path) == ("GET", "/v1/models"):
            await self.json(exchange, {"object": "list", "data": [{"id": "MiniMax-M2.7", "object": "model"}]}, scenario)
        elif method != "POST" or not (compatible or path == "/v1/text/chatcompletion_v2"):
            await self.error(exchange, 404, self.failure(404, "404 page not found"))
        elif "base" in scenario and "after" not in scenario:
            await self._refuse(exchange, scenario["base"])
        elif text := wrong(body):
            await self._refuse(exchange, 2013, f"invalid params, {text}")
        else:
            answer = Answer(body, scenario, exchange.number, compatible)
            if body.get("stream"):
                await self.stream(exchange, answer.chunks(), scenario)
            else:
                await self.json(exchange, answer.whole(), scenario)

    async def _refuse(self, exchange: Exchange, code: int, message: str | None = None) -> None:
        told = base(code) | ({"status_msg": message} if message else {})
        await self.json(exchange, {"id": "05sim", "choices": None, "usage": {"total_tokens": 0}, "base_resp": told}, {})


if __name__ == "__main__":
    run(MiniMaxSimulator, __doc__)
