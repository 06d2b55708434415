"""What FlowGPT expects of requests: headers, signatures, nonces, and the two bodies."""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any

from .exchange import Request
from .web import Refused

#: In seconds.
LARGEST_SKEW = 300
ANONYMOUS = "Bearer null"
ORIGIN = re.compile(r"https?://[^/]+")
NONCE = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ROLES = ("system", "user", "assistant")
CREATE = {"promptId", "location", "messages"}
CHAT: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "nsfw": (bool,),
    "question": (str,),
    "temperature": (int, float),
    "userId": (str,),
    "promptId": (str,),
    "conversationId": (str,),
    "documentIds": (list,),
    "chatFileDocumentIds": (list,),
    "generateImage": (bool,),
    "generateAudio": (bool,),
    "imageModel": (str,),
    "history": (list,),
    "system": (str,),
}
NEEDED = ("model", "nsfw", "question", "temperature", "userId", "promptId", "documentIds")


def refuse(message: str, status: int = 400) -> Refused:
    return Refused(status, {"message": message})


def signatures(request: Request) -> dict[str, str]:
    """What the signature would be, by formula."""
    stamp, nonce = request.header("x-timestamp") or "", request.header("x-nonce") or ""
    device, authorization = request.header("x-flow-device-id") or "", request.header("authorization") or ""
    texts = {
        "auth-dash": f"{stamp}-{nonce}-{authorization}",
        "device-concat": f"{stamp}{nonce}{device}",
        "device-colon": f"{stamp}:{nonce}:{device}",
    }
    return {name: hashlib.md5(text.encode()).hexdigest() for name, text in texts.items()}


def formula_of(request: Request) -> str:
    """The formula with which a request was signed; `none` without a signature, `wrong` if no formula gives it."""
    given = request.header("x-signature")
    if not given:
        return "none"
    return next((name for name, right in signatures(request).items() if right == given), "wrong")


def check_headers(request: Request) -> None:
    """The headers that every call of the page has."""
    for name in ("accept", "accept-language", "x-flow-device-id", "x-flow-language", "origin", "referer"):
        if not request.header(name):
            raise refuse(f"missing header {name}")
    if not (request.header("content-type") or "").startswith("application/json"):
        raise refuse("content-type must be application/json")
    origin = request.header("origin") or ""
    if not ORIGIN.fullmatch(origin) or request.header("referer") != f"{origin}/":
        raise refuse("referer and origin do not belong together", 403)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", request.header("x-flow-device-id") or ""):
        raise refuse("x-flow-device-id is malformed")


class Gate:
    """Decides about signed requests, and never forgets a nonce as long as it lives."""

    def __init__(self) -> None:
        self._nonces: set[tuple[str, str]] = set()
        self.repeated = 0
        self.repeated_ever = 0
        self.formulas: dict[str, int] = {}

    def forget(self) -> None:
        """Starts to count anew; nonces stay used."""
        self.repeated = 0
        self.formulas = {}

    def check(self, request: Request, settings: dict[str, Any]) -> None:
        mode, formula = settings["signature"], formula_of(request)
        self.formulas[formula] = self.formulas.get(formula, 0) + 1
        nonce = request.header("x-nonce") or ""
        used = (request.header("x-flow-device-id") or "", nonce)
        is_repeated = bool(nonce) and used in self._nonces
        self.repeated += is_repeated
        self.repeated_ever += is_repeated
        self._nonces.add(used)
        if mode == "off":
            return
        if not NONCE.fullmatch(nonce):
            raise refuse("invalid nonce", settings["signature_status"])
        stamp = request.header("x-timestamp") or ""
        if not re.fullmatch(r"[0-9]{9,11}", stamp) or abs(time.time() - int(stamp)) > LARGEST_SKEW:
            raise refuse("request expired", settings["signature_status"])
        if formula in ("none", "wrong") or mode not in ("any", formula):
            raise refuse("invalid signature", settings["signature_status"])
        if is_repeated and settings["nonce_once"]:
            raise refuse("nonce already used", settings["signature_status"])


def check_create(body: dict[str, Any]) -> None:
    for name in body:
        if name not in CREATE:
            raise refuse(f"unknown field {name}")
    if not isinstance(body.get("promptId"), str) or not body["promptId"]:
        raise refuse("promptId must be a string")
    if body.get("location") != "CHAT_PAGE":
        raise refuse("location must be CHAT_PAGE")
    check_messages(body.get("messages"), "messages")
    if not body["messages"]:
        raise refuse("messages must not be empty")


def check_messages(messages: Any, name: str) -> None:
    if not isinstance(messages, list):
        raise refuse(f"{name} must be an array")
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise refuse(f"{name}[{place}].role is invalid")
        if not isinstance(message.get("content"), str):
            raise refuse(f"{name}[{place}].content must be a string")


def check_chat(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name not in CHAT:
            raise refuse(f"unknown field {name}")
        if not isinstance(value, CHAT[name]) or isinstance(value, bool) and bool not in CHAT[name]:
            raise refuse(f"{name} has the wrong type")
    for name in NEEDED:
        if name not in body:
            raise refuse(f"missing field {name}")
    if not body["question"]:
        raise refuse("question must not be empty")
    if "conversationId" not in body:
        if "history" not in body:
            raise refuse("conversationId or history is needed")
        check_messages(body["history"], "history")
        if any(message["role"] == "system" for message in body["history"]):
            raise refuse("history must not contain system messages")
