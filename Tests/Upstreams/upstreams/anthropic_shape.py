"""The shape of Anthropic's requests: which fields there are, what they hold, and the words for what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Refused(Exception):
    """What the vendor answers instead."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


Check = Callable[[Any, str], None]


def _simple(kinds: type | tuple[type, ...], words: str) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, kinds) or isinstance(value, bool) and kinds is not bool:
            raise Refused(f"{path}: Input should be a valid {words}")

    return check


TEXT, WHOLE, FLAG = _simple(str, "string"), _simple(int, "integer"), _simple(bool, "boolean")
NUMBER, OBJECT = _simple((int, float), "number"), _simple(dict, "dictionary")


def anything(value: Any, path: str) -> None:
    """What the simulator does not look into."""


def many(of: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise Refused(f"{path}: Input should be a valid list")
        for place, item in enumerate(value):
            of(item, f"{path}.{place}")

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, path: str) -> None:
        if value not in allowed:
            *most, last = [f"'{name}'" for name in allowed]
            raise Refused(f"{path}: Input should be {', '.join(most)}{' or ' if most else ''}{last}")

    return check


def text_or(other: Check) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            other(value, path)

    return check


def shape(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """An object with these fields and no others. A null is as good as nothing only where a field may be left out."""
    known = required | (optional or {})

    def check(value: Any, path: str) -> None:
        OBJECT(value, path)
        for name in required:
            if name not in value:
                raise Refused(f"{_inside(path, name)}: Field required")
        for name, item in value.items():
            if name not in known:
                raise Refused(f"{_inside(path, name)}: Extra inputs are not permitted")
            if item is not None or name in required:
                known[name](item, _inside(path, name))

    return check


def tagged(kinds: dict[str, Check], default: str | None = None) -> Check:
    """One of several objects, told apart by `type`."""

    def check(value: Any, path: str) -> None:
        OBJECT(value, path)
        kind = value.get("type", default)
        if kind is None:
            raise Refused(f"{path}.type: Field required")
        if kind not in kinds:
            tags = ", ".join(f"'{name}'" for name in kinds)
            raise Refused(
                f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"
            )
        kinds[kind](value, f"{path}.{kind}")

    return check


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


TYPE = {"type": TEXT}
CACHED = {"cache_control": shape(TYPE, {"ttl": one_of("5m", "1h")})}
TEXT_BLOCK = shape(TYPE | {"text": TEXT}, CACHED | {"citations": anything})
URL = shape(TYPE | {"url": TEXT})
FILE = shape(TYPE | {"file_id": TEXT})
PICTURE = one_of("image/jpeg", "image/png", "image/gif", "image/webp")
IMAGE_SOURCE = tagged({"base64": shape(TYPE | {"media_type": PICTURE, "data": TEXT}), "url": URL, "file": FILE})
IMAGE = shape(TYPE | {"source": IMAGE_SOURCE}, CACHED)
DOCUMENT_SOURCE = tagged(
    {
        "base64": shape(TYPE | {"media_type": one_of("application/pdf"), "data": TEXT}),
        "text": shape(TYPE | {"media_type": one_of("text/plain"), "data": TEXT}),
        "url": URL,
        "file": FILE,
        "content": shape(TYPE | {"content": text_or(many(tagged({"text": TEXT_BLOCK, "image": IMAGE})))}),
    }
)
CITED = {"citations": shape({}, {"enabled": FLAG})}
DOCUMENT = shape(TYPE | {"source": DOCUMENT_SOURCE}, CACHED | CITED | {"title": TEXT, "context": TEXT})
FOUND = shape(TYPE | {"source": TEXT, "title": TEXT, "content": many(TEXT_BLOCK)}, CACHED | CITED)
INSIDE_RESULT = tagged({"text": TEXT_BLOCK, "image": IMAGE, "document": DOCUMENT, "search_result": FOUND})
RESULT = shape(
    TYPE | {"tool_use_id": TEXT}, CACHED | {"content": text_or(many(INSIDE_RESULT)), "is_error": FLAG}
)
CALL = shape(TYPE | {"id": TEXT, "name": TEXT, "input": OBJECT}, CACHED | {"caller": anything})
BLOCKS = {
    "text": TEXT_BLOCK,
    "image": IMAGE,
    "document": DOCUMENT,
    "search_result": FOUND,
    "tool_result": RESULT,
    "tool_use": CALL,
    "thinking": shape(TYPE | {"thinking": TEXT, "signature": TEXT}),
    "redacted_thinking": shape(TYPE | {"data": TEXT}),
    "server_tool_use": OBJECT,
    "web_search_tool_result": OBJECT,
}
TURN = shape({"role": one_of("user", "assistant", "system"), "content": text_or(many(tagged(BLOCKS)))})

TOOL = shape(
    {"name": TEXT, "input_schema": OBJECT},
    CACHED | TYPE | {"description": TEXT, "strict": FLAG, "input_examples": many(OBJECT), "defer_loading": FLAG},
)
PARALLEL = {"disable_parallel_tool_use": FLAG}
CHOICE = tagged(
    {
        "auto": shape(TYPE, PARALLEL),
        "any": shape(TYPE, PARALLEL),
        "tool": shape(TYPE | {"name": TEXT}, PARALLEL),
        "none": shape(TYPE),
    }
)
DISPLAY = {"display": one_of("summarized", "omitted")}
THINKING = tagged(
    {
        "enabled": shape(TYPE | {"budget_tokens": WHOLE}, DISPLAY),
        "adaptive": shape(TYPE, DISPLAY),
        "disabled": shape(TYPE),
        "between_tools": shape(TYPE, DISPLAY),
    }
)
FORMAT = tagged({"json_schema": shape(TYPE | {"schema": OBJECT})})
OUTPUT = shape({}, {"effort": one_of("low", "medium", "high", "xhigh", "max"), "format": FORMAT})


def _tool(value: Any, path: str) -> None:
    """A tool of the client's own, or one of the vendor's, which has a dated type and fields of its own."""
    OBJECT(value, path)
    if value.get("type", "custom") == "custom":
        TOOL(value, f"{path}.custom")


COUNTED: dict[str, Check] = {
    "system": text_or(many(tagged({"text": TEXT_BLOCK}))),
    "tools": many(_tool),
    "tool_choice": CHOICE,
    "thinking": THINKING,
    "output_config": OUTPUT,
    "cache_control": CACHED["cache_control"],
}
SAMPLING: dict[str, Check] = {"temperature": NUMBER, "top_p": NUMBER, "top_k": WHOLE}
OPTIONAL: dict[str, Check] = COUNTED | {
    "stop_sequences": many(TEXT),
    "stream": FLAG,
    "metadata": shape({}, {"user_id": TEXT}),
    "service_tier": one_of("auto", "standard_only"),
    "speed": one_of("standard", "fast"),
    "container": anything,
    "inference_geo": TEXT,
    "diagnostics": anything,
}
SENT = {"model": TEXT, "messages": many(TURN)}
# The older version of the API has sampling parameters, the newer has none.
REQUESTS: dict[str, Check] = {
    "2023-06-01": shape(SENT | {"max_tokens": WHOLE}, OPTIONAL | SAMPLING),
    "2026-10-21": shape(SENT | {"max_tokens": WHOLE}, OPTIONAL),
}
COUNT_REQUEST = shape(SENT, COUNTED)
