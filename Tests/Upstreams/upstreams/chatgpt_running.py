"""Turns while they run, and the tokens that lead back to them: who lost a stream may take it up where it broke off."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from .chatgpt_answer import steps
from .chatgpt_encoding import Encoder, Item
from .chatgpt_tokens import sealed
from .chatgpt_tools import late_image
from .chatgpt_tree import hang
from .chatgpt_turn import Ask, topic_of
from .exchange import Request
from .ledger import Turn
from .web import Refused

MOST = 512
COMPLETE = b'{"type":"message_stream_complete"'
HANDOFF = b'{"type":"stream_handoff"'
NO_TOKEN = ("", "no-token")


class Running:
    """One turn: what was said of it so far, and what is still to come."""

    def __init__(self, ask: Ask, image_delay: float) -> None:
        self.ask = ask
        #: Whether somebody reads it now.
        self.is_read = False
        self.is_settled = False
        #: Whether all of it was handed over.
        self.is_delivered = False
        told = {name: bool(ask.scenario.get(name)) for name in ("ascii", "odd", "rootless")}
        self._encoder = Encoder(ask.conversation.id, ask.is_delta, **told)
        self._items = self._encoder.items(steps(ask))
        self._heard: list[Item] = []
        self._is_endless = bool(ask.scenario.get("endless"))
        self._image_delay = image_delay

    def from_offset(self, offset: int) -> Iterator[Item]:
        """The events after so many that count."""
        place, counted = 0, 0
        while counted < offset and (place < len(self._heard) or self._hear()):
            counted += self._heard[place].counts
            place += 1
        while place < len(self._heard) or self._hear():
            yield self._heard[place]
            if self._is_endless:
                self._heard.clear()
            else:
                place += 1
        self.is_delivered = True

    def _hear(self) -> bool:
        item = next(self._items, None)
        if item is None:
            self._settle()
            return False
        if item.data.startswith(COMPLETE):
            self._settle()  # who reads this may go on from the answer at once
        self._heard.append(item)
        return True

    @property
    def topic(self) -> str:
        """Where the turn is to be heard, beside its stream."""
        return topic_of(self.ask)

    @property
    def heard(self) -> list[Item]:
        return list(self._heard)

    def finish(self) -> None:
        """The site comes to the end of what it says, whether anybody listens or not."""
        while not self._is_endless and self._hear():
            pass

    def _settle(self) -> None:
        if self.is_settled:
            return
        self.is_settled = True
        ask, conversation = self.ask, self.ask.conversation
        made = [m for m in self._encoder.messages if m["author"]["role"] in ("assistant", "tool")]
        last = hang(conversation, ask.node, made)
        if ask.rest:
            conversation.rests[last] = ask.rest
        if ask.scenario.get("tool") == "async-image" and not conversation.is_temporary:
            conversation.async_status = 1
            conversation.expect(self._image_delay, lambda: late_image(ask))


def until_handoff(items: Iterator[Item]) -> Iterator[Item]:
    """The events up to the one that says that the others are to be had elsewhere."""
    for item in items:
        yield item
        if item.data.startswith(HANDOFF):
            return


def ending(items: Iterator[Item], turn: Turn) -> Iterator[Item]:
    """The same events; the turn is over before anybody can read that it is."""
    for item in items:
        if item.data.startswith(COMPLETE):
            turn.end()
        yield item
    turn.end()


def joined(items: Iterator[Item]) -> Iterator[Item]:
    """Two events of a name in one, as has been seen."""
    held: Item | None = None
    for item in items:
        if held and held.name == item.name and not held.is_raw and not item.is_raw:
            yield Item(item.name, held.data + item.data)
            held = None
            continue
        if held:
            yield held
        held = item
    if held:
        yield held


class Board:
    """The turns that can be taken up again, and the tokens of those that are being prepared."""

    def __init__(self) -> None:
        self.running: dict[str, Running] = {}
        self.resumed = 0
        self._conduits: dict[str, tuple[str, float]] = {}

    def put(self, running: Running) -> None:
        self.running[running.ask.conversation.id] = running
        while len(self.running) > MOST:
            del self.running[next(iter(self.running))]

    def of_topic(self, account: str, topic: str) -> Running | None:
        """The account's turn that a topic is about."""
        found = (running for running in self.running.values() if running.topic == topic)
        return next((running for running in found if running.ask.conversation.account == account), None)

    def conduit(self, account: str, seconds: float) -> str:
        token = sealed({"conduit": secrets.token_hex(8), "exp": int(time.time() + seconds)})
        self._conduits[token] = (account, time.monotonic() + seconds)
        while len(self._conduits) > 100 * MOST:
            del self._conduits[next(iter(self._conduits))]
        return token

    def check_conduit(self, account: str, request: Request, is_required: bool) -> None:
        token = request.header("x-conduit-token") or ""
        if token in NO_TOKEN:
            if is_required:
                raise Refused(422, {"detail": "Missing conduit token"})
            return
        if self.account_of(token) != account:
            raise Refused(403, {"detail": "Invalid conduit token"})

    def account_of(self, token: str) -> str:
        """Whose a token is; it is good once."""
        owner, until = self._conduits.pop(token, ("", 0.0))
        if not owner or time.monotonic() > until:
            raise Refused(403, {"detail": "Invalid conduit token"})
        return owner

    def resume(self, body: dict[str, Any], token: str | None) -> tuple[Running, int]:
        running = self.running.get(str(body.get("conversation_id")))
        offset = body.get("offset")
        if running is None:
            raise Refused(404, {"detail": "Nothing to resume."})
        if not isinstance(offset, int) or offset < 0:
            raise Refused(422, {"detail": "offset"})
        if (token or "") not in (*NO_TOKEN, running.ask.resume_token):
            raise Refused(403, {"detail": "Invalid conduit token"})
        if running.is_delivered:
            raise Refused(410, {"detail": "The answer is in the conversation."})
        if running.is_read:
            raise Refused(409, {"detail": "Somebody reads it."})
        self.resumed += 1
        return running, offset
