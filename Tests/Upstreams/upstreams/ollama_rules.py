"""What Ollama refuses. It ignores what it does not know; here that is told, for nobody sends it on purpose."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from .ollama_models import Model, find

CHAT = {
    "model", "messages", "stream", "tools", "format", "options", "keep_alive", "think", "truncate", "shift", "logprobs",
    "top_logprobs",
}  # fmt: skip
EMBED = {"model", "input", "truncate", "dimensions", "keep_alive", "options"}
ROLES = {"system", "user", "assistant", "tool"}
THOUGHT = [None, True, False, "low", "medium", "high", "max"]
DURATION = re.compile(r"^-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+$")
NUMBERS = {
    "temperature", "top_p", "min_p", "typical_p", "presence_penalty", "frequency_penalty", "repeat_penalty"
}  # fmt: skip
INTEGERS = {
    "num_ctx",
    "num_predict",
    "num_keep",
    "seed",
    "top_k",
    "repeat_last_n",
    "num_batch",
    "num_gpu",
    "num_thread",
}


class Refused(Exception):
    """What it says, and the status it says it with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def unreadable(value: str, field: str, kind: str) -> Refused:
    return Refused(f"json: cannot unmarshal {value} into Go struct field {field} of type {kind}")


def known(body: dict[str, Any], members: set[str]) -> Model:
    """The model that is asked for."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise Refused("model is required")
    if foreign := set(body) - members:
        raise Refused(f"unknown field {sorted(foreign)}")
    model = find(name)
    if model is None:
        raise Refused(f"model '{name}' not found", 404)
    _check_keep_alive(body.get("keep_alive"))
    _check_options(body.get("options") or {})
    return model


def check_chat(body: dict[str, Any]) -> Model:
    model = known(body, CHAT)
    if not model.can("completion"):
        raise Refused(f'"{body["model"]}" does not support chat')
    if body.get("tools") and not model.can("tools"):
        raise Refused(f"{body['model']} does not support tools")
    _check_thinking(body.get("think"), body["model"], model)
    form = body.get("format")
    if form not in (None, "", "json") and not isinstance(form, dict):
        raise Refused(f'invalid format: {form!r}; expected "json" or a valid JSON Schema object')
    top = body.get("top_logprobs") or 0
    if not 0 <= top <= 20:
        raise Refused("top_logprobs must be between 0 and 20")
    for tool in body.get("tools") or []:
        _check_tool(tool)
    for turn in body.get("messages") or []:
        _check_turn(turn, model)
    return model


def _check_thinking(think: Any, name: str, model: Model) -> None:
    if think not in THOUGHT:
        raise Refused(f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)')
    if think and not model.can("thinking"):
        raise Refused(f'"{name}" does not support thinking')


def _check_keep_alive(value: Any) -> None:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return
    if not isinstance(value, str) or not (DURATION.match(value) or value in ("0", "-1")):
        raise Refused(f'time: invalid duration "{value}"')


def _check_options(options: dict[str, Any]) -> None:
    for name, value in options.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if name in NUMBERS and not is_number:
            raise Refused(f'option "{name}" must be of type float32')
        if name in INTEGERS and not (is_number and value == int(value)):
            raise Refused(f'option "{name}" must be of type integer')
        if name == "stop" and not (isinstance(value, list) and all(isinstance(stop, str) for stop in value)):
            raise Refused('option "stop" must be of type array')


def _check_tool(tool: Any) -> None:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise unreadable("tool", "ChatRequest.tools", "api.Tool")
    if "parameters" in function and not isinstance(function["parameters"], dict):
        raise unreadable("value", "ToolFunction.tools.function.parameters", "api.ToolFunctionParameters")


def _check_turn(turn: Any, model: Model) -> None:
    if not isinstance(turn, dict) or turn.get("role") not in ROLES:
        raise Refused(f"invalid role: {turn.get('role') if isinstance(turn, dict) else turn}")
    if not isinstance(turn.get("content", ""), str):
        raise unreadable("array", "ChatRequest.messages.content", "string")
    if turn.get("images") and not model.can("vision"):
        raise Refused(f'"{model.name}" does not support vision')
    for image in turn.get("images") or []:
        try:
            base64.b64decode(image, validate=True)
        except (binascii.Error, ValueError):
            raise Refused("illegal base64 data at input byte 0") from None
    for call in turn.get("tool_calls") or []:
        if not isinstance((call.get("function") or {}).get("arguments"), dict):
            raise unreadable("string", "ToolCallFunction.arguments", "api.ToolCallFunctionArguments")
    if turn["role"] == "tool" and not (turn.get("tool_name") or turn.get("tool_call_id")):
        raise Refused("a tool's result must name its tool")
