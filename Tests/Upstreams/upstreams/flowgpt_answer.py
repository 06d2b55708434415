"""What FlowGPT says: records of a stream, from the context that a conversation was opened with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .spoken import pieces_of

CHALLENGE = "<!DOCTYPE html><html><head><title>Attention</title></head><body>Request blocked.</body></html>"
#: What a magic word is in terms of scenarios; `None` where its number is put in.
WORDS: dict[str, dict[str, Any]] = {
    "prefix": {"preamble": ["**Plan:** think. **Respon", "se:**", " "]},
    "prefix-late": {"preamble": ["long ", *["winded "] * 24, "Response:**"]},
    "prefix-only": {"preamble": ["**Plan:** think. **Respon"], "pieces": []},
    "split-utf8": {"split_characters": True, "text": "Según lo que 夜市 🎏 dice"},
    "split-json": {"write_size": 5},
    "split-random": {"random_splits": None},
    "noise": {"noise": True},
    "err-mid": {"fault": "cut_after", "after": 3, "count": 9},
    "err-reset": {"fault": "cut_after", "after": 3, "count": 9, "reset": True},
    "err-event": {"fault": "error_frame", "after": 2, "count": 9},
    "err-key": {"fault": "error_frame", "after": 2, "count": 9, "body": {"error": {"message": "model overloaded"}}},
    "err-first": {"fault": "error_frame", "after": 0},
    "slow": {"count": 20, "interval": 0.1},
    "stall": {"fault": "stall", "after": 2, "count": 9},
    "silence": {"fault": "silence"},
    "empty": {"pieces": []},
    "long": {"count": None},
    "html403": {"fault": "status", "status": 403, "body": CHALLENGE, "content_type": "text/html"},
    "html200": {"fault": "not_sse"},
    "status500": {"fault": "status", "status": 500},
    "echo": {"echo": True},
}
NOISE: list[Any] = [{"event": "status", "data": {"phase": "thinking"}}, {"event": "ping"}, "this line is not JSON"]
FAILED = {"event": "error", "data": "Something went wrong, please try again."}


def scenario_of(words: dict[str, int | None]) -> dict[str, Any]:
    """The scenario that magic words come to."""
    merged: dict[str, Any] = {}
    for word, number in words.items():
        told = WORDS.get(word, {})
        merged |= {name: 100 if number is None else number for name in told} if None in told.values() else told
    return merged


def context_text(context: list[dict[str, Any]], question: str, scenario: dict[str, Any]) -> str:
    """What is said when nobody told what to say."""
    if scenario.get("echo"):
        turns = [[message["role"], message["content"]] for message in context]
        return json.dumps({"context": turns, "question": question}, ensure_ascii=False, separators=(",", ":"))
    if scenario.get("recall"):
        texts = [message["content"] for message in context if message["role"] == "user"]
        return "|".join(texts if texts and texts[-1] == question else [*texts, question])
    return f"You said: {question}"


def records(context: list[dict[str, Any]], question: str, scenario: dict[str, Any]) -> Iterator[Any]:
    """The records of a stream; text stands for a line that is none."""
    for piece in scenario.get("preamble", []):
        yield {"event": "text", "data": piece}
    noise = iter(NOISE if scenario.get("noise") else [])
    for piece in pieces_of(scenario, context_text(context, question, scenario)):
        yield {"event": "text", "data": piece}
        yield from [odd for odd in [next(noise, None)] if odd is not None]
