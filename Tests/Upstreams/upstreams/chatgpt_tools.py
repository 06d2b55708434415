"""The tools that an answer may use on its way: code, browsing and images."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from .chatgpt_encoding import Add, Change, Grow, Step
from .chatgpt_turn import Ask, message

#: The smallest picture there is.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
CODE = "print(2 + 2)"
SANDBOX = "/mnt/data/result.csv"
PAGE = "https://example.invalid/a"
#: Marks of a citation: the present ones are of private use.
OPEN, NEXT, CLOSE = "\ue200", "\ue202", "\ue201"
MARK = f"{OPEN}cite{NEXT}turn0search1{CLOSE}"
OLD_MARK = "【1†source】"
SAID = {
    "code": f"It is 4. See [result.csv](sandbox:{SANDBOX}).",
    "browse-old": f"It rains{OLD_MARK} in Taipei.",
    "browse-new": f"It rains{MARK} in Taipei.",
}
DONE = {"status": "finished_successfully"}
FINISHED = {"p": "/message/status", "o": "replace", "v": "finished_successfully"}


def _kind(ask: Ask) -> str:
    kind = ask.scenario.get("tool", "")
    return ("browse-new" if ask.is_present else "browse-old") if kind == "browse" else kind


def text(ask: Ask) -> str:
    """What is said after a tool was used."""
    return SAID.get(_kind(ask), "")


def references(ask: Ask) -> dict[str, Any]:
    """Where the marks in the text point to."""
    kind = _kind(ask)
    if kind == "browse-old":
        start = SAID[kind].index(OLD_MARK)
        page = {"type": "webpage", "title": "Rain", "url": f"{PAGE}?utm_source=chatgpt.com", "text": "It rains."}
        place = {"start_ix": start, "end_ix": start + len(OLD_MARK), "citation_format_type": "tether_og"}
        return {"citations": [place | {"metadata": page}]}
    if kind == "browse-new":
        start = SAID[kind].index(MARK)
        item = {"title": "Rain", "url": f"{PAGE}?utm_source=chatgpt.com", "attribution": "example.invalid"}
        place = {"matched_text": MARK, "start_idx": start, "end_idx": start + len(MARK), "type": "grouped_webpages"}
        refs = [{"turn_index": 0, "ref_type": "search", "ref_index": 1}]
        alt = f"([example.invalid]({PAGE}?utm_source=chatgpt.com))"
        return {"content_references": [place | {"refs": refs, "items": [item], "fallback_items": [], "alt": alt}]}
    return {}


def steps(ask: Ask, kind: str) -> Iterator[Step]:
    if kind == "code":
        yield from _code(ask)
    elif kind.startswith("browse"):
        yield from _browse(ask)
    elif ask.conversation.is_temporary:
        content = {"content_type": "text", "parts": ["Images cannot be made in a temporary chat."]}
        yield Add(message(ask, content, end_turn=True, **DONE))
    elif kind == "dalle":
        yield from _old_image(ask)
    elif kind == "gptimage":
        yield from _image(ask)
    else:
        yield Add(waiting_image(ask))


def _code(ask: Ask) -> Iterator[Step]:
    content = {"content_type": "code", "language": "python", "text": ""}
    yield Add(message(ask, content, recipient="python", end_turn=False))
    for piece in (CODE[:6], CODE[6:]):
        yield Grow(piece, "/message/content/text")
    yield Change([FINISHED, {"p": "/message/end_turn", "o": "replace", "v": False}])
    picture = ask.make_file("plot.png", PNG, "image/png")
    said = {"message_type": "stream", "stream_name": "stdout", "text": "4\n"}
    drawn = {"message_type": "image", "image_url": f"file-service://{picture}", "width": 640, "height": 480}
    result = {"status": "success", "run_id": "r-1", "messages": [said, drawn], "code": CODE}
    metadata = ask.metadata() | {"aggregate_result": result}
    output = {"content_type": "execution_output", "text": "4\n"}
    yield Add(message(ask, output, "tool", "python", metadata=metadata, **DONE))


def _browse(ask: Ask) -> Iterator[Step]:
    query = json.dumps({"search_query": [{"q": "rain in Taipei"}]})
    content = {"content_type": "code", "language": "unknown", "text": query}
    yield Add(message(ask, content, recipient="web.run" if ask.is_present else "browser", end_turn=False, **DONE))
    if _kind(ask) == "browse-old":
        quote = {"url": PAGE, "domain": "example.invalid", "text": "It rains.", "title": "Rain"}
        yield Add(message(ask, {"content_type": "tether_quote"} | quote, "tool", "browser", **DONE))
        return
    ref = {"turn_index": 0, "ref_type": "search", "ref_index": 1}
    entry = {"type": "search_result", "url": PAGE, "title": "Rain", "snippet": "It rains.", "ref_id": ref}
    group = {"type": "search_result_group", "domain": "example.invalid", "entries": [entry]}
    hidden = {"search_result_groups": [group], "is_visually_hidden_from_conversation": True}
    page = {"content_type": "text", "parts": [""]}
    yield Add(message(ask, page, "tool", "web.run", metadata=ask.metadata() | hidden, **DONE))


def _pointer(scheme: str, name: str, height: int = 1024) -> dict[str, Any]:
    made = {"gen_id": "g1", "prompt": "a cat", "seed": 1}
    metadata = {"dalle": made, "generation": {"height": height, "width": 1024}}
    size = {"size_bytes": len(PNG), "width": 1024, "height": 1024}
    return {"content_type": "image_asset_pointer", "asset_pointer": f"{scheme}://{name}", "metadata": metadata} | size


def _old_image(ask: Ask) -> Iterator[Step]:
    call = {"content_type": "code", "language": "json", "text": json.dumps({"prompt": "a cat", "size": "1024x1024"})}
    yield Add(message(ask, call, recipient="dalle.text2im", end_turn=False, **DONE))
    name = ask.make_file("cat.png", PNG, "image/png")
    content = {"content_type": "multimodal_text", "parts": [_pointer("file-service", name)]}
    yield Add(message(ask, content, "tool", "dalle.text2im", **DONE))


def _image(ask: Ask) -> Iterator[Step]:
    name = ask.make_file("cat.png", PNG, "image/png", "file_00000000")
    content = {"content_type": "multimodal_text", "parts": [_pointer("sediment", name, 256)]}
    metadata = ask.metadata() | {"image_gen_title": "A cat", "image_gen_task_id": "task-1"}
    yield Add(message(ask, content, "tool", "t2uay3k.sj1i4kz", metadata=metadata))
    height = "/message/content/parts/0/metadata/generation/height"
    yield Change([{"p": height, "o": "replace", "v": 512}])
    yield Change([{"p": height, "o": "replace", "v": 1024}, FINISHED])


def waiting_image(ask: Ask) -> dict[str, Any]:
    """The message that says that a picture comes later."""
    content = {"content_type": "text", "parts": ["Processing image."]}
    return message(ask, content, "tool", "t2uay3k.sj1i4kz", metadata=ask.metadata() | _task(), **DONE)


def late_image(ask: Ask) -> dict[str, Any]:
    """The message that the picture comes with."""
    name = ask.make_file("cat.png", PNG, "image/png", "file_00000000")
    content = {"content_type": "multimodal_text", "parts": [_pointer("sediment", name)]}
    return message(ask, content, "tool", "t2uay3k.sj1i4kz", metadata=ask.metadata() | _task(), **DONE)


def _task() -> dict[str, Any]:
    task = {"image_gen_task_id": "task-1", "image_gen_async": True, "async_task_type": "image_gen"}
    return task | {"async_task_title": "A cat"}
