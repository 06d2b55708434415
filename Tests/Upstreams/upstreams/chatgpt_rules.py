"""What the site accepts as the start of a turn: headers and the bodies of both generations."""

from __future__ import annotations

import re
from typing import Any

from .exchange import Request
from .web import Refused

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ROOT = "client-created-root"
Types = dict[str, tuple[type, ...]]
NOTHING = type(None)
COMMON: Types = {
    "action": (str,),
    "messages": (list,),
    "conversation_id": (str, NOTHING),
    "parent_message_id": (str,),
    "model": (str,),
    "conversation_mode": (dict,),
    "conversation_origin": (str, NOTHING),
    "history_and_training_disabled": (bool,),
    "supported_encodings": (list,),
    "system_hints": (list,),
    "reset_rate_limits": (bool,),
    "paragen_cot_summary_display_override": (str,),
    "paragen_stream_type_override": (str, NOTHING),
    "timezone": (str,),
    "timezone_offset_min": (int, float),
    "client_contextual_info": (dict,),
}
LEGACY: Types = COMMON | {
    "force_use_sse": (bool,),
    "force_paragen": (bool,),
    "force_paragen_model_slug": (str,),
    "force_rate_limit": (bool,),
    "suggestions": (list,),
    "variant_purpose": (str,),
    "websocket_request_id": (str,),
}
PRESENT: Types = COMMON | {
    "client_prepare_state": (str,),
    "enable_message_followups": (bool,),
    "supports_buffering": (bool,),
    "force_parallel_switch": (str,),
    "thinking_effort": (str,),
}
PREPARE: Types = PRESENT | {"partial_query": (dict, NOTHING)}
MESSAGE: Types = {
    "id": (str,),
    "author": (dict,),
    "content": (dict,),
    "metadata": (dict,),
    "create_time": (int, float, NOTHING),
    "recipient": (str,),
    "status": (str,),
    "weight": (int, float),
}
ROLES = ("user", "assistant", "system")
ACTIONS = ("next", "continue", "variant")
HINTS = ("search", "reason", "picture_v2", "research", "agent", "canvas")
EFFORTS = ("standard", "extended", "max")


def invalid(why: str) -> Refused:
    return Refused(422, {"detail": f"Invalid conversation body: {why}"})


def check_headers(request: Request, conversation: str | None, streams: bool) -> None:
    """The headers that a page sends with every turn."""
    if not UUID.fullmatch(request.header("oai-device-id") or ""):
        raise Refused(400, {"detail": "oai-device-id must be a UUID"})
    for name in ("oai-language", "accept-language", "user-agent"):
        if not request.header(name):
            raise Refused(400, {"detail": f"missing header {name}"})
    if streams and "text/event-stream" not in (request.header("accept") or ""):
        raise Refused(400, {"detail": "accept must be text/event-stream"})
    if not (request.header("content-type") or "").startswith("application/json"):
        raise Refused(400, {"detail": "content-type must be application/json"})
    origin, referer = request.header("origin") or "", request.header("referer") or ""
    pages = [f"{origin}/"] + ([f"{origin}/c/{conversation}"] if conversation else [])
    if not re.fullmatch(r"https?://[^/]+", origin) or referer not in pages:
        raise Refused(400, {"detail": "origin and referer do not belong together"})


def check_types(body: dict[str, Any], known: Types, where: str = "") -> None:
    for name, value in body.items():
        if name not in known:
            raise invalid(f"unknown key {where}{name}")
        if not isinstance(value, known[name]) or isinstance(value, bool) and bool not in known[name]:
            raise invalid(f"{where}{name} has the wrong type")


def check_turn(body: dict[str, Any], is_present: bool) -> None:
    """A body of `conversation` or of `f/conversation`."""
    check_types(body, PRESENT if is_present else LEGACY)
    if body.get("action") not in ACTIONS:
        raise invalid("action")
    parent = body.get("parent_message_id", "")
    if not UUID.fullmatch(parent) and not (is_present and parent == ROOT):
        raise invalid("parent_message_id")
    if not body.get("model"):
        raise invalid("model")
    _check_options(body)
    messages = body.get("messages", [])
    if body["action"] == "next" and not messages or body["action"] == "continue" and messages:
        raise invalid("messages")
    if body["action"] != "next" and not body.get("conversation_id"):
        raise invalid("conversation_id")
    for place, message in enumerate(messages):
        check_message(message, f"messages[{place}].")


def check_prepare(body: dict[str, Any]) -> None:
    check_types(body, PREPARE)
    if body.get("action") not in ACTIONS:
        raise invalid("action")
    if not body.get("model") or not body.get("parent_message_id"):
        raise invalid("model and parent_message_id are needed")
    _check_options(body)


def _check_options(body: dict[str, Any]) -> None:
    mode = body.get("conversation_mode")
    if mode is not None:
        kind, gizmo = mode.get("kind"), str(mode.get("gizmo_id", ""))
        if kind != "primary_assistant" and not (kind == "gizmo_interaction" and gizmo.startswith("g-")):
            raise invalid("conversation_mode")
    if body.get("supported_encodings", []) not in ([], ["v1"]):
        raise invalid("supported_encodings")
    if any(hint not in HINTS for hint in body.get("system_hints", [])):
        raise invalid("system_hints")
    if body.get("thinking_effort", EFFORTS[0]) not in EFFORTS:
        raise invalid("thinking_effort")
    if body.get("client_prepare_state", "none") not in ("none", "sent", "success"):
        raise invalid("client_prepare_state")


def check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise invalid(where)
    check_types(message, MESSAGE, where)
    if not UUID.fullmatch(message.get("id", "")):
        raise invalid(f"{where}id")
    if message.get("author", {}).get("role") not in ROLES:
        raise invalid(f"{where}author.role")
    content = message.get("content", {})
    parts = content.get("parts")
    if content.get("content_type") not in ("text", "multimodal_text") or not isinstance(parts, list) or not parts:
        raise invalid(f"{where}content")
    if content["content_type"] == "text" and not all(isinstance(part, str) for part in parts):
        raise invalid(f"{where}content.parts")
    for part in parts:
        if isinstance(part, dict):
            _check_pointer(part, where)
        elif not isinstance(part, str):
            raise invalid(f"{where}content.parts")
    for attached in message.get("metadata", {}).get("attachments", []):
        if not isinstance(attached, dict) or not isinstance(attached.get("id"), str):
            raise invalid(f"{where}metadata.attachments")


def _check_pointer(part: dict[str, Any], where: str) -> None:
    pointer = part.get("asset_pointer", "")
    if part.get("content_type") != "image_asset_pointer" or not pointer.startswith(("file-service://", "sediment://")):
        raise invalid(f"{where}content.parts")
    if not all(isinstance(part.get(name), int) for name in ("size_bytes", "width", "height")):
        raise invalid(f"{where}content.parts needs size_bytes, width and height")


def text_of(message: dict[str, Any]) -> str:
    """The text of a message whose shape may not have been looked at yet."""
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return "".join(part for part in parts if isinstance(part, str)) if isinstance(parts, list) else ""


def last_user_text(body: dict[str, Any]) -> str:
    messages = body["messages"] if isinstance(body.get("messages"), list) else []
    known = [message for message in messages if isinstance(message, dict) and isinstance(message.get("author"), dict)]
    users = [message for message in known if message["author"].get("role") == "user"]
    return text_of(users[-1]) if users else ""
