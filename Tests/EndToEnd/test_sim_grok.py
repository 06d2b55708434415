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
