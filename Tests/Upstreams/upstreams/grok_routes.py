"""The paths of the Grok web app: what each is called, and who answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from . import grok_chats as chats
from . import grok_links as links
from . import grok_person as person
from . import grok_shelf as shelf
from . import grok_store as store
from .grok_call import Call, Reply

Handler = Callable[[Call], Reply]

APP = "/rest/app-chat"
CONVERSATION, LINK = rf"{APP}/conversations/([^/]+)", rf"{APP}/share_links/([^/]+)"
TABLE: list[tuple[str, str, str, Handler]] = [
    ("POST", rf"{APP}/conversations/new", "new", chats.new),
    ("POST", rf"{CONVERSATION}/responses", "continue", chats.go_on),
    ("POST", rf"{CONVERSATION}/share", "share", links.share),
    ("POST", rf"{LINK}/clone", "clone", links.clone),
    ("POST", "/rest/rate-limits", "rate-limits", person.rate_limits),
    ("GET", "/rest/subscriptions", "subscriptions", person.subscriptions),
    ("POST", rf"{APP}/upload-file", "upload", store.upload),
    ("GET", "/users/(.+)", "asset", store.asset),
    ("GET", rf"{LINK}", "shared", links.shared),
    ("DELETE", rf"{LINK}", "unshare", links.unshare),
    ("GET", rf"{APP}/share_links", "links", links.links),
    ("POST", rf"{CONVERSATION}/stop-inflight-responses", "stop", chats.stop),
    ("DELETE", rf"{APP}/conversations/inflight-response/([^/]+)", "stop", chats.stop_one),
    ("DELETE", rf"{APP}/conversations/soft/([^/]+)", "hide", shelf.hide),
    ("POST", rf"{APP}/conversations/restore", "restore", shelf.restore),
    ("GET", rf"{CONVERSATION}/responses", "responses", shelf.responses),
    ("POST", rf"{CONVERSATION}/load-responses", "load", shelf.load),
    ("GET", rf"{CONVERSATION}/response-node", "nodes", shelf.nodes),
    ("POST", rf"{CONVERSATION}/title", "title", shelf.titled),
    ("GET", rf"{APP}/conversations", "conversations", shelf.listing),
    ("GET", rf"{APP}/conversations_v2/([^/]+)", "conversation", shelf.shown),
    ("GET", rf"{APP}/conversations/exists/([^/]+)", "conversation", shelf.exists),
    ("PUT", CONVERSATION, "rename", shelf.renamed),
    ("DELETE", CONVERSATION, "delete", shelf.delete),
    ("POST", rf"{APP}/file-metadata/([^/]+)", "file", store.file_metadata),
    ("GET", "/api/auth/session", "session", person.session),
    ("GET", "/rest/auth/get-user", "session", person.user),
    ("POST", "/rest/models", "models", person.models),
    ("POST", "/rest/modes", "models", person.modes),
    ("POST", "/rest/media/imagine/quota_info", "rate-limits", person.pictures),
    ("GET", "/abroad/(.+)", "abroad", store.abroad),
]
PATTERNS = [(method, re.compile(pattern), name, handler) for method, pattern, name, handler in TABLE]
# Whoever asks these needs no account.
PUBLIC = {"shared", "asset", "abroad"}


def find(method: str, path: str) -> tuple[str, Handler, tuple[str, ...]] | None:
    """What a path is called, who answers it, and the names in it."""
    for wanted, pattern, name, handler in PATTERNS:
        if wanted == method and (match := pattern.fullmatch(path)):
            return name, handler, tuple(unquote(part) for part in match.groups())
    return None
