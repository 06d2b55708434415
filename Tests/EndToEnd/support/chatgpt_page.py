"""What a page of the ChatGPT site does, written from its protocol alone: proofs, turns, both encodings read back."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from upstreams.chatgpt_tokens import mint

from .raw import Address, Decoder, fetch

FACTS: list[Any] = ["x", "now", 4294705152, 0, "page/1.0", "", "build", "en-US", "en-US", 0, "n", "d", "w"]


def fnv1a(text: str) -> str:
    """The hash of the present puzzle."""
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) % 2**32
    for shift, factor in ((16, 2246822507), (13, 3266489909)):
        h = ((h ^ (h >> shift)) * factor) % 2**32
    return format(h ^ (h >> 16), "08x")


def candidate(attempt: int) -> str:
    facts = [*FACTS[:3], attempt, *FACTS[4:9], attempt >> 1, *FACTS[10:]]
    return base64.b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode()


def solve(puzzle: dict[str, Any], algorithm: str = "sha3") -> str:
    """The answer to a puzzle."""
    seed, difficulty = puzzle["seed"], puzzle["difficulty"]
    for attempt in range(500_000):
        text = candidate(attempt)
        digest = hashlib.sha3_512((seed + text).encode()).hexdigest() if algorithm == "sha3" else fnv1a(seed + text)
        if digest[: len(difficulty)] <= difficulty:
            return f"gAAAAAB{text}" + ("~S" if algorithm == "fnv1a" else "")
    raise AssertionError("no answer was found")


def event_blocks(body: bytes) -> list[tuple[str | None, str]]:
    """The name and data of each event, whatever ends its lines."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        name = next((line[7:] for line in lines if line.startswith("event: ")), None)
        data = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
        if data:
            found.append((name, "\n".join(data)))
    return found


def values_of(text: str) -> list[Any]:
    """The values on one line, of which there may be several."""
    found, rest = [], text.strip()
    while rest:
        try:
            value, end = json.JSONDecoder().raw_decode(rest)
        except ValueError:
            break  # a date, or nothing
        found.append(value)
        rest = rest[end:].strip()
    return found


@dataclass
class Answer:
    """What one turn came to."""

    decoder: Decoder
    conversation: str = ""
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    controls: list[dict[str, Any]] = field(default_factory=list)
    error: Any = None
    is_done: bool = False
    #: Events that a page counts when it resumes.
    counted: int = 0
    _root: dict[str, Any] = field(default_factory=dict)
    _before: tuple[str, str] = ("", "")
    #: Where a text grew last.
    _grows: str = "/message/content/parts/0"

    @classmethod
    def read(cls, decoder: Decoder) -> Answer:
        answer = cls(decoder)
        answer.feed(bytes(decoder.body))
        return answer

    @property
    def status(self) -> int:
        return self.decoder.status

    @property
    def detail(self) -> Any:
        return json.loads(self.decoder.body)["detail"]

    @property
    def code(self) -> str:
        return self.detail["code"]

    def feed(self, body: bytes) -> None:
        if self.status != 200 or not (self.decoder.header("content-type") or "").startswith("text/event-stream"):
            return
        for name, data in event_blocks(body):
            if data == "[DONE]":
                self.is_done = True
            elif name == "delta_encoding":
                self.counted += 1
            elif name != "ping":
                found = values_of(data)
                self.counted += bool(found)
                for value in found:
                    if isinstance(value, dict):  # the year of a date is a number
                        self._take(value)

    def _take(self, value: Any) -> None:
        if "type" in value:
            self.controls.append(value)
            self.conversation = value.get("conversation_id") or self.conversation
        elif "message" in value:
            self._keep(value)
        elif value.get("v") is not None:
            path, operation = value.get("p", self._before[0]), value.get("o", self._before[1])
            self._before = (path, operation)
            if isinstance(value["v"], dict) and "message" in value["v"]:
                self._keep(copy.deepcopy(value["v"]))
            elif operation == "patch" and isinstance(value["v"], str):
                self._apply(self._grows, "append", value["v"])
            elif operation == "patch":
                for change in value["v"]:
                    self._apply(change["p"], change["o"], change["v"])
            else:
                self._apply(path, operation, value["v"])

    def _keep(self, root: dict[str, Any]) -> None:
        self._root = root
        self.conversation = root.get("conversation_id") or self.conversation
        self.error = root.get("error") or self.error
        if root["message"]:
            self.messages[root["message"]["id"]] = root["message"]

    def _apply(self, path: str, operation: str, value: Any) -> None:
        if not self._root:  # some streams begin in the middle
            begun = {"id": "begun", "author": {"role": "assistant"}, "recipient": "all", "metadata": {}}
            self._keep({"message": begun | {"content": {"content_type": "text", "parts": [""]}}})
        if operation == "append" and isinstance(value, str):
            self._grows = path
        at: Any = self._root
        *way, last = [int(part) if part.isdigit() else part for part in path.strip("/").split("/")]
        for part in way:
            at = at[part]
        if operation == "append" and isinstance(at[last], dict):
            at[last].update(value)
        elif operation == "append":
            at[last] += value
        else:
            at[last] = value

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The messages that a user sees."""
        return [
            m
            for m in self.messages.values()
            if m["author"]["role"] == "assistant"
            and m["recipient"] == "all"
            and m["content"]["content_type"] == "text"
            and m.get("channel") in (None, "final")
        ]

    @property
    def text(self) -> str:
        return "".join(part for m in self.shown for part in m["content"]["parts"])

    @property
    def finish(self) -> str | None:
        return self.shown[-1]["metadata"].get("finish_details", {}).get("type")

    def control(self, kind: str) -> dict[str, Any]:
        return next(value for value in self.controls if value["type"] == kind)


class Page:
    """A page that an account is logged in to, of either generation."""

    def __init__(self, address: Address, name: str = "at-ok-1", is_present: bool = False, token: str = "") -> None:
        self.address, self.name, self.is_present = address, name, is_present
        self.token = token or mint(name)
        self.base = "/backend-api"
        self.device = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        self.extra: dict[str, str] = {}

    def headers(self, conversation: str | None = None) -> dict[str, str]:
        site = "https://chatgpt.com"
        about = {"Accept": "text/event-stream", "Accept-Language": "en", "User-Agent": "page/1.0", "Origin": site}
        about["Referer"] = f"{site}/c/{conversation}" if conversation else f"{site}/"
        return about | {"oai-device-id": self.device, "oai-language": "en-US"} | self.extra

    def call(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> Decoder:
        key = self.token if self.base == "/backend-api" else None
        everything = self.headers() | headers
        return fetch(self.address, f"{self.base}/{path}", body, key, method=method, headers=everything)

    def value(self, path: str, body: Any = None, method: str | None = None) -> Any:
        answer = self.call(path, body, method)
        assert answer.status == 200, bytes(answer.body)
        return json.loads(answer.body)

    def requirements(self) -> dict[str, str]:
        """The headers that let a conversation begin."""
        offer = {"p": f"gAAAAAC{candidate(1)}"}
        if self.is_present:
            asked = self.value("sentinel/chat-requirements/prepare", offer)
            proof = solve(asked["proofofwork"], "fnv1a") if asked["proofofwork"]["required"] else None
            shown = {"prepare_token": asked["prepare_token"], "proofofwork": proof}
            told = self.value("sentinel/chat-requirements/finalize", shown)
            return {"openai-sentinel-chat-requirements-token": told["token"]}
        asked = self.value("sentinel/chat-requirements", offer)
        shown = {"openai-sentinel-chat-requirements-token": asked["token"]}
        if asked["proofofwork"]["required"]:
            shown["openai-sentinel-proof-token"] = solve(asked["proofofwork"])
        return shown

    def body(self, *texts: str, **members: Any) -> dict[str, Any]:
        messages = [
            {
                "id": str(uuid.uuid4()),
                "author": {"role": "user"},
                "content": {"content_type": "text", "parts": [text]},
                "metadata": {},
            }
            for text in texts
        ]
        usual = {"action": "next", "messages": messages, "parent_message_id": str(uuid.uuid4()), "model": "auto"}
        usual |= {"conversation_mode": {"kind": "primary_assistant"}, "history_and_training_disabled": False}
        return usual | {"supported_encodings": ["v1"] if self.is_present else []} | members

    def ask(self, *texts: str, shows: dict[str, str] | None = None, **members: Any) -> Answer:
        """A whole turn."""
        shown = self.requirements() if shows is None else shows
        return self.turn(self.body(*texts, **members), shown)

    def turn(self, body: dict[str, Any], shown: dict[str, str]) -> Answer:
        if self.is_present:
            prepared = {"action": "next", "parent_message_id": "client-created-root", "model": "auto"}
            shown = shown | {"x-conduit-token": self.value("f/conversation/prepare", prepared)["conduit_token"]}
        path = "f/conversation" if self.is_present else "conversation"
        return Answer.read(self.call(path, body, **self.headers(body.get("conversation_id")), **shown))

    def after(self, answer: Answer) -> dict[str, Any]:
        """The members that continue a conversation."""
        return {"conversation_id": answer.conversation, "parent_message_id": answer.shown[-1]["id"]}

    def resume(self, answer: Answer) -> Answer:
        """Takes an answer up where it broke off."""
        token = answer.control("resume_conversation_token")["token"]
        told = {"conversation_id": answer.conversation, "offset": answer.counted}
        decoder = self.call("f/conversation/resume", told, **{"x-conduit-token": token})
        answer.decoder = decoder
        answer.feed(bytes(decoder.body))
        return answer
