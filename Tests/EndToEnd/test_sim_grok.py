"""The simulated Grok web app over plain HTTP, judged by what its pages were seen to get."""

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


def fields(told: Told) -> list[str]:
    """What each frame is about."""
    besides = {"isThinking", "isSoftStop", "responseId", "messageTag"}
    return ["+".join(sorted(set(inner) - besides)) for inner in told.inner]


# The two generations


@pytest.mark.parametrize("generation", ["A", "B"])
def test_a_new_conversation_is_nested_and_the_next_turn_flat(grok_sim: GrokSimulator, generation: str) -> None:
    browser = Browser(grok_sim.port, ONE, generation)
    first = browser.say("Hello you")
    head = ["conversation", "userResponse", "uiLayout", "llmInfo", "token", "token", "token", "token"]
    assert fields(first) == [*head, "token", "modelResponse", "finalMetadata", "title"]
    assert first.frames[1]["result"]["response"]["userResponse"]["message"] == "Hello you"
    assert first.inner[-4]["isSoftStop"] and first.inner[-4]["token"] == ""
    assert first.message["message"] == first.tokens() == "turn=1; history=; got=Hello you"
    assert first.message["parentResponseId"] == first.each("userResponse")[0]["responseId"]
    then = browser.say("And then?", first.conversation, first.parent)
    assert all("response" not in frame["result"] for frame in then.frames)
    assert "conversation" not in fields(then) and "title" not in fields(then)
    assert then.each("userResponse")[0]["parentResponseId"] == first.parent
    assert then.tokens() == "turn=2; history=Hello you; got=And then?"
    record = grok_sim.last()
    assert (record["account"], record["operation"]) == (ONE, "continue") and record["connection"]


def test_a_wire_of_one_generation_only(grok_sim: GrokSimulator, one: Browser) -> None:
    old = Browser(grok_sim.port, ONE, "A")
    grok_sim.settings(wire="rest-modeid")
    assert old.say("x").refusal["error"]["message"] == "Invalid request. Please update your client"
    assert one.say("x").status == 200
    grok_sim.settings(wire="rest-modelmode", statsig=True)
    assert one.say("x").refusal["error"]["code"] == 7, "no x-statsig-id"
    grok_sim.settings(statsig=False)
    assert one.say("x").refusal["error"]["code"] == 3 and old.say("x").status == 200
    grok_sim.reset()
    assert one.say("x").status == 200


# Memory


def test_it_remembers_the_branch_and_nothing_else(one: Browser) -> None:
    first = one.say("one")
    second = one.say("two", first.conversation, first.parent)
    third = one.say("three", first.conversation, second.parent)
    assert third.tokens() == "turn=3; history=one|two; got=three"
    other = one.say("another two", first.conversation, first.parent)
    assert other.tokens() == "turn=2; history=one; got=another two", "a branch"
    assert one.say("lost", first.conversation, "").tokens() == "turn=1; history=; got=lost", "a new root"
    last = one.say("What did I say in turn 2?", first.conversation, third.parent)
    assert last.tokens() == "two"
    transcript = "[User]\nremember the blue door\n\n[Assistant]\nyes #think\n\n[User]\nwhat did I say in turn 1?"
    replayed = one.say(transcript)
    assert replayed.tokens() == "remember the blue door" and not replayed.tokens(thinking=True), "no word of old turns"
    assert one.say(transcript.replace("what did I say in turn 1?", "What do you remember?")).tokens() == "the blue door"


def test_parents_that_are_none(one: Browser) -> None:
    first = one.say("one")
    for parent in (None, "nonsense", first.message["parentResponseId"]):
        refused = one.say("two", first.conversation, parent)
        assert (refused.status, refused.refusal["error"]["code"]) == (400, 3), parent
    assert one.say("two", "nowhere", first.parent).status == 404


def test_whose_it_is(grok_sim: GrokSimulator, one: Browser, two: Browser) -> None:
    first = one.say("mine")
    path = f"{APP}/conversations/{first.conversation}"
    assert two.say("yours?", first.conversation, first.parent).status == 404
    assert two.refused(f"{path}/share", {"responseId": first.parent}) == (404, 5)
    assert two.refused(path, method="DELETE") == (404, 5)
    for sso, expected in (("", (401, 16)), ("stranger", (401, 16)), ("sim-grok-dead-1", (401, 16))):
        assert Browser(grok_sim.port, sso).refused("/rest/subscriptions") == expected, sso
    blocked = Browser(grok_sim.port, "sim-grok-blocked-1").ask("/rest/subscriptions")
    assert blocked.status == 403 and json.loads(blocked.body)["code"] == 7, "without an error around it"
    assert one.ask("/rest/subscriptions", cookie=f"sso={ONE}; sso-rw=another").status == 401
    grok_sim.accounts({"sso": "stranger", "plan": "free"})
    assert Browser(grok_sim.port, "stranger").json("/rest/subscriptions") == {"subscriptions": []}


def test_reading_and_deleting(one: Browser, two: Browser) -> None:
    first = one.say("one", temporary=False)
    path = f"{APP}/conversations/{first.conversation}"
    nodes = one.json(f"{path}/response-node?includeThreads=true")["responseNodes"]
    assert [node["sender"] for node in nodes] == ["human", "assistant"] and nodes[1]["responseId"] == first.parent
    loaded = one.json(f"{path}/load-responses", {"responseIds": [first.parent]})["responses"]
    assert loaded[0]["message"] == first.tokens()
    one.say("private")
    assert [c["conversationId"] for c in one.json(f"{APP}/conversations")["conversations"]] == [first.conversation]
    assert one.json(path, method="DELETE") == {}
    assert one.say("two", first.conversation, first.parent).status == 404


# Links


def test_a_copy_goes_on_where_the_link_ends(grok_sim: GrokSimulator, one: Browser, two: Browser) -> None:
    first = one.say("one")
    second = one.say("two", first.conversation, first.parent)
    link = one.share(first.conversation, first.parent)
    assert base64.urlsafe_b64decode(link.split("_")[0] + "==").startswith(b"shard-")
    conversation, parent = two.clone(link)
    assert conversation != first.conversation and parent != first.parent
    copied = grok_sim.conversation(conversation)
    assert copied["owner"] == TWO and copied["clonedFrom"] == first.conversation
    assert not {r["responseId"] for r in copied["responses"]} & {first.parent, second.parent}
    assert two.say("mine now", conversation, parent).tokens() == "turn=2; history=one; got=mine now"
    assert one.say("mine?", conversation, parent).status == 404
    assert one.say("three", first.conversation, second.parent).tokens() == "turn=3; history=one|two; got=three"


def test_links_are_public_until_they_are_deleted(grok_sim: GrokSimulator, one: Browser, two: Browser) -> None:
    first = one.say("one")
    path = f"{APP}/share_links/{one.share(first.conversation, first.parent)}"
    stranger = Browser(grok_sim.port, "")
    seen = stranger.json(path)
    assert [r["message"] for r in seen["responses"]] == ["one", first.tokens()] and seen["viewCount"] == 1
    assert [r["message"] for r in stranger.json(f"{path}?useChunk=true")["responses"]] == ["", ""]
    assert stranger.refused(f"{path}/clone", {}) == (401, 16)
    assert [link["owner"] for link in grok_sim.stats()["links_left"]] == [ONE]
    assert len(one.json(f"{APP}/share_links?responseId={first.parent}")["shareLinks"]) == 1
    assert two.refused(path, method="DELETE") == (404, 5)
    assert one.json(path, method="DELETE") == {} and grok_sim.stats()["links_left"] == []
    assert stranger.refused(path) == (404, 5) and two.refused(f"{path}/clone", {}) == (404, 5)


# Files and pictures


def test_files_belong_to_one_account(grok_sim: GrokSimulator, one: Browser, two: Browser) -> None:
    body = {"fileName": "a.png", "fileMimeType": "image/png", "content": base64.b64encode(b"dots").decode()}
    file = one.json(f"{APP}/upload-file", body)
    assert "[a.png image/png 4 " in one.say("see", fileAttachments=[file["fileMetadataId"]]).tokens()
    assert one.ask(f"/{file['fileUri']}").body == b"dots"
    for foreign in (file["fileMetadataId"], "nonsense"):
        told = two.say("see", fileAttachments=[foreign])
        assert "attachmentLoadFailed" in told.each("error")[0] and "attachmentLoadFailed" in str(told.message)
    assert one.refused(f"{APP}/upload-file", body | {"content": "%"}) == (400, 3)
    big = base64.b64encode(bytes(3 * 1024 * 1024 + 1)).decode()
    assert one.refused(f"{APP}/upload-file", body | {"content": big}) == (403, 7)


def test_pictures_are_real_and_their_owner_s(grok_sim: GrokSimulator, one: Browser, two: Browser) -> None:
    told = one.say("#image2 #late")
    steps = told.each("streamingImageGenerationResponse")
    assert [(s["imageIndex"], s["progress"]) for s in steps] == [(0, 50), (0, 100), (1, 50), (1, 100)]
    names = fields(told)
    stop = next(place for place, inner in enumerate(told.inner) if inner.get("isSoftStop"))
    assert names.index("streamingImageGenerationResponse") > stop, "after the soft stop"
    paths = told.message["generatedImageUrls"]
    assert paths == [s["imageUrl"] for s in steps if s["progress"] == 100] and len(set(paths)) == 2
    picture = one.ask(f"/{paths[0]}")
    assert picture.header("content-type") == "image/jpeg" and _jpeg_size(bytes(picture.body)) == (8, 8)
    assert one.ask(f"/{steps[0]['imageUrl']}").status == 200
    assert two.refused(f"/{paths[0]}") == (403, 7) and Browser(grok_sim.port, "").refused(f"/{paths[0]}") == (403, 7)
    assert one.refused("/users/nobody/image.jpg") == (404, 5)
    data = bytes(one.ask("/abroad/cat.png").body)
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">I", data[29:33])[0] == zlib.crc32(data[12:29])
    assert grok_sim.stats()["manners"]["odd"] == {"a cookie abroad": 1}


def _jpeg_size(data: bytes) -> tuple[int, int]:
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"
    place = 2
    while data[place + 1] != 0xC0:
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    height, width = struct.unpack(">HH", data[place + 5 : place + 9])
    return width, height


# Quotas


def test_a_quota_ends_and_returns(grok_sim: GrokSimulator, one: Browser) -> None:
    grok_sim.accounts({"sso": ONE, "windows": {"fast": {"total": 2, "seconds": 3600}}})
    assert one.limits()["remainingQueries"] == 2 and "waitTimeSeconds" not in one.limits()
    assert [one.say("x").status for _ in range(3)] == [200, 200, 429]
    limits = one.limits()
    assert limits["remainingQueries"] == 0 and 3590 < limits["waitTimeSeconds"] <= 3600
    assert "remainingTokens" not in limits
    assert grok_sim.stats()["accounts"][ONE]["early_uses"] == 0
    assert one.say("x").status == 429 and one.say("x", modeId="auto").status == 200, "another window"
    (early,) = grok_sim.stats()["accounts"][ONE]["early_records"]
    assert early["key"] == "fast" and early["told_at"] < early["at"] < early["until"]
    grok_sim.advance(3601)
    assert one.say("x").status == 200 and grok_sim.stats()["accounts"][ONE]["early_uses"] == 1


def test_plans_and_models(grok_sim: GrokSimulator) -> None:
    old = Browser(grok_sim.port, "sim-grok-super-7", "A")
    assert old.limits("grok-3")["remainingTokens"] == 140
    old.say("x", modelMode="MODEL_MODE_GROK_3_MINI_THINKING")
    limits = old.limits("grok-3")
    assert limits["remainingTokens"] == 136 and limits["highEffortRateLimits"]["remainingQueries"] == 34
    assert old.refused("/rest/rate-limits", {"modelName": "grok-99"}) == (404, 5)
    tiers = {"free": [], "lite": ["SUPER_GROK_LITE"], "super": ["GROK_PRO"], "heavy": ["SUPER_GROK_PRO"]}
    for plan, names in tiers.items():
        found = Browser(grok_sim.port, f"sim-grok-{plan}-1").json("/rest/subscriptions")["subscriptions"]
        assert [s["tier"].removeprefix("SUBSCRIPTION_TIER_") for s in found] == names
    told = Browser(grok_sim.port, "sim-grok-free-1").say("x", modeId="heavy")
    assert "modelNotAvailable" in told.each("error")[0]


# Many at once


@pytest.mark.parametrize("conversations", [60, pytest.param(500, marks=[pytest.mark.chaos, pytest.mark.limit(120)])])
def test_many_conversations(grok_sim: GrokSimulator, note: Callable[[str], None], conversations: int) -> None:
    held = hold(grok_sim, conversations, turns=8)
    note(str(held))
    stats = grok_sim.stats()
    assert held.wrong == 0 and stats["counts"]["conversations"] == conversations
    assert sum(tally["chats"] for tally in stats["accounts"].values()) == held.turns
    assert all(tally["in_flight"] == 0 for tally in stats["accounts"].values()) and not stats["manners"]["overlaps"]


# What clients do wrong


def test_too_much_at_once_is_written_down(grok_sim: GrokSimulator, one: Browser) -> None:
    grok_sim.accounts({"sso": ONE, "inFlightLimit": 2})
    first = one.say("one")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        turns = [pool.submit(one.say, f"{n} #drip:a", first.conversation, first.parent) for n in range(3)]
        wait_until(lambda: grok_sim.waiting("a") == 3, what="three streams at the gate")
        stats = grok_sim.stats()
        assert stats["accounts"][ONE]["in_flight"] == 3
        grok_sim.gate("a", is_open=True)
        assert all(turn.result().clean for turn in turns)
    stats = grok_sim.stats()
    tally = stats["accounts"][ONE]
    assert (tally["violations"], tally["in_flight_peak"], tally["in_flight"]) == (1, 3, 0)
    assert len(stats["manners"]["overlaps"]) == 2, "turns of one conversation at the same time"
    grok_sim.accounts({"sso": ONE, "inFlightLimit": 1, "enforced": True})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(one.say, "#drip:b")
        wait_until(lambda: grok_sim.waiting("b") == 1, what="a stream at the gate")
        assert "concurrencyLimit" in one.say("x").each("error")[0]
        grok_sim.gate("b", is_open=True)
        slow.result()


def test_a_turn_is_over_when_its_answer_is_complete(grok_sim: GrokSimulator, one: Browser) -> None:
    first = one.say("one")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(one.say, "two #drip:a", first.conversation, first.parent)
        grok_sim.gate("a", steps=8)
        wait_until(lambda: grok_sim.last()["events_written"] == 8, what="all of the answer but its whole")
        wait_until(lambda: grok_sim.waiting("a") == 1, what="the stream at its gate")
        third = one.say("three", first.conversation, first.parent)
        assert len(grok_sim.stats()["manners"]["overlaps"]) == 1
        grok_sim.gate("a", steps=1)
        wait_until(lambda: grok_sim.requests("responses")[0]["events_written"] == 9, what="the whole answer")
        one.say("four", first.conversation, third.parent)
        assert len(grok_sim.stats()["manners"]["overlaps"]) == 1
        grok_sim.gate("a", is_open=True)
        assert slow.result().message["message"] == "turn=2; history=one; got=two #drip:a"


def test_headers_that_give_a_machine_away(grok_sim: GrokSimulator, one: Browser) -> None:
    request_id = "2b1f7a5e-3c52-4c58-9d0e-5a4f3b2c1d0e"
    for _ in range(2):
        one.ask("/rest/subscriptions", x_xai_request_id=request_id)
    one.ask("/rest/subscriptions", x_xai_request_id="7")
    one.say("x", stream=True)
    assert grok_sim.stats()["manners"]["odd"] == {
        "x-xai-request-id was used before": 1,
        "x-xai-request-id is no UUID": 1,
        "unknown field stream": 1,
    }


def test_an_answer_that_nobody_reads_goes_on(grok_sim: GrokSimulator, one: Browser) -> None:
    body = {"modeId": "fast", "message": "#stall one two three four"}
    data = request_bytes(f"{APP}/conversations/new", body, headers={"Cookie": f"sso={ONE}"})
    with RawClient(("127.0.0.1", grok_sim.port), data) as reader:
        while b"history=" not in reader.decoder.body and reader.receive():
            pass
        conversation = next(objects(bytes(reader.decoder.body)))["result"]["conversation"]["conversationId"]
    grok_sim.wait_gone()
    path = f"{APP}/conversations/{conversation}"
    assert [r["partial"] for r in one.json(f"{path}/responses")["inflightResponses"]] == [True]
    assert grok_sim.stats()["conversations"]["abandoned"] == 1
    assert one.json(f"{path}/stop-inflight-responses", {}) == {}
    assert grok_sim.stats()["conversations"]["abandoned"] == 0
