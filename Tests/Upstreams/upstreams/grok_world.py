"""Everything the simulated upstream knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .grok_accounts import Accounts
from .grok_clock import Clock, Ids
from .grok_conversations import Library
from .grok_faults import Faults
from .grok_files import Files
from .grok_shapes import ANY
from .grok_watch import Watch


@dataclass
class Settings:
    """How it behaves towards everybody; `POST /_settings` changes members by these names."""

    wire: str = ANY
    seed: int = 1
    # Seconds before an answer begins, at least and at most.
    latency: tuple[float, float] = (0.0, 0.0)
    # Frames in one write, as they come together on a busy wire; a scenario's `burst` goes before it.
    burst: int = 8
    # Whether a request without `x-statsig-id` is one of a machine's.
    statsig: bool = False
    # How it answers who continues another's conversation.
    foreign: int = 404
    # Whether it says in words that a quota is used up.
    quota_text: bool = False
    # Longer messages are too long.
    prompt_limit: int = 500_000
    upload_limit: int = 3 * 1024 * 1024
    in_flight_limit: int = 8
    accounts_on_use: bool = True
    # Modes of models that are known no more: their answers are empty.
    dead_modes: tuple[str, ...] = ()

    def apply(self, order: dict[str, Any]) -> None:
        for name, value in order.items():
            if not hasattr(self, name):
                raise ValueError(f"there is no setting {name}")
            setattr(self, name, tuple(value) if isinstance(value, list) else value)


class World:
    """Its accounts, conversations and files, and what clients did to them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        ids = Ids(settings.seed)
        self.accounts = Accounts(self.clock)
        self.library = Library(self.clock, ids)
        self.files = Files(self.clock, ids)
        self.faults = Faults(settings.seed)
        self.watch = Watch(self.clock)
        self.settle()

    def settle(self) -> None:
        """Hands the settings to those whom they concern."""
        self.accounts.in_flight_limit = self.settings.in_flight_limit
        self.accounts.made_on_use = self.settings.accounts_on_use
        self.files.limit = self.settings.upload_limit

    def stats(self) -> dict[str, Any]:
        library = self.library
        left = [
            {"shareLinkId": link.id, "owner": link.owner, "allowIndexing": link.indexed, "views": link.views}
            for link in library.links.values()
        ]
        conversations = list(library.conversations.values())
        return {
            "accounts": self.watch.by_account(),
            "conversations": {
                "open": len(conversations),
                "temporary": sum(c.temporary for c in conversations),
                "cloned": sum(c.cloned_from is not None for c in conversations),
                "running": sum(bool(c.running) for c in conversations),
                "abandoned": sum(bool(c.abandoned) for c in conversations),
            },
            "links_left": left,
            "counts": library.counts | {"files": len(self.files.by_id), "assets": len(self.files.assets)},
            "manners": self.watch.manners(),
            "faults": self.faults.told(),
        }
