"""The prompts that FlowGPT has, as its pages and its two listings show them."""

from __future__ import annotations

import json
from typing import Any

from .web import Refused

PAGE = 36
#: Prompts that behave in a way of their own.
GONE, NAMELESS = "gone", "noid"
KNOWN = {
    "uzNcMUGo4sOwl4GFvRpm8": "GPT-4 Free",
    "vlaOLDN9qTxzIlvzfL_Ty": "ChatGPT 5 Pro",
    "lKm5yPE9x-Naf0_0_KI5M": "AISuperior",
}
ODD = {
    "oddTwinTwinTwinTwin-1": {"title": "GPT-4 Free"},
    "oddHiddenHiddenHidd-2": {"title": "Not live any more", "live": False},
    "oddAdultAdultAdultA-3": {"title": "For adults", "nsfw": True},
    "oddUnicodeUnicodeUn-4": {"title": "夜市の案内人 🎏"},
    "oddLongLongLongLong-5": {"title": "A very long title " * 12},
    "oddMarksMarksMarksM-6": {"title": "  C++ / \"quotes\" & <tags>!  "},
}
SORTS = ("top", "most-popular", "popularity", "trending")


class Catalogue:
    """So many prompts; the known and the odd ones come first."""

    def __init__(self, count: int) -> None:
        named: dict[str, dict[str, Any]] = {name: {"title": title} for name, title in KNOWN.items()} | ODD
        fillers = range(max(0, count - len(named)))
        named |= {f"promptNumber{number:09d}": {"title": f"Prompt {number}"} for number in fillers}
        self.cards = {name: _card(name, place, given) for place, (name, given) in enumerate(named.items())}

    def has(self, prompt: str) -> bool:
        return prompt in self.cards or prompt == NAMELESS or prompt.startswith("model-")

    def card(self, prompt: str) -> dict[str, Any]:
        if prompt not in self.cards:
            raise Refused(404, {"message": "Prompt not found"})
        return self.cards[prompt]

    def matching(self, text: str | None) -> list[dict[str, Any]]:
        return [card for card in self.cards.values() if not text or text.lower() in card["title"].lower()]


def _card(name: str, place: int, given: dict[str, Any]) -> dict[str, Any]:
    card = {
        "id": name,
        "createdAt": "2023-04-02T19:17:38.943Z",
        "updatedAt": "2023-06-21T14:52:13.881Z",
        "description": f"Card number {place}",
        "userId": "u1",
        "thumbnailURL": f"https://images.invalid/{place}.png",
        "saves": 18,
        "upvotes": 9,
        "uses": 2800 - place,
        "popularity": 2462.5 - place,
        "language": "en",
        "model": "chatgpt",
        "type": "CHATBOT",
        "live": True,
        "nsfw": False,
        "initPrompt": "Be of help. " * 200,
        "systemMessage": None,
        "Tag": [{"id": "t1", "createdAt": "2023-04-02T19:17:38.943Z", "name": "prompt"}],
    }
    return card | given


def told_trpc(procedure: str, query: dict[str, str], catalogue: Catalogue) -> Any:
    """The answer of the site's reading interface."""
    try:
        given = json.loads(query.get("input", ""))["0"]
        told = given["json"]
    except (ValueError, KeyError, TypeError):
        raise _bad("input is not a batch of one") from None
    if query.get("batch") != "1":
        raise _bad("batch must be 1")
    if procedure == "prompt.getById":
        if not isinstance(told, str):
            raise _bad("an id is needed")
        found: Any = catalogue.card(told)
    elif procedure in ("prompt.getPrompts", "prompt.searchPrompts"):
        found = _page(told, given.get("meta"), catalogue)
    else:
        raise Refused(404, {"error": {"json": {"message": f"No procedure {procedure}", "code": -32004}}})
    return [{"result": {"data": {"json": found}}}]


def _page(told: Any, meta: Any, catalogue: Catalogue) -> list[dict[str, Any]]:
    if not isinstance(told, dict):
        raise _bad("an object is needed")
    values = (meta or {}).get("values", {}) if isinstance(meta, dict) else {}
    for name, value in told.items():
        if value is None and values.get(name) != ["undefined"]:
            raise _bad(f"{name} must not be null")
    skip, take = told.get("skip", 0), told.get("take", PAGE)
    if not isinstance(skip, int) or skip < 0 or not isinstance(take, int) or not 1 <= take <= PAGE:
        raise _bad("skip or take out of range")
    if told.get("tag") is None and told.get("sort") not in SORTS:
        raise _bad("sort must be given without a tag")
    return catalogue.matching(told.get("q"))[skip : skip + take]


def _bad(message: str) -> Refused:
    return Refused(400, [{"error": {"json": {"message": message, "code": -32600, "data": {"httpStatus": 400}}}}])


def told_page(card: dict[str, Any]) -> dict[str, Any]:
    """One prompt, as the application's interface shows it."""
    names = ("id", "title", "description", "language", "type", "nsfw", "thumbnailURL", "model")
    shown = {name: card[name] for name in names}
    return {"prompt": shown | {"coverURL": None, "exampleConversation": [], "promptTags": [], "temperature": 0.7}}


def told_search(query: dict[str, str], catalogue: Catalogue) -> list[dict[str, Any]]:
    """What the mobile application finds."""
    skip, take = query.get("skip", "0"), query.get("take", "20")
    if not skip.isdigit() or not take.isdigit():
        raise Refused(400, {"message": "skip and take must be numbers"})
    names = ("id", "title", "description", "thumbnailURL", "uses", "saves", "nsfw", "live")
    found = catalogue.matching(query.get("query"))[int(skip) : int(skip) + int(take)]
    extra = {"accessibility": True, "Tag": [{"name": "prompt"}], "User": {"name": "u1"}}
    return [{name: card[name] for name in names} | extra for card in found]
