"""The simulated ChatGPT over raw HTTP, with a page written from the protocol alone as its judge."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from support.chatgpt_page import Answer, Page, fnv1a, solve
from support.raw import Address, Decoder, RawClient, exchange, fetch, request_bytes
from support.simulator import Simulator
from support.waiting import wait_until
from upstreams.chatgpt_sentinel import flaw_of
from upstreams.chatgpt_sentinel import fnv1a as simulated_fnv1a
from upstreams.chatgpt_tokens import CLIENTS, account_id, mint, refresh_token, session_cookie

Open = Callable[..., Page]
BOTH = pytest.mark.parametrize("is_present", [False, True], ids=["legacy", "f"])


@pytest.fixture
def address(chatgpt_sim: Simulator) -> Address:
    return ("127.0.0.1", chatgpt_sim.port)


@pytest.fixture
def page(address: Address) -> Open:
    def open_page(name: str = "at-ok-1", is_present: bool = False, **options: Any) -> Page:
        return Page(address, name, is_present, **options)

    return open_page


# The puzzle


def test_the_puzzle_is_that_of_the_sheet() -> None:
    for text, digest in {"": "ab3e7c0b", "hello": "888d766e", "0.42abc": "670119f0"}.items():
        assert fnv1a(text) == simulated_fnv1a(text) == digest
    known = (
        "gAAAAABWyJ4IiwiTW9uIEphbiAwMSAyMDI0IDAwOjAwOjAwIEdNVCswMDAwIChVVEMpIiw0Mjk0NzA1MTUyLDIsImdhdGV3YXkvMS4wIiwi"
        "IiwiYnVpbGQtdGVzdCIsImVuLVVTIiwiZW4tVVMiLDEsIm4iLCJkIiwidyIsMS41LCIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAw"
        "MDAwMDAiLCIiLDgsMF0="
    )
    assert flaw_of(known, "0.42", "0fffff", "sha3") is None
    assert flaw_of(known, "0.42", "00ffff", "sha3") == "digest"
    assert flaw_of(known, "0.43", "0000ff", "sha3") == "digest"
    assert flaw_of(known, "0.42", "0fffff", "fnv1a") == "suffix"


@BOTH
def test_requirements_are_checked_and_used_once(chatgpt_sim: Simulator, page: Open, is_present: bool) -> None:
    mine, other = page(is_present=is_present), page("at-ok-2", is_present=is_present)
    shown = mine.requirements()
    assert other.ask("hi", shows=shown).status == 403, "they are another's"
    shown = mine.requirements()
    assert [mine.ask("hi", shows=shown).status for _ in range(2)] == [200, 403]
    assert mine.ask("hi", shows={}).status == 403
    chatgpt_sim.control(settings={"requirements_ttl": -1})
    assert mine.ask("hi").status == 403
    counts = chatgpt_sim.stats()["sentinel"]
    refused = {name: count for name, count in counts.items() if name.startswith("refused")}
    assert refused == {f"refused_{why}": 1 for why in ("foreign", "used_twice", "missing", "expired")}
    chatgpt_sim.control(settings={"requirements": False})
    assert mine.ask("hi", shows={}).status == 200


def test_a_wrong_proof_is_refused(chatgpt_sim: Simulator, page: Open) -> None:
    mine = page()
    chatgpt_sim.control(settings={"difficulty": "0000ff"})
    asked = mine.value("sentinel/chat-requirements", {"p": None})
    shown = {"openai-sentinel-chat-requirements-token": asked["token"]}
    lazy = solve(asked["proofofwork"] | {"difficulty": "ffffff"})
    assert mine.ask("hi", shows=shown | {"openai-sentinel-proof-token": lazy}).status == 403
    assert chatgpt_sim.stats()["sentinel"]["refused_proof_digest"] == 1
    chatgpt_sim.control(settings={"difficulty": "0fffff", "turnstile_enforced": True, "turnstile_required": True})
    assert mine.value("sentinel/chat-requirements", {"p": None})["turnstile"]["required"]
    assert mine.ask("hi").status == 403
    assert page(is_present=True).call("sentinel/chat-requirements/finalize", {"prepare_token": "x"}).status == 400


# Turns


@BOTH
def test_a_turn(page: Open, is_present: bool) -> None:
    answer = page(is_present=is_present).ask("夜市 🎏")
    assert answer.text == "You said: 夜市 🎏" and answer.is_done and answer.finish == "stop"
    last = answer.shown[-1]
    assert (last["status"], last["end_turn"]) == ("finished_successfully", True)
    assert answer.control("message_stream_complete")["conversation_id"] == answer.conversation
    assert (b"event: delta\n" in answer.decoder.body) == is_present


@pytest.mark.parametrize("words", ["", "#think", "#code", "#browse-new", "#gptimage", "#utf8split", "#think-channel"])
def test_both_encodings_say_the_same(page: Open, words: str) -> None:
    told = []
    for encoding in ("#v1", "#legacy"):
        answer = page(is_present=True).ask(f"go {encoding} {words}")
        found = [m for m in answer.messages.values() if m["author"]["role"] not in ("system", "user")]
        told.append([(m["author"]["role"], m["content"]["content_type"], m["status"], m["channel"]) for m in found])
        told[-1].append(answer.text.replace(encoding, ""))
    assert told[0] == told[1] and len(told[0]) >= 2


@BOTH
def test_conversations_are_remembered(page: Open, is_present: bool) -> None:
    mine = page(is_present=is_present)
    first = mine.ask("one #echo")
    assert first.text == "turn=1; history=; got=one #echo"
    second = mine.ask("two #echo", **mine.after(first))
    assert second.text == f"turn=2; history=one #echo|{first.text}; got=two #echo"
    third = mine.ask("other #echo", **mine.after(first))
    assert third.text == f"turn=2; history=one #echo|{first.text}; got=other #echo", "another branch"
    assert second.conversation == third.conversation == first.conversation
    again = mine.ask(action="variant", conversation_id=first.conversation, parent_message_id=mine_last(mine, second))
    assert again.status == 200
    shown = mine.value(f"conversation/{first.conversation}")
    assert len(shown["mapping"]) >= 7 and shown["current_node"] == again.shown[-1]["id"]
    many = mine.ask("a", "b", "c #echo")
    assert many.text == "turn=3; history=a|b; got=c #echo"


def mine_last(page: Page, answer: Answer) -> str:
    """The user's message under which an answer hangs."""
    mapping = page.value(f"conversation/{answer.conversation}")["mapping"]
    return mapping[answer.shown[-1]["id"]]["parent"]


def test_temporary_and_foreign_conversations(page: Open) -> None:
    mine, other = page(), page("at-ok-2")
    passing = mine.ask("hi", history_and_training_disabled=True)
    gone = mine.ask("more", **mine.after(passing))
    assert (gone.status, gone.code) == (404, "history_disabled_conversation_not_found")
    kept = mine.ask("hi")
    assert [c["id"] for c in mine.value("conversations")["items"]] == [kept.conversation]
    foreign = other.ask("more", **other.after(kept))
    assert (foreign.status, foreign.code) == (404, "conversation_not_found")
    assert other.call(f"conversation/{kept.conversation}").status == 404
    assert other.call(f"conversation/{kept.conversation}", {"is_visible": False}, "PATCH").status == 404
    assert mine.ask("x", conversation_id=kept.conversation).status == 400, "a parent that is not there"
    mine.value(f"conversation/{kept.conversation}", {"is_visible": False}, "PATCH")
    assert mine.call(f"conversation/{kept.conversation}").status == 404
    assert mine.value("conversations")["total"] == 0


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"temperature": 1}, "unknown key temperature"),
        ({"action": "go"}, "action"),
        ({"parent_message_id": "x"}, "parent_message_id"),
        ({"supported_encodings": ["v2"]}, "supported_encodings"),
        ({"messages": []}, "messages"),
        ({"conversation_mode": {"kind": "gizmo_interaction"}}, "conversation_mode"),
        ({"thinking_effort": "high"}, "thinking_effort"),
        ({"history_and_training_disabled": 1}, "wrong type"),
    ],
)
@BOTH
def test_wrong_bodies(page: Open, is_present: bool, members: dict[str, Any], words: str) -> None:
    answer = page(is_present=is_present).ask("hi", **members)
    assert answer.status == 422 and words in answer.detail


def test_generations_have_keys_of_their_own(page: Open) -> None:
    assert page(is_present=True).ask("hi", force_use_sse=True).status == 422
    assert page().ask("hi", force_use_sse=True).status == 200
    assert page().ask("hi", supports_buffering=True).status == 422
    assert page(is_present=True).ask("hi", parent_message_id="client-created-root").status == 200
    assert page().ask("hi", model="gpt-4").status == 200, "not listed, but there"
    assert page().ask("hi", model="gpt-1").code == "model_not_found"


# What answers can be like


def test_magic_words(page: Open) -> None:
    mine, new = page(), page(is_present=True)
    thought = [m["content"] for m in new.ask("#think").messages.values() if m["content"]["content_type"] == "thoughts"]
    assert thought[0]["thoughts"][0] | {"chunks": []} == {
        "summary": "Checking",
        "content": "I add 2 and 2 and get 4.",
        "chunks": [],
        "finished": True,
    }
    old = [m for m in mine.ask("#think").messages.values() if m["author"]["role"] == "tool"]
    assert old[0]["metadata"]["finished_text"] == "Thought for 7s"
    assert "\ue200cite\ue202turn0search1\ue201" in new.ask("#browse").text and "【1†source】" in mine.ask("#browse").text
    assert "unusual activity" in mine.ask("#err200").error and mine.ask("#err200").status == 200
    assert "unusual activity" in mine.ask("#err200-json").detail
    assert new.ask("#moderate").control("moderation")["moderation_response"]["blocked"]
    assert b"\r\n\r\n" in mine.ask("#crlf").decoder.body and mine.ask("#crlf").text == "You said: #crlf"
    assert max(map(len, bytes(mine.ask("#bigline=500000").decoder.body).split(b"\n"))) > 500_000
    whole = mine.ask("#noinprogress")
    assert whole.text and b'"in_progress"' not in whole.decoder.body
    assert b"\\ud83c\\udf8f" in new.ask("#surrogates").decoder.body
    halves = bytes(new.ask("#surrogates-split").decoder.body)
    assert b'{"v":"\\ud83c"}' in halves and b'{"v":"\\udf8f"}' in halves
    assert new.ask("#noise of words").text == mine.ask("#noise of words").text == "You said: #noise of words"
    odd = new.ask("#v1-odd one two three four five six seven")
    assert odd.text == "You said: #v1-odd one two three four five six seven" and b'data: {"v":[{"p"' in odd.decoder.body
    assert mine.ask("#rootless a b").text == "You said: #rootless a b"
    assert new.ask("#multi a b c").text == "You said: #multi a b c"
    assert new.ask("#split=3 a b c").text == "You said: #split=3 a b c"
    assert new.ask("#capped").control("conversation_detail_metadata")["blocked_features"]
    assert mine.ask("#html403").status == 403


def test_an_answer_that_is_too_long_goes_on(page: Open) -> None:
    mine = page()
    answers = [mine.ask("#long")]
    while answers[-1].finish == "max_tokens":
        answers.append(mine.ask(action="continue", **mine.after(answers[-1])))
    assert [a.text for a in answers] == ["part 1 of 3. ", "part 2 of 3. ", "part 3 of 3. "]
    passing = mine.ask("#long", history_and_training_disabled=True)
    gone = mine.ask(action="continue", history_and_training_disabled=True, **mine.after(passing))
    assert gone.code == "history_disabled_conversation_not_found"


@pytest.mark.parametrize("words", ["#cut=4", "#cut=9", "#cut-hard=7", "#handoff"])
def test_a_broken_answer_is_taken_up_again(chatgpt_sim: Simulator, page: Open, words: str) -> None:
    new = page(is_present=True)
    text = f"{words} one two three four five"
    answer = new.ask(text)
    assert answer.is_done == (words == "#handoff") and not any(m["end_turn"] for m in answer.shown)
    assert new.value(f"conversation/{answer.conversation}/stream_status")["status"] == "IS_STREAMING"
    assert new.resume(answer).text == f"You said: {text}" and answer.is_done
    assert chatgpt_sim.stats()["resumed"] == 1
    told = {"conversation_id": answer.conversation, "offset": 0}
    assert new.call("f/conversation/resume", told).status == 410
    assert page("at-ok-2", is_present=True).call("f/conversation/resume", told).status == 404


def test_a_broken_answer_is_in_the_conversation(page: Open) -> None:
    new = page(is_present=True)
    answer = new.ask("#cut one two three")
    shown = new.value(f"conversation/{answer.conversation}")
    assert shown["mapping"][shown["current_node"]]["message"]["content"]["parts"] == ["You said: #cut one two three"]


def test_images(chatgpt_sim: Simulator, page: Open) -> None:
    mine = page()
    made = [m for m in mine.ask("#dalle").messages.values() if m["content"]["content_type"] == "multimodal_text"]
    pointer = made[0]["content"]["parts"][0]["asset_pointer"]
    assert pointer.startswith("file-service://file-")
    link = mine.value(f"files/{pointer.removeprefix('file-service://')}/download")["download_url"]
    assert bytes(get(link).body).startswith(b"\x89PNG")
    assert "temporary chat" in mine.ask("#dalle", history_and_training_disabled=True).text
    chatgpt_sim.control(settings={"image_delay": 0.05})
    late = mine.ask("#async-image")

    def pictures() -> list[str]:
        mapping = mine.value(f"conversation/{late.conversation}")["mapping"]
        found = [node["message"] for node in mapping.values() if node["message"]]
        return [m["content"]["parts"][0]["asset_pointer"] for m in found if "asset_pointer" in json.dumps(m)]

    name = wait_until(pictures, what="a picture")[0].removeprefix("sediment://")
    link = mine.value(f"conversation/{late.conversation}/attachment/{name}/download")["download_url"]
    assert get(link).status == 401 and get(link, mine.token).status == 200
    assert get(link, mint("at-ok-2")).status == 404


def get(link: str, key: str | None = None) -> Decoder:
    """What is to be had at an address."""
    parts = urlsplit(link)
    return fetch((str(parts.hostname), int(parts.port or 0)), f"{parts.path}?{parts.query}", key=key)


def test_code_leaves_a_file(page: Open) -> None:
    mine = page()
    answer = mine.ask("#code")
    assert "(sandbox:/mnt/data/result.csv)" in answer.text
    query = f"message_id={answer.shown[-1]['id']}&sandbox_path=/mnt/data/result.csv"
    link = mine.value(f"conversation/{answer.conversation}/interpreter/download?{query}")["download_url"]
    assert bytes(get(link).body) == b"sum\n4\n"
    kept = mine.ask("#code", history_and_training_disabled=True)
    assert mine.call(f"conversation/{kept.conversation}/interpreter/download?{query}").status == 404


# Files


def test_files(chatgpt_sim: Simulator, page: Open, address: Address) -> None:
    mine, data = page(), b"\x89PNG not really"
    told = {"file_name": "a.png", "file_size": len(data), "use_case": "multimodal"}
    made = mine.value("files", told)
    parts = urlsplit(made["upload_url"])
    target, kind = f"{parts.path}?{parts.query}", {"x-ms-blob-type": "BlockBlob", "Content-Type": "image/png"}
    assert fetch(address, target, data, mine.token, method="PUT", headers=kind).status == 403
    assert chatgpt_sim.stats()["files"]["leaks"] == 1
    assert fetch(address, target, data, method="PUT").status == 400
    assert fetch(address, target, data + b"x", method="PUT", headers=kind).status == 400
    assert mine.call(f"files/{made['file_id']}/uploaded", {}).status == 400
    assert fetch(address, target, data, method="PUT", headers=kind).status == 201
    assert mine.ask("hi", messages=[seeing(made["file_id"])]).status == 400, "not announced yet"
    link = mine.value(f"files/{made['file_id']}/uploaded", {})["download_url"]
    assert bytes(get(link).body) == data
    states = [mine.value(f"files/{made['file_id']}")["retrieval_index_status"] for _ in range(3)]
    assert states == ["pending", "success", "success"]
    answer = mine.ask(messages=[seeing(made["file_id"])])
    assert answer.text.startswith("You said: look [image ") and f" {len(data)} " in answer.text
    assert page("at-ok-2").ask(messages=[seeing(made["file_id"])]).status == 404


def seeing(file: str) -> dict[str, Any]:
    """A message with a picture."""
    picture: dict[str, Any] = {"content_type": "image_asset_pointer", "asset_pointer": f"file-service://{file}"}
    picture |= {"size_bytes": 1, "width": 1, "height": 1}
    content = {"content_type": "multimodal_text", "parts": [picture, "look"]}
    attached = {"id": file, "size": 1, "name": "a.png", "mime_type": "image/png"}
    about = {"author": {"role": "user"}, "metadata": {"attachments": [attached]}}
    return {"id": str(uuid.uuid4()), "content": content} | about


# Credentials


def oauth(address: Address, token: str, is_form: bool = False, client: str = CLIENTS[0]) -> Decoder:
    told = {"client_id": client, "grant_type": "refresh_token", "refresh_token": token}
    if not is_form:
        return fetch(address, "/oauth/token", told)
    form = "&".join(f"{name}={value}" for name, value in told.items()).encode()
    head = f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with RawClient(address, (head + kind).encode() + form) as client_of:
        return client_of.read_all()


@pytest.mark.parametrize("is_old", [False, True])
def test_refresh_tokens_rotate(chatgpt_sim: Simulator, page: Open, address: Address, is_old: bool) -> None:
    first = refresh_token("at-ok-7", is_old)
    got = json.loads(oauth(address, first, is_form=is_old).body)
    assert got["access_token"].startswith("eyJhbGciOi") and got["refresh_token"] != first
    assert len(got["refresh_token"]) == len(first)
    assert page("at-ok-7", token=got["access_token"]).ask("hi").status == 200
    reused = oauth(address, first)
    assert reused.status == 400 and json.loads(reused.body)["error"] == "invalid_grant"
    assert oauth(address, got["refresh_token"]).status == 200
    told = chatgpt_sim.stats()["refreshes"][first]
    assert (told["uses"], told["reused"], told["dead"]) == (2, 1, False)
    chatgpt_sim.control(settings={"reuse_kills": True})
    oauth(address, first)
    assert oauth(address, told["current"]).status == 400, "the family is dead"


def test_refresh_tokens_that_fail(chatgpt_sim: Simulator, address: Address) -> None:
    errors = {"dead": "invalid_grant", "denied": "access_denied", "expired": "refresh_token_expired"}
    for name, error in errors.items():
        assert json.loads(oauth(address, refresh_token(name)).body)["error"] == error
    assert oauth(address, "short").status == 400 and oauth(address, refresh_token("at-ok-1"), client="x").status == 401
    minted = json.loads(
        fetch(address, "/_mint", {"name": "at-ok-1", "kind": "refresh", "client_id": CLIENTS[1]}).body
    )["token"]
    assert [oauth(address, minted, client=client).status for client in CLIENTS[:2]] == [400, 200]
    assert oauth(address, refresh_token("broken")).status == 500


def test_the_cookie_of_a_login(chatgpt_sim: Simulator, page: Open, address: Address) -> None:
    name, cookie = "__Secure-next-auth.session-token", session_cookie("at-ok-8", 5000)
    parts = f"other=1; {name}.1={cookie[4000:]}; {name}.0={cookie[:4000]}"
    told = json.loads(fetch(address, "/api/auth/session", headers={"Cookie": parts}).body)
    assert page("at-ok-8", token=told["accessToken"]).value("me")["name"] == "at-ok-8"
    assert told["account"]["id"] == account_id("at-ok-8")
    assert json.loads(fetch(address, "/api/auth/session", headers={"Cookie": f"{name}=nothing"}).body) == {}
    chatgpt_sim.control(settings={"rotates_cookie": True})
    cookie = session_cookie("at-ok-9")
    kept = fetch(address, "/api/auth/session", headers={"Cookie": f"{name}={cookie}"}).header("set-cookie") or ""
    assert kept.startswith(f"{name}=at-ok-9.1.") and cookie not in kept
    assert json.loads(fetch(address, "/api/auth/session", headers={"Cookie": f"{name}={cookie}"}).body) == {}


def test_access_tokens_end(chatgpt_sim: Simulator, page: Open, address: Address) -> None:
    late = page(token=mint("at-ok-1", lifetime=-10)).call("me")
    assert late.status == 401 and json.loads(late.body)["detail"]["code"] == "token_expired"
    old, forged = page(), page(token=mint("at-ok-1")[:-3] + "abc")
    assert forged.call("me").status == 401 and page(token="nonsense").call("me").status == 401
    fetch(address, "/_revoke", {"name": "at-ok-1"})
    assert old.call("me").status == 401 and page().call("me").status == 200
    assert chatgpt_sim.stats()["accounts"]["at-ok-1"]["violations"]["stale_token"] == 2


def test_accounts_behave_as_they_are_called(chatgpt_sim: Simulator, page: Open) -> None:
    assert [page(name).call("me").status for name in ("at-401", "at-revoked", "at-500")] == [401, 401, 500]
    wall = page("at-403-html").call("sentinel/chat-requirements", {"p": None})
    assert wall.status == 403 and b"cf_chl_opt" in wall.body
    assert page("at-late-401").ask("hi").status == 401
    limited = page("at-429")
    assert limited.ask("hi").detail["clears_in"] == 252
    assert chatgpt_sim.stats()["used_while_cooling"] == 0
    assert [limited.ask("hi").status for _ in range(2)] == [429, 429]
    assert chatgpt_sim.stats()["accounts"]["at-429"]["used_while_cooling"] == 2
    assert limited.ask("hi", model="gpt-5").status == 429 and chatgpt_sim.stats()["used_while_cooling"] == 2
    assert "one message at a time" in page("at-busy").ask("hi").detail
    assert page("at-login").value("sentinel/chat-requirements", {"p": None})["force_login"]
    assert page("at-unusual").ask("hi").error and "limit" in page("at-capped").ask("hi").text
    for name, persona in {"at-free-1": "freeaccount", "at-paid-1": "paid"}.items():
        assert page(name).value("sentinel/chat-requirements", {"p": None})["persona"] == f"chatgpt-{persona}"
    assert page("at-free-1").ask("hi", model="o3").shown[-1]["metadata"]["model_slug"] == "gpt-5-mini"
    assert page("at-paid-1").ask("hi", model="o3").shown[-1]["metadata"]["model_slug"] == "o3"


def test_an_account_that_cools_down_is_good_again(chatgpt_sim: Simulator, page: Open) -> None:
    chatgpt_sim.control(settings={"clears_in": 0.1})
    once = page("at-429-once")
    assert once.ask("hi").status == 429
    wait_until(lambda: once.ask("hi").status == 200, what="the end of the cool-down")


def test_visitors_without_an_account(chatgpt_sim: Simulator, page: Open) -> None:
    visitor = page(is_present=True)
    visitor.base = "/backend-anon"
    assert visitor.ask("hi").text == "You said: hi"
    told = {"file_name": "a.png", "file_size": 1, "use_case": "multimodal"}
    assert visitor.call("files", told).status == 404 and visitor.call("me").status == 404
    chatgpt_sim.control(settings={"anonymous": False})
    assert visitor.call("models").status == 401


def test_workspaces(chatgpt_sim: Simulator, page: Open) -> None:
    mine = page()
    mine.extra = {"ChatGPT-Account-ID": account_id("at-ok-1", team=True)}
    assert mine.ask("hi").status == 200
    assert chatgpt_sim.stats()["accounts"]["at-ok-1"]["workspaces"] == [account_id("at-ok-1", team=True)]
    mine.extra = {"ChatGPT-Account-ID": account_id("at-ok-2")}
    assert mine.call("me").status == 403


# Many at once


def test_one_message_at_a_time(chatgpt_sim: Simulator, page: Open, address: Address) -> None:
    mine = page()
    shown, again = mine.requirements(), mine.requirements()
    body, headers = mine.body("#slow"), mine.headers()
    data = request_bytes("/backend-api/conversation", body, mine.token, headers=headers | shown)
    with RawClient(address, data) as running:
        running.read_head()
        refused = mine.ask("hi", shows=again)
        assert refused.status == 429 and "one message at a time" in refused.detail
        assert page("at-ok-2").ask("hi").status == 200
    told = chatgpt_sim.stats()["accounts"]["at-ok-1"]
    assert (told["violations"], told["peak"]) == ({"concurrent": 1}, 1)
    wait_until(lambda: chatgpt_sim.stats()["in_flight"] == 0, what="the end of the turn")
    assert mine.ask("hi").status == 200, "who leaves is done"


def test_an_answer_is_over_before_anybody_can_read_it(chatgpt_sim: Simulator, page: Open, address: Address) -> None:
    chatgpt_sim.control(settings={"requirements": False})
    new = page(is_present=True)
    body = new.body('sim:{"text": "a", "interval": 0.2}')
    data = request_bytes("/backend-api/f/conversation", body, new.token, headers=new.headers())
    with RawClient(address, data) as running:
        while b"message_stream_complete" not in running.decoder.body:
            assert running.receive()
        seen = Answer(running.read_head())
        seen.feed(bytes(running.decoder.body))
        assert not running.decoder.clean, "it says more"
        assert new.ask("b", shows={}, **new.after(seen)).status == 200
    assert chatgpt_sim.stats()["violations"] == 0


def test_an_account_is_in_use_while_nothing_is_said(chatgpt_sim: Simulator, page: Open, address: Address) -> None:
    mine = page()
    shown = mine.requirements()
    data = request_bytes("/backend-api/conversation", mine.body("#silence"), mine.token, headers=mine.headers())
    with RawClient(address, data):
        wait_until(lambda: chatgpt_sim.stats()["in_flight"] == 1, what="the turn")
        assert mine.ask("hi", shows=shown).status == 429
    wait_until(lambda: chatgpt_sim.stats()["in_flight"] == 0, what="its end")
    cut = page(is_present=True).ask("#cut")
    assert cut.status == 200 and chatgpt_sim.stats()["turns"] == 2


@pytest.mark.limit(90)
async def test_hundreds_at_once(
    chatgpt_sim: Simulator, page: Open, address: Address, note: Callable[[str], None]
) -> None:
    chatgpt_sim.control(settings={"pow_required": False})
    pages = [page(f"at-ok-{n}", is_present=True) for n in range(300)]
    shown = [p.requirements() for p in pages]

    async def ask(mine: Page, shows: dict[str, str]) -> Answer:
        body, path = mine.body("#count=50"), "/backend-api/f/conversation"
        outcome = await exchange(address, request_bytes(path, body, mine.token, headers=mine.headers() | shows))
        assert outcome.clean and outcome.status == 200, bytes(outcome.decoder.body)[:200]
        return Answer.read(outcome.decoder)

    began = time.monotonic()
    answers = await asyncio.gather(*map(ask, pages, shown))
    note(f"ChatGPT's simulator: 300 turns of 50 pieces at once in {time.monotonic() - began:.2f} s")
    assert all(a.text.split()[-1] == "49" and a.is_done for a in answers)
    stats = chatgpt_sim.stats()
    assert stats["turns"] == 300 and stats["violations"] == 0 and stats["in_flight"] == 0


def test_pages_of_the_account(page: Open, address: Address) -> None:
    mine = page()
    slugs = [model["slug"] for model in mine.value("models?history_and_training_disabled=false")["models"]]
    assert "auto" in slugs and "gpt-5-pro" in slugs
    assert "gpt-5-pro" not in [m["slug"] for m in page("at-free-2").value("models")["models"]]
    assert mine.value("accounts/check/v4-2023-04-27")["account_ordering"][0] == account_id("at-ok-1")
    assert mine.value("memories")["memories"] and mine.value("settings/user")["settings"]
    assert mine.call("nowhere").status == 404
    moved = mine.call("sim/redirect")
    assert moved.status == 302 and (moved.header("location") or "").endswith("/backend-api/me")
    said = json.loads(mine.call("sim/echo", b"raw", "PUT").body)
    assert said["method"] == "PUT" and said["body"] == "cmF3" and ["oai-language", "en-US"] in said["headers"]
    assert (mine.call("sim/media").header("content-disposition") or "").startswith("attachment")
    assert mine.call("sim/events").header("set-cookie") == "conv_key=sim; Path=/" and mine.call("sim/text").body
    mine.call("nowhere")
    last = json.loads(fetch(address, "/__sim/last").body)
    assert last["path"] == "/backend-api/nowhere" and last["status"] == 404


def test_scenarios_are_meant_for_the_answer(chatgpt_sim: Simulator, page: Open) -> None:
    mine = page()
    chatgpt_sim.next({"text": "told"}, {"at": "/chat-requirements", "fault": "status", "status": 429})
    assert mine.ask("hi").text == "told"
    assert mine.call("sentinel/chat-requirements", {"p": None}).status == 429
    chatgpt_sim.control(keys={"at-ok-1": {"text": "its own"}})
    assert mine.ask("hi").text == "its own" and page("at-ok-2").ask("hi").text == "You said: hi"
    assert mine.ask('sim:{"reasoning": ["hm"], "text": "so"}').text == "so"


# The web socket


@pytest.mark.parametrize("words", ["#handoff", "#dup"])
async def test_an_answer_is_handed_over_to_the_socket(page: Open, words: str) -> None:
    new = page(is_present=True)
    answer = new.ask(f"{words} one two three four")
    assert answer.is_done and not answer.text
    topic = answer.control("stream_handoff")["options"][0]["topic_id"]
    url = new.value("celsius/ws/user")["websocket_url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_json([{"id": 1, "command": {"type": "subscribe", "topic_id": topic, "offset": "0"}}])
        reply = await socket.receive_json()
        messages = reply["reply"]["catchups"]
        while not (messages and "[DONE]" in messages[-1]["payload"]["payload"]["encoded_item"]):
            messages.append(await socket.receive_json())
    items = {m["payload"]["payload"]["stream_item_id"]: m["payload"]["payload"]["encoded_item"] for m in messages}
    seen = [m["payload"]["payload"]["stream_item_id"] for m in messages]
    assert (len(seen) > len(items)) == (words == "#dup")
    whole = Answer(answer.decoder)
    whole.feed("".join(items.values()).encode())
    assert whole.text == f"You said: {words} one two three four" and whole.is_done


async def test_a_late_picture_is_told_of(chatgpt_sim: Simulator, page: Open) -> None:
    chatgpt_sim.control(settings={"image_delay": 0.05})
    mine = page()
    url = mine.value("celsius/ws/user")["websocket_url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            await socket.send_json([{"id": 2, "command": {"type": "subscribe", "topic_id": "conversations"}}])
            assert (await socket.receive_json())["reply"]["topic_id"] == "conversations"
            made = await asyncio.to_thread(mine.ask, "#async-image")
            update = (await socket.receive_json())["payload"]["payload"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)  # its pass is good once
    assert update["conversation_id"] == made.conversation
    assert "sediment://" in json.dumps(update["update_content"]["message"])
