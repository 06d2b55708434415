"""A simulated Grok web app: accounts with quotas, conversations that remember, links, copies, files and pictures.

One server is both grok.com and its host of assets. See `vendor` for what all simulators understand, `grok_words` for
words in a message, `grok_faults` for failures by account and number, `grok_accounts` for the names of accounts,
`grok_memory` for what it answers. Beside those:

  POST /_accounts {"sso": ..., "plan": ..., "windows": {"fast": {"total": 5, "seconds": 3600, "remaining": 0}}, ...}
  GET  /_accounts     all of them
  POST /_settings     members of `grok_world.Settings`
  POST /_faults       rules of failures
  POST /_clock        {"advance": seconds}: the simulator's time jumps
  POST /_gates        lets streams go on that wait at a gate (`#drip:GATE`)
  GET  /_stats        counters of everything, what clients did wrong, links that nobody deleted
  GET  /_conversation?id=...  a conversation with all its branches, whoever owns it
  DELETE /_requests   forgets the world: accounts, conversations, rules, gates, records, settings
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

from . import grok_errors as errors
from .exchange import Exchange, next_turn
from .grok_answer import Answer, Pause
from .grok_call import NOBODY, Call
from .grok_faults import spelled
from .grok_files import Asset
from .grok_gates import Gates
from .grok_memory import last_user_text
from .grok_routes import PUBLIC, find
from .grok_shapes import key_of
from .grok_world import Settings, World
from .grok_writer import Spelling, disturbed
from .sse import Framing, dumps
from .vendor import JSON_TYPE, VendorSimulator, run

WAIT = 60.0
CHATS = ("new", "continue")


def cookies(exchange: Exchange) -> dict[str, str]:
    """The cookies of a request, in whatever order and however many headers they come."""
    headers = [value for name, value in exchange.request.headers if name.lower() == "cookie"]
    pairs = [part.strip().partition("=") for header in headers for part in header.split(";")]
    return {name: value for name, _, value in pairs if name}


class GrokSimulator(VendorSimulator):
    """The paths of the web app, and its control."""

    stream_type = JSON_TYPE
    keyless = (401, errors.BAD_CREDENTIALS)

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--wire", default=Settings.wire, help="any, rest-modelmode or rest-modeid")
        parser.add_argument("--seed", type=int, default=Settings.seed, help="of ids, latencies and shares of faults")

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        return cls(options.send_buffer, Settings(wire=options.wire, seed=options.seed))

    def __init__(self, send_buffer: int | None = None, settings: Settings | None = None) -> None:
        super().__init__(send_buffer)
        self._at_start = settings or Settings()
        self.gates = Gates()
        self.forget()

    def forget(self) -> None:
        self.gates.open_all()
        self.world = World(replace(self._at_start))
        self.gates = Gates()
        self._chance = random.Random(self._at_start.seed)

    # Who asks, and for what

    def key(self, exchange: Exchange) -> str:
        return str(exchange.notes["account"]) or (NOBODY if exchange.notes["operation"] in PUBLIC else "")

    def model(self, exchange: Exchange, body: dict[str, Any]) -> str:
        return key_of(body) if exchange.notes["operation"] in CHATS else ""

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        message = body.get("message")
        return last_user_text(message) if isinstance(message, str) else ""

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.path.startswith("/_"):
            await self._control_world(exchange)
            return
        found = find(request.method, request.path)
        account, operation = cookies(exchange).get("sso", ""), found[0] if found else "lost"
        exchange.notes = {"account": account, "operation": operation}
        watch = self.world.watch
        watch.arrived(account or NOBODY, operation, request)
        is_chat = operation in CHATS
        if is_chat:
            known = self.world.accounts.find(account)
            exchange.notes["excess"] = watch.enter(account or NOBODY, known.in_flight_limit if known else 0)
        try:
            await super().handle(exchange)
        finally:
            watch.answered(account or NOBODY, exchange.status)
            if is_chat:
                watch.leave(account or NOBODY)

    # Failures

    async def _fails_before_answer(self, exchange: Exchange, scenario: dict[str, Any]) -> bool:
        """Rules of failures are asked here, where the scenarios of all vendors are over."""
        account, operation = exchange.notes["account"] or NOBODY, exchange.notes["operation"]
        told = spelled(scenario | self.world.faults.scenario(account, operation))
        scenario.clear()
        scenario.update(told)
        await exchange.pause(self._chance.uniform(*self.world.settings.latency))
        if scenario.get("fault") == "status" and scenario.get("status") == 429 and operation in CHATS:
            self._tell_to_wait(exchange, scenario)
        return await super()._fails_before_answer(exchange, scenario)

    def _tell_to_wait(self, exchange: Exchange, scenario: dict[str, Any]) -> None:
        """The account is refused for as long as it is told to wait."""
        watch, sso = self.world.watch, exchange.notes["account"]
        account, wait = self.world.accounts.find(sso), float(scenario.get("wait", WAIT))
        key = key_of(json.loads(exchange.request.body or b"{}"))
        watch.must_wait(sso, key)
        watch.tell_to_wait(sso, key, wait)
        window = account.window(key) if account else None
        if window is not None and scenario.get("why") == "no_quota":
            window.empty(self.world.clock.now(), wait)

    def failure(self, status: int, message: str | None = None) -> Any:
        if message is None:
            return errors.by_status(status)
        code = {400: errors.INVALID, 401: errors.UNAUTHENTICATED, 403: errors.DENIED}.get(status, errors.INTERNAL)
        return errors.told(code, message)

    def told_failure(self, scenario: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        body, headers = super().told_failure(scenario)
        if "body" not in scenario:
            body = errors.by_status(scenario["status"], scenario.get("why"))
        return body, headers

    def error_type(self, body: Any) -> str:
        return "text/html; charset=UTF-8" if isinstance(body, str) else JSON_TYPE

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        usual = errors.told(errors.EXHAUSTED, "Too many requests. Please try again later.")
        return dumps(scenario.get("body", usual)) + b"\n"

    # Answers

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        found = find(exchange.request.method, exchange.request.path)
        try:
            if found is None:
                raise errors.not_found("Path")
            operation, handler, args = found
            sent = cookies(exchange)
            self._check_headers(exchange, sent, operation)
            world, excess = self.world, bool(exchange.notes.get("excess"))
            sso, query = exchange.notes["account"], exchange.request.query
            reply = handler(Call(world, sso, operation, args, query, body, scenario, "sso" in sent, excess))
        except errors.Refused as refused:
            await self.error(exchange, refused.status, refused.body)
            return
        if isinstance(reply, Answer):
            await self._tell(exchange, reply, scenario)
        elif isinstance(reply, Asset):
            await self._send(exchange, reply)
        else:
            await self.json(exchange, reply, scenario)

    def _check_headers(self, exchange: Exchange, sent: dict[str, str], operation: str) -> None:
        if operation in PUBLIC:
            return
        if sent.get("sso-rw", sent.get("sso")) != sent.get("sso"):
            raise errors.Refused(401, errors.UNAUTHENTICATED, errors.BAD_CREDENTIALS)
        if self.world.settings.statsig and not exchange.request.header("x-statsig-id"):
            raise errors.Refused(403, errors.DENIED, errors.ANTI_BOT)

    async def _send(self, exchange: Exchange, asset: Asset) -> None:
        await exchange.head(200, self.head(exchange, asset.kind), len(asset.data))
        await exchange.body(asset.data)
        await exchange.finish()

    async def _tell(self, exchange: Exchange, answer: Answer, scenario: dict[str, Any]) -> None:
        """The stream of one answer; it goes on running upstream when its reader leaves."""
        frames = disturbed(answer.stream(), answer.words, answer.body)
        pieces = Spelling(answer.words).written(frames, exchange.number)
        if "split" in answer.words:
            scenario.setdefault("burst", 1)
        exchange.notes |= {"conversation": answer.conversation.id, "response": answer.reply.id}
        try:
            await self.stream(exchange, pieces, scenario)  # type: ignore[arg-type]
        finally:
            answer.close(exchange.gone.is_set())

    def event(self, framing: Framing, value: Any) -> Any:
        return value

    async def _events(self, exchange: Exchange, events: Iterator[Any], scenario: dict[str, Any]) -> None:
        """Like any vendor's, with pauses among the pieces."""
        interval = scenario.get("interval", 0)
        burst = 1 if interval else int(scenario.get("burst", self.world.settings.burst))
        held: list[bytes] = []
        for piece in events:
            if not isinstance(piece, Pause):
                held.append(piece)
            if isinstance(piece, Pause) or len(held) >= burst:
                await self._let_go(exchange, held, interval)
            if isinstance(piece, Pause):
                await self._wait(exchange, piece)
        if held:
            await self._let_go(exchange, held, interval)

    async def _let_go(self, exchange: Exchange, held: list[bytes], interval: float) -> None:
        await exchange.body(b"".join(held))
        exchange.events_written += len(held)
        held.clear()
        await (exchange.pause(interval) if interval else next_turn())

    async def _wait(self, exchange: Exchange, pause: Pause) -> None:
        if pause.gate is not None:
            await self.gates.of(pause.gate).pass_through(exchange)
        elif pause.seconds is not None:
            await exchange.pause(pause.seconds)
        else:
            await exchange.until_gone()

    # Control

    async def _control_world(self, exchange: Exchange) -> None:
        request = exchange.request
        try:
            told = self._ordered(request.method, request.path, request.query, request.body)
        except (ValueError, KeyError, TypeError) as error:
            await self.error(exchange, 400, {"ok": False, "error": str(error)})
            return
        if told is None:
            await super().handle(exchange)
        else:
            await self.error(exchange, 200, told)

    def _ordered(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
        """What an order of this vendor's own comes to; nothing if it is not one."""
        world, order = self.world, json.loads(body) if method == "POST" and body else {}
        if (method, path) == ("POST", "/_accounts"):
            orders = order if isinstance(order, list) else [order]
            return [world.accounts.apply(one).told(world.clock) for one in orders]
        if path == "/_accounts":
            return [account.told(world.clock) for account in world.accounts.by_sso.values()]
        if path == "/_stats":
            return world.stats()
        if path == "/_gates" and method == "GET":
            return self.gates.told()
        if path == "/_conversation":
            found = world.library.conversations[query["id"]]
            said = [response.wire() for response in found.responses.values()]
            return found.wire() | {"owner": found.owner, "clonedFrom": found.cloned_from, "responses": said}
        if path == "/_settings":
            world.settings.apply(order)
            world.settle()
        elif path == "/_faults":
            world.faults.apply(order)
        elif path == "/_clock":
            world.clock.ahead += float(order["advance"])
        elif path == "/_gates":
            self.gates.apply(order)
        else:
            return None
        return {"ok": True}


if __name__ == "__main__":
    run(GrokSimulator, __doc__)
