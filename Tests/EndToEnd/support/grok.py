"""Handles on the simulated Grok web app: one that steers it, and a browser that speaks to it as its pages do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .raw import Decoder, fetch
from .simulator import Simulator

APP = "/rest/app-chat"


class GrokSimulator(Simulator):
    """What only this simulator understands."""

    def accounts(self, *orders: dict[str, Any]) -> list[dict[str, Any]]:
        """Makes or changes accounts, or tells of all."""
        return self._ask("POST", "/_accounts", list(orders)) if orders else self._ask("GET", "/_accounts")

    def settings(self, **members: Any) -> None:
        assert self._ask("POST", "/_settings", members) == {"ok": True}

    def faults(self, *rules: dict[str, Any], add: bool = False) -> None:
        assert self._ask("POST", "/_faults", {"rules": list(rules), "add": add}) == {"ok": True}

    def advance(self, seconds: float) -> None:
        self._ask("POST", "/_clock", {"advance": seconds})

    def gate(self, name: str, steps: int = 0, is_open: bool = False) -> None:
        self._ask("POST", "/_gates", {"name": name, "steps": steps, "open": is_open})

    def waiting(self, name: str) -> int:
        """Streams that wait at a gate."""
        return self._ask("GET", "/_gates").get(name, 0)

    def stats(self) -> Any:
        return self._ask("GET", "/_stats")

    def conversation(self, conversation_id: str) -> Any:
        return self._ask("GET", f"/_conversation?id={conversation_id}")


def objects(body: bytes) -> Iterator[Any]:
    """The objects of a stream, however they are written."""
    text, place, decoder = body.decode(), 0, json.JSONDecoder()
    while place < len(text):
        if text.startswith("data: ", place):
            place += 6
        elif text[place].isspace():
            place += 1
        elif text.startswith("[DONE]", place):
            place += 6
        else:
            value, place = decoder.raw_decode(text, place)
            yield value


@dataclass
class Told:
    """What a stream told."""

    status: int
    clean: bool
    frames: list[Any] = field(default_factory=list)
    refusal: Any = None

    @property
    def inner(self) -> list[dict[str, Any]]:
        results = [frame.get("result", {}) for frame in self.frames]
        return [result.get("response", result) for result in results]

    def tokens(self, thinking: bool = False) -> str:
        chosen = [f for f in self.inner if f.get("isThinking") is thinking and f.get("sideBySideIndex", 0) == 0]
        return "".join(frame.get("token", "") for frame in chosen)

    def each(self, name: str) -> list[Any]:
        """All values of a field."""
        return [frame[name] for frame in self.inner if name in frame]

    @property
    def conversation(self) -> str:
        return next(f["result"]["conversation"]["conversationId"] for f in self.frames if "conversation" in f["result"])

    @property
    def message(self) -> dict[str, Any]:
        return self.each("modelResponse")[-1]

    @property
    def parent(self) -> str:
        return self.message["responseId"]


@dataclass
class Browser:
    """A page of the web app with somebody's cookie."""

    port: int
    sso: str
    generation: str = "B"

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> Decoder:
        usual = {"User-Agent": "Sim/1.0", "Origin": "https://grok.com", "x-xai-request-id": str(uuid.uuid4())}
        if self.sso:
            usual["Cookie"] = f"theme=dark; sso-rw={self.sso}; sso={self.sso}"
        sent = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        return fetch(("127.0.0.1", self.port), path, body, method=method, headers=sent)

    def json(self, path: str, body: Any = None, method: str | None = None) -> Any:
        answer = self.ask(path, body, method)
        assert answer.status == 200, bytes(answer.body)
        return json.loads(answer.body)

    def refused(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
        """Status and code of a failure, whichever of the two shapes it has."""
        answer = self.ask(path, body, method)
        told = json.loads(answer.body)
        return answer.status, told.get("error", told).get("code")

    def say(self, text: str, conversation: str | None = None, parent: str | None = None, **members: Any) -> Told:
        by_name = {"modelName": "grok-3", "modelMode": "MODEL_MODE_GROK_3"}
        body = (
            ({"modeId": "fast"} if self.generation == "B" else by_name)
            | {"message": text, "temporary": True, "sendFinalMetadata": True}
            | members
        )
        if parent is not None:
            body["parentResponseId"] = parent
        path = f"{APP}/conversations/{conversation}/responses" if conversation else f"{APP}/conversations/new"
        answer = self.ask(path, body)
        told = Told(answer.status, answer.clean)
        if answer.status == 200:
            told.frames = list(objects(bytes(answer.body)))
        elif answer.body.startswith(b"{"):
            told.refusal = json.loads(answer.body)
        return told

    def share(self, conversation: str, response: str) -> str:
        body = {"responseId": response, "allowIndexing": False}
        return self.json(f"{APP}/conversations/{conversation}/share", body)["shareLinkId"]

    def clone(self, link: str) -> tuple[str, str]:
        """The copy, and the answer to go on from."""
        copy = self.json(f"{APP}/share_links/{link}/clone", {})
        last = [r for r in copy["responses"] if r["sender"] == "assistant"][-1]
        return copy["conversation"]["conversationId"], last["responseId"]

    def limits(self, name: str = "fast") -> Any:
        return self.json("/rest/rate-limits", {"requestKind": "DEFAULT", "modelName": name})
