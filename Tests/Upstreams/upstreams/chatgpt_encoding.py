"""The two ways in which the site tells how a message grows: all of it again and again, or what changes.

What happens in a turn is a list of steps, the same for both: `Add` a message, `Grow` a text, `Change` several places,
`Control` (an event that is no message), `Line` (bytes as they are).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

#: Made once, because every event goes through them.
PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
ASCII = json.JSONEncoder(separators=(",", ":"))
TEXT = "/message/content/parts/0"


@dataclass
class Add:
    message: dict[str, Any]


@dataclass
class Grow:
    text: Any
    path: str = TEXT


@dataclass
class Change:
    changes: list[dict[str, Any]]


@dataclass
class Control:
    value: Any


@dataclass
class Line:
    data: bytes


Step = Add | Grow | Change | Control | Line


@dataclass
class Item:
    """One event of a stream. Those that count are what a client says it has when it resumes."""

    name: str | None
    data: bytes
    counts: bool = True
    is_raw: bool = False


def apply(document: dict[str, Any], path: str, operation: str, value: Any) -> None:
    """Does to a document what one change says."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    at: Any = document
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    key: Any = int(last) if isinstance(at, list) else last
    if operation == "append":
        old = at[key]
        if isinstance(old, dict):
            old |= value
        elif isinstance(old, list):
            old.extend(value if isinstance(value, list) else [value])
        else:
            at[key] = old + value
    elif operation in ("add", "replace"):
        at[key] = value
    elif operation == "remove":
        del at[key]


class Encoder:
    """Turns steps into events, and keeps the messages as they end."""

    def __init__(
        self, conversation: str, is_delta: bool, ascii: bool = False, odd: bool = False, rootless: bool = False
    ) -> None:
        self.conversation, self.is_delta, self.is_ascii = conversation, is_delta, ascii
        #: Whether texts grow in each of the ways that there are, and whether the roots of answers are left out.
        self.is_odd, self.is_rootless = odd, rootless
        self._grown = 0
        self.messages: list[dict[str, Any]] = []
        self._root: dict[str, Any] = {}
        # What the next delta inherits: its path and operation.
        self._inherited: tuple[str, str] | None = None

    def items(self, steps: Iterable[Step]) -> Iterator[Item]:
        if self.is_delta:
            yield Item("delta_encoding", b'"v1"')
        for step in steps:
            match step:
                case Add(message):
                    item = self._add(message)
                    if not (self.is_rootless and self.is_delta):
                        yield item
                case Grow(value, path):
                    yield self._grow(value, path)
                case Change(changes):
                    yield self._change(changes)
                case Control(value):
                    yield Item(None, self._dump(value))
                case Line(data):
                    yield Item(None, data, counts=False, is_raw=True)

    def _add(self, message: dict[str, Any]) -> Item:
        self._root = {"message": copy.deepcopy(message), "conversation_id": self.conversation, "error": None}
        self.messages.append(self._root["message"])
        place = len(self.messages) - 1
        if self._inherited == ("", "add"):
            return self._event({"c": place, "v": self._root})
        self._inherited = ("", "add")
        return self._event({"p": "", "o": "add", "v": self._root, "c": place})

    def _grow(self, value: Any, path: str) -> Item:
        apply(self._root, path, "append", value)
        if self.is_delta and self.is_odd and path == TEXT:
            return self._grow_oddly(value)
        if self._inherited == (path, "append"):
            return self._event({"v": value})
        self._inherited = (path, "append")
        return self._event({"p": path, "o": "append", "v": value})

    def _grow_oddly(self, value: Any) -> Item:
        """In turn: as usual, as a patch, as a patch that inherits what it is, and as a text after a patch."""
        self._grown += 1
        inner = [{"p": TEXT, "o": "append", "v": value}]
        match self._grown % 4:
            case 1:
                self._inherited = (TEXT, "append")
                return self._event(inner[0])
            case 2:
                self._inherited = ("", "patch")
                return self._event({"p": "", "o": "patch", "v": inner})
            case 3:
                return self._event({"v": inner})
        return self._event({"v": value})

    def _change(self, changes: list[dict[str, Any]]) -> Item:
        for change in changes:
            apply(self._root, change["p"], change["o"], copy.deepcopy(change["v"]))
        if len(changes) == 1:
            self._inherited = (changes[0]["p"], changes[0]["o"])
            return self._event(changes[0])
        self._inherited = ("", "patch")
        return self._event({"p": "", "o": "patch", "v": changes})

    def _event(self, delta: dict[str, Any]) -> Item:
        if self.is_delta:
            return Item("delta", self._dump(delta))
        return Item(None, self._dump(self._root))

    def _dump(self, value: Any) -> bytes:
        return (ASCII if self.is_ascii else PLAIN).encode(value).encode("utf-8", "surrogatepass")
