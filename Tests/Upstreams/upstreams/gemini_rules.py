"""What Gemini refuses beside a wrong conversation: settings, tools and schemas that a model does not take."""

from __future__ import annotations

import re
from typing import Any

from .gemini_models import Model
from .gemini_schema import unknown_name
from .gemini_turns import Refused, Turns, at

FUNCTION_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$")
FORMATS = {"STRING": {"enum", "date-time"}, "NUMBER": {"float", "double"}, "INTEGER": {"int32", "int64"}}
MIME_TYPES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")


def check(body: dict[str, Any], model: Model, key: str) -> None:
    """Raises what the vendor would answer to a request of the right shape."""
    Turns(body.get("contents") or [], model, key).check()
    instruction = body.get("systemInstruction")
    if instruction is not None and any("text" not in part for part in instruction.get("parts") or [{}]):
        raise at("system_instruction", "only text is supported.")
    config = body.get("generationConfig") or {}
    _check_numbers(config)
    _check_abilities(config, model)
    _check_thinking(config.get("thinkingConfig") or {}, model)
    names = _check_tools(body.get("tools") or [], model)
    _check_choice((body.get("toolConfig") or {}).get("functionCallingConfig") or {}, names)
    _check_form(config, model, bool(names))


def _check_numbers(config: dict[str, Any]) -> None:
    ranges = {
        "temperature": (0, 2),
        "topP": (0, 1),
        "topK": (1, 1000),
        "maxOutputTokens": (1, 10**9),
        "candidateCount": (1, 8),
        "presencePenalty": (-2, 1.9999),
        "frequencyPenalty": (-2, 1.9999),
        "logprobs": (0, 20),
    }
    for name, (low, high) in ranges.items():
        if name in config and not low <= config[name] <= high:
            raise at(f"generation_config.{name}", f"{name} must be in the range [{low}, {high}].")
    stops = config.get("stopSequences") or []
    if len(stops) > 5:
        raise at("generation_config.stop_sequences", "at most 5 stop sequences are allowed")
    if "" in stops:
        raise at("generation_config.stop_sequences", "stop sequences must not be empty")


def _check_abilities(config: dict[str, Any], model: Model) -> None:
    if config.get("candidateCount", 1) > 1 and not model.several:
        raise Refused("Multiple candidates is not enabled for this model")
    if not model.penalties and (config.get("presencePenalty") or config.get("frequencyPenalty")):
        raise Refused(f"Penalty is not enabled for models/{model.name}")
    if config.get("responseLogprobs") and not model.logprobs:
        raise Refused(f"Logprobs is not enabled for models/{model.name}")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise at("generation_config.logprobs", "can only be set if response_logprobs is true.")
    if any(kind != "TEXT" for kind in config.get("responseModalities") or []):
        raise Refused("Model does not support the requested response modalities")


def _check_thinking(told: dict[str, Any], model: Model) -> None:
    if told and not model.thinks:
        raise Refused("Unable to submit request because thinking is not supported by this model.")
    budget, level = told.get("thinkingBudget"), told.get("thinkingLevel")
    if budget is not None and level is not None:
        raise Refused("You can only set only one of thinking budget and thinking level.")
    if level is not None and level not in model.levels:
        raise Refused(f"Thinking level {level} is not supported for this model.")
    if budget == 0 and not model.can_be_thoughtless:
        raise Refused("Budget 0 is invalid. This model only works in thinking mode.")
    if budget in (None, -1, 0):
        return
    if model.budgets is None:
        raise Refused("Thinking budget is not supported for this model.")
    if budget not in model.budgets:
        low, high = model.budgets.start, model.budgets.stop - 1
        raise Refused(f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}.")


def _check_tools(tools: list[dict[str, Any]], model: Model) -> list[str]:
    names: list[str] = []
    for place, tool in enumerate(tools):
        if not tool:
            raise at(f"tools[{place}].tool_type", "required one_of 'tool_type' must have one initialized field")
        for position, declaration in enumerate(tool.get("functionDeclarations") or []):
            _check_declaration(declaration, f"tools[{place}].function_declarations[{position}]", model)
            if declaration["name"] in names:
                raise Refused(f"Duplicate function declaration found: {declaration['name']}")
            names.append(declaration["name"])
    return names


def _check_declaration(declaration: dict[str, Any], path: str, model: Model) -> None:
    if not FUNCTION_NAME.match(declaration.get("name", "")):
        raise at(
            f"{path}.name",
            "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9),"
            " underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
        )
    if "parametersJsonSchema" in declaration:
        if not model.knows_json_schema:
            raise Refused(unknown_name("parametersJsonSchema", path))
        if "parameters" in declaration:
            raise at(path, "only one of parameters and parameters_json_schema can be set")
        _check_json_schema(declaration["parametersJsonSchema"], f"{path}.parameters_json_schema")
    if "parameters" in declaration:
        _check_schema(declaration["parameters"], f"{path}.parameters")


def _check_json_schema(schema: Any, path: str) -> None:
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise at(path, "the parameters of a function must be a JSON schema of an object")


def _check_schema(schema: dict[str, Any], path: str) -> None:
    kind = schema.get("type")
    if kind is None and not schema.get("anyOf"):
        raise at(f"{path}.type", "must be specified")
    if kind == "OBJECT" and not schema.get("properties"):
        raise at(f"{path}.properties", "should be non-empty for OBJECT type")
    if kind == "ARRAY" and "items" not in schema:
        raise at(f"{path}.items", "missing field.")
    if "format" in schema and schema["format"] not in FORMATS.get(kind or "", set()):
        raise at(f"{path}.format", f"only {sorted(FORMATS.get(kind or '', set()))} are supported for {kind} type")
    for name in schema.get("required") or []:
        if name not in schema.get("properties", {}):
            raise at(f"{path}.required", f"property is not defined: {name}")
    for name, inner in (schema.get("properties") or {}).items():
        _check_schema(inner, f"{path}.properties[{name}]")
    for place, inner in enumerate(schema.get("anyOf") or []):
        _check_schema(inner, f"{path}.any_of[{place}]")
    if "items" in schema:
        _check_schema(schema["items"], f"{path}.items")


def _check_choice(choice: dict[str, Any], names: list[str]) -> None:
    allowed = choice.get("allowedFunctionNames") or []
    path = "tool_config.function_calling_config"
    if allowed and choice.get("mode") not in ("ANY", "VALIDATED"):
        raise at(f"{path}.allowed_function_names", "can only be set when the mode is ANY or VALIDATED.")
    for name in allowed:
        if name not in names:
            raise at(f"{path}.allowed_function_names", f"{name} is not among the function declarations.")
    if choice.get("mode") in ("ANY", "VALIDATED") and not names:
        raise at(f"{path}.mode", "Function calling mode is set without function declarations.")


def _check_form(config: dict[str, Any], model: Model, has_functions: bool) -> None:
    wanted = config.get("responseMimeType", "text/plain")
    if wanted not in MIME_TYPES:
        raise at("generation_config.response_mime_type", f"allowed mimetypes are {', '.join(MIME_TYPES)}.")
    if wanted == "application/json" and has_functions and model.generation < 3:
        raise Refused("Function calling with a response mime type: 'application/json' is unsupported")
    if "responseJsonSchema" in config and not model.knows_json_schema:
        raise Refused(unknown_name("responseJsonSchema", "generation_config"))
    if "responseJsonSchema" in config and "responseSchema" in config:
        raise at("generation_config", "only one of response_schema and response_json_schema can be set.")
    for name in ("responseJsonSchema", "responseSchema"):
        if name in config and wanted not in ("application/json", "text/x.enum"):
            raise at("generation_config.response_mime_type", f"{name} needs the mime type application/json.")
    if "responseSchema" in config:
        _check_schema(config["responseSchema"], "generation_config.response_schema")
