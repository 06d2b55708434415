"""The shape of Gemini's requests, field by field, read as the vendor reads JSON.

The vendor takes a JSON name in camelCase or snake_case, refuses any it does not know, and names the place in snake_case.
What has been read is in camelCase and has no nulls, so that nobody after this must know both spellings.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

STRING, BYTES, INT, NUMBER, BOOL, STRUCT, VALUE = "STRING", "BYTES", "INT32", "FLOAT", "BOOL", "Struct", "Value"


@dataclass(frozen=True)
class Many:
    """A repeated field."""

    of: Any


@dataclass(frozen=True)
class Named:
    """A map from strings."""

    of: Any


@dataclass(frozen=True)
class OneOf:
    """An enumeration."""

    names: frozenset[str]
    any_case: bool = False


@dataclass(frozen=True)
class Of:
    """Another message."""

    name: str


def one_of(names: str, any_case: bool = False) -> OneOf:
    return OneOf(frozenset(names.split()), any_case)


HARMS = " ".join(
    f"HARM_CATEGORY_{name}"
    for name in "HARASSMENT HATE_SPEECH SEXUALLY_EXPLICIT DANGEROUS_CONTENT CIVIC_INTEGRITY UNSPECIFIED".split()
)
RESOLUTIONS = " ".join(f"MEDIA_RESOLUTION_{name}" for name in "UNSPECIFIED LOW MEDIUM HIGH".split())
TASKS = (
    "TASK_TYPE_UNSPECIFIED RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY CLASSIFICATION CLUSTERING"
    " QUESTION_ANSWERING FACT_VERIFICATION CODE_RETRIEVAL_QUERY"
)

MESSAGES: dict[str, dict[str, Any]] = {
    "GenerateContentRequest": {
        "model": STRING,
        "contents": Many(Of("Content")),
        "systemInstruction": Of("Content"),
        "tools": Many(Of("Tool")),
        "toolConfig": Of("ToolConfig"),
        "safetySettings": Many(Of("SafetySetting")),
        "generationConfig": Of("GenerationConfig"),
        "cachedContent": STRING,
        "serviceTier": STRING,
    },
    "Content": {"role": STRING, "parts": Many(Of("Part"))},
    "Part": {
        "text": STRING,
        "inlineData": Of("Blob"),
        "fileData": Of("FileData"),
        "functionCall": Of("FunctionCall"),
        "functionResponse": Of("FunctionResponse"),
        "executableCode": STRUCT,
        "codeExecutionResult": STRUCT,
        "thought": BOOL,
        "thoughtSignature": BYTES,
        "videoMetadata": STRUCT,
        "mediaResolution": STRUCT,
        "partMetadata": STRUCT,
    },
    "Blob": {"mimeType": STRING, "data": BYTES},
    "FileData": {"mimeType": STRING, "fileUri": STRING},
    "FunctionCall": {"id": STRING, "name": STRING, "args": STRUCT},
    "FunctionResponse": {
        "id": STRING,
        "name": STRING,
        "response": STRUCT,
        "parts": Many(Of("FunctionResponsePart")),
        "willContinue": BOOL,
        "scheduling": STRING,
    },
    "FunctionResponsePart": {"inlineData": Of("Blob"), "fileData": Of("FileData")},
    "Tool": {
        "functionDeclarations": Many(Of("FunctionDeclaration")),
        "googleSearch": STRUCT,
        "googleSearchRetrieval": STRUCT,
        "codeExecution": STRUCT,
        "urlContext": STRUCT,
        "googleMaps": STRUCT,
        "fileSearch": STRUCT,
        "computerUse": STRUCT,
    },
    "FunctionDeclaration": {
        "name": STRING,
        "description": STRING,
        "parameters": Of("Schema"),
        "parametersJsonSchema": VALUE,
        "response": Of("Schema"),
        "responseJsonSchema": VALUE,
        "behavior": STRING,
    },
    "Schema": {
        "type": one_of("TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL", any_case=True),
        "format": STRING,
        "title": STRING,
        "description": STRING,
        "nullable": BOOL,
        "enum": Many(STRING),
        "minItems": INT,
        "maxItems": INT,
        "properties": Named(Of("Schema")),
        "required": Many(STRING),
        "minProperties": INT,
        "maxProperties": INT,
        "minLength": INT,
        "maxLength": INT,
        "pattern": STRING,
        "example": VALUE,
        "anyOf": Many(Of("Schema")),
        "propertyOrdering": Many(STRING),
        "default": VALUE,
        "items": Of("Schema"),
        "minimum": NUMBER,
        "maximum": NUMBER,
    },
    "ToolConfig": {"functionCallingConfig": Of("FunctionCallingConfig"), "retrievalConfig": STRUCT},
    "FunctionCallingConfig": {
        "mode": one_of("MODE_UNSPECIFIED AUTO ANY NONE VALIDATED"),
        "allowedFunctionNames": Many(STRING),
    },
    "SafetySetting": {
        "category": one_of(HARMS),
        "threshold": one_of(
            "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH BLOCK_NONE OFF"
        ),
    },
    "GenerationConfig": {
        "temperature": NUMBER,
        "topP": NUMBER,
        "topK": INT,
        "candidateCount": INT,
        "maxOutputTokens": INT,
        "stopSequences": Many(STRING),
        "seed": INT,
        "presencePenalty": NUMBER,
        "frequencyPenalty": NUMBER,
        "responseMimeType": STRING,
        "responseSchema": Of("Schema"),
        "responseJsonSchema": VALUE,
        "responseLogprobs": BOOL,
        "logprobs": INT,
        "responseModalities": Many(one_of("TEXT IMAGE AUDIO", any_case=True)),
        "thinkingConfig": Of("ThinkingConfig"),
        "mediaResolution": one_of(RESOLUTIONS),
        "speechConfig": STRUCT,
        "imageConfig": STRUCT,
        "enableEnhancedCivicAnswers": BOOL,
    },
    "ThinkingConfig": {
        "includeThoughts": BOOL,
        "thinkingBudget": INT,
        "thinkingLevel": one_of("THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH", any_case=True),
    },
    "EmbedContentRequest": {
        "model": STRING,
        "content": Of("Content"),
        "taskType": one_of(TASKS),
        "title": STRING,
        "outputDimensionality": INT,
    },
    "BatchEmbedContentsRequest": {"requests": Many(Of("EmbedContentRequest"))},
    "CountTokensRequest": {"contents": Many(Of("Content")), "generateContentRequest": Of("GenerateContentRequest")},
}


class Violations(Exception):
    """All that is wrong with the shape of a request."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(text for _, text in found))
        self.fields = [{"field": path, "description": text} if path else {"description": text} for path, text in found]


def unknown_name(name: str, path: str) -> str:
    place = f" at '{path}'" if path else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def read(value: Any, message: str) -> dict[str, Any]:
    """The request as the vendor understands it; raises all violations at once, as the vendor reports them."""
    reader = _Reader()
    found = reader.value(value, Of(message), "")
    if reader.violations:
        raise Violations(reader.violations)
    return found


class _Reader:
    def __init__(self) -> None:
        self.violations: list[tuple[str, str]] = []

    def value(self, value: Any, kind: Any, path: str) -> Any:
        match kind:
            case Of(name):
                return self._message(value, name, path)
            case Many(of):
                if not isinstance(value, list):
                    # The vendor takes one value for a list of one.
                    value = [value]
                return [self.value(item, of, f"{path}[{place}]") for place, item in enumerate(value)]
            case Named(of):
                if not isinstance(value, dict):
                    return self._invalid(value, "Map", path)
                items = enumerate(value.items())
                return {key: self.value(item, of, f"{path}[{place}].value") for place, (key, item) in items}
            case OneOf(names, any_case):
                spelled = value.upper() if any_case and isinstance(value, str) else value
                if not isinstance(spelled, str) or spelled not in names:
                    return self._invalid(value, "TYPE_ENUM", path)
                return spelled
        return self._scalar(value, kind, path)

    def _message(self, value: Any, name: str, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            return self._invalid(value, name, path) or {}
        fields, found = MESSAGES[name], {}
        for key, item in value.items():
            known = camel(key.removeprefix("_"))
            if known not in fields:
                self.violations.append((path, unknown_name(key, path)))
            elif known in found:
                text = f"Invalid value at '{path}' (oneof), oneof field '{snake(known)}' is already set."
                self.violations.append((path, text))
            elif item is not None:
                found[known] = self.value(item, fields[known], f"{path}.{snake(known)}".lstrip("."))
        return found

    def _scalar(self, value: Any, kind: str, path: str) -> Any:
        fits = {
            STRING: lambda: isinstance(value, str),
            BOOL: lambda: isinstance(value, bool),
            INT: lambda: _is_whole(value),
            NUMBER: lambda: isinstance(value, int | float) and not isinstance(value, bool),
            STRUCT: lambda: isinstance(value, dict),
            VALUE: lambda: True,
            BYTES: lambda: isinstance(value, str),
        }[kind]()
        if not fits:
            places = {STRUCT: "type.googleapis.com/google.protobuf.Struct"}
            return self._invalid(value, places.get(kind, f"TYPE_{kind}"), path)
        if kind == BYTES and decoded(value) is None:
            text = f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {json.dumps(value[:40])}"
            self.violations.append((path, text))
        return int(value) if kind == INT else value

    def _invalid(self, value: Any, kind: str, path: str) -> Any:
        text = f"Invalid value at '{path}' ({kind}), {json.dumps(value, ensure_ascii=False)[:200]}"
        self.violations.append((path, text))
        return None


def _is_whole(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d{1,10}", value) is not None
    return not isinstance(value, bool) and (isinstance(value, int) or isinstance(value, float) and value.is_integer())


def decoded(text: str) -> bytes | None:
    """Bytes as JSON spells them: either alphabet of base64, padded or not."""
    usual = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(usual + "=" * (-len(usual) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
