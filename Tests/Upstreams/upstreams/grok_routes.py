"""The paths of the Grok web app, and what each answers; `grok` writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from . import grok_errors as errors
from .grok_accounts import MODE_IDS, MODEL_NAMES, MODES, Account, quota
from .grok_answer import Answer
from .grok_conversations import ASSISTANT, Conversation
from .grok_files import Asset
from .grok_pictures import png
from .grok_shapes import Asked, check, strange
from .grok_world import World

NOBODY = "(nobody)"


class TooMany(errors.Refused):
    """A quota is used up."""


@dataclass
class Call:
    """One request, ready to be answered."""

    world: World
    sso: str
    operation: str
    args: tuple[str, ...]
    query: dict[str, str]
    body: dict[str, Any]
    scenario: dict[str, Any]
    has_cookie: bool
    is_excess: bool = False

    @property
    def account(self) -> Account:
        account = self.world.accounts.find(self.sso)
        if account is None or account.state == "dead":
            raise errors.Refused(401, errors.UNAUTHENTICATED, errors.BAD_CREDENTIALS)
        if account.state == "blocked":
            raise errors.Refused(403, errors.DENIED, errors.BLOCKED, bare=True)
        return account

    @property
    def conversation(self) -> Conversation:
        return self.world.library.owned(self.args[0], self.account.sso)


Reply = dict[str, Any] | Asset | Answer
Handler = Callable[[Call], Reply]


# Messages


def new(call: Call) -> Reply:
    asked = _accepted(call)
    conversation = call.world.library.begin(call.account.sso, asked.temporary)
    return _answer(call, conversation, "", True, asked)


def go_on(call: Call) -> Reply:
    found = call.world.library.conversations.get(call.args[0])
    if found is not None and found.owner != call.account.sso and call.world.settings.foreign != 404:
        raise errors.Refused(call.world.settings.foreign, errors.DENIED, "Permission denied", bare=True)
    conversation = call.conversation
    parent = call.body.get("parentResponseId")
    # Nothing at all is a mistake; an empty text begins anew within the conversation.
    if not isinstance(parent, str):
        raise errors.invalid("parentResponseId is required")
    if parent:
        response = conversation.responses.get(parent)
        if response is None or response.sender != ASSISTANT:
            raise errors.invalid("parentResponseId is not a response of the assistant in this conversation")
    asked = _accepted(call)
    if conversation.running:
        call.world.watch.overlap(call.sso, conversation.id)
    return _answer(call, conversation, parent, False, asked)


def _accepted(call: Call) -> Asked:
    """The message, if it can be read and there is something left for it."""
    world, account = call.world, call.account
    asked = check(call.body, world.settings.wire)
    world.watch.strange(strange(call.body))
    if world.watch.must_wait(account.sso, asked.key):
        raise errors.Refused(429, errors.EXHAUSTED, errors.TOO_MANY)
    now = world.clock.now()
    window = account.window(asked.key)
    if window is None:
        call.scenario["detail"] = "modelNotAvailable"
    elif not window.take(asked.cost, now):
        world.watch.tell_to_wait(account.sso, asked.key, window.wait(now))
        raise TooMany(429, errors.EXHAUSTED, errors.NO_QUOTA if world.settings.quota_text else errors.TOO_MANY)
    if len(asked.message) > world.settings.prompt_limit:
        call.scenario["detail"] = "userPromptTooLong"
    if call.is_excess and account.enforced:
        call.scenario["detail"] = "concurrencyLimit"
    if asked.mode in world.settings.dead_modes:
        call.scenario["words"] = [*call.scenario.get("words", []), "empty"]
    return asked


def _answer(call: Call, conversation: Conversation, parent: str, is_new: bool, asked: Asked) -> Answer:
    return Answer(call.world, call.account, conversation, parent, is_new, asked, call.body, call.scenario)


def stop(call: Call) -> Reply:
    """What still is being written stays what it is, and unfinished."""
    call.conversation.abandoned.clear()
    return {}


def stop_one(call: Call) -> Reply:
    """By the id of the answer alone."""
    for conversation in call.world.library.of(call.account.sso):
        if call.args[0] in conversation.unfinished:
            conversation.abandoned.discard(call.args[0])
            return {}
    raise errors.not_found("Response")


# Conversations


def responses(call: Call) -> Reply:
    conversation = call.conversation
    running = [conversation.responses[name].wire() for name in sorted(conversation.unfinished)]
    done = [r.wire() for r in conversation.responses.values() if r.id not in conversation.unfinished]
    return {"responses": done, "inflightResponses": running}


def load(call: Call) -> Reply:
    conversation, names = call.conversation, call.body.get("responseIds")
    if not isinstance(names, list):
        raise errors.invalid("responseIds is required")
    return {"responses": [conversation.responses[n].wire() for n in names if n in conversation.responses]}


def nodes(call: Call) -> Reply:
    found = []
    for response in call.conversation.responses.values():
        node = {"responseId": response.id, "sender": response.sender}
        found.append(node | ({"parentResponseId": response.parent} if response.parent else {}))
    return {"responseNodes": found}


def listing(call: Call) -> Reply:
    mine = [c.wire() for c in call.world.library.of(call.account.sso) if not c.temporary]
    return _page(call, mine, "conversations")


def _page(call: Call, entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Newest first, from the number that the token is."""
    size, first = call.query.get("pageSize", "60"), call.query.get("pageToken") or "0"
    if not size.isdigit() or not first.isdigit():
        raise errors.invalid("pageSize and pageToken must be numbers")
    end = int(first) + int(size)
    return {name: entries[::-1][int(first) : end], "nextPageToken": str(end) if end < len(entries) else ""}


def shown(call: Call) -> Reply:
    return {"conversation": call.conversation.wire()}


def exists(call: Call) -> Reply:
    found = call.world.library.conversations.get(call.args[0])
    return {"exists": found is not None and found.owner == call.account.sso and not found.hidden}


def renamed(call: Call) -> Reply:
    conversation = call.conversation
    conversation.title = str(call.body.get("title", conversation.title))
    return conversation.wire()


def titled(call: Call) -> Reply:
    return {"newTitle": call.conversation.title}


def delete(call: Call) -> Reply:
    call.world.library.delete(call.conversation)
    return {}


def hide(call: Call) -> Reply:
    call.conversation.hidden = True
    return {}


def restore(call: Call) -> Reply:
    found = call.world.library.conversations.get(str(call.body.get("conversationId")))
    if found is None or found.owner != call.account.sso:
        raise errors.not_found("Conversation")
    found.hidden = False
    return {}


# Links


def share(call: Call) -> Reply:
    conversation, response = call.conversation, call.body.get("responseId")
    if not isinstance(response, str):
        raise errors.invalid("responseId is required")
    link = call.world.library.share(conversation, response, bool(call.body.get("allowIndexing")))
    return {"shareLinkId": link.id}


def shared(call: Call) -> Reply:
    """For everybody, with or without a cookie."""
    link = call.world.library.link(call.args[0])
    link.views += 1
    said = [response.wire() for response in link.responses]
    if call.query.get("useChunk") == "true":
        said = [response | {"message": ""} for response in said]
    told = {"conversation": link.conversation.wire(), "responses": said}
    return told | {"allowIndexing": link.indexed, "viewCount": link.views}


def clone(call: Call) -> Reply:
    account = call.account
    copy = call.world.library.clone(call.world.library.link(call.args[0]), account.sso)
    return {"conversation": copy.wire(), "responses": [r.wire() for r in copy.responses.values()]}


def unshare(call: Call) -> Reply:
    link = call.world.library.link(call.args[0])
    if link.owner != call.account.sso:
        raise errors.not_found("Share link")
    call.world.library.unshare(link)
    return {}


def links(call: Call) -> Reply:
    mine = [link.wire() for link in call.world.library.links.values() if link.owner == call.account.sso]
    for name in ("conversationId", "responseId"):
        if name in call.query:
            mine = [link for link in mine if link[name] == call.query[name]]
    return _page(call, mine, "shareLinks")


# Files


def upload(call: Call) -> Reply:
    account = call.account
    return call.world.files.upload(account.sso, account.user_id, call.body).wire()


def file_metadata(call: Call) -> Reply:
    found = call.world.files.owned(call.args[0], call.account.sso)
    if found is None:
        raise errors.not_found("File")
    return found.wire()


def asset(call: Call) -> Reply:
    return call.world.files.asset(f"users/{call.args[0]}", call.sso if call.has_cookie else "")


def abroad(call: Call) -> Reply:
    """A picture on somebody else's host, where a cookie has no business."""
    if call.has_cookie:
        call.world.watch.odd["a cookie abroad"] += 1
    return Asset("", "image/png", png(len(call.args[0])))


# The account


def rate_limits(call: Call) -> Reply:
    name = call.body.get("modelName")
    if not isinstance(name, str) or not name:
        raise errors.invalid("modelName is required")
    told = quota(call.account, name, call.world.clock.now())
    if told is None:
        raise errors.not_found("Model")
    return told


def subscriptions(call: Call) -> Reply:
    return {"subscriptions": call.account.subscriptions()}


def session(call: Call) -> Reply:
    account = call.account
    user = {"userId": account.user_id, "email": f"{account.sso}@example.org", "organizationId": ""}
    return {"status": "authenticated", "session": user}


def user(call: Call) -> Reply:
    return {"user": {"userId": call.account.user_id, "email": f"{call.account.sso}@example.org"}}


def models(call: Call) -> Reply:
    account = call.account
    named = [{"modelId": name, "name": name} for name in MODEL_NAMES]
    defaults = {"defaultFreeModel": "grok-3", "defaultProModel": "grok-420", "defaultHeavyModel": "grok-4"}
    return {"models": named, "unavailableModels": [] if account.plan != "free" else named[-1:]} | defaults


def modes(call: Call) -> Reply:
    has = MODES[call.account.plan]
    upgrade = {"requiresUpgrade": {"message": "Upgrade", "minimumSubscriptionTier": "SUBSCRIPTION_TIER_GROK_PRO"}}
    told = [
        {"id": name, "title": name.title(), "description": "", "badgeText": ""}
        | {"availability": {"available": {}} if name in has else upgrade}
        for name in MODE_IDS[:4]
    ]
    return {"modes": told, "defaultModeId": "auto"}


def pictures(call: Call) -> Reply:
    left = {"available": True, "remainingQueries": 20, "windowSizeSeconds": 86400, "nextAvailableAt": None}
    _ = call.account
    return {name: left for name in ("image", "imagePro", "imageEdit", "video", "video720p")}


APP = "/rest/app-chat"
CONVERSATION, LINK = rf"{APP}/conversations/([^/]+)", rf"{APP}/share_links/([^/]+)"
TABLE: list[tuple[str, str, str, Handler]] = [
    ("POST", rf"{APP}/conversations/new", "new", new),
    ("POST", rf"{CONVERSATION}/responses", "continue", go_on),
    ("POST", rf"{CONVERSATION}/share", "share", share),
    ("POST", rf"{LINK}/clone", "clone", clone),
    ("POST", "/rest/rate-limits", "rate-limits", rate_limits),
    ("GET", "/rest/subscriptions", "subscriptions", subscriptions),
    ("POST", rf"{APP}/upload-file", "upload", upload),
    ("GET", "/users/(.+)", "asset", asset),
    ("GET", rf"{LINK}", "shared", shared),
    ("DELETE", rf"{LINK}", "unshare", unshare),
    ("GET", rf"{APP}/share_links", "links", links),
    ("POST", rf"{CONVERSATION}/stop-inflight-responses", "stop", stop),
    ("DELETE", rf"{APP}/conversations/inflight-response/([^/]+)", "stop", stop_one),
    ("DELETE", rf"{APP}/conversations/soft/([^/]+)", "hide", hide),
    ("POST", rf"{APP}/conversations/restore", "restore", restore),
    ("GET", rf"{CONVERSATION}/responses", "responses", responses),
    ("POST", rf"{CONVERSATION}/load-responses", "load", load),
    ("GET", rf"{CONVERSATION}/response-node", "nodes", nodes),
    ("POST", rf"{CONVERSATION}/title", "title", titled),
    ("GET", rf"{APP}/conversations", "conversations", listing),
    ("GET", rf"{APP}/conversations_v2/([^/]+)", "conversation", shown),
    ("GET", rf"{APP}/conversations/exists/([^/]+)", "conversation", exists),
    ("PUT", CONVERSATION, "rename", renamed),
    ("DELETE", CONVERSATION, "delete", delete),
    ("POST", rf"{APP}/file-metadata/([^/]+)", "file", file_metadata),
    ("GET", "/api/auth/session", "session", session),
    ("GET", "/rest/auth/get-user", "session", user),
    ("POST", "/rest/models", "models", models),
    ("POST", "/rest/modes", "models", modes),
    ("POST", "/rest/media/imagine/quota_info", "rate-limits", pictures),
    ("GET", "/abroad/(.+)", "abroad", abroad),
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
