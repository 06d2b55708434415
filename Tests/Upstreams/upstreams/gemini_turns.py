"""The rules of Gemini about a conversation: whose turn it is, calls and their responses, and signatures of thoughts."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from .gemini_models import Model
from .gemini_schema import decoded, unknown_name

SECRET = b"the simulator's own"
BYPASS = b"skip_thought_signature_validator"
KINDS = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult")
MEDIA = {
    "image": {"png", "jpeg", "webp", "heic", "heif"},
    "audio": {"wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac", "x-wav", "pcm"},
    "video": {"mp4", "mpeg", "mov", "avi", "x-flv", "mpg", "webm", "wmv", "3gpp"},
    "text": {"plain", "html", "css", "csv", "xml", "rtf", "javascript", "x-python", "md", "markdown"},
    "application": {"pdf", "json", "x-javascript"},
}
OWN_FILES = "https://generativelanguage.googleapis.com/"
VIDEOS = ("https://www.youtube.com/", "https://youtu.be/")


class Refused(Exception):
    """What the vendor answers instead."""

    def __init__(self, message: str, status: int = 400, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details or []


def at(path: str, message: str) -> Refused:
    return Refused(f"* GenerateContentRequest.{path}: {message}")


def sign(key: str, model: str, of: str) -> str:
    """The signature of a thought: good for one account and one model, and for the call (or the text) it came with."""
    told = "\n".join([key, model, of]).encode()
    return base64.b64encode(b"sim\x01" + hmac.new(SECRET, told, hashlib.sha256).digest()).decode()


class Turns:
    """A conversation being checked for one model and one account."""

    def __init__(self, contents: list[dict[str, Any]], model: Model, key: str) -> None:
        self.contents = contents
        self.model = model
        self.key = key

    def check(self) -> None:
        if not self.contents:
            raise at("contents", "contents is not specified")
        for place, content in enumerate(self.contents):
            if content.get("role", "user") not in ("user", "model"):
                raise Refused("Please use a valid role: user, model.")
            if not content.get("parts"):
                raise at(f"contents[{place}].parts", "contents.parts must not be empty.")
            for position, part in enumerate(content["parts"]):
                self._check_part(part, content, f"contents[{place}].parts[{position}]")
        self._check_order()
        self._check_signatures()

    # Parts

    def _check_part(self, part: dict[str, Any], content: dict[str, Any], path: str) -> None:
        kinds = [kind for kind in KINDS if kind in part]
        if len(kinds) != 1:
            raise at(f"{path}.data", "required oneof field 'data' must have one initialized field")
        role = content.get("role", "user")
        if "inlineData" in part:
            self._check_blob(part["inlineData"], f"{path}.inline_data")
        if "fileData" in part:
            self._check_file(part["fileData"], path)
        if "functionCall" in part:
            if role != "model":
                raise Refused("Please ensure that function call parts are only in turns of the model.")
            self._check_named(part["functionCall"], f"{path}.function_call")
        if "functionResponse" in part:
            if role != "user":
                raise Refused("Please ensure that function response parts are only in turns of the user.")
            self._check_named(part["functionResponse"], f"{path}.function_response")
            if "response" not in part["functionResponse"]:
                raise at(f"{path}.function_response.response", "Struct cannot be empty.")

    def _check_named(self, named: dict[str, Any], path: str) -> None:
        if not named.get("name"):
            raise at(f"{path}.name", "Name cannot be empty.")
        if "id" in named and not self.model.has_call_ids:
            raise Refused(unknown_name("id", path))

    def _check_blob(self, blob: dict[str, Any], path: str) -> None:
        kind, _, form = blob.get("mimeType", "").partition("/")
        if not form:
            raise at(f"{path}.mime_type", "The mime_type must be specified.")
        if form.split(";")[0] not in MEDIA.get(kind, ()):
            raise Refused(f"Unsupported MIME type: {kind}/{form}")
        if not blob.get("data"):
            raise at(f"{path}.data", "must not be empty")

    def _check_file(self, file: dict[str, Any], path: str) -> None:
        uri = file.get("fileUri", "")
        if not uri:
            raise at(f"{path}.file_data.file_uri", "must not be empty")
        if uri.startswith(OWN_FILES) or uri.startswith(VIDEOS):
            return
        if self.model.generation < 3 or not uri.startswith("https://"):
            raise Refused(f"Invalid or unsupported file uri: {uri}")

    # Order

    def _check_order(self) -> None:
        calls: list[dict[str, Any]] = []
        before = ""
        for content in self.contents:
            role = content.get("role", "user")
            responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
            if calls:
                _check_responses(calls, responses)
            elif responses:
                raise Refused(
                    "Please ensure that function response turn comes immediately after a function call turn."
                )
            calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
            if calls and before != "user":
                raise Refused(
                    "Please ensure that function call turn comes immediately after a user turn or after a function"
                    " response turn."
                )
            before = role
        if calls:
            _check_responses(calls, [])

    # Signatures

    def _check_signatures(self) -> None:
        current = self._current_turn()
        for place, content in enumerate(self.contents):
            first = True
            for position, part in enumerate(content["parts"]):
                signature = part.get("thoughtSignature")
                call = part.get("functionCall")
                if signature:
                    self._check_signature(signature, call)
                elif call and first and place >= current and self.model.wants_signatures:
                    raise Refused(
                        "Function call is missing a thought_signature in functionCall parts. This is required for tools"
                        " to work correctly, and missing thought_signature may lead to degraded model performance."
                        f" Additional data, function call `default_api:{call['name']}` , position {position + 1}."
                    )
                first = first and call is None

    def _check_signature(self, signature: str, call: dict[str, Any] | None) -> None:
        given = decoded(signature)
        wanted = decoded(sign(self.key, self.model.name, call["name"] if call else ""))
        if given != wanted and BYPASS not in (given, signature.encode()):
            raise Refused("Corrupted thought signature.")

    def _current_turn(self) -> int:
        """Where the turn under way begins: after the last thing that a person said."""
        for place in range(len(self.contents) - 1, -1, -1):
            content = self.contents[place]
            if content.get("role", "user") == "user" and any("functionResponse" not in p for p in content["parts"]):
                return place + 1
        return 0


def _check_responses(calls: list[dict[str, Any]], responses: list[dict[str, Any]]) -> None:
    if len(calls) != len(responses):
        raise Refused(
            "Please ensure that the number of function response parts is equal to the number of function call parts of"
            " the function call turn."
        )
    for call, response in zip(calls, responses, strict=True):
        if call["name"] != response["name"] or "id" in response and call.get("id") != response["id"]:
            raise Refused("Please ensure that function responses answer the function calls, in the order of the calls.")
