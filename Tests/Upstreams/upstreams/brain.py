"""A model with a little sense of its own, for suites that bring no scenarios: `{"smart": true}`.

It calls the tool that it is forced to, or that the user speaks of, with arguments it finds in the text, and otherwise talks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .content import instance_of


@dataclass
class View:
    """What a vendor's request comes to, whatever the vendor calls it."""

    # The last user's text; empty when the last turn is a tool's result.
    text: str
    tools: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # A tool that must be called: its name, or "*" for any.
    forced: str = ""
    forbids: bool = False


def decide(view: View) -> dict[str, Any]:
    """The scenario that such a request gets."""
    if view.forbids or not view.tools or not (view.forced or view.text):
        return {}
    chosen = next((tool for tool in view.tools if tool[0] == view.forced), None)
    chosen = chosen or next((tool for tool in view.tools if _speaks_of(view.text, tool[0])), None)
    if chosen is None and view.forced:
        chosen = view.tools[0]
    if chosen is None:
        return {}
    return {"tool_calls": [{"name": chosen[0], "arguments": _arguments(chosen[1], view.text)}]}


def _speaks_of(text: str, name: str) -> bool:
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if len(word) > 3]
    return name in text or any(word in text.lower() for word in words)


def _arguments(schema: dict[str, Any], text: str) -> dict[str, Any]:
    usual = instance_of({"type": "object"} | schema)
    for name, form in (schema.get("properties") or {}).items():
        kind = form.get("type")
        number = re.search(r"-?\d+", text)
        quoted = re.search(r"'([^']+)'", text)
        if kind == "integer" and number:
            usual[name] = int(number.group())
        elif kind == "string" and quoted and not form.get("enum"):
            usual[name] = quoted.group(1)
    return usual
