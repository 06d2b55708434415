"""People who hold conversations with the simulated Grok web app through the cluster, and notice when it has forgotten."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .raw import Address, RawClient, Stream, request_bytes

CHAT = "/v1/chat/completions"
MODEL = "grok-3"


class Habit(Enum):
    """What a client sends of the conversation."""

    # The conversation's name and the new message.
    NAMED = "named"
    # Everything that was said, and no name.
    RETOLD = "retold"
    # Both.
    BOTH = "both"


class Forgotten(AssertionError):
    """The answer does not come from the conversation that was asked."""


class Refused(Exception):
    """A plain error, with its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code = status, code


class Broken(Exception):
    """No whole answer came: the worker died, or the stream was cut."""


@dataclass
class Answer:
    text: str
    conversation: str
    passage: str
    usage: dict[str, int] | None = None


def ask(address: Address, body: dict[str, Any], key: str, seconds: float = 30.0) -> Answer:
    """One turn, streamed or not."""
    try:
        with RawClient(address, request_bytes(CHAT, body, key), seconds) as client:
            answer = client.read_all()
    except (OSError, TimeoutError) as error:
        raise Broken(str(error)) from error
    if answer.status == 0 or not answer.clean:
        raise Broken("cut")
    if answer.status != 200:
        told = json.loads(answer.body)["error"]
        raise Refused(answer.status, told["code"], told["message"])
    passage = answer.header("x-conversation") or ""
    if not body.get("stream"):
        whole = json.loads(answer.body)
        said = whole["choices"][0]["message"]["content"]
        return Answer(said, whole["conversation_id"], passage, whole["usage"])
    stream = Stream.parse(bytes(answer.body))
    if stream.errors:
        raise Refused(200, stream.errors[0]["code"], stream.errors[0]["message"])
    if stream.done != 1:
        raise Broken("no end")
    names = {chunk["conversation_id"] for chunk in stream.chunks}
    assert len(names) == 1, names
    usage = next((chunk["usage"] for chunk in stream.chunks if chunk.get("usage")), None)
    return Answer(stream.text(), names.pop(), passage, usage)


@dataclass
class Talk:
    """One conversation of one owner."""

    name: str
    key: str
    habit: Habit
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    conversation: str | None = None
    passages: list[str] = field(default_factory=list)

    def body(self, text: str, stream: bool) -> dict[str, Any]:
        messages: list[dict[str, str]] = []
        if self.habit is not Habit.NAMED:
            for said, heard in zip(self.said, self.heard, strict=True):
                messages += [{"role": "user", "content": said}, {"role": "assistant", "content": heard}]
        messages.append({"role": "user", "content": text})
        body: dict[str, Any] = {"model": MODEL, "messages": messages, "stream": stream}
        if stream:
            body["stream_options"] = {"include_usage": True}
        if self.conversation and self.habit is not Habit.RETOLD:
            body["conversation_id"] = self.conversation
        return body

    def turn(self, address: Address, stream: bool = True) -> Answer:
        """Says the next thing and judges the answer by what was said before."""
        text = f"{self.name} says number {len(self.said) + 1}"
        answer = ask(address, self.body(text, stream), self.key)
        self.judge(answer, text)
        self.said.append(text)
        self.heard.append(answer.text)
        self.conversation = answer.conversation
        self.passages.append(answer.passage)
        return answer

    def judge(self, answer: Answer, text: str) -> None:
        """All that this conversation has said is in what the upstream knows, in order, and nothing of any other."""
        found = re.findall(r"[\w-]+ says number \d+", answer.text)
        # A conversation that was told anew has its history in the message, answers included: each thing counts once.
        known = list(dict.fromkeys(found))
        if known != [*self.said, text]:
            raise Forgotten(f"{self.name}: knows {known}, should know {[*self.said, text]} ({answer.passage})")


def somewhere(addresses: list[Address], last: int, dice: random.Random) -> int:
    """Another worker than the last one."""
    others = [place for place in range(len(addresses)) if place != last]
    return dice.choice(others)
