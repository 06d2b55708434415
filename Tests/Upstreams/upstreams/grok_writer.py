"""How frames become bytes: one a line, or as untidily as the magic words ask for."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from .grok_answer import Pause
from .grok_frames import Frame, inner
from .grok_words import Words

UTF8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
ASCII = json.JSONEncoder(separators=(",", ":")).encode
NOVELTIES: list[Any] = [
    {"result": {"novelty": {"kind": "of a later version", "members": [1, {"a": None}]}}},
    {"result": {"response": {"holidayGreeting": {"text": '}{ " not the end'}, "isThinking": False}}},
    {"result": {}},
    {"later": True},
]
LONGEST_PIECE = 40

Written = bytes | Pause


def disturbed(frames: Iterator[Frame | Pause], words: Words, body: dict[str, Any]) -> Iterator[Frame | Pause]:
    """The frames with others between them that a reader must not mind."""
    pairs = "side" in words and (words["side"] == "force" or body.get("enableSideBySide"))
    keep_alive: Frame = {"result": {"keepAlive": {}}}
    for place, frame in enumerate(frames):
        if "unknown" in words:
            yield NOVELTIES[place % len(NOVELTIES)]
        if "keep-alive" in words:
            yield keep_alive
        if not pairs or isinstance(frame, Pause) or not inner(frame).get("token"):
            yield frame
            continue
        for side, other in enumerate(({}, {"token": "[the other answer] "})):
            twin: Frame = {"result": dict(frame["result"])}
            if "response" in twin["result"]:
                twin["result"]["response"] = twin["result"]["response"] | other | {"sideBySideIndex": side}
            else:
                twin["result"] |= other | {"sideBySideIndex": side}
            yield twin


class Spelling:
    """How one answer writes its objects."""

    def __init__(self, words: Words) -> None:
        self.encode = ASCII if "ascii" in words else UTF8
        self.before = b"data: " if "data" in words else b""
        end = b"\r\n" if "crlf" in words else b"\n"
        self.after = b"" if "glued" in words else end * 3 if "blank" in words else end
        self.last = b"data: [DONE]" + end if "data" in words else b""
        self.split = "split" in words
        self.gate = words.get("drip")

    def written(self, frames: Iterator[Frame | Pause], seed: int) -> Iterator[Written]:
        """The bytes of a stream, in the pieces in which they are sent."""
        lines = self._lines(frames)
        return self._in_pieces(lines, random.Random(seed)) if self.split else lines

    def _lines(self, frames: Iterator[Frame | Pause]) -> Iterator[Written]:
        gate = None if self.gate is None else Pause(gate=self.gate)
        if gate:
            yield gate
        for frame in frames:
            if isinstance(frame, Pause):
                yield frame
                continue
            yield self.before + self.encode(frame).encode() + self.after
            if gate:
                yield gate
        if self.last:
            yield self.last

    def _in_pieces(self, lines: Iterator[Written], chance: random.Random) -> Iterator[Written]:
        """Cuts that know nothing of lines, characters or escapes; what is said before a pause is sent before it."""
        rest = b""
        for line in lines:
            if isinstance(line, Pause):
                if rest:
                    yield rest
                yield line
                rest = b""
                continue
            rest += line
            while len(rest) > LONGEST_PIECE:
                size = chance.randint(1, LONGEST_PIECE)
                yield rest[:size]
                rest = rest[size:]
        if rest:
            yield rest
