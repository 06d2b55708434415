"""Messages: the first of a conversation, those that go on from an answer, and the end of one that nobody reads."""

from __future__ import annotations

from . import grok_errors as errors
from .grok_answer import Answer
from .grok_call import Call, Reply
from .grok_conversations import ASSISTANT, Conversation
from .grok_shapes import Asked, check, strange


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
        raise errors.Refused(429, errors.EXHAUSTED, errors.NO_QUOTA if world.settings.quota_text else errors.TOO_MANY)
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
