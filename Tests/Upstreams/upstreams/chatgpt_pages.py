"""What the site's page reads beside conversations: models, identity, plans, settings."""

from __future__ import annotations

from typing import Any

from .chatgpt_tokens import AUTH, PROFILE, account_id

PAID = ("gpt-5-pro", "gpt-5-thinking", "o3", "gpt-4o")
FREE = ("auto", "gpt-5", "gpt-5-mini", "gpt-4o-mini", "o4-mini")
#: Known by whoever has their names, though no listing shows them.
HIDDEN = (
    *("gpt-4", "gpt-4-mobile", "gpt-4o-canmore", "text-davinci-002-render-sha", "o1", "o1-mini", "o1-pro", "o3-mini"),
    *("o3-mini-high", "o4-mini-high", "gpt-5-5", "gpt-5-5-instant", "gpt-5-5-thinking", "gpt-5-5-pro", "gpt-5-6"),
    *("gpt-5-6-t-mini", "gpt-5-6-thinking", "gpt-5-6-pro"),
)
FALLBACK = "gpt-5-mini"
HOME = "<!DOCTYPE html><html><head><title>ChatGPT</title></head><body><p>What can I help with?</p></body></html>"


def served(asked: str, plan: str) -> str | None:
    """The model that really answers: those who do not pay get another one, and nobody says so."""
    if asked in FREE:
        return "gpt-5" if asked == "auto" else asked
    if asked in PAID + HIDDEN:
        return FALLBACK if plan in ("free", "anonymous") else asked
    return None


def models(plan: str) -> dict[str, Any]:
    slugs = FREE if plan in ("free", "anonymous") else FREE + PAID
    listed = [
        {"slug": slug, "max_tokens": 128000, "title": slug.upper(), "description": "", "tags": [], "capabilities": {}}
        for slug in slugs
    ]
    categories = [
        {
            "category": slug.replace("-", "_"),
            "human_category_name": slug.upper(),
            "subscription_level": "plus" if slug in PAID else "free",
            "default_model": slug,
        }
        for slug in slugs
    ]
    return {"models": listed, "categories": categories, "default_model_slug": "auto"}


def me(name: str, claims: dict[str, Any]) -> dict[str, Any]:
    account = claims.get(AUTH, {})
    org = {"object": "organization", "id": f"org-{account_id(name)[:8]}", "title": "Personal", "role": "owner"}
    return {
        "object": "user",
        "id": account.get("chatgpt_user_id", f"user-{name}"),
        "email": claims.get(PROFILE, {}).get("email", f"{name}@example.invalid"),
        "name": name,
        "picture": "https://s.gravatar.com/avatar/0?s=480&r=pg",
        "orgs": {"object": "list", "data": [org]},
    }


def accounts(name: str, plan: str) -> dict[str, Any]:
    """Whose workspaces a visitor may use."""

    def entry(identity: str, kind: str, structure: str) -> dict[str, Any]:
        account = {
            "account_id": identity,
            "account_user_id": f"user-{name}__{identity}",
            "plan_type": kind,
            "structure": structure,
            "is_deactivated": name.startswith("at-deactivated"),
        }
        entitlement = {"subscription_plan": f"chatgpt{kind}plan", "has_active_subscription": kind != "free"}
        return {"account": account, "entitlement": entitlement, "features": ["chat"], "can_access_with_session": True}

    own, team = account_id(name), account_id(name, team=True)
    found = {own: entry(own, plan, "personal"), team: entry(team, "team", "workspace")}
    return {"accounts": found | {"default": found[own]}, "account_ordering": [own, team]}


#: What is the same for everybody, by the end of the path.
FIXED: dict[str, Any] = {
    "memories": {"memories": [{"id": "mem-1", "content": "tea"}], "memory_max_tokens": 2000, "memory_num_tokens": 3},
    "user_system_messages": {"object": "user_system_message_detail", "enabled": True, "about_user_message": "I am me."},
    "settings/user": {"settings": {"training_allowed": False}, "eligible_announcements": []},
    "settings/account_user_setting": {"feature": "training_allowed", "value": False},
    "shared_conversations": {"items": [{"id": "share-1"}], "total": 1, "limit": 50, "offset": 0},
    "gizmos/bootstrap": {"gizmos": [{"id": "g-own"}]},
    "gizmos/pinned": {"items": [{"id": "g-own"}], "cursor": None},
    "gizmos/snorlax/sidebar": {"items": [{"id": "g-p-own"}], "cursor": None},
    "tasks": {"tasks": [], "cursor": None},
    "subscriptions": {"id": "sub-1", "plan_type": "plus"},
    "accounts/mfa_info": {"mfa_enabled": True},
    "payments/customer_portal": {"url": "https://pay.invalid/own"},
    "conversation/init": {"type": "conversation_init", "banner_info": None, "default_model_slug": "auto"},
}
