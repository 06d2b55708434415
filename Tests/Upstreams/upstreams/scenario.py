"""What an upstream is told to do, and by whom.

A scenario is a JSON object. It arrives in the last user message (`sim:{…}`), in `metadata.sim`, or through
`POST /_control`, which knows a default, one for each model and key, and a queue for the next requests. The nearest
wins member by member: default, model, key, message, next.

Content: text, recall (what users said), pieces, count (+ piece_bytes), endless, huge, refusal, reasoning, tool_calls
  (+ tool_pieces), finish, usage, usage_always, trailer_choices, extra, message_extra, delta_extra, id, model,
  dimensions, floats_only, headers.
Pace: head_delay, first_delay, interval, pause_inside (each event), burst (events in one write),
  write_size (bytes in one write).
Spelling: eol, space, multiline, comments, event_names, bom, split_characters, random_splits (a seed), gzip,
  last_blank, blank_lines, keep_alives (+ keep_alive_interval), close_delimited, flavour.
Faults (`fault`): see `faults.py` and `openai.py`; `after` counts the events written before the fault.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

MARK = "sim:{"


def inline(text: str) -> dict[str, Any]:
    """The scenario inside a message, if there is one."""
    start = text.find(MARK)
    if start < 0:
        return {}
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start + len(MARK) - 1 :])
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Steering:
    """The scenarios set through the control endpoint."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.default: dict[str, Any] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.next: deque[dict[str, Any]] = deque()

    def apply(self, order: dict[str, Any]) -> None:
        if order.get("reset"):
            self.reset()
        self.default = order.get("default", self.default)
        self.models |= order.get("models", {})
        self.keys |= order.get("keys", {})
        self.next.extend(order.get("next", []))

    def scenario(self, body: dict[str, Any], key: str, text: str) -> dict[str, Any]:
        metadata = body.get("metadata")
        told = metadata.get("sim") if isinstance(metadata, dict) else None
        merged = dict(self.default)
        merged |= self.models.get(str(body.get("model")), {})
        merged |= self.keys.get(key, {})
        merged |= inline(text)
        merged |= inline(f"sim:{told}") if isinstance(told, str) else {}
        if self.next:
            merged |= self.next.popleft()
        return merged
