"""How the Grok web app says no: two shapes of body, pages of what stands before it, and failures inside a stream."""

from __future__ import annotations

from typing import Any

INVALID, NOT_FOUND, DENIED, EXHAUSTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 3, 5, 7, 8, 13, 14, 16

OUTDATED = "Invalid request. Please update your client"
TOO_MANY = "Too many requests"
NO_QUOTA = "Too many requests: no quota left for this model (0 remaining)"
BAD_CREDENTIALS = "Failed to look up session ID. [WKE=unauthenticated:bad-credentials]"
ANTI_BOT = "Request rejected by anti-bot rules."
BLOCKED = "User is blocked: sim. [WKE=unauthorized:blocked-user]"
REJECTED = "This e-mail domain is not accepted. [WKE=account:email-domain-rejected]"

CHALLENGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head>'
    "<body><noscript>Enable JavaScript and cookies to continue</noscript></body></html>"
)
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

# What a failure within a stream may be about, with the members its detail has.
DETAILS: dict[str, dict[str, Any]] = {
    "globalRateLimit": {},
    "modelNotAvailable": {},
    "systemKillSwitch": {"featureName": "chat"},
    "beyondContextLength": {},
    "userPromptTooLong": {},
    "attachmentModerated": {},
    "attachmentImageTooLarge": {"maxSizeBytes": 5242880, "fileName": "image.png"},
    "attachmentFileTooLarge": {"fileName": "image.png"},
    "attachmentTooManyPages": {},
    "attachmentLoadFailed": {},
    "internalError": {},
    "requestCancelled": {},
    "renderToolFailed": {},
    "renderToolRateLimited": {"rateLimitedCount": 1},
    "toolCallFailed": {"toolUsageCardId": "c-1", "toolName": "web_search"},
    "contentModerated": {},
    "usagePoolExhausted": {},
    "usageLimitReached": {},
    "renderPerMessageLimitExceeded": {},
    "concurrencyLimit": {},
}
WORDS = {
    "modelNotAvailable": 'Stream aborted: status: ResourceExhausted, message: "Admission denied by '
    'perf_based_admission_controller"',
    "usageLimitReached": "You've reached your usage limit",
    "attachmentLoadFailed": "Failed to load attachment",
}


class Refused(Exception):
    """A request that is answered with a status of its own; `bare` bodies stand without an `error` around them."""

    def __init__(self, status: int, code: int, message: str, bare: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.bare = status, code, bare

    @property
    def body(self) -> dict[str, Any]:
        return told(self.code, str(self), self.bare)


def told(code: int, message: str, bare: bool = False) -> dict[str, Any]:
    """A failure in JSON."""
    error = {"code": code, "message": message, "details": []}
    return error if bare else {"error": error}


def invalid(message: str) -> Refused:
    return Refused(400, INVALID, message)


def not_found(what: str) -> Refused:
    return Refused(404, NOT_FOUND, f"{what} not found", bare=True)


def stream_error(key: str, severity: str = "NORMAL") -> dict[str, Any]:
    """A failure as a stream tells it."""
    words = WORDS.get(key, f"Stream aborted: {key}")
    return {"message": words, key: DETAILS.get(key, {}), "severity": f"STREAM_ERROR_SEVERITY_{severity}"}


def by_status(status: int, why: str | None = None) -> Any:
    """The body of a failure that somebody asked for; a string is a page."""
    if why == "challenge":
        return CHALLENGE
    if status == 502:
        return BAD_GATEWAY
    code, message, bare = {
        400: (INVALID, OUTDATED, False),
        401: (UNAUTHENTICATED, BAD_CREDENTIALS, False),
        403: (DENIED, "Permission denied", True),
        404: (NOT_FOUND, "Resource not found", True),
        413: (INVALID, "Payload too large", True),
        429: (EXHAUSTED, TOO_MANY, False),
        503: (UNAVAILABLE, "Service unavailable", False),
    }.get(status, (INTERNAL, "Internal error", False))
    special = {
        "anti_bot": (DENIED, ANTI_BOT, False),
        "blocked": (DENIED, BLOCKED, True),
        "no_quota": (EXHAUSTED, NO_QUOTA, False),
        "rejected": (INVALID, REJECTED, True),
    }
    return told(*special.get(why or "", (code, message, bare)))
