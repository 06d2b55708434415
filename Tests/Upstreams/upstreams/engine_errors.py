"""How each kind of engine says that it failed; no two agree."""

from __future__ import annotations

from typing import Any

WORDS = {
    400: "Invalid request.",
    401: "Unauthorized",
    402: "You have exceeded your monthly included credits for Inference Providers.",
    403: "Access to this model is gated.",
    404: "The model `x` does not exist.",
    413: "The input is too long.",
    422: "Input validation error",
    424: "Request failed during generation",
    429: "Model is overloaded",
    500: "EngineCore encountered an issue.",
    503: "Service unavailable",
}
VLLM = {400: "BadRequestError", 404: "NotFoundError", 422: "BadRequestError", 429: "TooManyRequestsError"}
SGLANG = {400: "BadRequest", 404: "NotFound", 429: "TooManyRequests", 503: "ServiceUnavailable"}
TGI = {422: "validation", 424: "generation", 429: "overloaded", 500: "incomplete_generation", 503: "unhealthy"}
TEI = {400: "Empty", 413: "Validation", 422: "Validation", 424: "Backend", 429: "Overloaded", 503: "Unhealthy"}
LLAMA = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    500: "server_error",
    501: "not_supported_error",
    503: "unavailable_error",
}
LLAMA_WORDS = {401: "Invalid API Key", 503: "Loading model", 404: "File Not Found"}


class Refused(Exception):
    """What an engine says instead of an answer."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param = status, param


def failure(kind: str, status: int, message: str | None = None, param: str | None = None) -> Any:
    """The body of a failure; a string is no JSON."""
    text = message or WORDS.get(status, "Failed.")
    if kind in ("vllm", "sglang") and status == 401:
        return {"error": "Unauthorized"}
    if kind == "vllm":
        return {
            "error": {"message": text, "type": VLLM.get(status, "InternalServerError"), "param": param, "code": status}
        }
    if kind == "sglang":
        return old_failure(status, text, SGLANG.get(status, "InternalServerError"), param)
    if kind == "tgi":
        return {"error": text, "error_type": TGI.get(status, "validation")}
    if kind == "llamacpp":
        text = message or LLAMA_WORDS.get(status, text)
        return {"error": {"code": status, "message": text, "type": LLAMA.get(status, "server_error")}}
    if kind == "llamacpp-py" and status == 401:
        return {"detail": "Invalid API key"}
    if kind == "llamacpp-py":
        return {"error": {"message": text, "type": "internal_server_error", "param": param, "code": None}}
    if kind == "transformers":
        return "Internal Server Error" if status >= 500 else {"detail": text}
    if kind == "tei":
        return {"message": text, "code": status, "type": TEI.get(status, "Validation")}
    if kind == "infinity":
        return {"error": {"message": text, "type": "None", "param": param, "code": status}}
    return _router(status, text, message)


def old_failure(status: int, message: str, word: str, param: str | None = None) -> Any:
    """The shape without a wrapper, of SGLang and of vLLM as it once was."""
    return {"object": "error", "message": message, "type": word, "param": param, "code": status}


def _router(status: int, text: str, message: str | None) -> Any:
    if status == 503:
        return {"error": message or "Model org/chat is currently loading", "estimated_time": 20.0}
    if status == 401:
        return {"error": message or "Invalid username or password."}
    return {"error": text}


def in_the_stream(kind: str) -> Any:
    """What it says when it fails in the middle of an answer."""
    if kind == "tgi":
        text = "Request failed during generation: Server error: CUDA out of memory"
        return {"error": text, "error_type": "generation"}
    if kind == "sglang":
        return {"error": old_failure(500, WORDS[500], "InternalServerError")}
    if kind == "transformers":
        return {"error": "CUDA out of memory"}
    if kind == "router":
        return {"error": {"message": "The provider failed.", "type": "upstream_error"}}
    return failure(kind, 500)
