"""A simulated Gemini: `generateContent` and its stream, embeddings, counts and models. See `vendor` for steering.

Beside the scenarios of all vendors it knows `safety` (a finish reason without a refusal), `block_reason` of a refused
prompt, `why` of a failure (`bad_key`, `daily_quota`, `too_long`), `bare` (errors in a stream without `data:`), and
`candidate_extra`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from .brain import View
from .content import vector
from .exchange import Exchange
from .gemini_answer import Generation, said, words_of
from .gemini_models import MODELS, Model
from .gemini_rules import check
from .gemini_schema import Violations, read
from .gemini_turns import Refused
from .sse import Framing
from .vendor import VendorSimulator, run

RPC = "type.googleapis.com/google.rpc."
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MESSAGES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission",
    429: "You exceeded your current quota, please check your plan and billing details.",
    500: "An internal error has occurred. Please retry.",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
}
LARGEST = 20 * 1024 * 1024
PATH = re.compile(r"^/v1(?:beta|alpha)?/models(?:/(?P<model>[^:]+?)(?::(?P<method>\w+))?)?$")


def failed(status: int, message: str, details: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}
    return {"error": error | ({"details": details} if details else {})}


class GeminiSimulator(VendorSimulator):
    """`/v1beta/models/{model}:{method}` and `/v1beta/models`."""

    stream_type = "text/event-stream"
    keyless = (
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other"
        " form of API consumer identity to call this API.",
    )

    def key(self, exchange: Exchange) -> str:
        return exchange.request.header("x-goog-api-key") or exchange.request.query.get("key", "")

    def steering_text(self, exchange: Exchange, body: dict[str, Any]) -> str:
        users = [c for c in _dicts(body.get("contents")) if c.get("role", "user") == "user"]
        texts = [_text(users[-1])] if users else [_text(body.get("content"))]
        texts += [_text(request.get("content")) for request in _dicts(body.get("requests"))[:1]]
        return "".join(texts)

    def view(self, body: dict[str, Any]) -> View:
        last = (_dicts(body.get("contents")) or [{}])[-1]
        choice = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
        allowed = choice.get("allowedFunctionNames") or ["*"]
        declared = [d for tool in _dicts(body.get("tools")) for d in _dicts(tool.get("functionDeclarations"))]
        return View(
            _text(last),
            [(d.get("name", ""), d.get("parametersJsonSchema") or {}) for d in declared],
            allowed[0] if choice.get("mode") == "ANY" else "",
            choice.get("mode") == "NONE",
        )

    def model(self, exchange: Exchange, body: dict[str, Any]) -> str:
        found = PATH.match(exchange.request.path)
        return unquote(found["model"] or "") if found else ""

    def head(self, exchange: Exchange, kind: str) -> list[tuple[str, str]]:
        typed = f"{kind}; charset=UTF-8" if kind == "application/json" else kind
        return [("Content-Type", typed), ("Server-Timing", "gfet4t7; dur=12"), ("X-Frame-Options", "SAMEORIGIN")]

    # Failures

    def failure(self, status: int, message: str | None = None) -> Any:
        return failed(status, message or MESSAGES.get(status, "Failed."))

    def told_failure(self, scenario: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        """The vendor has no Retry-After: it says in the body when to come again."""
        status, why = scenario["status"], scenario.get("why")
        details: list[dict[str, Any]] = []
        message = MESSAGES.get(status, "Failed.")
        if why == "bad_key":
            message = "API key not valid. Please pass a valid API key."
            info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            details.append({"@type": RPC + "ErrorInfo"} | info)
        elif why == "too_long":
            message = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
        elif status == 429:
            span = "PerDay" if why == "daily_quota" else "PerMinute"
            quota = {"quotaId": f"GenerateRequests{span}PerProjectPerModel-FreeTier", "quotaValue": "10"}
            details.append({"@type": RPC + "QuotaFailure", "violations": [quota]})
        if "retry_after" in scenario:
            details.append({"@type": RPC + "RetryInfo", "retryDelay": f"{scenario['retry_after']}s"})
        return scenario.get("body", failed(status, message, details)), {}

    def error_event(self, scenario: dict[str, Any]) -> bytes:
        body = scenario.get("body", failed(503, MESSAGES[503]))
        if scenario.get("bare"):
            return json.dumps(body, indent=2).replace("\n", "\r\n").encode() + b"\r\n"
        return b"data: " + json.dumps(body, separators=(",", ": ")).encode() + b"\r\n\r\n"

    # Routes

    async def route(self, exchange: Exchange, body: dict[str, Any], scenario: dict[str, Any]) -> None:
        path = PATH.match(exchange.request.path)
        method = exchange.request.method
        try:
            if len(exchange.request.body) > LARGEST:
                raise Refused(f"Request payload size exceeds the limit: {LARGEST} bytes.")
            if path is None or (method == "POST") != bool(path["method"]):
                raise Refused("Requested entity was not found.", 404)
            if method == "GET" and path["model"] is None:
                await self.json(exchange, _listing(exchange.request.query), scenario)
            elif method == "GET":
                await self.json(exchange, _known(unquote(path["model"])).listed(), scenario)
            else:
                model = _known(unquote(path["model"]), path["method"])
                await self._call(exchange, model, path["method"], body, scenario)
        except Violations as wrong:
            details = [{"@type": RPC + "BadRequest", "fieldViolations": wrong.fields}]
            await self.error(exchange, 400, failed(400, str(wrong), details))
        except Refused as refused:
            await self.error(exchange, refused.status, failed(refused.status, str(refused), refused.details))

    async def _call(
        self, exchange: Exchange, model: Model, method: str, body: dict[str, Any], scenario: dict[str, Any]
    ) -> None:
        if method in ("generateContent", "streamGenerateContent"):
            request = read(body, "GenerateContentRequest")
            check(request, model, self.key(exchange))
            answer = Generation(request, scenario, exchange.number, model, self.key(exchange))
            if method == "generateContent":
                await self.json(exchange, answer.whole(), scenario)
            else:
                await self._stream(exchange, answer.events(), scenario)
        elif method == "countTokens":
            asked = read(body, "CountTokensRequest")
            contents = asked.get("contents") or (asked.get("generateContentRequest") or {}).get("contents") or []
            words = words_of(contents)
            told = [{"modality": "TEXT", "tokenCount": words}]
            await self.json(exchange, {"totalTokens": words, "promptTokensDetails": told}, scenario)
        elif method == "embedContent":
            request = read(body, "EmbedContentRequest")
            await self.json(exchange, {"embedding": {"values": _embedded(request, model, "")}}, scenario)
        else:
            await self.json(exchange, _batch(read(body, "BatchEmbedContentsRequest"), model), scenario)

    async def _stream(self, exchange: Exchange, events: Iterator[dict[str, Any]], scenario: dict[str, Any]) -> None:
        """Events when they are asked for; otherwise the vendor writes one array, piece by piece."""
        if exchange.request.query.get("alt") == "sse":
            headers = {"Content-Disposition": "attachment"} | scenario.get("headers", {})
            await self.stream(exchange, events, {"eol": "crlf"} | scenario | {"headers": headers})
        else:
            await self.stream(exchange, _array(events), scenario | {"content_type": "application/json"})

    def event(self, framing: Framing, value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        return framing.event(json.dumps(value, ensure_ascii=False, separators=(",", ": ")).encode())


def _array(events: Iterator[dict[str, Any]]) -> Iterator[Any]:
    before = b"["
    for event in events:
        yield before + json.dumps(event, ensure_ascii=False, indent=2).encode()
        before = b"\r\n,\r\n"
    yield b"\r\n]"


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(content: Any) -> str:
    """The text of a content whose shape nobody has looked at yet."""
    parts = _dicts(content.get("parts")) if isinstance(content, dict) else []
    return said({"parts": [part for part in parts if isinstance(part.get("text"), str)]})


# Models and embeddings


def _known(name: str, method: str | None = None) -> Model:
    model = MODELS.get(name)
    if model is None or method is not None and method not in model.methods:
        raise Refused(
            f"models/{name} is not found for API version v1beta, or is not supported for {method or 'this call'}. Call"
            " ListModels to see the list of available models and their supported methods.",
            404,
        )
    return model


def _listing(query: dict[str, str]) -> dict[str, Any]:
    size, token = query.get("pageSize", "50"), query.get("pageToken", "0")
    if not size.isdigit() or not token.isdigit():
        raise Refused("Invalid value for page_size or page_token")
    first, count = int(token), max(1, min(int(size), 1000))
    entries = [model.listed() for model in MODELS.values()]
    more = {"nextPageToken": str(first + count)} if first + count < len(entries) else {}
    return {"models": entries[first : first + count]} | more


def _batch(body: dict[str, Any], model: Model) -> dict[str, Any]:
    requests = body.get("requests") or []
    if not requests:
        raise Refused("* BatchEmbedContentsRequest.requests: requests is not specified")
    if len(requests) > 100:
        raise Refused("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch")
    for place, request in enumerate(requests):
        if request.get("model") != f"models/{model.name}":
            raise Refused(f"* BatchEmbedContentsRequest.requests[{place}].model: must be models/{model.name}")
    embeddings = [{"values": _embedded(request, model, f"requests[{n}].")} for n, request in enumerate(requests)]
    return {"embeddings": embeddings, "usageMetadata": {"promptTokenCount": words_of([r["content"] for r in requests])}}


def _embedded(request: dict[str, Any], model: Model, path: str) -> list[float]:
    """A vector of unit length only in the model's own size, as with the vendor."""
    text = said(request.get("content") or {})
    if not text:
        raise Refused(f"* EmbedContentRequest.{path}content: content is empty")
    wanted = request.get("outputDimensionality", model.dimensions)
    if not 1 <= wanted <= model.dimensions:
        raise Refused(f"* EmbedContentRequest.{path}output_dimensionality: must be in [1, {model.dimensions}]")
    values = vector(text, wanted)
    scale = 1.0 if wanted == model.dimensions else math.sqrt(wanted / model.dimensions)
    return [value * scale for value in values]


if __name__ == "__main__":
    run(GeminiSimulator, __doc__)
