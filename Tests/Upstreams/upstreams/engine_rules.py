"""What engines refuse: requests that a program would not parse, and what its model or its flags do not allow."""

from __future__ import annotations

from typing import Any

from .engine_errors import Refused
from .engine_kinds import Kind

ROLES = {"system", "user", "assistant", "tool"}
PARTS = {"text", "image_url"}


def invalid(kind: Kind) -> int:
    """The status of a request that cannot be understood."""
    return {"tgi": 422, "transformers": 422, "tei": 422, "llamacpp-py": 500}.get(kind.name, 400)


def check_chat(kind: Kind, body: dict[str, Any], scenario: dict[str, Any]) -> None:
    if kind.members is not None and (foreign := set(body) - kind.members):
        raise Refused(422, f"Unexpected fields in the request: {foreign}")
    turns = body.get("messages")
    if not isinstance(turns, list) or not (turns or kind.name == "llamacpp"):
        raise Refused(invalid(kind), "messages: Field required", "messages")
    for place, turn in enumerate(turns):
        _check_turn(kind, turn, f"messages[{place}]")
    _check_tools(kind, body, scenario)
    _check_form(kind, body.get("response_format"))
    if (body.get("n") or 1) > 1 and kind.name == "llamacpp":
        raise Refused(400, f"Field 'n': Value must be between 1 <= value <= 1, but got {body['n']}")
    if kind.name == "llamacpp":
        # It samples with whatever it is given.
        return
    for name, (low, high) in {"temperature": (0, 2), "top_p": (0, 1)}.items():
        value = body.get(name)
        if value is not None and not low <= value <= high:
            raise Refused(invalid(kind), f"{name} must be in [{low}, {high}], got {value}.", name)


def _check_turn(kind: Kind, turn: Any, path: str) -> None:
    if not isinstance(turn, dict) or turn.get("role") not in ROLES:
        # The program lets any role through; the model's template does not.
        raise Refused(
            500 if kind.name == "llamacpp" else invalid(kind), f"{path}: Unexpected message role.", "messages"
        )
    content = turn.get("content")
    if content is None and not turn.get("tool_calls"):
        raise Refused(invalid(kind), f"{path}.content: Field required", "messages")
    if content is not None and not isinstance(content, (str, list)):
        raise Refused(invalid(kind), f"{path}.content: Input should be a valid string", "messages")
    for part in content if isinstance(content, list) else []:
        if part.get("type") not in PARTS:
            raise Refused(invalid(kind), f"{path}: Unknown part type: {part.get('type')}", "messages")
        if part["type"] == "image_url" and not kind.sees:
            raise Refused(invalid(kind), "The model has no multimodal abilities.", "messages")
    for call in turn.get("tool_calls") or []:
        if not isinstance((call.get("function") or {}).get("arguments"), str):
            raise Refused(invalid(kind), f"{path}.tool_calls: arguments should be a valid string", "messages")
    if turn["role"] == "tool" and not turn.get("tool_call_id"):
        raise Refused(invalid(kind), f"{path}.tool_call_id: Field required", "messages")


def _check_tools(kind: Kind, body: dict[str, Any], scenario: dict[str, Any]) -> None:
    if not body.get("tools"):
        if body.get("tool_choice") not in (None, "none", "auto") and kind.name in ("vllm", "sglang"):
            raise Refused(400, "When using `tool_choice`, `tools` must be set.", "tool_choice")
        return
    if scenario.get("old") and kind.name == "llamacpp" and body.get("stream"):
        raise Refused(500, "Cannot use tools with stream")
    if not scenario.get("without_tools") or body.get("tool_choice") == "none":
        return
    if kind.name == "llamacpp":
        raise Refused(500, "tools param requires --jinja flag")
    if kind.name == "vllm" and body.get("tool_choice") in (None, "auto"):
        text = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        raise Refused(400, text)
    if kind.name == "tgi":
        raise Refused(422, "Template error: tools are not supported by this model's template")


def _check_form(kind: Kind, form: Any) -> None:
    if form is None:
        return
    # Who has no forms at all does not look.
    if kind.forms and form.get("type") not in kind.forms:
        names = " or ".join(f"'{name}'" for name in sorted(kind.forms))
        raise Refused(invalid(kind), f"response_format.type: Input should be {names}", "response_format")


def check_embeddings(kind: Kind, inputs: list[Any]) -> None:
    """Raises what the engine says to inputs, which are texts or lists of tokens."""
    if not inputs or any(not value for value in inputs):
        raise Refused(400 if kind.name == "tei" else invalid(kind), "`inputs` cannot be empty", "input")
    if kind.batch and len(inputs) > kind.batch:
        text = f"batch size {len(inputs)} > maximum allowed batch size {kind.batch}"
        raise Refused(422, text, "input")
    for value in inputs:
        if not isinstance(value, str) and not (kind.takes_tokens and _is_tokens(value)):
            raise Refused(invalid(kind), "input: Input should be a valid string", "input")
        length = len(value.split() if isinstance(value, str) else value)
        if kind.longest and length > kind.longest:
            raise Refused(413, f"`inputs` must have less than {kind.longest} tokens. Given: {length}", "input")


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and all(type(token) is int and token >= 0 for token in value)
