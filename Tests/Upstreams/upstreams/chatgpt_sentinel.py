"""What the site wants to be shown before it answers: requirements, and the puzzle, which is really checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from .exchange import Request
from .web import Refused

ANSWER, OFFER = "gAAAAAB", "gAAAAAC"
UNSOLVED = "gAAAAABwQ8Lk5FbGpA2NcR9dShT6gYjU7VxZ4D"
TOKEN_HEADER = "openai-sentinel-chat-requirements-token"
PROOF_HEADER = "openai-sentinel-proof-token"
CHECKS = ("turnstile", "arkose", "so")
#: More than any test fetches at a time.
MOST = 50_000


def sha3(text: str) -> str:
    return hashlib.sha3_512(text.encode()).hexdigest()


def fnv1a(text: str) -> str:
    """FNV-1a of 32 bits with an avalanche at the end."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    value ^= value >> 16
    value = value * 2246822507 & 0xFFFFFFFF
    value ^= value >> 13
    value = value * 3266489909 & 0xFFFFFFFF
    return f"{value ^ value >> 16:08x}"


HASHES = {"sha3": sha3, "fnv1a": fnv1a}


def array_of(text: str) -> list[Any]:
    """The facts inside a candidate; raises ValueError if there are none."""
    try:
        value = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(value, list) or len(value) < 10 or not isinstance(value[3], (int, float)):
        raise ValueError("not an array of facts")
    return value


def flaw_of(answer: str, seed: str, difficulty: str, algorithm: str) -> str | None:
    """What is wrong with an answer to the puzzle."""
    if answer.startswith(UNSOLVED):
        return "unsolved"
    if not answer.startswith(ANSWER):
        return "prefix"
    candidate = answer.removeprefix(ANSWER)
    if candidate.endswith("~S") != (algorithm == "fnv1a"):
        return "suffix"
    candidate = candidate.removesuffix("~S")
    try:
        array_of(candidate)
    except ValueError:
        return "array"
    return None if HASHES[algorithm](seed + candidate)[: len(difficulty)] <= difficulty else "digest"


@dataclass
class Requirement:
    """What one visitor was asked for."""

    account: str
    seed: str
    difficulty: str
    algorithm: str
    expires: float
    #: Whether the puzzle was solved before, in the second step.
    is_proven: bool = False


class Sentinel:
    """Asks, remembers what it asked, and lets nobody in twice."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._prepared: dict[str, Requirement] = {}
        self._issued: dict[str, Requirement] = {}
        self._spent: dict[str, bool] = {}
        self._dice = random.Random()

    def legacy(self, account: str, persona: str, body: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        asked = self._ask(account, body, settings, settings["pow_legacy"])
        token = self._issue(asked)
        told = {"persona": persona, "token": token, "force_login": account.startswith("at-login")}
        return told | self._told(asked, settings)

    def prepare(self, account: str, persona: str, body: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        asked = self._ask(account, body, settings, settings["pow_two_step"])
        token = self._name()
        _keep(self._prepared, token, asked)
        self.counts["prepared"] += 1
        told = {"persona": persona, "prepare_token": token, "force_login": account.startswith("at-login")}
        return told | self._told(asked, settings)

    def finalize(self, account: str, persona: str, body: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        asked = self._prepared.pop(str(body.get("prepare_token")), None)
        if asked is None or asked.account != account:
            raise self._no("unprepared", 400)
        if settings["pow_required"]:
            self._check(str(body.get("proofofwork") or ""), asked)
        asked.is_proven = True
        return {"persona": persona, "token": self._issue(asked), "expire_after": int(settings["requirements_ttl"])}

    def admit(self, account: str, request: Request, settings: dict[str, Any]) -> None:
        """Lets a conversation begin, or says why not."""
        token = request.header(TOKEN_HEADER)
        if not token:
            if settings["requirements"]:
                raise self._no("missing")
            return
        if token in self._spent:
            raise self._no("used_twice")
        asked = self._issued.pop(token, None)
        if asked is None or asked.account != account:
            raise self._no("foreign" if asked else "unknown")
        _keep(self._spent, token, True)
        if time.monotonic() > asked.expires:
            raise self._no("expired")
        if settings["pow_required"] and not asked.is_proven:
            self._check(request.header(PROOF_HEADER) or "", asked)
        for check in CHECKS:
            if settings[f"{check}_enforced"] and not request.header(f"openai-sentinel-{check}-token"):
                raise self._no(check)
        self.counts["admitted"] += 1

    def _ask(self, account: str, body: dict[str, Any], settings: dict[str, Any], algorithm: str) -> Requirement:
        offer = body.get("p")
        if offer is not None:
            try:
                if not isinstance(offer, str) or not offer.startswith(OFFER):
                    raise ValueError("wrong prefix")
                array_of(offer.removeprefix(OFFER).removesuffix("~S"))
            except ValueError:
                raise self._no("offer", 400) from None
        expires = time.monotonic() + settings["requirements_ttl"]
        return Requirement(account, str(self._dice.random()), settings["difficulty"], algorithm, expires)

    def _told(self, asked: Requirement, settings: dict[str, Any]) -> dict[str, Any]:
        puzzle: dict[str, Any] = {"required": settings["pow_required"]}
        if settings["pow_required"]:
            puzzle |= {"seed": asked.seed, "difficulty": asked.difficulty}
        checks = {check: {"required": settings[f"{check}_required"], "dx": None} for check in CHECKS}
        return {"proofofwork": puzzle} | checks

    def _check(self, answer: str, asked: Requirement) -> None:
        flaw = flaw_of(answer, asked.seed, asked.difficulty, asked.algorithm)
        if flaw:
            raise self._no(f"proof_{flaw}")
        self.counts["proofs"] += 1

    def _issue(self, asked: Requirement) -> str:
        token = self._name()
        _keep(self._issued, token, asked)
        self.counts["issued"] += 1
        return token

    def _name(self) -> str:
        return "gAAAAAB" + base64.b64encode(self._dice.randbytes(48)).decode()

    def _no(self, why: str, status: int = 403) -> Refused:
        self.counts[f"refused_{why}"] += 1
        return Refused(status, {"detail": f"Unusual activity has been detected from your device. ({why})"})


def _keep(kept: dict[str, Any], name: str, value: Any) -> None:
    kept[name] = value
    while len(kept) > MOST:
        del kept[next(iter(kept))]
