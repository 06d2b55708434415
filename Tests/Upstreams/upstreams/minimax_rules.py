"""What MiniMax refuses, by numbers of its own, and what it only grumbles about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

WORDS = {
    1000: "unknown error",
    1001: "request timeout",
    1002: "rate limit exceeded(RPM)",
    1004: "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
    1008: "insufficient balance",
    1026: "input new_sensitive",
    1027: "output new_sensitive",
    1033: "downstream service error",
    1039: "token limit exceeded(TPM)",
    1042: "invisible character ratio limit",
    2013: "invalid params",
    2045: "rate growth limit",
    2049: "invalid api key",
    2056: "usage limit exceeded",
    2061: "your current token plan not support model",
}
KNOWN = {
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
    "tools", "tool_choice", "response_format", "mask_sensitive_info", "thinking", "reasoning_split",
}  # fmt: skip
ROLES = {"system", "user", "assistant", "tool", "user_system", "group", "sample_message_user", "sample_message_ai"}


@dataclass(frozen=True)
class Model:
    name: str
    thinks: bool = False
    sees: bool = False
    # Whether answers can be given a form.
    forms: bool = False

    @property
    def is_third(self) -> bool:
        return self.name == "MiniMax-M3"


MODELS = {
    model.name: model
    for model in [
        Model("MiniMax-M3", thinks=True, sees=True),
        Model("MiniMax-M2.7", thinks=True),
        Model("MiniMax-M2", thinks=True),
        Model("MiniMax-M1", thinks=True),
        Model("MiniMax-Text-01", sees=True, forms=True),
        Model("abab6.5s-chat"),
    ]
}


class Refused(Exception):
    """A number, and what it means here."""

    def __init__(self, code: int, message: str | None = None) -> None:
        super().__init__(message or WORDS.get(code, ""))
        self.code = code

    @property
    def base(self) -> dict[str, Any]:
        return {"status_code": self.code, "status_msg": str(self)}


def invalid(what: str) -> Refused:
    return Refused(2013, f"invalid params, {what}")


def base(code: int, message: str | None = None) -> dict[str, Any]:
    told = message if message is not None else WORDS.get(code, "")
    return {"status_code": code, "status_msg": told}


def grumble(body: dict[str, Any], model: Model) -> str:
    """What it says of fields that it does not know, to an answer that is as good as any."""
    known = KNOWN | ({"seed"} if model.is_third else set())
    foreign = [name for name in body if name not in known]
    return f'Invalid parameters detected, json: unknown field "{foreign[0]}"' if foreign else ""


def check(body: dict[str, Any]) -> Model:
    """The model that is asked for; raises what is said instead of an answer."""
    model = MODELS.get(str(body.get("model")))
    if model is None:
        raise invalid(f"unknown model '{body.get('model')}'")
    _check_numbers(body, model)
    _check_tools(body, model)
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        _check_schema(form, model)
    if (body.get("thinking") or {"type": "adaptive"}).get("type") not in ("adaptive", "disabled"):
        raise invalid("thinking.type must be adaptive or disabled")
    turns = body.get("messages")
    if not isinstance(turns, list) or not turns:
        raise invalid("messages is empty")
    _check_turns(turns, model)
    return model


def _check_numbers(body: dict[str, Any], model: Model) -> None:
    temperature, share = body.get("temperature"), body.get("top_p")
    if temperature is not None and not (0 <= temperature <= 2 if model.is_third else 0 < temperature <= 1):
        raise invalid(f"temperature must be in {'[0, 2]' if model.is_third else '(0, 1]'}")
    if share is not None and not 0 < share <= 1:
        raise invalid("top_p must be in (0, 1]")
    for name in ("max_tokens", "max_completion_tokens"):
        if body.get(name) is not None and body[name] < 1:
            raise invalid(f"{name} must be positive")


def _check_tools(body: dict[str, Any], model: Model) -> None:
    for tool in body.get("tools") or []:
        function = tool.get("function") or {}
        if tool.get("type") != "function" or not function.get("name"):
            raise invalid("tools: a function with a name is wanted")
        if not isinstance(function.get("parameters"), dict):
            raise invalid(f"function {function['name']}: parameters must be an object")
    choice = body.get("tool_choice")
    if choice not in [None, "none", "auto", *(["required"] if model.is_third else [])]:
        raise invalid("tool_choice must be none or auto")


def _check_schema(form: dict[str, Any], model: Model) -> None:
    if not model.forms:
        raise invalid("response_format is not supported by this model")
    schema = form["json_schema"].get("schema") or {}
    if set(schema.get("properties") or {}) != set(schema.get("required") or []):
        raise invalid("response_format: all properties must be required")


def _check_turns(turns: list[Any], model: Model) -> None:
    waiting: list[str] = []
    for turn in turns:
        role = turn.get("role") if isinstance(turn, dict) else None
        if role not in ROLES and not (model.is_third and role == "root"):
            raise invalid(f"role {role} is not supported")
        if role == "tool":
            if turn.get("tool_call_id") not in waiting or not isinstance(turn.get("content"), str):
                raise invalid("tool call result does not follow tool call (2013)")
            waiting.remove(turn["tool_call_id"])
            continue
        if waiting:
            raise invalid("tool call and result not match")
        _check_content(turn, model)
        waiting = [_call_id(call) for call in turn.get("tool_calls") or []]
    if waiting:
        raise invalid("tool call and result not match")


def _check_content(turn: dict[str, Any], model: Model) -> None:
    content = turn.get("content")
    if content is None and not turn.get("tool_calls"):
        raise invalid("chat content is empty")
    if content is not None and not isinstance(content, (str, list)):
        raise invalid("chat content must be a string or a list of parts")
    for part in content if isinstance(content, list) else []:
        if part.get("type") == "image_url" and turn["role"] == "user" and model.sees:
            url = (part.get("image_url") or {}).get("url")
            if not isinstance(url, str) or not url.startswith(("data:image/", "http://", "https://")):
                raise invalid("image_url is neither an address nor an image")
        elif part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise invalid(f"content of type {part.get('type')} is not supported by this model")


def _call_id(call: dict[str, Any]) -> str:
    function = call.get("function") or {}
    try:
        json.loads(function["arguments"])
    except (KeyError, TypeError, ValueError):
        raise invalid(f"invalid function arguments json string, tool_call_id: {call.get('id')}") from None
    if not isinstance(call.get("id"), str) or not call["id"]:
        raise invalid("tool call id is empty")
    return call["id"]
