"""Files up and pictures down."""

from __future__ import annotations

from . import grok_errors as errors
from .grok_call import Call, Reply
from .grok_files import Asset
from .grok_pictures import png


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
