"""What Gemini answers: one object, or the events of a stream, from the same candidates."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from .content import instance_of, logprobs_for
from .gemini_models import Model
from .gemini_schema import decoded
from .gemini_turns import sign
from .spoken import Limited, described, pieces_of

FINISHES = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "tool_calls": "STOP"}
USAGE = {"prompt_tokens": "promptTokenCount", "completion_tokens": "candidatesTokenCount"}


def said(content: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in content.get("parts") or [] if not part.get("thought"))


def words_of(contents: Iterable[dict[str, Any]]) -> int:
    """Tokens are words here, and a picture is worth 258 of them, as with the vendor."""
    pictures = sum("inlineData" in part or "fileData" in part for c in contents for part in c.get("parts") or [])
    return sum(len(json.dumps(c, ensure_ascii=False).split()) for c in contents) + 258 * pictures


def default_text(body: dict[str, Any], scenario: dict[str, Any]) -> str:
    """What a model says that nobody told what to say; it depends on what it was sent."""
    contents = body["contents"]
    users = [content for content in contents if content.get("role", "user") == "user"]
    config = body.get("generationConfig") or {}
    if scenario.get("recall"):
        return "|".join(text for content in users if (text := said(content)))
    if config.get("responseMimeType") == "application/json":
        schema = config.get("responseJsonSchema") or _lowered(config.get("responseSchema") or {})
        return json.dumps(instance_of(schema) if schema else {"ok": True}, ensure_ascii=False)
    responses = [p["functionResponse"] for p in contents[-1]["parts"] if "functionResponse" in p]
    if responses:
        told = [f"{r['name']}={json.dumps(r['response'], ensure_ascii=False)}" for r in responses]
        return f"Results: {'; '.join(told)}"
    return " ".join([f"You said: {said(users[-1]) if users else ''}", *_media(contents)])


def _media(contents: list[dict[str, Any]]) -> Iterator[str]:
    for part in (part for content in contents for part in content["parts"]):
        if "inlineData" in part:
            blob = part["inlineData"]
            yield described("inlineData", blob["mimeType"], decoded(blob["data"]) or b"")
        if "fileData" in part:
            yield described("fileData", part["fileData"].get("mimeType", "-"), part["fileData"]["fileUri"])


def _lowered(schema: Any) -> Any:
    """A vendor's schema as a JSON schema: the names of its types are in capitals."""
    if isinstance(schema, dict):
        return {k: v.lower() if k == "type" and isinstance(v, str) else _lowered(v) for k, v in schema.items()}
    return [_lowered(item) for item in schema] if isinstance(schema, list) else schema


class Generation:
    """One answer to a request that has been found right."""

    def __init__(self, body: dict[str, Any], scenario: dict[str, Any], number: int, model: Model, key: str) -> None:
        self.body, self.scenario, self.model, self.key = body, scenario, model, key
        self.number = number
        self.config: dict[str, Any] = body.get("generationConfig") or {}
        self.thinking: dict[str, Any] = self.config.get("thinkingConfig") or {}
        self.calls: list[dict[str, Any]] = scenario.get("tool_calls", [])
        self.prompt = words_of([*body["contents"], body.get("systemInstruction") or {}])
        self.written = 0
        self.thoughts = list(scenario.get("reasoning", ["Let me ", "think."])) if self._thinks() else []
        limit = self.config.get("maxOutputTokens")
        if limit is not None:
            self.thoughts = self.thoughts[:limit]

    def _thinks(self) -> bool:
        return self.model.thinks and self.thinking.get("thinkingBudget") != 0

    @property
    def is_blocked(self) -> bool:
        return bool(self.scenario.get("refusal"))

    # The whole answer

    def whole(self) -> dict[str, Any]:
        if self.is_blocked:
            return self._blocked()
        candidates = []
        for index in range(self.config.get("candidateCount", 1)):
            limited = self._limited(index)
            texts = list(limited)
            self.written += limited.count + len(self.calls)
            parts = self._thought_parts() + self._whole_text(texts, limited) + self._call_parts(index)
            candidate = self._candidate(index, parts, self._finish(limited))
            candidates.append(candidate | self._logprobs(texts))
        return {"candidates": candidates} | self._tail()

    def _whole_text(self, texts: list[str], limited: Limited) -> list[dict[str, Any]]:
        if not texts:
            return []
        part: dict[str, Any] = {"text": "".join(texts)}
        return [part | self._text_signature()]

    # The stream

    def events(self) -> Iterator[dict[str, Any]]:
        if self.is_blocked:
            yield self._blocked()
            return
        streams = [self._candidate_events(index) for index in range(self.config.get("candidateCount", 1))]
        for turn in itertools.zip_longest(*streams):
            for candidate in turn:
                if candidate is not None:
                    is_last = "finishReason" in candidate and self.model.generation > 1
                    yield {"candidates": [candidate]} | self._tail(drift=0 if is_last else 1)

    def _candidate_events(self, index: int) -> Iterator[dict[str, Any]]:
        # The oldest models say on every event why they finished.
        early = "STOP" if self.model.generation == 1 else None
        for part in self._thought_parts():
            yield self._candidate(index, [part], early)
        limited = self._limited(index)
        held: str | None = None
        for text in limited:
            if held is not None:
                self.written += 1
                yield self._candidate(index, [{"text": held}], early) | self._logprobs([held])
            held = text
        calls = self._call_parts(index)
        finish = self._finish(limited)
        if held is not None:
            self.written += 1
            is_end = not calls and not self._text_signature()
            event = self._candidate(index, [{"text": held}], finish if is_end else early) | self._logprobs([held])
            yield event
            if is_end:
                return
        if calls:
            self.written += len(calls)
            yield self._candidate(index, calls, early)
            yield self._candidate(index, [{"text": ""}], finish)
        elif held is not None:
            yield self._candidate(index, [{"text": ""} | self._text_signature()], finish)
        else:
            yield self._candidate(index, [], finish)

    # Parts

    def _thought_parts(self) -> list[dict[str, Any]]:
        if not self.thinking.get("includeThoughts"):
            return []
        return [{"text": text, "thought": True} for text in self.thoughts]

    def _call_parts(self, index: int) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for place, call in enumerate(self.calls):
            told = call["arguments"]
            made: dict[str, Any] = {"name": call["name"], "args": json.loads(told) if isinstance(told, str) else told}
            if self.model.has_call_ids:
                made["id"] = call.get("id", f"fc{self.number}_{index}_{place}")
            part: dict[str, Any] = {"functionCall": made}
            if place == 0 and self.thoughts:
                part["thoughtSignature"] = sign(self.key, self.model.name, call["name"])
            parts.append(part)
        return parts

    def _text_signature(self) -> dict[str, Any]:
        if self.model.wants_signatures and self.thoughts and not self.calls:
            return {"thoughtSignature": sign(self.key, self.model.name, "")}
        return {}

    def _limited(self, index: int) -> Limited:
        limit = self.config.get("maxOutputTokens")
        room = None if limit is None else limit - len(self.thoughts)
        has_words = any(name in self.scenario for name in ("text", "pieces", "count", "endless", "huge"))
        if (self.calls or self.scenario.get("safety")) and not has_words:
            return Limited([], None, [])
        text = default_text(self.body, self.scenario)
        if self.config.get("candidateCount", 1) > 1:
            text = f"({index}) {text}"
        return Limited(pieces_of(self.scenario, text), room, self.config.get("stopSequences") or [])

    # Envelopes

    def _finish(self, limited: Limited) -> str:
        told = self.scenario.get("finish")
        if told:
            return FINISHES.get(told, told)
        if safety := self.scenario.get("safety"):
            return safety if isinstance(safety, str) else "SAFETY"
        return "MAX_TOKENS" if limited.is_cut else "STOP"

    def _candidate(self, index: int, parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
        content = {"parts": parts, "role": "model"} if parts else {}
        candidate: dict[str, Any] = {"content": content, "index": index}
        if finish:
            candidate["finishReason"] = finish
        return candidate | self.scenario.get("candidate_extra", {})

    def _logprobs(self, texts: list[str]) -> dict[str, Any]:
        if not self.config.get("responseLogprobs"):
            return {}

        def entry(token: dict[str, Any], number: int) -> dict[str, Any]:
            return {"token": token["token"], "tokenId": number, "logProbability": token["logprob"]}

        chosen = logprobs_for(texts, self.config.get("logprobs", 0))
        top = [{"candidates": [entry(t, n) for n, t in enumerate(one["top_logprobs"])]} for one in chosen]
        result = {"chosenCandidates": [entry(one, n) for n, one in enumerate(chosen)], "topCandidates": top}
        return {"logprobsResult": result, "avgLogprobs": -0.25}

    def _tail(self, drift: int = 0) -> dict[str, Any]:
        """Usage so far. The vendor's count of the prompt is not the same on every event; the last is right."""
        usage: dict[str, Any] = {"promptTokenCount": self.prompt + drift}
        if self.written:
            usage["candidatesTokenCount"] = self.written
        if self.thoughts:
            usage["thoughtsTokenCount"] = len(self.thoughts)
        usage |= self._told_usage() if drift == 0 else {}
        counted = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
        usage["totalTokenCount"] = sum(usage.get(name, 0) for name in counted)
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage["promptTokenCount"]}]
        named = {"modelVersion": self.scenario.get("model") or self.model.name}
        # The oldest models have no ids of answers.
        named |= {} if self.model.generation == 1 else {"responseId": self.scenario.get("id") or f"sim{self.number}"}
        return {"usageMetadata": usage} | named | self.scenario.get("extra", {})

    def _told_usage(self) -> dict[str, Any]:
        """A scenario's usage, in the vendor's names or in those that scenarios for all vendors use."""
        told = self.scenario.get("usage") or {}
        usage = {USAGE.get(name, name): value for name, value in told.items() if isinstance(value, int)}
        usage.pop("total_tokens", None)
        reasoned = (told.get("completion_tokens_details") or {}).get("reasoning_tokens")
        if reasoned is not None:
            usage["thoughtsTokenCount"] = reasoned
            usage["candidatesTokenCount"] = usage.get("candidatesTokenCount", reasoned) - reasoned
        cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens")
        return usage | ({} if cached is None else {"cachedContentTokenCount": cached})

    def _blocked(self) -> dict[str, Any]:
        reason = self.scenario.get("block_reason", "PROHIBITED_CONTENT")
        usage = {"promptTokenCount": self.prompt, "totalTokenCount": self.prompt}
        return {
            "promptFeedback": {"blockReason": reason},
            "usageMetadata": usage,
            "modelVersion": self.model.name,
        }
