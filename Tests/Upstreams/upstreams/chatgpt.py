"""A simulated ChatGPT web site: tokens, requirements with a puzzle, turns of both generations, conversations, files.

Access tokens are minted (`POST /_mint`, or `chatgpt_tokens.mint` in a test); a bare name is one too. Accounts behave as
they are called: at-401, at-late-401 (only in turns), at-revoked, at-deactivated, at-429 (`clears_in`), at-429-once,
at-429-bare, at-403-html, at-500, at-busy, at-login, at-unusual, at-capped, at-slow, at-free; any other at- works and
pays. Refresh tokens too: dead, denied, expired, limited, broken, html; any at- works. Magic words in the user's text,
`#word` or `#word=number`: `chatgpt_words.WORDS`.

Settings are those of `USUAL`. Beside what all vendors have: `POST /_mint {kind, name, ...}` gives a token (kind:
access, refresh, refresh_old, cookie), `POST /_revoke {name}` ends the access tokens minted until now, `GET /_stats`,
`GET /__sim/last`. Under `/backend-api/sim/` there are pages to pass through: echo, redirect, media, events, text.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from . import chatgpt_pages as pages
from . import chatgpt_tokens as tokens
from .chatgpt_encoding import Item
from .chatgpt_files import File, stats
from .chatgpt_odd import odd_page
from .chatgpt_rules import check_headers, check_prepare, check_turn, last_user_text
from .chatgpt_running import Running, ending, joined, until_handoff
from .chatgpt_sentinel import Sentinel
from .chatgpt_site import Site
from .chatgpt_socket import Socket
from .chatgpt_tree import hang
from .chatgpt_turn import Ask
from .chatgpt_visitor import BUSY, Visitor, behave, behave_in_turn, told_by_name
from .chatgpt_words import scenario_of
from .exchange import Exchange, Request, next_turn
from .http1 import Http1Exchange
from .sse import Framing
from .vendor import run
from .web import HTML_TYPE, Refused, WebSimulator, bearer_of

USUAL = {
    # What must be shown before a turn.
    "requirements": True,
    "requirements_ttl": 540,
    "pow_required": True,
    "pow_legacy": "sha3",
    "pow_two_step": "fnv1a",
    "difficulty": "0fffff",
    "turnstile_required": False,
    "turnstile_enforced": False,
    "arkose_required": False,
    "arkose_enforced": False,
    "so_required": False,
    "so_enforced": False,
    "conduit_required": False,
    "conduit_ttl": 60,
    # What credentials do.
    "rotates": True,
    "reuse_kills": False,
    "tells_refresh": True,
    "access_lifetime": 864_000,
    "refresh_delay": 0,
    "rotates_cookie": False,
    "anonymous": True,
    # What accounts may do.
    "one_at_a_time": True,
    "slots": 1,
    "clears_in": 252,
    # How long things take.
    "index_polls": 1,
    "image_delay": 1.0,
}
BASES = ("/backend-api/", "/backend-anon/")
TURNS = ("conversation", "f/conversation")
COOKIE = "__Secure-next-auth.session-token"


class ChatGPTSimulator(WebSimulator):
    """The site, its place for logging in and its place for blobs on one port."""

    end_of_stream = b"[DONE]"
    keyless = (401, "Unauthorized")
    device_header = "oai-device-id"
    usual = USUAL

    def __init__(self, send_buffer: int | None = None, **settings: Any) -> None:
        super().__init__(send_buffer, **settings)
        self._start_anew()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        port = await super().start(port, host)
        self._start_anew()
        return port

    def _start_anew(self) -> None:
        self.sentinel = Sentinel()
        self.site = Site(self.url)
        self.refreshes = tokens.Rotation()
        self.cookies = tokens.Rotation()
        self.revoked: dict[str, float] = {}

    def forget(self) -> None:
        super().forget()
        self._start_anew()

    def stats(self) -> dict[str, Any]:
        board = {"resumed": self.site.board.resumed}
        mine = {"sentinel": dict(self.sentinel.counts), "refreshes": self.refreshes.stats()}
        mine |= {"cookies": self.cookies.stats(), "files": stats(self.site.files)}
        return super().stats() | mine | board | {"conversations": len(self.site.library.conversations)}

    def inspected(self, request: Request) -> Any:
        told = json.loads(request.body) if request.body else {}
        if request.path == "/_mint":
            return {"token": self._mint(**told)}
        if request.path == "/_revoke":
            self.revoked[told["name"]] = time.time()
            return {"ok": True}
        if request.path == "/__sim/last":
            return self.journal.exchanges[-1].record() if self.journal.exchanges else None
        return super().inspected(request)

    def _mint(self, name: str, kind: str = "access", client_id: str | None = None, **claims: Any) -> str:
        if kind == "access":
            return tokens.mint(name, **claims)
        if kind == "cookie":
            return tokens.session_cookie(name, claims.get("length", tokens.LENGTH))
        token = tokens.refresh_token(name, kind == "refresh_old")
        self.refreshes.add(token, client_id)
        return token

    # What it reads

    def parsed(self, request: Request) -> Any:
        kind = request.header("content-type") or ""
        if kind.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(request.body.decode()))
        if request.path.startswith(("/blob/", "/backend-api/sim/")) or kind.startswith("multipart/"):
            return {}
        return super().parsed(request)

    def key(self, exchange: Exchange) -> str:
        request = exchange.request
        if request.path.startswith("/backend-anon/"):
            return f"anonymous {request.header('oai-device-id') or ''}"
        if request.path.startswith("/backend-api/"):
            return tokens.name_of(bearer_of(request))
        return "visitor"

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        return last_user_text(body)

    def answers(self, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/conversation")

    def scenario(self, exchange: Exchange, body: dict[str, Any], key: str) -> dict[str, Any]:
        path, text = exchange.request.path, last_user_text(body)
        answers = self.answers(exchange.request)
        drawn = {"tool": "gptimage"} if "picture_v2" in (body.get("system_hints") or []) else {}
        magic = drawn | told_by_name(key) | scenario_of(self.words(text)) if answers else {}
        return magic | self.steering.meant(path, answers, body, key, text)

    # How it fails and what its events look like

    def failure(self, status: int, message: str | None = None) -> Any:
        return {"detail": message or "Internal server error"}

    def event(self, framing: Framing, value: Item) -> bytes:
        if value.is_raw:
            return value.data.replace(b"\n", framing.end) + framing.end * 2
        lines = [value.data]
        if framing.multiline:
            lines = json.dumps(json.loads(value.data), ensure_ascii=False, indent=1).encode().split(b"\n")
        written = [framing.field + line for line in lines]
        if value.name:
            written.insert(0, f"event: {value.name}".encode())
        if framing.comments:
            written.insert(0, b": before")
        return framing.end.join(written) + framing.end * 2

    # Routes

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        request = exchange.request
        try:
            base = next((base for base in BASES if request.path.startswith(base)), None)
            if base is None:
                await self._outside(exchange, body, scenario)
                return
            visitor = self._visitor(exchange)
            behave(visitor.name)
            path = request.path.removeprefix(base)
            if request.method == "POST" and path in TURNS:
                await self._turn(exchange, body, scenario, visitor, path.startswith("f/"))
            elif (request.method, path) == ("POST", "f/conversation/resume"):
                await self._resume(exchange, body, scenario, visitor)
            elif path == "estuary/content":
                await self._give(exchange, self.site.files.estuary(visitor.name, request))
            elif path == "celsius/ws/user":
                if visitor.plan == "anonymous":
                    raise Refused(401, {"detail": "Unauthorized"})
                pass_of = self.site.board.conduit(visitor.name, self.settings["conduit_ttl"])
                address = f"{self.url.replace('http', 'ws', 1)}/ws/user?access_token={pass_of}"
                await self.json(exchange, {"websocket_url": address}, scenario)
            elif path in ("synthesize", "transcribe"):
                await self._voice(exchange, path)
            elif odd := odd_page(request, path, self.url):
                await self.reply(exchange, *odd)
            else:
                await self.json(exchange, self._told(request, path, body, visitor), scenario)
        except Refused as refused:
            await self.refuse(exchange, refused)

    async def _outside(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        request = exchange.request
        name = request.path.removeprefix("/blob/")
        if (request.method, request.path) == ("POST", "/oauth/token"):
            await exchange.pause(self.settings["refresh_delay"])
            await self.json(exchange, tokens.redeem(body, self.refreshes, self.settings), scenario)
        elif request.path == "/api/auth/session":
            await self._session(exchange)
        elif request.path.startswith("/blob/") and request.method == "PUT":
            self.site.files.put(name, request)
            await self.reply(exchange, 201, "")
        elif request.path.startswith("/blob/"):
            await self._give(exchange, self.site.files.blob(name, request))
        elif request.path == "/ws/user" and isinstance(exchange, Http1Exchange):
            account = self.site.board.account_of(request.query.get("access_token", ""))
            await Socket(exchange, account, self.site).serve()
        elif request.path == "/":
            await self.reply(exchange, 200, pages.HOME, kind=HTML_TYPE)
        elif request.path.startswith("/public-api/gizmos/discovery"):
            await self.json(exchange, {"list": {"items": [], "cursor": None}}, scenario)
        else:
            raise Refused(404, {"detail": "Not Found"})

    def _visitor(self, exchange: Exchange) -> Visitor:
        request, name = exchange.request, self.key(exchange)
        if name.startswith("anonymous"):
            if not self.settings["anonymous"]:
                raise Refused(401, {"detail": "Unauthorized"})
            return Visitor(name, "anonymous", {})
        claims = tokens.claims_of(bearer_of(request)) or {}
        expired = claims.get("exp", time.time()) < time.time()
        if expired or claims.get("iat", time.time()) <= self.revoked.get(name, 0):
            self.ledger.of(name).violations["stale_token"] += 1
            code = "token_expired" if expired else "token_revoked"
            raise Refused(401, {"detail": {"code": code, "message": "Your authentication token is no longer good."}})
        workspace = request.header("chatgpt-account-id")
        own, team = tokens.account_id(name), tokens.account_id(name, team=True)
        if workspace and workspace not in (own, team):
            raise Refused(403, {"detail": "You are not a member of this workspace."})
        self.ledger.of(name).seen_with(None, workspace)
        plan = claims.get(tokens.AUTH, {}).get("chatgpt_plan_type") or tokens.plan_of(name)
        return Visitor(name, "team" if workspace == team else plan, claims)

    def _told(self, request: Request, path: str, body: dict[str, Any], visitor: Visitor) -> Any:
        """The answer to a call that is a single value."""
        settings, step = self.settings, path.removeprefix("sentinel/chat-requirements")
        if request.method == "POST" and step != path:
            asked = {"": self.sentinel.legacy, "/prepare": self.sentinel.prepare, "/finalize": self.sentinel.finalize}
            if step in asked:
                return asked[step](visitor.name, visitor.persona, body, settings)
        if (request.method, path) == ("POST", "f/conversation/prepare"):
            check_prepare(body)
            return {"conduit_token": self.site.board.conduit(visitor.name, settings["conduit_ttl"])}
        return self.site.answer(request, path, body, visitor, settings["index_polls"])

    # Turns

    async def _turn(
        self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any], visitor: Visitor, is_present: bool
    ) -> None:
        request, settings = exchange.request, self.settings
        account, model = self.ledger.of(visitor.name), str(body.get("model"))
        check_headers(request, body.get("conversation_id"), streams=True)
        check_turn(body, is_present)
        behave_in_turn(visitor.name, account, model, settings["clears_in"])
        if account.in_flight >= settings["slots"]:
            for _ in range(3):
                await next_turn()  # whoever left just now is gone by then
        if account.in_flight >= settings["slots"]:
            account.violations["concurrent"] += 1
            if settings["one_at_a_time"]:
                raise Refused(429, {"detail": BUSY})
        with self.ledger.turn(visitor.name) as turn:
            self.sentinel.admit(visitor.name, request, settings)
            if is_present:
                self.site.board.check_conduit(visitor.name, request, settings["conduit_required"])
            ask = self._ask(body, scenario, visitor, is_present)
            if "refused_json" in scenario:
                await self.json(exchange, scenario["refused_json"], scenario)
                return
            running = Running(ask, settings["image_delay"])
            self.site.board.put(running)
            items = running.from_offset(0)
            if is_present and scenario.get("handoff"):
                items = until_handoff(items)
            await self._say(exchange, running, ending(items, turn), scenario)

    async def _say(
        self, exchange: Exchange, running: Running, items: Iterator[Item], scenario: dict[str, Any]
    ) -> None:
        running.is_read = True
        try:
            await self.stream(exchange, joined(items) if scenario.get("joined") else items, scenario)
        finally:
            running.is_read = False

    def _ask(self, body: dict[str, Any], scenario: dict[str, Any], visitor: Visitor, is_present: bool) -> Ask:
        model = pages.served(body["model"], visitor.plan)
        if model is None:
            told = {"code": "model_not_found", "message": f"The model {body['model']} is not available."}
            raise Refused(404, {"detail": told})
        said = body.get("messages", [])
        attached = self.site.files.attached(visitor.name, said)
        conversation, parent = self.site.library.open(visitor.name, body)
        conversation.turns += 1

        def make_file(*given: Any) -> str:
            return self.site.files.make(visitor.name, *given)

        rest = conversation.rests.pop(parent, []) if body["action"] == "continue" else []
        told: dict[str, Any] = {"attached": attached, "make_file": make_file}
        told["resume_token"] = tokens.sealed({"t": secrets.token_hex(8)})
        node = hang(conversation, parent, said)
        return Ask(conversation, node, said, body, scenario, is_present, model, visitor.plan, rest=rest, **told)

    async def _resume(
        self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any], visitor: Visitor
    ) -> None:
        check_headers(exchange.request, body.get("conversation_id"), streams=True)
        self.site.library.of(visitor.name, str(body.get("conversation_id")))
        running, offset = self.site.board.resume(body, exchange.request.header("x-conduit-token"))
        await self._say(exchange, running, running.from_offset(offset), scenario)

    # Other answers

    async def _session(self, exchange: Exchange) -> None:
        """Who the browser's cookie belongs to; its parts are put together again."""
        pairs = [pair.strip().partition("=") for pair in (exchange.request.header("cookie") or "").split(";")]
        found = {name: value for name, _, value in pairs}
        parts = sorted((name for name in found if name.startswith(f"{COOKIE}.")), key=lambda n: int(n.split(".")[-1]))
        cookie = found.get(COOKIE) or "".join(found[name] for name in parts)
        if not cookie.removeprefix("sess-").startswith("at-"):
            await self.reply(exchange, 200, {})
            return
        family, is_good = self.cookies.use(cookie, self.settings["rotates_cookie"], False)
        if not is_good:
            await self.reply(exchange, 200, {})
            return
        access = tokens.mint(family.name, self.settings["access_lifetime"])
        user = {"id": f"user-{family.name}", "name": family.name, "email": f"{family.name}@example.invalid"}
        account = {"id": tokens.account_id(family.name), "planType": tokens.plan_of(family.name)}
        ends = {"expires": "2030-01-02T03:04:05.000Z", "accessToken": access, "authProvider": "auth0"}
        kept = {"Set-Cookie": f"{COOKIE}={family.current}; Path=/; HttpOnly; Secure; SameSite=Lax"}
        await self.reply(exchange, 200, {"user": user, "account": account} | ends, kept)

    async def _give(self, exchange: Exchange, file: File) -> None:
        data = file.data or b""
        await exchange.head(200, [("Content-Type", file.kind)], len(data))
        await exchange.body(data)
        await exchange.finish()

    async def _voice(self, exchange: Exchange, path: str) -> None:
        if path == "synthesize":
            await self.reply(exchange, 200, "ID3 not really music", kind="audio/aac")
        else:
            await self.reply(exchange, 200, {"text": f"{len(exchange.request.body)} bytes were heard"})


if __name__ == "__main__":
    run(ChatGPTSimulator, __doc__)
