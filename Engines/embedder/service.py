"""The engine's endpoints over its models."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from concurrent.futures import ThreadPoolExecutor

from . import api, sources
from .batcher import Batcher, Overloaded
from .bert import UnsupportedModel
from .encoder import Encoder
from .http import Answer, Request

log = logging.getLogger("embedder")


class Service:
    def __init__(self, models: list[tuple[str, str]], *, key: str = "", queue: int = 4096) -> None:
        self._wanted = models
        self._key = key
        self._queue = queue
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")
        self._batchers: dict[str, Batcher] = {}
        self.is_loading = True

    @property
    def models(self) -> list[str]:
        return list(self._batchers)

    async def load(self) -> None:
        """Loads the models one after the other; one that cannot be loaded does not keep the others away."""
        for name, folder in self._wanted:
            try:
                encoder = await asyncio.get_running_loop().run_in_executor(self._pool, self._encoder, name, folder)
            except (sources.NoSuchModel, UnsupportedModel, OSError, ValueError, KeyError) as error:
                log.error("%s is not served: %s", name, error)
                continue
            self._batchers[name] = Batcher(encoder, self._pool, self._queue)
            log.info("%s is served: %d dimensions, %d tokens", name, encoder.size, encoder.limit)
        self.is_loading = False

    async def close(self) -> None:
        for batcher in self._batchers.values():
            await batcher.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _encoder(name: str, folder: str) -> Encoder:
        encoder = Encoder(name, sources.find(name, folder))
        # The first pass is slower than all others; nobody shall wait for it.
        encoder.vectors(encoder.tokens(["ready"]))
        return encoder

    async def answer(self, request: Request) -> Answer:
        try:
            return await self._route(request)
        except api.Refused as error:
            headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
            return Answer(error.status, error.body, headers)
        except Exception:
            log.exception("a request failed")
            return Answer(500, api.Refused(500, "The engine failed.").body)

    async def _route(self, request: Request) -> Answer:
        methods = {"/health": "GET", "/v1/models": "GET", "/v1/embeddings": "POST"}
        if request.path not in methods:
            raise api.Refused(404, f"There is no {request.path[:100]}.")
        if request.method != methods[request.path]:
            raise api.Refused(405, f"{request.path} takes {methods[request.path]}.")
        if request.path == "/health":
            return self._health()
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._key and not hmac.compare_digest(given.encode(), self._key.encode()):
            raise api.Refused(401, "The key is missing or wrong.", code="invalid_api_key")
        if request.path == "/v1/models":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "embedder"} for name in self._batchers]
            return Answer(200, {"object": "list", "data": data})
        return Answer(200, await self._embed(request.body))

    def _health(self) -> Answer:
        if self.is_loading:
            raise api.Refused(503, "The models are being loaded.", code="loading", retry_after=2)
        if not self._batchers:
            raise api.Refused(503, "No model could be loaded.", code="no_model", retry_after=60)
        return Answer(200, {"status": "ok"})

    async def _embed(self, body: bytes) -> dict[str, object]:
        try:
            request = api.read(json.loads(body))
        except (ValueError, RecursionError) as error:
            raise api.Refused(400, "The body is not valid JSON.") from error
        batcher = self._batchers.get(request.model)
        if batcher is None:
            if self.is_loading and any(name == request.model for name, _ in self._wanted):
                raise api.Refused(503, "The model is being loaded.", code="loading", retry_after=2)
            raise api.Refused(404, "The model is not served here.", code="model_not_found", param="model")
        if request.dimensions and request.dimensions > batcher.encoder.size:
            raise api.Refused(400, f"'dimensions' must be at most {batcher.encoder.size}.", param="dimensions")
        tokens = await batcher.tokens(request.texts)
        try:
            vectors = await batcher.vectors(tokens)
        except Overloaded as error:
            raise api.Refused(429, "Too much is waiting here.", code="overloaded", retry_after=1) from error
        return api.answer(request, vectors, sum(len(item.ids) for item in tokens))
