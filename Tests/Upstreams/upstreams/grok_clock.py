"""The simulator's own time, which a test can move, and its ids, which a seed decides."""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime


class Clock:
    """Runs with the world's, ahead of it by what it was advanced."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def stamp(self) -> str:
        """Now as the upstream writes it."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Ids:
    """UUIDs in an order that only the seed decides."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def next(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def derived(name: str) -> str:
    """A UUID that belongs to a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))
