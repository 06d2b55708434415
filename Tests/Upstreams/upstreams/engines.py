"""A simulated engine that serves models of Hugging Face, of the `--kind` it is told, or their hosted router.

See `vendor` for steering. Each process has one model that chats and one that embeds. Beside the scenarios of all
vendors it knows `old` (the engine as it once was), `without_tools` and `without_embeddings` (started without the
flags), `reasoning_member`, `tool_finish` and `object_arguments` (TGI), `null_choices` (of the usage chunk), `nested`
and `token_level` (a vector for each token), `shuffled` (out of order), and `no_models` (a machine without a cache).
"""

from __future__ import annotations

import argparse
from typing import Any, Self
from urllib.parse import unquote

from . import content
from .engine_answer import Chat
from .engine_errors import Refused, failure, in_the_stream, old_failure
from .engine_kinds import KINDS, Kind
from .engine_rules import check_chat, check_embeddings, invalid
from .engine_vectors import embed, extract, inputs_of, models
from .exchange import Exchange
from .openai import OpenAISimulator
from .sse import Framing
from .vendor import JSON_TYPE, run

PIPELINE = "/hf-inference/models/"
POLICIES = {"fastest", "cheapest", "novita"}


class EngineSimulator(OpenAISimulator):
    """The routes of one kind of engine."""

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--kind", choices=sorted(KINDS), default="vllm")
        parser.add_argument("--model", default="org/chat", help="the model that chats")
        parser.add_argument("--embedder", default="org/embed", help="the model that embeds")
        parser.add_argument("--api-key", help="the only key it takes; without one it takes any, and none")

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        return cls(KINDS[options.kind], options.model, options.embedder, options.api_key, options.send_buffer)

    def __init__(
        self, kind: Kind, chatter: str, embedder: str, wanted_key: str | None = None, send_buffer: int | None = None
    ) -> None:
        super().__init__(send_buffer)
        self.kind, self.chatter, self.embedder, self.wanted_key = kind, chatter, embedder, wanted_key

    def end_of(self, exchange: Exchange) -> bytes | None:
        return b"[DONE]" if self.kind.done else None

    # What it says

    def key(self, exchange: Exchange) -> str:
        given = super().key(exchange)
        return given or ("" if self.kind.name == "router" or self.wanted_key else "anyone")

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        given = body.get("input", body.get("inputs"))
        if given is not None:
            return next((value for value in inputs_of(given) if isinstance(value, str)), "")
        return super().steering_text(exchange, body)

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        # The router tells those who are served when to come again.
        tells = self.kind.name == "router" and exchange.scenario.get("fault") != "status"
        again = [("retry-after", "15")] if tells else []
        return [("Content-Type", kind), *again]

    def failure(self, status: int, message: str | None = None) -> Any:
        if status == 401:
            message = None
        return failure(self.kind.name, status, message)

    def error_type(self, body: Any) -> str:
        return "text/plain; charset=utf-8" if isinstance(body, str) else JSON_TYPE

    def told_failure(self, scenario: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        body, headers = super().told_failure(scenario)
        if scenario.get("old") and self.kind.name == "vllm" and "body" not in scenario:
            body = old_failure(scenario["status"], "Failed.", "BadRequestError")
        return body, headers

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        framing = Framing(self._accent(scenario))
        told = framing.event(scenario.get("body", in_the_stream(self.kind.name)))
        return told + (framing.event(b"[DONE]") if self.kind.name in ("vllm", "sglang") else b"")

    def _accent(self, scenario: dict[str, Any]) -> dict[str, Any]:
        return {"eol": self.kind.line_end} | scenario

    # Routes

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        scenario = self._accent(scenario)
        method, path = exchange.request.method, exchange.request.path
        try:
            if self.wanted_key and self.key(exchange) != self.wanted_key:
                raise Refused(401, "")
            if method == "GET":
                await self._read(exchange, path, scenario)
            elif method != "POST":
                raise Refused(405, "Method Not Allowed")
            elif path.startswith(PIPELINE) and self.kind.name == "router":
                self._known(unquote(path.removeprefix(PIPELINE).split("/pipeline/")[0]), self.embedder)
                await self.json(exchange, extract(body.get("inputs"), scenario), scenario)
            elif path == "/embed" and self.kind.name == "tei":
                check_embeddings(self.kind, inputs_of(body.get("inputs")))
                await self.json(exchange, extract(body["inputs"], scenario), scenario)
            else:
                await self._create(exchange, path, body, scenario)
        except Refused as refused:
            await self._refuse(exchange, refused)

    async def _refuse(self, exchange: Exchange, refused: Refused) -> None:
        body = failure(self.kind.name, refused.status, str(refused) or None, refused.param)
        if exchange.request.path == "/embed":
            body = {"error": body["message"], "error_type": body["type"]}
        await self.error(exchange, refused.status, body, kind=self.error_type(body))

    async def _read(self, exchange: Exchange, path: str, scenario: dict[str, Any]) -> None:
        if path in self.kind.health:
            healthy = self.kind.health[path]
            if healthy is None:
                await exchange.head(200, [], 0)
                await exchange.finish()
            else:
                await self.json(exchange, healthy, scenario)
        elif path == f"{self.kind.prefix}/models" and self.kind.name != "tei":
            if scenario.get("no_models"):
                raise Refused(500, "No cache directory")
            names = [self.chatter] * self.kind.chats + [self.embedder] * self.kind.embeds
            await self.json(exchange, models(self.kind, names), scenario)
        else:
            raise self._lost()

    def _lost(self) -> Refused:
        return Refused(404, "File Not Found" if self.kind.name == "llamacpp" else "Not Found")

    async def _create(self, exchange: Exchange, path: str, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        kind = self.kind
        # TEI has its route twice, with and without what stands before it.
        prefix = "" if kind.name == "tei" and path == "/embeddings" else kind.prefix
        bare = path.removeprefix(prefix) if path.startswith(prefix) else ""
        if bare == "/chat/completions" and kind.chats:
            self._known(body.get("model"), self.chatter)
            check_chat(kind, body, scenario)
            answer = Chat(kind, self.chatter, body, scenario, exchange.number)
            if body.get("stream"):
                await self.stream(exchange, answer.chunks(), scenario)
            else:
                await self.json(exchange, answer.whole(), scenario)
        elif bare == "/completions" and kind.chats and kind.name != "router":
            self._known(body.get("model"), self.chatter)
            if body.get("stream"):
                await self.stream(exchange, content.text_completion_chunks(body, scenario, exchange.number), scenario)
            else:
                await self.json(exchange, content.text_completion(body, scenario, exchange.number), scenario)
        elif bare == "/embeddings" and kind.embeds:
            self._known(body.get("model"), self.embedder)
            if scenario.get("without_embeddings"):
                raise Refused(501, "This server does not support embeddings. Start it with `--embeddings`")
            await self.json(exchange, embed(kind, body, scenario), scenario)
        else:
            raise self._lost()

    def _known(self, name: Any, wanted: str) -> None:
        """Whether the model can do what is asked; a program that has one model does not look at names."""
        if not self.kind.minds_names:
            return
        if not isinstance(name, str):
            raise Refused(invalid(self.kind), "model: Field required", "model")
        base, _, policy = name.partition(":")
        if self.kind.name == "router" and (not policy or policy in POLICIES):
            name = base
        if name == wanted:
            return
        if self.kind.name == "transformers":
            raise Refused(500, f"{name} is not a local folder and is not a valid model identifier")
        if self.kind.name == "vllm" and name in (self.chatter, self.embedder):
            api = "Embeddings" if name == self.chatter else "Chat Completions"
            raise Refused(400, f"The model does not support {api} API")
        status = 400 if self.kind.name in ("infinity", "router") else 404
        raise Refused(status, f"The model `{name}` does not exist.", "model")


if __name__ == "__main__":
    run(EngineSimulator, __doc__)
