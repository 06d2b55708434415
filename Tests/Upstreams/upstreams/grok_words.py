"""Magic words: `#word` or `#word:value` in the newest thing the user said, or a scenario's list `words`.

What is said:   plain, long[:n] (100000 tokens), empty (no text), banner (one empty thought, then nothing), utf8
Beside it:      think, search, xsearch, code, browse, experts, old-search (results without a tag), cite, artifact,
                image, image2, image-moderated, card-image, card-search
Failures:       error:KEY (frame and streamErrors), error-late:KEY (after the text), error-model:KEY (streamErrors
                only), error-fatal:KEY (not to be tried again), error-string (a plain string), error-top (no result)
Pace:           stall[:seconds] (without them until the reader leaves), drip:GATE (a frame for each step of a gate)
Spelling:       split (anywhere), glued (no newline between objects), blank, crlf, data (`data: ` and `[DONE]`), ascii
                (escapes for all that is not ASCII), unknown (frames nobody knows), upper (senders), side[:force] (pairs
                of answers), no-model, no-stop, late (pictures after the soft stop), both (conversation and response in
                one line), nested, flat (frames of the other depth), keep-alive
"""

from __future__ import annotations

import re
from typing import Any

WORD = re.compile(r"#([a-z][a-z0-9]*(?:-[a-z]+)*)(?::([A-Za-z0-9_.]+))?")
KNOWN = set(
    "plain long empty banner utf8 think search xsearch code browse experts old-search cite artifact image image2 "
    "image-moderated card-image card-search error error-late error-model error-fatal error-string error-top stall drip "
    "split glued blank crlf data ascii unknown upper side no-model no-stop late both nested flat keep-alive".split()
)
Words = dict[str, str]


def words_of(text: str, scenario: dict[str, Any]) -> Words:
    """Which words were said, each with its value or nothing."""
    found = {name: value or "" for name, value in WORD.findall(text) if name in KNOWN}
    for told in scenario.get("words", []):
        name, _, value = told.lstrip("#").partition(":")
        found[name] = value
    return found
