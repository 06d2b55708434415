"""The simulated ChatGPT over raw HTTP, with a page written from the protocol alone as its judge."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from support.chatgpt_page import Answer, Page, fnv1a, solve
from support.raw import Address, Decoder, fetch
from support.simulator import Simulator
from support.waiting import wait_until
from upstreams.chatgpt_sentinel import flaw_of
from upstreams.chatgpt_sentinel import fnv1a as simulated_fnv1a
from upstreams.chatgpt_tokens import mint

Open = Callable[..., Page]
BOTH = pytest.mark.parametrize("is_present", [False, True], ids=["legacy", "f"])


@pytest.fixture
def address(chatgpt_sim: Simulator) -> Address:
    return ("127.0.0.1", chatgpt_sim.port)


@pytest.fixture
def page(address: Address) -> Open:
    return partial(Page, address)


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
