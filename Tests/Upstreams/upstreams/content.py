"""What an OpenAI-compatible vendor answers: pure functions from a request body to response objects.

Everything is deterministic, so that a test can compute what it must see. Nothing here knows of sockets.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

CREATED = 1794900001
MODELS = [
    ("gpt-4o", "openai"),
    ("gpt-4o-mini", "openai"),
    ("gpt-6-astra", "openai"),
    ("text-embedding-3-small", "openai"),
    ("org/model-a", "org"),
    ("org/team/model-b", "org"),
]


@dataclass
class ToolCall:
    id: str
    name: str
    arguments: str


@dataclass
class Choice:
    """One answer of the model, before it takes the shape of an object or of chunks."""

    index: int
    content: Iterable[str] | None
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    finish: str = "stop"


def message_text(message: dict[str, Any]) -> str:
    """The text of a message, be its content a string or parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part.get("text", "") for part in parts if isinstance(part, dict))


def last_user_text(body: dict[str, Any]) -> str:
    users = [m for m in body.get("messages") or [] if isinstance(m, dict) and m.get("role") == "user"]
    return message_text(users[-1]) if users else ""


def describe_parts(body: dict[str, Any]) -> list[str]:
    """One line for each image, audio or file part: type, media type, size and digest of what arrived."""
    lines = []
    for message in body.get("messages") or []:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else []:
            kind = part.get("type")
            if kind == "text":
                continue
            value = part.get(kind) or {}
            data = value.get("url") or value.get("data") or value.get("file_data") or value.get("file_id") or ""
            digest = hashlib.sha256(data.encode()).hexdigest()[:16]
            lines.append(f"[{kind} {len(data)} {digest} {value.get('detail') or value.get('format') or ''}]")
    return lines


def instance_of(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """A small value that satisfies a JSON schema, the way structured output must."""
    root = root or schema
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return instance_of(target, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return instance_of(schema[key][0], root)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        return {name: instance_of(value, root) for name, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {"type": "string"}), root)]
    return {"integer": 7, "number": 1.5, "boolean": True, "null": None}.get(kind or "", "text 🎏")


def choices_for(body: dict[str, Any], scenario: dict[str, Any]) -> list[Choice]:
    """What the model says to a chat request."""
    count = body.get("n") or 1
    return [_choice(index, count, body, scenario) for index in range(count)]


def _choice(index: int, count: int, body: dict[str, Any], scenario: dict[str, Any]) -> Choice:
    calls = [
        ToolCall(
            call.get("id", f"call_{index}_{position}"),
            call["name"],
            call["arguments"]
            if isinstance(call["arguments"], str)
            else json.dumps(call["arguments"], ensure_ascii=False),
        )
        for position, call in enumerate(scenario.get("tool_calls", []))
    ]
    refusal = scenario.get("refusal")
    return Choice(
        index,
        None if refusal or (calls and "text" not in scenario) else _pieces(index, count, body, scenario),
        reasoning=list(scenario.get("reasoning", [])),
        refusal=[refusal] if isinstance(refusal, str) else list(refusal or []),
        tool_calls=calls,
        finish=scenario.get("finish") or ("tool_calls" if calls else "stop"),
    )


def _pieces(index: int, count: int, body: dict[str, Any], scenario: dict[str, Any]) -> Iterable[str]:
    if "pieces" in scenario:
        return scenario["pieces"]
    if scenario.get("endless"):
        filler = "x" * int(scenario.get("piece_bytes", 0))
        return (f"{number} {filler}" for number in itertools.count())
    if "count" in scenario:
        filler = "x" * int(scenario.get("piece_bytes", 0))
        return [f"{number} {filler}" for number in range(scenario["count"])]
    if "huge" in scenario:
        return ["y" * int(scenario["huge"])]
    text = scenario.get("text")
    if text is None:
        text = default_text(body, scenario)
    if count > 1:
        text = f"({index}) {text}"
    return split_words(text)


def default_text(body: dict[str, Any], scenario: dict[str, Any]) -> str:
    """What a model says that nobody told what to say; it depends on what it was sent."""
    if scenario.get("recall"):
        users = [m for m in body.get("messages") or [] if isinstance(m, dict) and m.get("role") == "user"]
        return "|".join(text for message in users if (text := message_text(message)))
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(instance_of(wanted["json_schema"].get("schema") or {}), ensure_ascii=False)
    if wanted.get("type") == "json_object":
        # Models that know no schemas do as they are told in words.
        told = message_text(body["messages"][0])
        start = told.find("JSON schema: {")
        if start >= 0:
            return json.dumps(instance_of(json.loads(told[told.index("{", start) :])), ensure_ascii=False)
        return '{"ok": true}'
    return " ".join([f"You said: {last_user_text(body)}", *describe_parts(body)])


def split_words(text: str) -> list[str]:
    """Tokens as a model might make them: words with the space before them."""
    words = text.split(" ")
    return [words[0]] + [f" {word}" for word in words[1:]]


def usage_for(body: dict[str, Any], tokens: int, scenario: dict[str, Any], deepseek: bool) -> dict[str, Any]:
    """Deterministic usage: prompt tokens are the words of all messages, completion tokens the pieces."""
    if "usage" in scenario:
        return scenario["usage"]
    prompt = sum(len(message_text(m).split()) + 3 for m in body.get("messages") or [] if isinstance(m, dict))
    prompt = prompt or len(str(body.get("prompt", "")).split())
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
    usage["prompt_tokens_details"] = {"cached_tokens": 2, "audio_tokens": 0}
    usage["completion_tokens_details"] = {
        "reasoning_tokens": len(scenario.get("reasoning", [])),
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    if deepseek:
        usage["prompt_tokens_details"] = {"cached_tokens": 2}
        usage["prompt_cache_hit_tokens"] = 2
        usage["prompt_cache_miss_tokens"] = max(prompt - 2, 0)
    return usage


def logprobs_for(pieces: Iterable[str], top: int) -> list[dict[str, Any]]:
    def entry(token: str, rank: int) -> dict[str, Any]:
        return {"token": token, "logprob": -0.25 * (rank + 1), "bytes": list(token.encode())}

    return [entry(p, 0) | {"top_logprobs": [entry(f"{p}{'~' * r}", r) for r in range(top)]} for p in pieces]


class Answer:
    """A chat answer that can be written as one object or as chunks."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], number: int, deepseek: bool) -> None:
        self.body = body
        self.scenario = scenario
        self.deepseek = deepseek
        self.choices = choices_for(body, scenario)
        self.id = scenario.get("id") or (f"d{number}-uuid" if deepseek else f"chatcmpl-sim{number}")
        self.model = scenario.get("model") or body["model"] + ("" if deepseek else "-2024-07-18")
        self.tokens = 0

    @property
    def wants_logprobs(self) -> bool:
        return bool(self.body.get("logprobs"))

    @property
    def top(self) -> int:
        return int(self.body.get("top_logprobs") or 0)

    def finish(self, choice: Choice) -> str:
        """Why a choice has ended; it is known when all of it was said."""
        return choice.finish

    def completion(self) -> dict[str, Any]:
        """The plain `chat.completion` object."""
        choices = []
        for choice in self.choices:
            pieces = None if choice.content is None else list(choice.content)
            self.tokens += len(pieces or []) + len(choice.refusal) + len(choice.tool_calls)
            choices.append(self._plain_choice(choice, pieces))
        answer = {
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "choices": choices,
            "usage": usage_for(self.body, self.tokens, self.scenario, self.deepseek),
            "service_tier": "default",
            "system_fingerprint": "fp_sim",
        }
        return answer | self.scenario.get("extra", {})

    def _plain_choice(self, choice: Choice, pieces: list[str] | None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None if pieces is None else "".join(pieces)}
        if not self.deepseek:
            message |= {"refusal": "".join(choice.refusal) or None, "annotations": []}
        if choice.reasoning:
            message["reasoning_content"] = "".join(choice.reasoning)
        if choice.tool_calls:
            message["tool_calls"] = [
                ({"index": i} if self.deepseek else {})
                | {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for i, call in enumerate(choice.tool_calls)
            ]
        message |= self.scenario.get("message_extra", {})
        logprobs = None
        if self.wants_logprobs:
            logprobs = {"content": logprobs_for(pieces or [], self.top), "refusal": None}
        return {"index": choice.index, "message": message, "logprobs": logprobs, "finish_reason": self.finish(choice)}

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The `chat.completion.chunk` objects in order, usage included when it was asked for."""
        options = self.body.get("stream_options") or {}
        with_usage = bool(options.get("include_usage")) or self.scenario.get("usage_always", False)
        streams = [self._deltas(choice) for choice in self.choices]
        for turn in itertools.zip_longest(*streams):
            for choice, step in zip(self.choices, turn, strict=False):
                if step is not None:
                    yield self._chunk(choice.index, *step, with_usage=with_usage)
        for choice in self.choices:
            yield self._finish_chunk(choice, with_usage)
        if with_usage and not self.deepseek:
            trailer = self._envelope()
            if self.scenario.get("trailer_choices", True):
                trailer["choices"] = []
            yield trailer | {"usage": usage_for(self.body, self.tokens, self.scenario, self.deepseek)}

    def _deltas(self, choice: Choice) -> Iterator[tuple[dict[str, Any], list[str]]]:
        first: dict[str, Any] = {"role": "assistant", "content": ""}
        if self.deepseek:
            first = {"role": "assistant", "content": None, "reasoning_content": ""} if choice.reasoning else first
        elif choice.tool_calls and choice.content is None:
            first = {"role": "assistant", "content": None, "tool_calls": [self._call_start(0, choice.tool_calls[0])]}
        first |= {} if self.deepseek else {"refusal": None}
        yield first | self.scenario.get("delta_extra", {}), []
        for piece in choice.reasoning:
            yield ({"content": None} if self.deepseek else {}) | {"reasoning_content": piece}, []
        for piece in choice.content or []:
            self.tokens += 1
            both = self.deepseek and choice.reasoning
            yield {"content": piece} | ({"reasoning_content": None} if both else {}), [piece]
        for piece in choice.refusal:
            self.tokens += 1
            yield {"refusal": piece}, []
        for index, call in enumerate(choice.tool_calls):
            self.tokens += 1
            if index > 0 or "tool_calls" not in first:
                yield {"tool_calls": [self._call_start(index, call)]}, []
            size = max(1, math.ceil(len(call.arguments) / int(self.scenario.get("tool_pieces", 3))))
            for start in range(0, len(call.arguments), size):
                part = {"index": index, "function": {"arguments": call.arguments[start : start + size]}}
                yield {"tool_calls": [part]}, []

    def _call_start(self, index: int, call: ToolCall) -> dict[str, Any]:
        return {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}

    def _envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": "fp_sim",
        }
        if not self.deepseek:
            envelope["service_tier"] = "default"
        return envelope | self.scenario.get("extra", {})

    def _chunk(self, index: int, delta: dict[str, Any], tokens: list[str], with_usage: bool) -> dict[str, Any]:
        logprobs = None
        if self.wants_logprobs and tokens:
            logprobs = {"content": logprobs_for(tokens, self.top), "refusal": None}
        chunk = self._envelope()
        chunk["choices"] = [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}]
        return chunk | ({"usage": None} if with_usage or self.deepseek else {})

    def _finish_chunk(self, choice: Choice, with_usage: bool) -> dict[str, Any]:
        delta: dict[str, Any] = {}
        if self.deepseek:
            delta = {"content": "", "reasoning_content": None}
        chunk = self._envelope()
        chunk["choices"] = [
            {"index": choice.index, "delta": delta, "logprobs": None, "finish_reason": self.finish(choice)}
        ]
        if self.deepseek:
            return chunk | {"usage": usage_for(self.body, self.tokens, self.scenario, True)}
        return chunk | ({"usage": None} if with_usage else {})


def text_completion(body: dict[str, Any], scenario: dict[str, Any], number: int) -> dict[str, Any]:
    """The answer of the older `/v1/completions`."""
    prompts = body.get("prompt", "")
    texts = prompts if isinstance(prompts, list) and all(isinstance(p, str) for p in prompts) else [prompts]
    count = (body.get("n") or 1) * max(len(texts), 1)
    text = scenario.get("text", "Completed.")
    choices = [
        {"index": i, "text": text if count == 1 else f"({i}) {text}", "logprobs": None, "finish_reason": "stop"}
        for i in range(count)
    ]
    return {
        "id": f"cmpl-sim{number}",
        "object": "text_completion",
        "created": CREATED,
        "model": body["model"],
        "choices": choices,
        "usage": usage_for(body, len(split_words(text)) * count, scenario, False),
    } | scenario.get("extra", {})


def text_completion_chunks(body: dict[str, Any], scenario: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    base = text_completion(body, scenario, number)
    usage = base.pop("usage")
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    for choice in base["choices"]:
        for piece in split_words(choice["text"]):
            step = choice | {"text": piece, "finish_reason": None}
            yield base | {"choices": [step]} | ({"usage": None} if asked else {})
        yield base | {"choices": [choice | {"text": ""}]} | ({"usage": None} if asked else {})
    if asked:
        yield base | {"choices": [], "usage": usage}


def vector(value: Any, dimensions: int) -> list[float]:
    """A unit vector that depends on nothing but the input."""
    seed = json.dumps(value, ensure_ascii=False).encode()
    raw = [
        struct.unpack(">h", hashlib.sha256(seed + b"%d" % i).digest()[:2])[0] / 32768 + 1e-6 for i in range(dimensions)
    ]
    norm = math.sqrt(sum(x * x for x in raw))
    packed = struct.pack(f"<{dimensions}f", *(x / norm for x in raw))
    return list(struct.unpack(f"<{dimensions}f", packed))


def embeddings(body: dict[str, Any], scenario: dict[str, Any]) -> dict[str, Any]:
    given = body["input"]
    single = isinstance(given, str) or (isinstance(given, list) and given and isinstance(given[0], int))
    inputs = [given] if single else given
    dimensions = body.get("dimensions") or scenario.get("dimensions", 8)
    data = []
    for index, value in enumerate(inputs):
        numbers = vector(value, dimensions)
        coded: Any = numbers
        if body.get("encoding_format") == "base64" and not scenario.get("floats_only"):
            coded = base64.b64encode(struct.pack(f"<{dimensions}f", *numbers)).decode()
        data.append({"object": "embedding", "index": index, "embedding": coded})
    tokens = sum(len(v.split()) if isinstance(v, str) else len(v) for v in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage} | scenario.get("extra", {})


def model_object(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": owner}


def models() -> dict[str, Any]:
    return {"object": "list", "data": [model_object(name, owner) for name, owner in MODELS]}
