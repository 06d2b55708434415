"""What OpenAI's embeddings endpoint takes and gives, read strictly."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bert import Array
from .encoder import unit

MOST_INPUTS = 2048


class Refused(Exception):
    """An answer that is no success, in OpenAI's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        kind = "invalid_request_error" if status < 429 else "rate_limit_error" if status == 429 else "server_error"
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True)
class EmbeddingRequest:
    model: str
    texts: list[str]
    base64: bool
    dimensions: int | None


def read(body: Any) -> EmbeddingRequest:
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object.")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "'model' must be a text.", param="model")
    encoding = body.get("encoding_format")
    if encoding not in (None, "float", "base64"):
        raise Refused(400, "'encoding_format' must be 'float' or 'base64'.", param="encoding_format")
    dimensions = body.get("dimensions")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise Refused(400, "'dimensions' must be a whole number above 0.", param="dimensions")
    return EmbeddingRequest(model, _texts(body.get("input")), encoding == "base64", dimensions)


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise Refused(400, "'input' must be a text or a list of texts, and not an empty list.", param="input")
    if len(texts) > MOST_INPUTS:
        raise Refused(400, f"'input' must have at most {MOST_INPUTS} texts.", param="input")
    for place, text in enumerate(texts):
        if isinstance(text, (int, list)) and not isinstance(text, bool):
            # Token ids mean something only in one vocabulary, and clients send those of OpenAI's.
            raise Refused(400, "This model takes text, not token ids.", param="input")
        if not isinstance(text, str):
            raise Refused(400, f"'input[{place}]' must be a text.", param="input")
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise Refused(400, f"'input[{place}]' has half of a surrogate pair.", param="input")
    return texts


def answer(request: EmbeddingRequest, vectors: list[Array], tokens: int) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": place, "embedding": _shown(vector, request)}
        for place, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": request.model, "usage": usage}


def _shown(vector: Array, request: EmbeddingRequest) -> Any:
    if request.dimensions and request.dimensions < len(vector):
        vector = unit(vector[: request.dimensions])
    if request.base64:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(np.format_float_positional(number, unique=True)) for number in vector.astype(np.float32)]
