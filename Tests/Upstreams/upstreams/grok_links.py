"""Links to a branch: made and taken back by its owner, read by everybody, copied by whoever has an account."""

from __future__ import annotations

from . import grok_errors as errors
from .grok_call import Call, Reply, page


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
    return page(call, mine, "shareLinks")
