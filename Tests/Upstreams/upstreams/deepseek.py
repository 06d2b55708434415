"""What makes DeepSeek another vendor than OpenAI: what it refuses, ignores and adds. `openai` serves it."""

from __future__ import annotations

import json
from typing import Any

from . import faults
from .content import Answer, Choice, message_text
from .spoken import Limited

# What the names of old are now.
MODELS = {
    "deepseek-chat": "deepseek-v4-flash",
    "deepseek-reasoner": "deepseek-v4-flash",
    "deepseek-flash": "deepseek-flash",
    "deepseek-v4-flash": "deepseek-v4-flash",
    "deepseek-v4-pro": "deepseek-v4-pro",
}
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
ROLES = ("system", "user", "assistant", "tool")
LOST_REASONING = "The `reasoning_content` in the thinking mode must be passed back to the API."
BALANCE = {
    "is_available": True,
    "balance_infos": [
        {"currency": "USD", "total_balance": "9.00", "granted_balance": "0.00", "topped_up_balance": "9.00"},
    ],
}


class Refused(Exception):
    """What it answers instead; 422 is for bodies that it cannot even read."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status

    @property
    def body(self) -> dict[str, Any]:
        return faults.error(str(self), "invalid_request_error", "invalid_request_error")


def unreadable(what: str) -> Refused:
    return Refused(f"Failed to deserialize the JSON body into the target type: {what}", 422)


def thinks(body: dict[str, Any]) -> bool:
    """Whether the model thinks before it speaks: it does unless it is told otherwise, or goes by its oldest name."""
    told = (body.get("thinking") or {}).get("type")
    return told == "enabled" if told else body.get("model") != "deepseek-chat"


def models() -> dict[str, Any]:
    """What it lists; when each was made is not told."""
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "deepseek"} for name in MODELS]}


class DeepSeekAnswer(Answer):
    """An answer within the limit that it honours: `max_tokens`. The newer name it ignores without a word."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], number: int) -> None:
        super().__init__(body, scenario, number, True)
        self.model = scenario.get("model") or MODELS[body["model"]]
        stop = body.get("stop") or []
        for choice in self.choices:
            if not thinks(body):
                choice.reasoning = []
            if choice.content is not None:
                choice.content = Limited(
                    choice.content, body.get("max_tokens"), [stop] if isinstance(stop, str) else stop
                )

    def finish(self, choice: Choice) -> str:
        is_cut = isinstance(choice.content, Limited) and choice.content.is_cut
        return "length" if is_cut and choice.finish == "stop" else choice.finish


def check(body: dict[str, Any], is_beta: bool) -> None:
    """Raises what it would answer to a chat request."""
    if body["model"] not in MODELS:
        raise Refused("Model Not Exist")
    _check_thinking(body)
    _check_numbers(body)
    _check_tools(body, is_beta)
    _check_form(body)
    _check_turns(body, is_beta)


def _check_thinking(body: dict[str, Any]) -> None:
    if "thinking" in body and (body["thinking"] or {}).get("type") not in ("enabled", "disabled"):
        raise unreadable("thinking.type: unknown variant, expected `enabled` or `disabled`")
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        raise unreadable(f"reasoning_effort: unknown variant `{effort}`")
    if thinks(body) and (body.get("logprobs") or body.get("top_logprobs") is not None):
        raise Refused("logprobs and top_logprobs are not supported in thinking mode.")


def _check_numbers(body: dict[str, Any]) -> None:
    ranges = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
    ranges |= {"max_tokens": (1, 393216), "top_logprobs": (0, 20)}
    for name, (low, high) in ranges.items():
        value = body.get(name)
        if value is not None and not low <= value <= high:
            raise Refused(f"Invalid {name} value, the valid range of {name} is [{low}, {high}]")
    if body.get("n") not in (None, 1):
        raise Refused("Invalid n value (currently only n = 1 is supported)")
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > 16:
        raise Refused("Invalid stop: at most 16 stop sequences are allowed")
    if body.get("stream_options") and not body.get("stream"):
        raise Refused("stream_options should be set along with stream = true")


def _check_tools(body: dict[str, Any], is_beta: bool) -> None:
    tools = body.get("tools") or []
    if len(tools) > 128:
        raise Refused("Invalid tools: at most 128 functions are supported")
    for place, tool in enumerate(tools):
        if tool.get("type") != "function":
            raise unreadable(f"tools[{place}].type: unknown variant `{tool.get('type')}`, expected `function`")
        if not isinstance((tool.get("function") or {}).get("name"), str):
            raise unreadable(f"tools[{place}].function: missing field `name`")
        if tool["function"].get("strict") and not is_beta:
            raise Refused("strict mode of functions is a beta feature")
    choice = body.get("tool_choice")
    if thinks(body) and (choice == "required" or isinstance(choice, dict)):
        raise Refused("Thinking mode does not support this tool_choice")


def _check_form(body: dict[str, Any]) -> None:
    kind = (body.get("response_format") or {"type": "text"}).get("type")
    if kind not in ("text", "json_object"):
        raise Refused("This response_format type is unavailable now")
    if kind == "json_object" and not any("json" in message_text(turn).lower() for turn in body["messages"]):
        raise Refused(
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        )


def _check_turns(body: dict[str, Any], is_beta: bool) -> None:
    turns = body["messages"]
    if not isinstance(turns, list) or not turns:
        raise Refused("Empty input messages")
    waiting: list[str] = []
    for place, turn in enumerate(turns):
        if not isinstance(turn, dict) or turn.get("role") not in ROLES:
            role = turn.get("role") if isinstance(turn, dict) else turn
            expected = ", ".join(f"`{role}`" for role in ROLES)
            raise unreadable(f"messages[{place}].role: unknown variant `{role}`, expected one of {expected}")
        _check_content(turn, f"messages[{place}]")
        if turn["role"] == "tool":
            if turn.get("tool_call_id") not in waiting:
                raise Refused("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
            waiting.remove(turn["tool_call_id"])
            continue
        if waiting:
            raise Refused(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
                " 'tool_call_id'. (insufficient tool messages following tool_calls message)"
            )
        waiting = [_call_id(call, f"messages[{place}]") for call in turn.get("tool_calls") or []]
        if waiting and thinks(body) and not turn.get("reasoning_content"):
            raise Refused(LOST_REASONING)
        if turn.get("prefix") and not (is_beta and place == len(turns) - 1 and turn["role"] == "assistant"):
            raise Refused("prefix is a beta feature, for the last assistant message")
    if waiting:
        raise Refused("insufficient tool messages following tool_calls message")


def _check_content(turn: dict[str, Any], path: str) -> None:
    content = turn.get("content")
    if content is None and (turn["role"] != "assistant" or not turn.get("tool_calls")):
        raise unreadable(f"{path}: missing field `content`")
    for part in content if isinstance(content, list) else []:
        if part.get("type") != "text" and not (part.get("type") == "image_url" and turn["role"] == "user"):
            raise unreadable(f"{path}: unknown variant `{part.get('type')}`, expected `text`")


def _call_id(call: dict[str, Any], path: str) -> str:
    function = call.get("function") or {}
    if not isinstance(call.get("id"), str) or not isinstance(function.get("arguments"), str):
        raise unreadable(f"{path}.tool_calls: invalid type, expected a string")
    try:
        json.loads(function["arguments"] or "{}")
    except ValueError:
        raise Refused(f"Invalid JSON in the arguments of '{function.get('name')}'") from None
    return call["id"]
