"""A chat answer of an engine, whole or in chunks, in the accent of its kind."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from .content import CREATED, default_text, logprobs_for, message_text
from .engine_kinds import Kind
from .spoken import Limited, pieces_of

TIMINGS = {"prompt_n": 9, "prompt_ms": 12.5, "predicted_n": 4, "predicted_ms": 80.25, "predicted_per_second": 49.8}


def limit_of(kind: Kind, body: dict[str, Any]) -> int | None:
    """How long the answer may be, in words that this kind understands."""
    return next((body[name] for name in kind.limits if body.get(name) is not None), None)


def stops_of(kind: Kind, body: dict[str, Any]) -> list[str]:
    stop = body.get("stop") if kind.stops else None
    return [stop] if isinstance(stop, str) else list(stop or [])


def usual_text(kind: Kind, body: dict[str, Any], scenario: dict[str, Any]) -> str:
    """What the model says that nobody told what to say."""
    form = body.get("response_format") or {}
    guided = (body.get("structured_outputs") or {}).get("json") or body.get("guided_json")
    schema = guided or (form.get("value") if kind.name == "tgi" else form.get("schema"))
    if form.get("type") == "json_schema" and "value" in form["json_schema"]:
        schema = form["json_schema"]["value"]
    if isinstance(schema, dict):
        wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
        return default_text(body | {"response_format": wanted}, scenario)
    if form and not kind.forms:
        return default_text(body | {"response_format": None}, scenario)
    last = body["messages"][-1] if body["messages"] else {}
    if last.get("role") == "tool" and not scenario.get("recall"):
        turns = body["messages"]
        results = [f"{turn['tool_call_id']}={message_text(turn)}" for turn in turns if turn["role"] == "tool"]
        return f"Results: {'; '.join(results)}"
    return default_text(body, scenario)


class Chat:
    """What one request is answered with."""

    def __init__(self, kind: Kind, served: str, body: dict[str, Any], scenario: dict[str, Any], number: int) -> None:
        self.kind, self.served, self.body, self.scenario, self.number = kind, served, body, scenario, number
        told = scenario.get("tool_calls", [])[: kind.calls_at_most]
        self.calls = [self._call(place, call) for place, call in enumerate(told)]
        self.thoughts = list(scenario.get("reasoning", []))
        if (body.get("chat_template_kwargs") or {}).get("enable_thinking") is False:
            self.thoughts = []
        self.member = scenario.get("reasoning_member", kind.reasoning)
        count = (body.get("n") or 1) if kind.several else 1
        self.texts = [self._text(index, count) for index in range(count)]

    def _text(self, index: int, count: int) -> Limited:
        said = [] if self.calls and "text" not in self.scenario else self._pieces()
        if count > 1:
            said = [f"({index}) ", *said]
        if self.thoughts and not self.member:
            # Nobody has told it how its model thinks.
            said = ["<think>", *self.thoughts, "</think>", *said]
        return Limited(said, limit_of(self.kind, self.body), stops_of(self.kind, self.body))

    def _pieces(self) -> Any:
        return pieces_of(self.scenario, usual_text(self.kind, self.body, self.scenario))

    def _call(self, place: int, call: dict[str, Any]) -> dict[str, Any]:
        identity = self.kind.call_id.format(number=self.number, place=place, name=call["name"])
        arguments = call["arguments"]
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        return {"id": identity, "type": "function", "function": {"name": call["name"], "arguments": arguments}}

    # Ends

    def _finish(self, text: Limited, streamed: bool) -> str | None:
        if "finish" in self.scenario:
            return self.scenario["finish"]
        if self.calls:
            if self.kind.name == "tgi" and streamed:
                # The stream of a tool call just ends.
                return "stop" if self.scenario.get("tool_finish") else None
            return self.kind.tool_finish
        if text.is_cut:
            return "length"
        if self.scenario.get("old") and self.kind.name == "tgi":
            return "stop_sequence" if text.stopped_by else "eos_token"
        return "stop"

    def _extra(self, text: Limited) -> dict[str, Any]:
        extra = dict(self.kind.choice_extra)
        for name in {"stop_reason", "matched_stop"} & set(extra):
            extra[name] = text.stopped_by
        return extra

    @property
    def usage(self) -> dict[str, Any]:
        if "usage" in self.scenario:
            return self.scenario["usage"]
        prompt = sum(len(message_text(turn).split()) + 3 for turn in self.body["messages"])
        said = sum(text.count for text in self.texts) + len(self.calls)
        said += len(self.thoughts) if self.member else 0
        counts: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
        if self.kind.name == "router":
            counts["cached_tokens"] = 2
        return counts

    # The whole answer

    def _envelope(self, kind: str) -> dict[str, Any]:
        names = self.kind.names_model.format(model=self.body.get("model", self.served), served=self.served)
        head = {"id": self.kind.identity.format(number=self.number), "object": kind, "created": CREATED, "model": names}
        return head | self.kind.envelope | self.scenario.get("extra", {})

    def whole(self) -> dict[str, Any]:
        choices = [self._whole_choice(index, text) for index, text in enumerate(self.texts)]
        return self._envelope("chat.completion") | {"choices": choices, "usage": self.usage} | self._timings()

    def _whole_choice(self, index: int, text: Limited) -> dict[str, Any]:
        pieces = list(text)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(pieces) if pieces or not self.calls else None,
        }
        if self.thoughts and self.member:
            message[self.member] = "".join(self.thoughts)
        if self.calls:
            message["tool_calls"] = [self._spelt(call) for call in self.calls]
        choice: dict[str, Any] = {"index": index, "message": message, "finish_reason": self._finish(text, False)}
        if self._wants_logprobs:
            choice["logprobs"] = {"content": self._logprobs(pieces)}
        elif self.kind.null_logprobs:
            choice["logprobs"] = None
        return choice | self._extra(text)

    def _spelt(self, call: dict[str, Any]) -> dict[str, Any]:
        if not self.scenario.get("object_arguments"):
            return call
        function = call["function"]
        return call | {"function": function | {"arguments": json.loads(function["arguments"])}}

    @property
    def _wants_logprobs(self) -> bool:
        return bool(self.body.get("logprobs")) and self.kind.logprobs

    def _logprobs(self, tokens: list[str]) -> list[dict[str, Any]]:
        entries = logprobs_for(tokens, int(self.body.get("top_logprobs") or 0))
        if self.kind.name != "llamacpp":
            return entries
        return [
            entry | {"id": 7, "top_logprobs": [top | {"id": 7} for top in entry["top_logprobs"]]} for entry in entries
        ]

    @property
    def _tells_usage(self) -> bool:
        asked = (self.body.get("stream_options") or {}).get("include_usage")
        return bool(asked) and self.kind.usage == "asked"

    def _timings(self) -> dict[str, Any]:
        if self.kind.name != "llamacpp":
            return {}
        verbose = {"__verbose": {"prompt": "x" * 9000, "stop": True}} if self.scenario.get("old") else {}
        return {"timings": TIMINGS} | verbose

    # Chunks

    def chunks(self) -> Iterator[dict[str, Any]]:
        if self.kind.opening is not None and not (self.scenario.get("old") and self.kind.name == "llamacpp"):
            for index in range(len(self.texts)):
                yield self._chunk(index, self.kind.opening)
        for piece in self.thoughts if self.member else []:
            yield self._chunk(0, {self.member: piece})
        for index, text in enumerate(self.texts):
            for piece in text:
                yield self._chunk(index, {"content": piece}, tokens=[piece])
        for place, call in enumerate(self.calls):
            yield from (self._chunk(0, delta) for delta in self._call_deltas(place, call))
        yield from self._endings()

    def _endings(self) -> Iterator[dict[str, Any]]:
        for index, text in enumerate(self.texts):
            finish = self._finish(text, True)
            if finish is not None:
                chunk = self._chunk(index, {}, finish=finish, extra=self._extra(text))
                # They stand in the very last.
                chunk |= {} if self._tells_usage else self._timings()
                yield chunk | ({"usage": self.usage} if self.kind.usage == "finish" else {})
        if self._tells_usage:
            choices: list[Any] | None = None if self.scenario.get("null_choices") else []
            last = self._envelope("chat.completion.chunk") | {"choices": choices, "usage": self.usage}
            yield last | self._timings()

    def _call_deltas(self, place: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        function, head = call["function"], {"index": place, "id": call["id"], "type": "function"}
        if self.kind.name == "transformers":
            yield {"tool_calls": [head | {"function": function}]}
            return
        pieces = self._argument_pieces(function["arguments"])
        repeats = self.kind.name in ("tgi", "llamacpp-py")
        if not repeats:
            yield {"tool_calls": [head | {"function": {"name": function["name"], "arguments": ""}}]}
        for number, piece in enumerate(pieces):
            part: dict[str, Any] = {"index": place, "function": {"arguments": piece}}
            if repeats:
                named = function["name"] if number == 0 or self.kind.name == "llamacpp-py" else None
                part = head | {"function": {"name": named, "arguments": piece}}
            yield ({"content": None} if repeats else {}) | {"tool_calls": [part]}

    def _argument_pieces(self, text: str) -> list[str]:
        size = max(1, math.ceil(len(text) / int(self.scenario.get("tool_pieces", 3))))
        return [text[at : at + size] for at in range(0, len(text), size)]

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        finish: str | None = None,
        tokens: list[str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        role = {"role": "assistant"} if self.kind.repeats_role else {}
        choice: dict[str, Any] = {"index": index, "delta": role | delta}
        if self._wants_logprobs and tokens:
            choice["logprobs"] = {"content": self._logprobs(tokens)}
        elif self.kind.null_logprobs:
            choice["logprobs"] = None
        if finish is not None or self.kind.nulls:
            choice["finish_reason"] = finish
        chunk = self._envelope("chat.completion.chunk") | {"choices": [choice | (extra or {})]}
        return chunk | ({"usage": None} if self.kind.name == "tgi" else {})
