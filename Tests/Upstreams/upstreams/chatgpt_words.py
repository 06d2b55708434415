"""The magic words of the simulated ChatGPT: what each makes of a turn, as a scenario."""

from __future__ import annotations

from typing import Any

UNUSUAL = "Our systems have detected unusual activity coming from your system. Please try again later."
CAPPED = "You've hit the Free plan limit for GPT-5. Your limit resets in 40 minutes."
CHALLENGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
    "<body><script>window._cf_chl_opt={cvId:'3'};</script></body></html>"
)
UTF8 = "Según lo que 夜市 🎏 dice — ok"
#: `None` stands for the word's number, or for the usual one.
WORDS: dict[str, dict[str, Any]] = {
    "text": {},
    "v1": {"encoding": "v1"},
    "legacy": {"encoding": "legacy"},
    "v1-odd": {"encoding": "v1", "odd": True},
    "rootless": {"encoding": "v1", "rootless": True},
    "echo": {"echo": True},
    "think": {"think": "usual"},
    "think-old": {"think": "old"},
    "think-new": {"think": "new"},
    "think-channel": {"think": "channel"},
    "code": {"tool": "code"},
    "browse": {"tool": "browse"},
    "browse-old": {"tool": "browse-old"},
    "browse-new": {"tool": "browse-new"},
    "dalle": {"tool": "dalle"},
    "gptimage": {"tool": "gptimage"},
    "async-image": {"tool": "async-image"},
    "moderate": {"moderate": True},
    "err200": {"refused": UNUSUAL},
    "err200-json": {"refused_json": {"detail": UNUSUAL}},
    "err-mid": {"fails_after": 3},
    "capped": {"text": CAPPED, "blocked": True},
    "cut": {"fault": "end_after", "after": None},
    "cut-hard": {"fault": "cut_after", "after": None},
    "reset": {"fault": "cut_after", "after": None, "reset": True},
    "stall": {"fault": "stall", "after": None},
    "silence": {"fault": "silence"},
    "handoff": {"handoff": True},
    "dup": {"handoff": True, "duplicates": True},
    "long": {"parts": None},
    "count": {"count": None},
    "slow": {"count": 20, "interval": 0.1},
    "crlf": {"eol": "crlf"},
    "bigline": {"big_line": None},
    "bigtext": {"huge": None},
    "noinprogress": {"whole": True},
    "utf8split": {"split_characters": True, "text": UTF8},
    "split": {"random_splits": None},
    "surrogates": {"ascii": True, "text": UTF8},
    "surrogates-split": {"ascii": True, "halves": True, "text": UTF8},
    "noise": {"noise": True},
    "multi": {"joined": True},
    "empty": {"pieces": []},
    "html403": {"fault": "status", "status": 403, "body": CHALLENGE, "content_type": "text/html; charset=utf-8"},
    "http500": {"fault": "status", "status": 500},
}
USUAL = {"after": 6, "parts": 3, "count": 100, "big_line": 300_000, "huge": 200_000, "random_splits": 1}


def scenario_of(words: dict[str, int | None]) -> dict[str, Any]:
    """The scenario that magic words come to."""
    merged: dict[str, Any] = {}
    for word, number in words.items():
        for name, value in WORDS.get(word, {}).items():
            merged[name] = (USUAL[name] if number is None else number) if value is None else value
    return merged
