"""Server-sent events as vendors write them, tidy and untidy."""

from __future__ import annotations

import json
from typing import Any

LINE_ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Framing:
    """How this answer spells its events: line ends, the space after the colon, comments, data on several lines."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.end = LINE_ENDS[scenario.get("eol", "lf")]
        self.field = b"data: " if scenario.get("space", True) else b"data:"
        self.multiline = scenario.get("multiline", False)
        self.comments = scenario.get("comments", False)
        self.names = scenario.get("event_names", False)

    def event(self, value: Any) -> bytes:
        if self.multiline and not isinstance(value, bytes):
            lines = json.dumps(value, ensure_ascii=False, indent=1).encode().split(b"\n")
        else:
            lines = [value if isinstance(value, bytes) else dumps(value)]
        written = [self.field + line for line in lines]
        if self.comments:
            written = [b": before", *written[:1], b":between", *written[1:]]
        if self.names:
            written = [b"event: message", b"id: 7", b"retry: 3000", *written]
        return self.end.join(written) + self.end + self.end

    def comment(self, text: str) -> bytes:
        return b": " + text.encode() + self.end + self.end


def garbage(kind: str) -> bytes:
    """An event that no client may be shown."""
    return {
        "json": b'data: {"id":"chatcmpl-bad","choices":[{"index":0,"delta":{"content":"oops"}\n\n',
        "scalar": b"data: 42\n\n",
        "text": b"data: <html>gateway error</html>\n\n",
        "utf8": b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
        b'"delta":{"content":"\xff\xfe\xc3("},"finish_reason":null}]}\n\n',
        "bytes": bytes(range(256)) * 4 + b"\n\n",
        "empty": b"data:\n\n",
    }[kind]
