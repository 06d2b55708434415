"""What a conversation remembers, told in such a way that a lost or a wrong parent shows.

The usual answer is `turn=N; history=first|second; got=the message`: what the users said between the root and the parent
of this message, and what has just arrived. `what did I say in turn 3?` is answered with what was said then, also where
the turns arrived in one message as a labelled transcript; `remember X` and `what do you remember?` work likewise.
"""

from __future__ import annotations

import re

from .grok_conversations import HUMAN, Response

LABEL = re.compile(r"^\[(System|User|Assistant)\]\n", re.MULTILINE)
RECALL = re.compile(r"what did I say in turn (\d+)\?", re.IGNORECASE)
KEEP = re.compile(r"\bremember (?!\?)([^\n.;|?]+)", re.IGNORECASE)
KEPT = re.compile(r"what do you remember\?", re.IGNORECASE)


def users_texts(message: str) -> list[str]:
    """What a user said in a message: all of it, or his parts of a transcript."""
    if not message.startswith(("[System]\n", "[User]\n", "[Assistant]\n")):
        return [message]
    parts = LABEL.split(message)[1:]
    return [text.strip("\n") for label, text in zip(parts[::2], parts[1::2], strict=True) if label == "User"]


def last_user_text(message: str) -> str:
    """The newest thing said in a message; words that steer count only there."""
    texts = users_texts(message)
    return texts[-1] if texts else ""


def said_before(path: list[Response]) -> list[str]:
    """What users said on the way to a parent, one message each."""
    return [response.message for response in path if response.sender == HUMAN]


def answer(path: list[Response], message: str) -> str:
    """What the model makes of it all."""
    before = said_before(path)
    asked = last_user_text(message)
    if recall := RECALL.search(asked):
        turns = [text for said in [*before, message] for text in users_texts(said)]
        place = int(recall.group(1))
        return turns[place - 1] if 1 <= place <= len(turns) else f"There was no turn {place}."
    if KEPT.search(asked):
        found = [kept.strip() for said in [*before, message] for kept in KEEP.findall(said)]
        return "; ".join(found) if found else "Nothing."
    return f"turn={len(before) + 1}; history={'|'.join(before)}; got={message}"
