"""What an account is told about itself: quotas, subscriptions, models, and who it is."""

from __future__ import annotations

from typing import Any

from . import grok_errors as errors
from .grok_accounts import MODE_IDS, MODEL_NAMES, MODES, quota
from .grok_call import Call, Reply


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
    told: list[dict[str, Any]] = [
        {"id": name, "title": name.title(), "description": "", "badgeText": ""}
        | {"availability": {"available": {}} if name in has else upgrade}
        for name in MODE_IDS[:4]
    ]
    return {"modes": told, "defaultModeId": "auto"}


def pictures(call: Call) -> Reply:
    left = {"available": True, "remainingQueries": 20, "windowSizeSeconds": 86400, "nextAvailableAt": None}
    _ = call.account
    return {name: left for name in ("image", "imagePro", "imageEdit", "video", "video720p")}
