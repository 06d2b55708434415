"""One turn: what the upstream writes down of it, and the frames that tell it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from .grok_accounts import Account
from .grok_conversations import ASSISTANT, HUMAN, Conversation
from .grok_errors import EXHAUSTED, stream_error, told
from .grok_frames import Frame, Frames, opening, spoken, title
from .grok_memory import answer as remembered
from .grok_memory import last_user_text
from .grok_scenes import SCENES, banner
from .grok_shapes import Asked
from .grok_words import Words, words_of
from .grok_world import World
from .spoken import described, pieces_of

HASH = "c2ltdWxhdGVkLW1vZGVsLWhhc2g="
LONG = 100_000


class Pause:
    """A place in a stream where nothing comes for a while: some seconds, until a gate opens, or for ever."""

    def __init__(self, seconds: float | None = None, gate: str | None = None) -> None:
        self.seconds, self.gate = seconds, gate


class Answer:
    """The answer to one message. The message is in the conversation from the beginning, the answer unfinished."""

    def __init__(
        self, world: World, account: Account, conversation: Conversation, parent: str, is_new: bool, asked: Asked,
        body: dict[str, Any], scenario: dict[str, Any],
    ) -> None:  # fmt: skip
        self.world, self.account, self.conversation = world, account, conversation
        self.asked, self.body, self.scenario, self.is_new = asked, body, scenario, is_new
        self.words: Words = words_of(last_user_text(asked.message), scenario)
        self.path = conversation.path(parent)
        attached = [world.files.owned(name, account.sso) for name in asked.files]
        self.files = [file for file in attached if file is not None]
        self.failed = "attachmentLoadFailed" if None in attached else scenario.get("detail")
        members = {"fileAttachments": asked.files, "fileAttachmentsMetadata": [file.wire() for file in self.files]}
        say = world.library.say
        self.question = say(conversation, HUMAN, asked.message, parent, model=asked.model, members=members)
        self.reply = say(conversation, ASSISTANT, "", self.question.id, model=asked.model, partial=True)
        conversation.running.add(self.reply.id)
        nested = is_new and "flat" not in self.words or "nested" in self.words
        self.frames = Frames(self.reply.id, nested)
        self.said: list[str] = []
        self.images: list[str] = []
        self.cards: list[str] = []
        self.late: list[Frame] = []

    def say(self, text: str, tag: str | None = "final") -> Frame:
        """A piece of the text."""
        self.said.append(text)
        return self.frames.token(text, tag)

    def generate(self) -> tuple[str, str]:
        return self.world.files.generate(self.account.sso, self.account.user_id)

    # The stream

    def stream(self) -> Iterator[Frame | Pause]:
        yield from self._beginning()
        for word, (scene, _) in SCENES.items():
            if word in self.words or word == "think" and "reasoning" in self.scenario:
                yield from scene(self)
        if "banner" in self.words:
            yield from banner(self)
            self._finish()
            return
        if "error-top" in self.words:
            self._finish()
            yield told(EXHAUSTED, "Too many requests. Please try again later.")
            return
        if key := self.failed or self.words.get("error") or self.words.get("error-fatal"):
            yield from self._fail(key, "FATAL" if "error-fatal" in self.words else "NORMAL")
            return
        yield from self._text()
        if key := self.words.get("error-late"):
            yield from self._fail(key)
            return
        yield from self._end([])

    def _beginning(self) -> Iterator[Frame]:
        question = self.frames.of(userResponse=spoken(self.question, "upper" in self.words))
        if self.is_new and "both" in self.words:
            yield {"result": opening(self.conversation)["result"] | question["result"]}
        else:
            if self.is_new:
                yield opening(self.conversation)
            yield question
        thinks = bool(self.words.keys() & {"think", "experts", "search", "banner"})
        rollouts = ["Agent 1", "Agent 2"] if "experts" in self.words else ["Grok"] if thinks else []
        yield self.frames.layout(self.asked.model, thinks, rollouts)
        yield self.frames.of(llmInfo={"modelHash": HASH})

    def _text(self) -> Iterator[Frame | Pause]:
        if "empty" in self.words or any(not goes_on and word in self.words for word, (_, goes_on) in SCENES.items()):
            return
        pieces = self._pieces()
        for piece in itertools.islice(pieces, 2):
            yield self.say(piece)
        if (seconds := self.words.get("stall")) is not None:
            yield Pause(float(seconds) if seconds else None)
        for piece in pieces:
            yield self.say(piece)

    def _pieces(self) -> Iterator[str]:
        if "long" in self.words:
            count = int(self.words["long"] or LONG)
            return (f"w{place} " for place in range(count))
        text = remembered(self.path, self.asked.message)
        if self.scenario.get("recall"):
            text = "|".join([*(r.message for r in self.path if r.sender == HUMAN), self.asked.message])
        if self.files:
            text += "; files=" + " ".join(described(file.name, file.kind, file.data) for file in self.files)
        if "utf8" in self.words:
            text += ' 夜市 🎏 é \\ " </s> \u2028'
        return iter(pieces_of(self.scenario, text))

    def _fail(self, key: str, severity: str = "NORMAL") -> Iterator[Frame]:
        error = stream_error(key, severity)
        yield self.frames.of(error=error)
        yield from self._end([error])

    def _end(self, errors: list[dict[str, Any]]) -> Iterator[Frame]:
        if not errors and "no-stop" not in self.words:
            yield self.frames.soft_stop()
        yield from self.late
        if key := self.words.get("error-model"):
            errors = [*errors, stream_error(key)]
        mode = {"model": self.asked.model, "mode": self.asked.mode, "effort": "LOW"}
        members: dict[str, Any] = {"streamErrors": errors, "generatedImageUrls": self.images}
        members |= {"cardAttachmentsJson": self.cards, "requestMetadata": mode}
        if "error-string" in self.words:
            members["error"] = "Something went wrong"
        self.reply.members = members
        self._finish()
        if "no-model" not in self.words:
            yield self.frames.of(modelResponse=spoken(self.reply, "upper" in self.words))
        if errors:
            return
        if self.body.get("sendFinalMetadata"):
            yield self.frames.follow_ups()
        if self.is_new:
            self.conversation.title = " ".join(last_user_text(self.asked.message).split()[:4]) or "New conversation"
            yield title(self.conversation.title)

    def _finish(self) -> None:
        """All is said, whatever frames may follow; the next turn may begin."""
        self.reply.message, self.reply.partial = "".join(self.said), False
        self.conversation.running.discard(self.reply.id)

    def close(self, left: bool) -> None:
        """The stream is over, or its reader has left before its end and the upstream goes on alone."""
        self.conversation.running.discard(self.reply.id)
        if self.reply.partial:
            self.reply.message = "".join(self.said)
        if left and self.reply.partial:
            self.conversation.abandoned.add(self.reply.id)
