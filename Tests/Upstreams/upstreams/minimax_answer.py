"""An answer of MiniMax, whole or in one of its shapes of streams."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

from .content import CREATED, instance_of, last_user_text, message_text
from .minimax_rules import Model, base, grumble
from .spoken import Limited, described, pieces_of

FLAGS = {
    "input_sensitive": False,
    "output_sensitive": False,
    "input_sensitive_type": 0,
    "output_sensitive_type": 0,
    "output_sensitive_int": 0,
}


def usual_text(body: dict[str, Any], scenario: dict[str, Any]) -> str:
    """What a model says that nobody told what to say; it depends on what it was sent."""
    turns = body["messages"]
    if scenario.get("recall"):
        users = [message_text(turn) for turn in turns if turn["role"] == "user"]
        return "|".join(text for text in users if text)
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(instance_of(form["json_schema"]["schema"]), ensure_ascii=False)
    # Models that have no forms do as they are told.
    told = message_text(turns[0])
    if turns[0]["role"] == "system" and "JSON schema: {" in told:
        return json.dumps(instance_of(json.loads(told[told.index("{") :])), ensure_ascii=False)
    if turns[-1]["role"] == "tool":
        results = [f"{turn['tool_call_id']}={turn['content']}" for turn in turns if turn["role"] == "tool"]
        return f"Results: {'; '.join(results)}"
    return " ".join([f"You said: {last_user_text(body)}", *_images(turns)])


def _images(turns: list[dict[str, Any]]) -> Iterator[str]:
    for turn in turns:
        for part in turn["content"] if isinstance(turn.get("content"), list) else []:
            if part["type"] == "image_url":
                yield described("image_url", "", part["image_url"]["url"])


def detail(text: str) -> dict[str, Any]:
    """Thoughts as they are to be given back."""
    return {
        "type": "reasoning.text",
        "id": "reasoning-text-1",
        "format": "MiniMax-response-v1",
        "index": 0,
        "text": text,
    }


def asks_usage(body: dict[str, Any], scenario: dict[str, Any]) -> bool:
    """Whether the stream has a frame for usage, and with it the shape that is OpenAI's."""
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    return asked and not scenario.get("ignores_usage") and not scenario.get("no_deltas")


class Answer:
    """One answer; whether its thoughts stand apart or within the text depends on the path and on what is asked."""

    def __init__(
        self, model: Model, body: dict[str, Any], scenario: dict[str, Any], number: int, is_compatible: bool
    ) -> None:
        self.body, self.scenario, self.id = body, scenario, f"05sim{number}"
        self.splits = bool(body.get("reasoning_split"))
        self.asks_usage = asks_usage(body, scenario)
        self.grumble = grumble(body, model)
        silent = model.is_third and (body.get("thinking") or {}).get("type") == "disabled"
        self.thoughts = list(scenario.get("reasoning", [])) if model.thinks and not silent else []
        self.thought_count = len(self.thoughts)
        self.calls = [self._call(place, call, number) for place, call in enumerate(scenario.get("tool_calls", []))]
        said: Any = [] if self.calls and "text" not in scenario else pieces_of(scenario, usual_text(body, scenario))
        if "refusal" in scenario:
            said = []
        if self.thoughts and is_compatible and not self.splits:
            said = itertools.chain(["<think>\n", *self.thoughts, "\n</think>\n\n"], said)
            self.thoughts = []
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        self.text = Limited(said, limit, [])

    def _call(self, place: int, call: dict[str, Any], number: int) -> dict[str, Any]:
        arguments = call["arguments"]
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        # Its indexes are dense, but need not begin at nought.
        index = place + int(self.scenario.get("first_index", 0))
        function = {"name": call["name"], "arguments": arguments}
        identity = call.get("id", f"call_function_{number}_{place}")
        return {"id": identity, "type": "function", "function": function, "index": index}

    @property
    def finish(self) -> str:
        """Known when all of the text was said."""
        if "refusal" in self.scenario:
            return "content_filter"
        if "finish" in self.scenario:
            return self.scenario["finish"]
        return "length" if self.text.is_cut else "tool_calls" if self.calls else "stop"

    @property
    def usage(self) -> dict[str, Any]:
        if "usage" in self.scenario:
            return self.scenario["usage"]
        prompt = sum(len(message_text(turn).split()) + 3 for turn in self.body["messages"])
        said = self.text.count + len(self.thoughts) + len(self.calls)
        counts = {"total_tokens": prompt + said, "total_characters": 0}
        if self.scenario.get("old_usage"):
            return counts
        counts |= {"prompt_tokens": prompt, "completion_tokens": said}
        details = {"completion_tokens_details": {"reasoning_tokens": self.thought_count}}
        return counts | details | {"prompt_tokens_details": {"cached_tokens": 2}}

    def _envelope(self, kind: str, choices: Any) -> dict[str, Any]:
        head = {"id": self.id, "choices": choices, "created": CREATED, "model": self.body["model"], "object": kind}
        blocked = {"output_sensitive": True, "output_sensitive_type": 1} if "refusal" in self.scenario else {}
        return head | FLAGS | blocked

    def _named(self) -> dict[str, Any]:
        role = "" if self.scenario.get("empty_roles") else "assistant"
        return {"role": role, "name": "MiniMax AI", "audio_content": ""}

    # The whole answer

    def whole(self) -> dict[str, Any]:
        return self._finished("".join(self.text))

    def _finished(self, text: str) -> dict[str, Any]:
        message: dict[str, Any] = {"content": text} | self._named() | {"role": "assistant"}
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
            if self.splits:
                message["reasoning_details"] = [detail("".join(self.thoughts))]
        if self.calls:
            message["tool_calls"] = self.calls
        choice: dict[str, Any] = {"finish_reason": self.finish, "index": 0, "message": message}
        if self.scenario.get("search"):
            found = {"role": "tool", "content": self.scenario["search"], "tool_call_id": "call_search"}
            choice["messages"] = [found, message]
        envelope = self._envelope("chat.completion", [choice])
        return envelope | {"usage": self.usage, "base_resp": base(0, self.grumble)}

    # Chunks

    def chunks(self) -> Iterator[dict[str, Any]]:
        """All of them, or as many as there are before it fails."""
        if "base" not in self.scenario:
            yield from self._all_chunks()
            return
        yield from itertools.islice(self._all_chunks(), int(self.scenario["after"]))
        failed = self._envelope("chat.completion", None) | {"output_sensitive": self.scenario["base"] == 1027}
        yield failed | {"usage": {"total_tokens": 0}, "base_resp": base(self.scenario["base"])}

    def _all_chunks(self) -> Iterator[dict[str, Any]]:
        spoken = ""
        if not self.scenario.get("no_deltas"):
            for chunk in self._deltas():
                spoken += chunk["choices"][0]["delta"].get("content") or ""
                yield chunk
        else:
            spoken = "".join(self.text)
        if self.asks_usage:
            trailer = self._envelope("chat.completion.chunk", []) | {"usage": self.usage}
            yield trailer | {"base_resp": base(0, self.grumble)}
        else:
            # The whole text once more.
            yield self._finished(spoken)

    def _deltas(self) -> Iterator[dict[str, Any]]:
        if self.scenario.get("search"):
            yield self._chunk({"role": "tool", "content": "", "tool_content": self.scenario["search"]})
        for piece in self.thoughts:
            details = {"reasoning_details": [detail(piece)]} if self.splits else {}
            yield self._chunk({"content": "", "reasoning_content": piece} | details)
        last = None
        for piece in self.text:
            if last is not None:
                yield self._chunk({"content": last})
            last = piece
        if last is not None and (self.asks_usage or self.calls):
            yield self._chunk({"content": last})
            last = None
        if self.calls and self.scenario.get("call_on_finish"):
            yield self._chunk({"content": "", "tool_calls": self.calls}, finish_reason=self.finish)
            return
        for call in self.calls:
            yield from self._call_chunks(call)
        # Without a frame for usage to come, the last piece of text comes with the reason for the end.
        yield self._chunk({"content": last or ""}, finish_reason=self.finish)

    def _call_chunks(self, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        function = call["function"]
        yield self._chunk({"tool_calls": [call | {"function": {"name": function["name"], "arguments": ""}}]})
        text = function["arguments"]
        size = max(1, math.ceil(len(text) / int(self.scenario.get("tool_pieces", 2))))
        for at in range(0, len(text), size):
            part = {"function": {"arguments": text[at : at + size]}, "index": call["index"]}
            yield self._chunk({"tool_calls": [part]})

    def _chunk(self, delta: dict[str, Any], **rest: Any) -> dict[str, Any]:
        choice = rest | {"index": 0, "delta": self._named() | delta}
        # These are no numbers that count.
        usage = None if self.asks_usage else {"total_tokens": 0, "total_characters": 0}
        return self._envelope("chat.completion.chunk", [choice]) | {"usage": usage}
