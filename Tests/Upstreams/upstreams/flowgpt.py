"""A simulated FlowGPT: conversations that are opened with their context, chats in lines of JSON, and the prompts.

Magic words in the question, `#sim:word` or `#sim:word=number`: see `flowgpt_answer.WORDS`. Tokens behave as they are
called: tok-401, tok-403, tok-429 (waits for `retry_after`), tok-429-once, tok-429-bare (without Retry-After), tok-500,
tok-late-401 (only when it chats); any other works. The prompt `gone` is not there, `noid` opens nothing.

Settings: signature (any, auth-dash, device-concat, device-colon, off), nonce_once, signature_status, retry_after,
prompts (how many there are). SIM_SIGNATURE and SIM_NONCE_ONCE in the environment, or the options, set the first two.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from typing import Any, Self

from .exchange import Exchange, Request
from .flowgpt_answer import CHALLENGE, FAILED, records, scenario_of
from .flowgpt_prompts import GONE, NAMELESS, Catalogue, told_page, told_search, told_trpc
from .flowgpt_rules import ANONYMOUS, Gate, check_chat, check_create, check_headers, refuse
from .sse import Framing
from .vendor import run
from .web import HTML_TYPE, Refused, WebSimulator

MODES = ("any", "auth-dash", "device-concat", "device-colon", "off")
CHATS = ("/v3/chat", "/v3/chat-anonymous", "/v2/chat-anonymous")
#: More than any test opens at a time.
MOST_CONVERSATIONS = 50_000


class FlowGPTSimulator(WebSimulator):
    """The application's interface and the site's on one port."""

    stream_type = "text/plain; charset=utf-8"
    keyless = (401, "Unauthorized")
    mark = "#sim:"
    device_header = "x-flow-device-id"
    usual = {"signature": "any", "nonce_once": False, "signature_status": 403, "retry_after": 2, "prompts": 80}

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--signature", choices=MODES, default=os.environ.get("SIM_SIGNATURE", "any"))
        once = os.environ.get("SIM_NONCE_ONCE") == "1"
        parser.add_argument("--nonce-once", action="store_true", default=once, help="refuse a nonce that was used")

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        return cls(options.send_buffer, signature=options.signature, nonce_once=options.nonce_once)

    def __init__(self, send_buffer: int | None = None, **settings: Any) -> None:
        super().__init__(send_buffer, **settings)
        self.gate = Gate()
        self.catalogue = Catalogue(self.settings["prompts"])
        self.conversations: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def forget(self) -> None:
        super().forget()
        self.gate.forget()
        self.catalogue = Catalogue(self.settings["prompts"])
        self.conversations.clear()

    def apply(self, order: dict[str, Any]) -> None:
        super().apply(order)
        if "prompts" in order.get("settings", {}):
            self.catalogue = Catalogue(self.settings["prompts"])

    def stats(self) -> dict[str, Any]:
        gate = self.gate
        nonces = {"repeated": gate.repeated, "repeated_ever": gate.repeated_ever}
        return super().stats() | {"signatures": gate.formulas, "nonces": nonces, "open": len(self.conversations)}

    # What it reads

    def key(self, exchange: Exchange) -> str:
        request = exchange.request
        if request.method == "GET":
            return "visitor"
        given = request.header("authorization") or ""
        return "anonymous" if given == ANONYMOUS else given.removeprefix("Bearer ") if " " in given else ""

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        if isinstance(body.get("question"), str):
            return body["question"]
        messages = body["messages"] if isinstance(body.get("messages"), list) else []
        users = [m.get("content") for m in messages if isinstance(m, dict) and m.get("role") == "user"]
        return users[-1] if users and isinstance(users[-1], str) else ""

    def answers(self, request: Request) -> bool:
        return request.path in CHATS

    def scenario(self, exchange: Exchange, body: dict[str, Any], key: str) -> dict[str, Any]:
        path, text = exchange.request.path, self.steering_text(exchange, body)
        answers = self.answers(exchange.request)
        magic = scenario_of(self.words(text)) if answers else {}
        return magic | self.steering.meant(path, answers, body, key, text)

    # How it fails and what its lines look like

    def failure(self, status: int, message: str | None = None) -> Any:
        return {"message": message or "Internal server error"}

    def event(self, framing: Framing, value: Any) -> bytes:
        if isinstance(value, str):
            return value.encode() + framing.end
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + framing.end * 2

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        return json.dumps(scenario.get("body", FAILED), separators=(",", ":")).encode() + b"\n\n"

    # Routes

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        request = exchange.request
        try:
            if request.method == "GET":
                await self.json(exchange, self._read(request), scenario)
            elif (request.method, request.path) == ("POST", "/conversation/create"):
                check_headers(request)
                self._check_token(self.key(exchange), is_chat=False)
                await self.json(exchange, self._create(self.key(exchange), body), scenario)
            elif request.method == "POST" and request.path in CHATS:
                await self._chat(exchange, body, scenario)
            else:
                raise refuse("Not found", 404)
        except Refused as refused:
            await self.refuse(exchange, refused)

    def _read(self, request: Request) -> Any:
        path = request.path
        if path.startswith("/api/trpc/"):
            return told_trpc(path.removeprefix("/api/trpc/"), request.query, self.catalogue)
        if path == "/prompt/search":
            return told_search(request.query, self.catalogue)
        if path.startswith("/prompt/") and path.endswith("/"):
            return told_page(self.catalogue.card(path.split("/")[2]))
        raise refuse("Not found", 404)

    def _create(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        check_create(body)
        prompt = self._prompt(body)
        created = {"promptId": prompt, "createdAt": "2026-01-02T03:04:05.000Z"}
        if prompt == NAMELESS:
            return created
        name = f"c0nv-{next(self._numbers):08d}"
        self.conversations[name] = {"token": token, "promptId": prompt, "messages": body["messages"]}
        while len(self.conversations) > MOST_CONVERSATIONS:
            del self.conversations[next(iter(self.conversations))]
        return {"id": name} | created

    def _prompt(self, body: dict[str, Any]) -> str:
        prompt = body["promptId"]
        if prompt == GONE or not self.catalogue.has(prompt):
            raise refuse("Prompt not found", 404)
        return prompt

    async def _chat(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        request, token = exchange.request, self.key(exchange)
        with self.ledger.turn(token):
            check_headers(request)
            if (token == "anonymous") != request.path.endswith("-anonymous"):
                raise refuse("Unauthorized", 401)
            if not request.path.startswith("/v2/"):
                self.gate.check(request, self.settings)
            self._check_token(token, is_chat=True)
            check_chat(body)
            context = self._context(token, body)
            await self.stream(exchange, records(context, body["question"], scenario), scenario)

    def _context(self, token: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        prompt = self._prompt(body)
        if "conversationId" not in body:
            system = body.get("system")
            return ([{"role": "system", "content": system}] if system else []) + body["history"]
        found = self.conversations.get(body["conversationId"])
        if found is None or found["token"] != token:
            raise refuse("Conversation not found", 404)
        if found["promptId"] != prompt:
            raise refuse("promptId does not match the conversation")
        return found["messages"]

    def _check_token(self, token: str, is_chat: bool) -> None:
        """Tokens behave as they are called."""
        account, wait = self.ledger.of(token), self.settings["retry_after"]
        if account.is_cooling("*"):
            account.used_while_cooling += 1
        if token.startswith("tok-401") or token.startswith("tok-late-401") and is_chat:
            raise Refused(401, {"data": "jwt expired"})
        if token.startswith("tok-403"):
            raise Refused(403, {"message": "Forbidden"})
        if token.startswith("tok-html403"):
            raise Refused(403, CHALLENGE, kind=HTML_TYPE)
        if token.startswith("tok-500"):
            raise Refused(500, {"error": "Internal Server Error"})
        is_limited = not account.has_cooled("*") if token.startswith("tok-429-once") else token.startswith("tok-429")
        if is_limited:
            account.cool("*", wait, extends=not token.startswith("tok-429-once"))
            headers = {} if token.startswith("tok-429-bare") else {"Retry-After": str(wait)}
            raise Refused(429, "Too many requests", headers)


if __name__ == "__main__":
    run(FlowGPTSimulator, __doc__)
