"""Conversations as their owner finds them again, reads, renames and deletes them."""

from __future__ import annotations

from . import grok_errors as errors
from .grok_call import Call, Reply, page


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
    return page(call, mine, "conversations")


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
