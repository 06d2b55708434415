"""Failures with the bodies vendors really send, and addresses where nobody answers."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any


def error(message: str, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


STATUS_BODIES: dict[int, dict[str, Any]] = {
    400: error(
        "Invalid value for 'temperature': must be at most 2.", "invalid_request_error", "invalid_value", "temperature"
    ),
    401: error("Incorrect API key provided: sim-k***-1.", "invalid_request_error", "invalid_api_key"),
    402: error("Insufficient Balance", "unknown_error", "invalid_request_error"),
    403: error("Your project does not have access to this model.", "insufficient_permissions", "model_not_allowed"),
    404: error(
        "The model 'x' does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"
    ),
    409: error("Another request is in progress.", "invalid_request_error", "conflict"),
    422: error("Failed to deserialize the JSON body", "invalid_request_error", "invalid_request_error"),
    429: error("Rate limit reached for gpt-4o: Limit 3, Used 3.", "requests", "rate_limit_exceeded"),
    500: error("The server had an error while processing your request. Sorry about that!", "server_error"),
    502: error("Bad gateway.", "server_error"),
    503: error("The engine is currently overloaded, please try again later.", "server_error", "overloaded"),
    529: error("Overloaded", "overloaded_error"),
}

QUOTA = error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")
MID_STREAM = error("The server had an error while processing your request.", "server_error", "server_error")


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A loopback port that refuses every connection for as long as the block runs: bound, never listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A loopback port where connecting hangs: its accept queue is full, so new connections are never acknowledged."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
