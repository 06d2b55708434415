"""What Anthropic refuses of a request whose shape is right: settings, tools and thinking that a model does not take."""

from __future__ import annotations

import re
from typing import Any

from .anthropic_models import Model, model_named
from .anthropic_shape import COUNT_REQUEST, REQUESTS, Refused
from .anthropic_thoughts import blocks_of
from .anthropic_turns import Issued, check_text, check_turns

CONTEXT = 200_000


def check_version(version: str | None) -> str:
    if not version:
        raise Refused("anthropic-version: header is required")
    if version not in REQUESTS:
        raise Refused(f"anthropic-version: {version} is not a valid version")
    return version


def check(body: dict[str, Any], version: str, issued: Issued, is_count: bool = False) -> Model:
    """The model of a request that the vendor would answer; raises what it would say of any other."""
    (COUNT_REQUEST if is_count else REQUESTS[version])(body, "")
    model = model_named(body["model"])
    if model is None:
        raise Refused(f"model: {body['model']}", 404)
    if not is_count:
        _check_length(body, model)
        _check_sampling(body, model)
    _check_thinking(body, model)
    _check_tools(body, model)
    _check_output(body.get("output_config") or {}, model)
    for block in blocks_of(body.get("system")) if body.get("system") != "" else []:
        check_text(block, "system")
    check_turns(body, model, version, issued)
    return model


def _check_length(body: dict[str, Any], model: Model) -> None:
    most = body["max_tokens"]
    if most < 1:
        raise Refused("max_tokens: Input should be greater than or equal to 1")
    if most > model.most_tokens:
        raise Refused(
            f"max_tokens: {most} > {model.most_tokens}, which is the maximum allowed number of output tokens for"
            f" {model.name}"
        )
    words = sum(
        len(block["text"].split())
        for message in body["messages"]
        for block in blocks_of(message["content"])
        if block["type"] == "text"
    )
    if words > CONTEXT:
        raise Refused(f"prompt is too long: {words} tokens > {CONTEXT} maximum")
    for text in body.get("stop_sequences") or []:
        if not text.strip():
            raise Refused("stop_sequences: each stop sequence must contain non-whitespace")


def _check_sampling(body: dict[str, Any], model: Model) -> None:
    given = [name for name in ("temperature", "top_p", "top_k") if body.get(name) is not None]
    if given and model.has_no_sampling:
        raise Refused(f"{given[0]}: Extra inputs are not permitted")
    for name in ("temperature", "top_p"):
        if name in given and not 0 <= body[name] <= 1:
            raise Refused(f"{name}: range: 0..1")
    if {"temperature", "top_p"} <= set(given) and model.takes_one_of_temperature_and_top_p:
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _check_thinking(body: dict[str, Any], model: Model) -> None:
    thinking = body.get("thinking") or {}
    kind = thinking.get("type")
    if kind == "enabled":
        _check_budget(body, thinking["budget_tokens"], model)
    elif kind == "adaptive" and not model.thinks_adaptively:
        raise Refused("adaptive thinking is not supported on this model")
    elif kind == "between_tools" and model.switches_off != "between_tools":
        raise Refused("thinking.type: 'between_tools' is not supported on this model")
    elif kind == "disabled" and model.switches_off != "disabled":
        raise Refused("thinking.type: 'disabled' is not supported on this model")


def _check_budget(body: dict[str, Any], budget: int, model: Model) -> None:
    if not model.thinks_by_budget:
        raise Refused("thinking.type: 'enabled' is not supported on this model")
    if budget < 1024:
        raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if budget >= body.get("max_tokens", budget + 1):
        raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`")
    if body.get("temperature") not in (None, 1):
        raise Refused("`temperature` may only be set to 1 when thinking is enabled")
    if body.get("top_k") is not None:
        raise Refused("`top_k` must be unset when thinking is enabled")
    if body.get("top_p") is not None and body["top_p"] < 0.95:
        raise Refused("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled")


def _check_tools(body: dict[str, Any], model: Model) -> None:
    tools = body.get("tools") or []
    pattern = f"^[a-zA-Z0-9_-]{{1,{model.longest_tool_name}}}$"
    for place, tool in enumerate(tools):
        if tool.get("type", "custom") != "custom":
            continue
        path = f"tools.{place}.custom"
        if not re.match(pattern, tool["name"]):
            raise Refused(f"{path}.name: String should match pattern '{pattern}'")
        if "type" not in tool["input_schema"]:
            raise Refused(f"{path}.input_schema.type: Field required")
        if tool["input_schema"]["type"] != "object":
            raise Refused(f"{path}.input_schema.type: Input should be 'object'")
        if tool.get("strict") and not model.takes_schemas:
            raise Refused(f"{path}.strict: strict tools are not supported on this model")
    names = [tool.get("name") for tool in tools]
    if len(set(names)) < len(names):
        raise Refused("tools: Tool names must be unique.")
    if body.get("tool_choice"):
        _check_choice(body, body["tool_choice"], names, model)


def _check_choice(body: dict[str, Any], choice: dict[str, Any], names: list[str | None], model: Model) -> None:
    if not names:
        raise Refused("tool_choice: may only be specified while providing tools")
    if choice["type"] == "tool" and choice["name"] not in names:
        raise Refused(f"Tool '{choice['name']}' not found in provided tools")
    if choice["type"] not in ("any", "tool"):
        return
    if model.cannot_be_forced:
        raise Refused(f"tool_choice: type '{choice['type']}' is not supported on this model")
    if (body.get("thinking") or {}).get("type") == "enabled":
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _check_output(told: dict[str, Any], model: Model) -> None:
    effort, form = told.get("effort"), told.get("format")
    if effort and effort not in model.efforts:
        raise Refused(f"output_config.effort: '{effort}' is not supported on this model")
    if form and not model.takes_schemas:
        raise Refused("output_config.format: structured outputs are not supported on this model")
