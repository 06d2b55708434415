"""How the simulated Grok web app fails, and in how many ways it says the same."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from support.grok import APP, Browser, GrokSimulator, Told, objects
from support.grok_load import hold
from support.raw import RawClient, request_bytes
from support.waiting import wait_until

ONE, TWO = "sim-grok-1", "sim-grok-2"


@pytest.fixture
def one(grok_sim: GrokSimulator) -> Browser:
    return Browser(grok_sim.port, ONE)


@pytest.fixture
def two(grok_sim: GrokSimulator) -> Browser:
    return Browser(grok_sim.port, TWO)


# Failures


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("unauthorized", 401, "bad-credentials"),
        ("anti_bot", 403, "Request rejected by anti-bot rules."),
        ("challenge", 403, "<title>Just a moment...</title>"),
        ("blocked", 403, '{"code":7,"message":"User is blocked: sim. [WKE=unauthorized:blocked-user]'),
        ("too_many", 429, '"code":8'),
        ("no_quota", 429, "no quota"),
        ("server_error", 500, '"code":13'),
        ("bad_gateway", 502, "<html>"),
        ("unavailable", 503, '"code":14'),
        ("outdated", 400, "update your client"),
    ],
)
def test_failures_before_an_answer(
    grok_sim: GrokSimulator, one: Browser, two: Browser, fault: str, status: int, words: str
) -> None:
    grok_sim.faults({"fault": fault, "account": ONE, "operation": "chat", "times": 1, "wait": 0})
    body = {"modeId": "fast", "message": "x"}
    assert two.ask(f"{APP}/conversations/new", body).status == 200, "another account"
    assert one.json("/rest/subscriptions"), "another operation"
    answer = one.ask(f"{APP}/conversations/new", body)
    text = answer.body.decode()
    assert answer.status == status and (text.startswith(words) if words.startswith("{") else words in text)
    kind = "text/html; charset=UTF-8" if words.startswith("<") else "application/json"
    assert answer.header("content-type") == kind
    assert one.ask(f"{APP}/conversations/new", body).status == 200, "only once"
    assert grok_sim.stats()["accounts"][ONE]["statuses"][str(status)] == 1


def test_which_calls_fail(grok_sim: GrokSimulator, one: Browser, two: Browser) -> None:
    grok_sim.faults(
        {"fault": "server_error", "operation": "chat", "at": [2, 4]},
        {"fault": "unavailable", "account": TWO, "operation": "chat", "every": 2, "times": 1},
    )
    assert [one.say("x").status for _ in range(5)] == [200, 500, 200, 500, 200]
    assert [two.say("x").status for _ in range(5)] == [200, 503, 200, 200, 200]
    first = one.say("one")
    path = f"{APP}/share_links/{one.share(first.conversation, first.parent)}"
    grok_sim.faults(
        {"fault": "not_found", "operation": "clone", "at": [1]},
        {"fault": "server_error", "operation": "clone"},
        {"fault": "forbidden", "operation": "share"},
        {"fault": "too_large", "operation": "upload"},
    )
    assert [two.refused(f"{path}/clone", {})[0] for _ in range(2)] == [404, 500]
    assert one.refused(f"{APP}/conversations/{first.conversation}/share", {"responseId": first.parent}) == (403, 7)
    assert one.refused(f"{APP}/upload-file", {})[0] == 413
    grok_sim.faults({"fault": "server_error", "operation": "chat", "share": 0.5})
    seen = [one.say("x").status for _ in range(20)]
    grok_sim.reset()
    grok_sim.faults({"fault": "server_error", "operation": "chat", "share": 0.5})
    assert [one.say("x").status for _ in range(20)] == seen and set(seen) == {200, 500}, "the seed decides"


def test_a_429_is_to_be_heeded(grok_sim: GrokSimulator, one: Browser) -> None:
    grok_sim.faults({"fault": "no_quota", "operation": "chat", "at": [1], "wait": 30, "retry_after": 30})
    answer = one.ask(f"{APP}/conversations/new", {"modeId": "fast", "message": "x"})
    assert (answer.status, answer.header("retry-after")) == (429, "30")
    assert 29 <= one.limits()["waitTimeSeconds"] <= 30
    assert one.say("x").status == 429 and grok_sim.stats()["accounts"][ONE]["early_uses"] == 1
    grok_sim.advance(31)
    assert one.say("x").status == 200 and grok_sim.stats()["accounts"][ONE]["early_uses"] == 1


@pytest.mark.parametrize("fault", ["reset", "close", "reset_mid", "cut_mid", "end_mid", "empty", "error_frame"])
def test_failures_of_the_connection(grok_sim: GrokSimulator, one: Browser, fault: str) -> None:
    grok_sim.faults({"fault": fault, "operation": "new"})
    if fault in ("reset", "close"):
        data = request_bytes(f"{APP}/conversations/new", {}, headers={"Cookie": f"sso={ONE}"})
        with RawClient(("127.0.0.1", grok_sim.port), data) as reader:
            assert not reader.read_all().has_head and reader.ended
        return
    told = one.say("a few more words for this answer")
    assert told.status == 200 and not told.each("modelResponse")
    assert told.clean is (fault in ("end_mid", "empty", "error_frame"))
    assert len(told.frames) == {"empty": 0, "error_frame": 7}.get(fault, 6)
    if fault == "error_frame":
        assert told.frames[-1]["error"]["code"] == 8


@pytest.mark.parametrize(("fault", "frames"), [("silence", None), ("head_only", 0), ("stall_mid", 6)])
def test_silence(grok_sim: GrokSimulator, fault: str, frames: int | None) -> None:
    grok_sim.faults({"fault": fault, "operation": "new"})
    body = {"modeId": "fast", "message": "a few words"}
    data = request_bytes(f"{APP}/conversations/new", body, headers={"Cookie": f"sso={ONE}"})
    with RawClient(("127.0.0.1", grok_sim.port), data) as reader:
        if frames is None:
            grok_sim.wait_requests(1)
        else:
            assert reader.read_head().status == 200
        while len(reader.decoder.body.splitlines()) < (frames or 0):
            assert reader.receive()
        assert grok_sim.last()["state"] == "open"
    grok_sim.wait_gone()
    assert grok_sim.stats()["accounts"][ONE]["in_flight"] == 0


def test_failures_inside_a_stream(one: Browser) -> None:
    for key in ("globalRateLimit", "usageLimitReached", "beyondContextLength", "contentModerated"):
        told = one.say(f"#error:{key}")
        (error,) = told.each("error")
        assert key in error and told.message["streamErrors"] == [error] and told.tokens() == ""
    fatal = one.say("#error-fatal:internalError").each("error")[0]
    assert fatal["severity"] == "STREAM_ERROR_SEVERITY_FATAL"
    late = one.say("#error-late:contentModerated")
    assert late.tokens().startswith("turn=1") and late.each("error")
    quiet = one.say("#error-model:modelNotAvailable")
    assert not quiet.each("error") and "modelNotAvailable" in quiet.message["streamErrors"][0]
    assert one.say("#error-string").message["error"] == "Something went wrong"
    assert one.say("#error-top").frames[-1]["error"]["code"] == 8
    empty = one.say("#empty")
    assert empty.tokens() == empty.message["message"] == "" and empty.clean
    banner = one.say("#banner")
    assert banner.tokens(thinking=True).startswith("Thinking about") and not banner.each("modelResponse")


# Scenes


def test_scenes(grok_sim: GrokSimulator, one: Browser) -> None:
    thought = one.say("#think").inner
    tags = [(f["messageTag"], f["messageStepId"]) for f in thought if f.get("isThinking") and "token" in f]
    assert tags == [("header", 0), ("summary", 1), ("summary", 1)]
    found = one.say("#search #xsearch #old-search")
    assert len(found.each("webSearchResults")) == 2 and len(found.each("xSearchResults")) == 1
    card = found.each("toolUsageCard")[0]
    assert card["webSearch"]["args"]["query"] in found.each("token")[0]
    assert not one.say("#search", disableSearch=True).each("webSearchResults")
    code = one.say("#code #browse")
    assert [r["exitCode"] for r in code.each("codeExecutionResult")] == [0, 1]
    assert [next(iter(set(c) - {"toolUsageCardId"})) for c in code.each("toolUsageCard")][-1] == "browsePage"
    rollouts = one.say("#experts").each("rolloutId")
    assert rollouts == ["Agent 1", "Agent 2"] * 3
    cited = one.say("#cite")
    assert json.loads(cited.each("cardAttachment")[0]["jsonData"])["id"] in cited.tokens()
    artifact = one.say("#artifact").tokens()
    assert "<xaiArtifact " in artifact and artifact.endswith("</xaiArtifact> Done.")
    picture = one.say("#card-image")
    chunk = json.loads(picture.message["cardAttachmentsJson"][0])["image_chunk"]
    assert one.ask(f"/{chunk['imageUrl']}").status == 200
    assert all(step["moderated"] for step in one.say("#image-moderated").each("streamingImageGenerationResponse"))
    assert len(one.say("#long:5000").tokens().split()) == 5000
    grok_sim.control(default={"words": ["think"], "text": "told"})
    told = one.say("x")
    assert told.tokens() == "told" and told.tokens(thinking=True)


# Spelling


WORDS = [
    "split",
    "glued",
    "blank",
    "crlf",
    "data",
    "ascii",
    "unknown",
    "upper",
    "no-stop",
    "both",
    "flat",
    "keep-alive",
]


@pytest.mark.parametrize(
    "words", [*((word,) for word in WORDS), ("split", "glued", "ascii"), ("split", "crlf", "data")]
)
def test_spellings_say_the_same(grok_sim: GrokSimulator, one: Browser, words: tuple[str, ...]) -> None:
    grok_sim.control(default={"words": [*words, "utf8", "think"]})
    body = {"modeId": "fast", "message": "夜市 \u2028"}
    answer = one.ask(f"{APP}/conversations/new", body)
    data = bytes(answer.body)
    told = Told(answer.status, answer.clean, list(objects(data)))
    assert told.tokens() == told.message["message"] and told.tokens().endswith('夜市 🎏 é \\ " </s> \u2028')
    assert told.conversation
    if "split" in words:
        pieces = [piece for _, piece in answer.pieces]
        assert max(map(len, pieces)) <= 40 and sum(b"\n" not in piece for piece in pieces) > 20
    if "glued" in words:
        assert b"\n" not in data and b"}{" in data
    if "ascii" in words:
        assert data.isascii() and b"\\u591c" in data
    if "data" in words:
        assert data.rstrip().endswith(b"data: [DONE]")
    if "upper" in words:
        assert told.message["sender"] == "ASSISTANT"
    if "no-stop" in words:
        assert not any(inner.get("isSoftStop") for inner in told.inner)
    if "both" in words:
        assert {"conversation", "response"} <= told.frames[0]["result"].keys()
    if "crlf" in words:
        assert data.count(b"\r\n") == data.count(b"\n") > 10


def test_pairs_of_answers(one: Browser) -> None:
    told = one.say("#side", enableSideBySide=True)
    sides = [f for f in told.inner if "sideBySideIndex" in f]
    assert {f["sideBySideIndex"] for f in sides} == {0, 1} and told.tokens() == told.message["message"]
    flat = one.say("#side", told.conversation, told.parent, enableSideBySide=True)
    assert [f["token"] for f in flat.inner if f.get("sideBySideIndex") == 1] == ["[the other answer] "] * 3
    assert flat.tokens() == flat.message["message"]
    assert "[the other answer]" in "".join(f["token"] for f in sides if f["sideBySideIndex"] == 1)
    assert not any("sideBySideIndex" in f for f in one.say("#side", enableSideBySide=False).inner)
    assert not one.say("#no-model").each("modelResponse")


def test_a_gate_lets_frames_through_one_by_one(grok_sim: GrokSimulator) -> None:
    body = {"modeId": "fast", "message": "#drip:slow"}
    data = request_bytes(f"{APP}/conversations/new", body, headers={"Cookie": f"sso={ONE}"})
    with RawClient(("127.0.0.1", grok_sim.port), data) as reader:
        reader.read_head()

        def lines() -> int:
            return reader.decoder.body.count(b"\n")

        for count in (1, 3, 6):
            wait_until(lambda: grok_sim.waiting("slow") == 1, what="the stream at its gate")
            grok_sim.gate("slow", steps=count - lines())
            while lines() < count:
                assert reader.receive()
            wait_until(lambda: grok_sim.waiting("slow") == 1, what="the stream at its gate")
            assert lines() == count and grok_sim.last()["events_written"] == count
        grok_sim.gate("slow", is_open=True)
        assert reader.read_all().clean


def test_orders_that_make_no_sense(grok_sim: GrokSimulator) -> None:
    for path, body in (
        ("/_settings", {"wier": "x"}),
        ("/_faults", {}),
        ("/_clock", {}),
        ("/_accounts", {"plan": "free"}),
    ):
        answer: Any = grok_sim._ask("POST", path, body)
        assert answer["ok"] is False and answer["error"]
