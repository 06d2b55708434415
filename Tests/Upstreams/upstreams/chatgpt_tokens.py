"""Credentials of the simulated site. All are made when they are needed; none means anything anywhere else.

An account is known by its name alone, and everybody who can run this can mint its tokens, before the simulator starts
too: `mint("at-ok-1")`, `refresh_token("at-ok-1")`, `session_cookie("at-ok-1")`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import time
import uuid
from typing import Any

from .web import Refused

_SEAL = hashlib.sha256(b"the simulated site's own").digest()
_numbers = itertools.count(1)
AUTH, PROFILE = "https://api.openai.com/auth", "https://api.openai.com/profile"
#: The public identifiers of applications.
CLIENTS = ("pdlLIX2Y72MIl2rhLhTE9VV9bN905kBh", "app_EMoamEEZ73f0CkXaXp7hrann", "app_LlGpXReQgckcGGUo2JrYvtJK")
OLD_LENGTH = 45
LENGTH = 64


def account_id(name: str, team: bool = False) -> str:
    """The workspace of an account, or that of its team."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sim:{name}:{'team' if team else 'own'}"))


def plan_of(name: str) -> str:
    return "free" if name.startswith("at-free") else "plus"


def mint(name: str, lifetime: float = 3600, plan: str = "", **claims: Any) -> str:
    """An access token of an account."""
    now = time.time()
    user = f"user-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    account = {"chatgpt_account_id": account_id(name), "chatgpt_user_id": user}
    payload = {
        "sub": f"sim|{name}",
        "iat": now,
        "exp": int(now + lifetime),
        "jti": f"{os.getpid()}-{next(_numbers)}",
        AUTH: account | {"chatgpt_plan_type": plan or plan_of(name)},
        PROFILE: {"email": f"{name}@example.invalid", "email_verified": True},
    }
    return sealed(payload | claims)


def sealed(payload: dict[str, Any]) -> str:
    """Claims with a signature."""
    text = f"{_base64({'alg': 'RS256', 'typ': 'JWT'})}.{_base64(payload)}"
    return f"{text}.{_signature(text)}"


def _base64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signature(text: str) -> str:
    return _base64(hmac.new(_SEAL, text.encode(), hashlib.sha256).digest())


def claims_of(token: str) -> dict[str, Any] | None:
    """What a token of the site says; nothing for any other."""
    text, _, signature = token.rpartition(".")
    if text.count(".") != 1 or not hmac.compare_digest(signature.encode(), _signature(text).encode()):
        return None
    body = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def name_of(token: str) -> str:
    """Whose an access token is. A name itself is a token too, where nobody looks into it."""
    if token.startswith(("at-", "fk-at-")):
        return token.removeprefix("fk-")
    claims = claims_of(token)
    return str(claims.get("sub", "")).removeprefix("sim|") if claims else ""


def refresh_token(name: str, old: bool = False) -> str:
    """A refresh token in the present shape or in the old one."""
    return f"{name}.".ljust(OLD_LENGTH, "x") if old else f"rt_{name}.".ljust(LENGTH, "x")


def session_cookie(name: str, length: int = LENGTH) -> str:
    """What a logged-in browser would keep."""
    return f"{name}.".ljust(length, "x")


class Family:
    """A credential with all that it was exchanged for."""

    def __init__(self, name: str, token: str, client: str | None = None) -> None:
        self.name, self.current, self.client = name, token, client
        self.uses = 0
        self.reused = 0
        self.is_dead = False


class Rotation:
    """Credentials that are exchanged for others, once each."""

    def __init__(self) -> None:
        #: By the first of each.
        self.families: dict[str, Family] = {}
        self._by_token: dict[str, Family] = {}

    def add(self, token: str, client: str | None = None) -> Family:
        family = Family(token.removeprefix("rt_").removeprefix("sess-").split(".")[0], token, client)
        self.families[token] = self._by_token[token] = family
        return family

    def find(self, token: str) -> Family | None:
        return self._by_token.get(token)

    def use(self, token: str, rotates: bool, reuse_kills: bool) -> tuple[Family, bool]:
        """Exchanges a credential; says whether it was still good."""
        family = self._by_token.get(token) or self.add(token)
        if token != family.current:
            family.reused += 1
            family.is_dead = family.is_dead or reuse_kills
        if token != family.current or family.is_dead:
            return family, False
        family.uses += 1
        if rotates:
            stem = token.split(".")[0]
            family.current = f"{stem}.{family.uses}.".ljust(len(token), "y")
            self._by_token[family.current] = family
        return family, True

    def stats(self) -> dict[str, Any]:
        return {
            first: {"uses": family.uses, "reused": family.reused, "current": family.current, "dead": family.is_dead}
            for first, family in self.families.items()
        }


REFUSALS: dict[str, tuple[int, Any]] = {
    "dead": (400, {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}),
    "denied": (403, {"error": "access_denied", "error_description": "The account has been deactivated."}),
    "expired": (401, {"error": "refresh_token_expired", "error_description": "The refresh token has expired."}),
    "limited": (429, {"error": "too_many_requests", "error_description": "Slow down."}),
    "broken": (500, {"error": "server_error"}),
    "html": (403, "<html><body>Just a moment...</body></html>"),
}


def redeem(body: dict[str, Any], rotation: Rotation, settings: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request for an access token."""
    if body.get("grant_type") != "refresh_token":
        raise Refused(400, {"error": "unsupported_grant_type"})
    client, token = body.get("client_id"), body.get("refresh_token")
    if client not in CLIENTS:
        raise Refused(401, {"error": "invalid_client"})
    if not isinstance(token, str) or len(token) != OLD_LENGTH and not (token.startswith("rt_") and len(token) >= 60):
        raise Refused(400, REFUSALS["dead"][1])
    called = token.removeprefix("rt_").split(".")[0]
    for word, (status, said) in REFUSALS.items():
        if called.startswith(word):
            raise Refused(status, said, kind="text/html" if word == "html" else "")
    if not called.startswith("at-"):
        raise Refused(400, REFUSALS["dead"][1])
    known = rotation.find(token)
    if known and known.client and known.client != client:
        raise Refused(400, REFUSALS["dead"][1])
    family, is_good = rotation.use(token, settings["rotates"], settings["reuse_kills"])
    if not is_good:
        raise Refused(400, REFUSALS["dead"][1])
    lifetime = settings["access_lifetime"]
    access = mint(family.name, lifetime)
    answer = {"access_token": access, "id_token": access, "expires_in": int(lifetime), "token_type": "Bearer"}
    return answer | {"refresh_token": family.current} if settings["tells_refresh"] else answer
