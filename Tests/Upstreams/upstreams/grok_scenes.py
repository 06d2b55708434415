"""What happens in an answer beside its text: thoughts, tools, experts, pictures, cards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .grok_frames import Frame

if TYPE_CHECKING:
    from .grok_answer import Answer

Scene = Callable[["Answer"], Iterator[Frame]]

SITES: list[dict[str, Any]] = [
    {
        "url": "https://example.org/a", "title": "Example A", "preview": "First preview", "searchEngineText": "",
        "description": "", "siteName": "example.org", "metadataTitle": "Example A", "creator": "", "image": "",
        "favicon": "https://example.org/favicon.ico", "citationId": "",
    },
    {"url": "https://example.org/b", "title": "Example B", "preview": "Second preview"},
]  # fmt: skip
POSTS = [
    {
        "username": "sim", "name": "Sim", "text": "A post about tests", "postId": "1800000000000000001",
        "createTime": "2026-02-20T08:00:00Z", "profileImageUrl": "", "viewCount": 7, "citationId": "",
    }
]  # fmt: skip
BANNER = "Thinking about your request"
PROMPT = "I generated images with the prompt: 'a red fox'"


def banner(answer: Answer) -> Iterator[Frame]:
    yield answer.frames.thought(BANNER, "header", 0)


def think(answer: Answer) -> Iterator[Frame]:
    yield from banner(answer)
    for piece in answer.scenario.get("reasoning", ["The user wants the sum. ", "17+25=42."]):
        yield answer.frames.thought(piece)


def _tool(answer: Answer, card: str, name: str, given: dict[str, str], rollout: str, result: dict[str, Any]) -> Any:
    """A card that says what is done, and what came of it."""
    spelled = json.dumps(given, separators=(",", ":"))
    xml = (
        f"<xai:tool_usage_card><xai:tool_usage_card_id>{card}</xai:tool_usage_card_id>"
        f"<xai:tool_name>{name}</xai:tool_name><xai:tool_args><![CDATA[{spelled}]]></xai:tool_args>"
        f"</xai:tool_usage_card>"
    )
    first, *rest = name.split("_")
    twin = {"toolUsageCardId": card, first + "".join(map(str.capitalize, rest)): {"args": given}}
    cards: dict[str, Any] = {"rollout": rollout, "toolUsageCardId": card}
    yield answer.frames.thought(xml, "tool_usage_card", toolUsageCard=twin, **cards)
    if result:
        yield answer.frames.thought("", "raw_function_result", **cards, **result)


def search(answer: Answer) -> Iterator[Frame]:
    if answer.body.get("disableSearch"):
        return
    found = {"webSearchResults": {"results": SITES}}
    yield from _tool(answer, "c-1", "web_search", {"query": "swift libuv gateway"}, "Grok", found)


def x_search(answer: Answer) -> Iterator[Frame]:
    if answer.body.get("disableSearch"):
        return
    yield from _tool(answer, "c-2", "x_search", {"query": "tests"}, "Grok", {"xSearchResults": {"results": POSTS}})


def old_search(answer: Answer) -> Iterator[Frame]:
    yield answer.frames.of(webSearchResults={"results": SITES})


def code(answer: Answer) -> Iterator[Frame]:
    good = {"stdout": "42\n", "stderr": "", "exitCode": 0, "commandTimedOut": False}
    bad = {"stdout": "", "stderr": "Traceback:\nZeroDivisionError: division by zero\n", "exitCode": 1}
    two_lines = {"code": "x = 17 + 25\nprint(x)"}
    yield from _tool(answer, "c-3", "code_execution", two_lines, "Grok", {"codeExecutionResult": good})
    yield from _tool(answer, "c-4", "code_execution", {"code": "1/0"}, "Grok", {"codeExecutionResult": bad})


def browse(answer: Answer) -> Iterator[Frame]:
    given = {"url": "https://example.org/a", "instructions": "Find the date"}
    yield from _tool(answer, "c-5", "browse_page", given, "Grok", {})


def experts(answer: Answer) -> Iterator[Frame]:
    """Two of them, whose lines come in turns."""
    query = {"query": "half of 84"}
    found = {"webSearchResults": {"results": SITES[:1]}}
    first = [*_tool(answer, "e-1", "web_search", query, "Agent 1", found)]
    first += [answer.frames.thought("It is 42. ", rollout="Agent 1")]
    second = [answer.frames.thought("Let me check. ", rollout="Agent 2")]
    message = {"to": "Agent 1", "message": "Are you sure that it is 42? " * 5}
    second += [*_tool(answer, "e-2", "chatroom_send", message, "Agent 2", {})]
    second += [answer.frames.thought("Agreed. ", rollout="Agent 2")]
    for pair in zip(first, second, strict=True):
        yield from pair


def cite(answer: Answer) -> Iterator[Frame]:
    card = {"id": "k1", "type": "render_inline_citation", "cardType": "citation_card", "url": SITES[0]["url"]}
    yield answer.say("See ")
    yield _card(answer, card)
    tag = '<grok:render card_id="k1" card_type="citation_card" type="render_inline_citation">'
    yield answer.say(f'the docs{tag}<argument name="citation_id">0</argument></grok:render>.')


def artifact(answer: Answer) -> Iterator[Frame]:
    """Code in a wrapping of its own, whose tags are cut in two by the tokens."""
    head = 'ifact artifact_id="a1" title="sum.py" contentType="text/x-python">\n'
    for piece in ("Here: <xaiArt", head, "print(17", " + 25)", "\n</xaiArti", "fact> Done."):
        yield answer.say(piece)


def _card(answer: Answer, card: dict[str, Any]) -> Frame:
    return answer.frames.of(cardAttachment={"jsonData": json.dumps(card, separators=(",", ":"))})


# Pictures


def _image(place: int) -> Scene:
    def frames(answer: Answer) -> Iterator[Frame]:
        half, whole = answer.generate()
        common = {"imageId": f"img-{place + 1}", "imageIndex": place, "moderated": False}
        steps = [common | {"imageUrl": half, "seq": 0, "progress": 50, "imageModel": "imagine_x_1"}]
        steps += [common | {"imageUrl": whole, "seq": 1, "progress": 100, "isFinal": True}]
        answer.images.append(whole)
        for step in steps:
            yield answer.frames.of(streamingImageGenerationResponse=step)

    return frames


def images(answer: Answer, count: int) -> Iterator[Frame]:
    """They come before the soft stop, or after it if that is asked for."""
    yield answer.frames.of(imageAttachmentInfo={"imageAttachmentCount": 0})
    shown = [frame for place in range(count) for frame in _image(place)(answer)]
    if "late" in answer.words:
        answer.late += shown
    else:
        yield from shown
    yield answer.say(PROMPT, tag=None)


def image(answer: Answer) -> Iterator[Frame]:
    yield from images(answer, answer.body.get("imageGenerationCount") or 1)


def two_images(answer: Answer) -> Iterator[Frame]:
    yield from images(answer, 2)


def moderated(answer: Answer) -> Iterator[Frame]:
    half, whole = answer.generate()
    common = {"imageId": "img-1", "imageIndex": 0, "moderated": True, "systemErrCode": 1003}
    for seq, (path, progress) in enumerate(((half, 50), (whole, 100))):
        step = common | {"imageUrl": path, "seq": seq, "progress": progress, "isFinal": progress == 100}
        yield answer.frames.of(streamingImageGenerationResponse=step)
    yield answer.say("The image was moderated.", tag=None)


def card_image(answer: Answer) -> Iterator[Frame]:
    """Newer pictures: chunks in a card, and a place for it in the text."""
    half, whole = answer.generate()
    card: dict[str, Any] = {"id": "g1", "type": "render_generated_image", "cardType": "generated_image_card"}
    chunk: dict[str, Any] = {"imageUuid": "img-1", "moderated": False, "imageTitle": "A fox"}
    for seq, (path, progress) in enumerate(((half, 50), (whole, 100))):
        step = card | {"image_chunk": chunk | {"imageUrl": path, "seq": seq, "progress": progress}}
        yield _card(answer, step)
        if progress == 100:
            answer.cards.append(json.dumps(step, separators=(",", ":")))
    tag = '<grok:render card_id="g1" card_type="generated_image_card" type="render_generated_image"></grok:render>'
    yield answer.say(f"Here it is: {tag}")


def card_search(answer: Answer) -> Iterator[Frame]:
    found = {
        "title": "A fox", "thumbnail": "https://example.org/t.jpg", "original": "https://example.org/o.jpg",
        "link": "https://example.org/a", "source": "example.org",
    }  # fmt: skip
    card = {"id": "s1", "type": "render_searched_image", "cardType": "image_card", "image": found}
    answer.cards.append(json.dumps(card, separators=(",", ":")))
    yield _card(answer, card)
    tag = '<grok:render card_id="s1" card_type="image_card" type="render_searched_image"></grok:render>'
    yield answer.say(f"Look: {tag}")


# In the order in which they come, and whether the usual text follows.
SCENES: dict[str, tuple[Scene, bool]] = {
    "think": (think, True),
    "search": (search, True),
    "xsearch": (x_search, True),
    "old-search": (old_search, True),
    "code": (code, True),
    "browse": (browse, True),
    "experts": (experts, True),
    "cite": (cite, False),
    "artifact": (artifact, False),
    "image": (image, False),
    "image2": (two_images, False),
    "image-moderated": (moderated, False),
    "card-image": (card_image, False),
    "card-search": (card_search, False),
}
