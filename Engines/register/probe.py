"""Asks an engine how it is and what it serves, with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

# Where each kind tells that it is ready; None where it does not, and its list of models must do.
HEALTH: dict[str, str | None] = {
    "vllm": "/health",
    "sglang": "/health",
    "tgi": "/health",
    "llamacpp": "/health",
    "llamacpp-py": None,
    "transformers": "/health",
    "tei": "/health",
    "infinity": "/health",
    "embedder": "/health",
}
# Where each kind lists its models; TEI and TGI serve one and tell it elsewhere.
MODELS = {"tei": "/info", "tgi": "/info", "infinity": "/models"}
ANSWER_LIMIT = 4 << 20
PATIENCE = 5.0


@dataclass(frozen=True)
class Finding:
    #: `ready`, `loading` or `down`.
    state: str
    #: What the engine calls its models; empty while it cannot say.
    models: tuple[str, ...] = ()


def probe(url: str, kind: str, key: str = "", patience: float = PATIENCE) -> Finding:
    health = HEALTH[kind]
    if health:
        status, _ = _get(url + health, key, patience)
        if status != 200:
            # 503 is what engines say while they load; nothing at all is an engine that is not there.
            return Finding("loading" if status == 503 else "down")
    status, body = _get(url + MODELS.get(kind, "/v1/models"), key, patience)
    if status == 503:
        return Finding("loading")
    if status is None:
        return Finding("down")
    return Finding("ready", _names(body) if status == 200 else ())


def _names(body: bytes) -> tuple[str, ...]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if isinstance(value, dict) and isinstance(value.get("model_id"), str):
        return (value["model_id"],)
    listed = value.get("data") if isinstance(value, dict) else None
    ids = [item.get("id") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return tuple(name for name in ids if isinstance(name, str) and 0 < len(name) <= 256)[:64]


class _Staying(urllib.request.HTTPRedirectHandler):
    """An engine does not send elsewhere, and its key must not go there."""

    def redirect_request(self, *arguments: object) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Staying)


def _get(url: str, key: str, patience: float) -> tuple[int | None, bytes]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with _opener.open(request, timeout=patience) as answer:
            return answer.status, answer.read(ANSWER_LIMIT)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, b""
    except (OSError, ValueError):
        return None, b""
