"""The lines of a stream as objects: one level deeper for a new conversation than for one that goes on."""

from __future__ import annotations

from typing import Any

from .grok_conversations import Conversation, Response

Frame = dict[str, Any]


class Frames:
    """Makes the frames of one answer."""

    def __init__(self, response_id: str, nested: bool) -> None:
        self.response_id, self.nested = response_id, nested

    def of(self, thinking: bool = False, soft_stop: bool = False, **fields: Any) -> Frame:
        inner = fields | {"isThinking": thinking, "isSoftStop": soft_stop, "responseId": self.response_id}
        return {"result": {"response": inner} if self.nested else inner}

    def token(self, text: str, tag: str | None = "final", **fields: Any) -> Frame:
        tagged: dict[str, Any] = {"messageTag": tag} if tag else {}
        return self.of(token=text, **tagged, **fields)

    def thought(self, text: str, tag: str = "summary", step: int = 1, rollout: str = "Grok", **fields: Any) -> Frame:
        told: dict[str, Any] = {"messageTag": tag, "messageStepId": step, "rolloutId": rollout}
        return self.of(thinking=True, token=text, **told, **fields)

    def soft_stop(self) -> Frame:
        return self.of(soft_stop=True, token="")

    def layout(self, model: str, thinks: bool, rollouts: list[str]) -> Frame:
        layout: dict[str, Any] = {
            "reasoningUiLayout": "UNIFIED" if thinks else "FUNCTION_CALL",
            "willThinkLong": thinks,
        }
        layout |= {"effort": "HIGH" if thinks else "LOW", "steerModelId": model, "rolloutIds": rollouts}
        return self.of(thinking=thinks, uiLayout=layout)

    def follow_ups(self) -> Frame:
        label = {"properties": {"messageType": "STANDALONE", "followUpType": "STANDALONE"}, "label": "Tell me more"}
        suggested = [label | {"toolOverrides": {}}]
        metadata = {"followUpSuggestions": suggested, "feedbackLabels": [], "toolsUsed": {}, "disclaimer": ""}
        return self.of(finalMetadata=metadata)


def opening(conversation: Conversation) -> Frame:
    return {"result": {"conversation": conversation.wire()}}


def title(text: str) -> Frame:
    return {"result": {"title": {"newTitle": text}}}


def inner(frame: Frame) -> dict[str, Any]:
    """The fields of a frame, wherever they are."""
    result: dict[str, Any] = frame.get("result", {})
    found: dict[str, Any] = result.get("response", result)
    return found


def spoken(response: Response, upper: bool) -> dict[str, Any]:
    """A response, with its sender in letters of the size that is asked for."""
    told = response.wire()
    return told | {"sender": response.sender.upper()} if upper else told
