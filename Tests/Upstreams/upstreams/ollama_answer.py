"""An answer of Ollama, whole or line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .content import instance_of, logprobs_for
from .ollama_models import CREATED, Model
from .ollama_rules import Refused
from .spoken import Limited, described, pieces_of

WINDOW = 4096


def window(body: dict[str, Any], model: Model) -> list[dict[str, Any]]:
    """The messages that the model gets to see: the oldest are left out without a word, unless that is forbidden."""
    turns = list(body.get("messages") or [])
    size = min(int((body.get("options") or {}).get("num_ctx", WINDOW)), model.context)
    while len(turns) > 1 and words_of(turns) > size:
        if body.get("truncate") is False:
            raise Refused("the input length exceeds the context length")
        oldest = next((place for place, turn in enumerate(turns[:-1]) if turn["role"] != "system"), 0)
        del turns[oldest]
    return turns


def words_of(turns: list[dict[str, Any]]) -> int:
    """Tokens are words here."""
    return sum(len(f"{turn.get('content', '')} {turn.get('thinking', '')}".split()) + 3 for turn in turns)


def usual_text(body: dict[str, Any], turns: list[dict[str, Any]], scenario: dict[str, Any]) -> str:
    """What a model says that nobody told what to say; it depends on what it gets to see."""
    if scenario.get("recall"):
        return "|".join(turn["content"] for turn in turns if turn["role"] == "user" and turn.get("content"))
    form = body.get("format")
    if isinstance(form, dict):
        return json.dumps(instance_of(form), ensure_ascii=False)
    if form == "json":
        return '{"ok": true}'
    last = turns[-1] if turns else {}
    if last.get("role") == "tool":
        results = [f"{turn.get('tool_name', '')}={turn.get('content')}" for turn in turns if turn["role"] == "tool"]
        return f"Results: {'; '.join(results)}"
    last = next((turn for turn in reversed(turns) if turn["role"] == "user"), {})
    seen = [described("image", "", image) for image in last.get("images") or []]
    return " ".join([f"You said: {last.get('content', '')}", *seen])


class Answer:
    """What one request is answered with."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], model: Model) -> None:
        self.body, self.scenario, self.model = body, scenario, model
        self.turns = window(body, model)
        options = body.get("options") or {}
        limit = options.get("num_predict", -1)
        calls = scenario.get("tool_calls", [])
        text = usual_text(body, self.turns, scenario)
        said: Any = [] if calls and "text" not in scenario else pieces_of(scenario, text)
        if "refusal" in scenario:
            said = [scenario["refusal"]]
        self.text = Limited(said, limit if limit > 0 else None, options.get("stop") or [])
        self.thoughts = list(scenario.get("reasoning", [])) if self._thinks() else []
        self.calls = [self._call(place, call) for place, call in enumerate(calls)]

    def _thinks(self) -> bool:
        told = self.body.get("think")
        return self.model.can("thinking") and (self.model.always_thinks or told is None or bool(told))

    def _call(self, place: int, call: dict[str, Any]) -> dict[str, Any]:
        """Servers of today give ids and places; a scenario may take them away."""
        arguments = call["arguments"] if isinstance(call["arguments"], dict) else json.loads(call["arguments"])
        function: dict[str, Any] = {"name": call["name"], "arguments": arguments}
        if not self.scenario.get("no_index") and (place or not self.scenario.get("omit_zero")):
            function = {"index": place} | function
        named = {} if self.scenario.get("no_call_ids") else {"id": call.get("id", f"call_{place}")}
        return named | {"function": function}

    def _line(self, message: dict[str, Any], **rest: Any) -> dict[str, Any]:
        said = {"role": "assistant", "content": ""} | message
        return {"model": self.body["model"], "created_at": CREATED, "message": said, "done": False} | rest

    def _end(self) -> dict[str, Any]:
        finish = self.scenario.get("finish", "length" if self.text.is_cut else "stop")
        counts = {
            "prompt_eval_count": words_of(self.turns),
            "prompt_eval_duration": 101000000,
            "eval_count": self.text.count + len(self.thoughts) + len(self.calls),
            "eval_duration": 2900000000,
        }
        if self.scenario.get("cached_prompt"):
            del counts["prompt_eval_count"]
        reason = finish if finish in ("stop", "length", "load", "unload") else "stop"
        return {"done": True, "done_reason": reason, "total_duration": 4100200300, "load_duration": 900100200} | counts

    def _logprobs(self, pieces: list[str]) -> dict[str, Any]:
        if not self.body.get("logprobs"):
            return {}
        return {"logprobs": logprobs_for(pieces, int(self.body.get("top_logprobs") or 0))}

    def lines(self) -> Iterator[dict[str, Any]]:
        yield from (self._line({"thinking": piece}) for piece in self.thoughts)
        yield from (self._line({"content": piece}, **self._logprobs([piece])) for piece in self.text)
        yield from (self._line({"tool_calls": [call]}) for call in self.calls)
        end = self._line({}, **self._end())
        if self.scenario.get("bare_end"):
            del end["message"]
        yield end

    def whole(self) -> dict[str, Any]:
        pieces = list(self.text)
        message: dict[str, Any] = {"content": "".join(pieces)}
        if self.thoughts:
            message["thinking"] = "".join(self.thoughts)
        if self.calls:
            message["tool_calls"] = self.calls
        return self._line(message, **self._end()) | self._logprobs(pieces)


def moved(body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request without messages, which only loads a model, or lets go of it."""
    reason = "unload" if body.get("keep_alive") in (0, "0", "0s") else "load"
    message = {"role": "assistant", "content": ""}
    return {"model": body["model"], "created_at": CREATED, "message": message, "done": True, "done_reason": reason}
