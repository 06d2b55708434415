"""What a model says, before it takes a vendor's shape: the pieces of a text, and where limits end it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from .content import split_words


def pieces_of(scenario: dict[str, Any], otherwise: str) -> Iterable[str]:
    """The pieces a scenario tells of, or those of another text."""
    if "pieces" in scenario:
        return scenario["pieces"]
    if "count" in scenario or scenario.get("endless"):
        filler = "x" * int(scenario.get("piece_bytes", 0))
        numbers = itertools.count() if scenario.get("endless") else range(scenario["count"])
        return (f"{number} {filler}" for number in numbers)
    if "huge" in scenario:
        return ["y" * int(scenario["huge"])]
    return split_words(scenario.get("text", otherwise))


class Limited:
    """Pieces up to a number of them and up to the first stop sequence; says afterwards what ended them, if anything.

    A piece is a token. What might begin a stop sequence is held back, so that none is ever written in part.
    """

    def __init__(self, pieces: Iterable[str], limit: int | None, stops: list[str]) -> None:
        self._pieces = pieces
        self._limit = limit
        self._stops = [stop for stop in stops if stop]
        self.count = 0
        self.is_cut = False
        self.stopped_by: str | None = None

    def __iter__(self) -> Iterator[str]:
        held = ""
        for piece in self._pieces:
            if self._limit is not None and self.count >= self._limit:
                self.is_cut = True
                break
            self.count += 1
            held += piece
            found = [(place, stop) for stop in self._stops if (place := held.find(stop)) >= 0]
            if found:
                place, self.stopped_by = min(found)
                held = held[:place]
                break
            safe = len(held) - self._longest_beginning(held)
            if safe > 0:
                yield held[:safe]
                held = held[safe:]
        if held:
            yield held

    def _longest_beginning(self, text: str) -> int:
        """How many letters at the end might become a stop sequence."""
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
        return max(lengths, default=0)


def described(kind: str, media_type: str, data: bytes | str) -> str:
    """One line for something that is not text: what it is, how much arrived, and its digest."""
    raw = data.encode() if isinstance(data, str) else data
    return f"[{kind} {media_type} {len(raw)} {hashlib.sha256(raw).hexdigest()[:16]}]"
