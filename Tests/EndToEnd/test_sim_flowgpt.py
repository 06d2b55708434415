"""The simulated FlowGPT over raw HTTP: what it accepts, what it remembers, and how it fails."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.raw import Decoder, exchange, fetch, request_bytes
from support.simulator import Simulator
from upstreams.flowgpt_rules import signatures

FREE = "uzNcMUGo4sOwl4GFvRpm8"
DEVICE = "dev-0123456789abcdefghi"
CONTEXT = [
    {"role": "system", "content": "be terse"},
    {"role": "user", "content": "夜市?"},
    {"role": "assistant", "content": "yes"},
    {"role": "user", "content": "go"},
]


def page_headers() -> dict[str, str]:
    origin = "https://flowgpt.com"
    plain = {"Accept": "*/*", "Accept-Language": "en", "Origin": origin, "Referer": f"{origin}/"}
    return plain | {"x-flow-device-id": DEVICE, "x-flow-language": "en"}


def signed(mode: str = "auth-dash", token: str = "tok-1", at: float | None = None, nonce: str = "") -> dict[str, str]:
    """The headers of a chat, signed independently of the simulator's own formulas."""
    stamp, nonce = str(int(at or time.time())), nonce or secrets.token_hex(16)
    texts = {
        "auth-dash": f"{stamp}-{nonce}-Bearer {token}",
        "device-concat": f"{stamp}{nonce}{DEVICE}",
        "device-colon": f"{stamp}:{nonce}:{DEVICE}",
    }
    signature = hashlib.md5(texts[mode].encode()).hexdigest()
    return page_headers() | {"x-timestamp": stamp, "x-nonce": nonce, "x-signature": signature}


def chat_body(question: str, **members: Any) -> dict[str, Any]:
    usual = {"model": "FlowGPT-Ares", "nsfw": False, "question": question, "temperature": 0.7, "userId": ""}
    usual |= {"promptId": FREE, "documentIds": [], "generateImage": False, "generateAudio": False}
    return usual | members


@pytest.fixture
def site(flowgpt_sim: Simulator) -> Iterator[Site]:
    yield Site(flowgpt_sim)


class Site:
    """What a page does with the site."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.address = ("127.0.0.1", sim.port)

    def create(self, token: str = "tok-1", messages: Any = CONTEXT, prompt: str = FREE, **members: Any) -> Decoder:
        body = {"promptId": prompt, "location": "CHAT_PAGE", "messages": messages} | members
        return fetch(self.address, "/conversation/create", body, token, headers=page_headers())

    def open(self, token: str = "tok-1", messages: Any = CONTEXT) -> str:
        return json.loads(self.create(token, messages).body)["id"]

    def ask(
        self, question: str, token: str = "tok-1", conversation: str = "", headers: Any = None, **members: Any
    ) -> Decoder:
        body = chat_body(question, conversationId=conversation or self.open(token), **members)
        return fetch(self.address, "/v3/chat", body, token, headers=headers or signed(token=token))


def text_of(answer: Decoder) -> str:
    lines = [json.loads(line) for line in bytes(answer.body).splitlines() if line.strip()]
    return "".join(line["data"] for line in lines if line["event"] == "text")


def test_the_formulas_are_those_of_the_sheet() -> None:
    given = {"x-timestamp": "1700000000", "x-nonce": "0123456789abcdef0123456789abcdef", "x-flow-device-id": DEVICE}

    class Asked:
        def header(self, name: str) -> str | None:
            return (given | {"authorization": "Bearer test-token"}).get(name)

    assert signatures(Asked()) == {
        "auth-dash": "a77e4680ad19bd45796bf9633a3dd027",
        "device-concat": "8c4187c4a4c0b7c13212aea33b4ef503",
        "device-colon": "eccc785a3b074411ed80a0db1de98f33",
    }


def test_a_conversation_keeps_its_context_in_order(site: Site) -> None:
    answer = site.ask("go #sim:echo")
    assert answer.status == 200 and b"\n\n" in answer.body and not answer.body.startswith(b"data:")
    told = json.loads(text_of(answer))
    assert told == {"context": [[m["role"], m["content"]] for m in CONTEXT], "question": "go #sim:echo"}
    other = site.open(messages=[{"role": "user", "content": "else"}])
    assert json.loads(text_of(site.ask("#sim:echo", conversation=other)))["context"] == [["user", "else"]]


def test_a_context_inside_the_question(site: Site) -> None:
    body = chat_body("#sim:echo", promptId="model-gpt", history=CONTEXT[1:3], system="be terse")
    answer = fetch(site.address, "/v3/chat", body, "tok-1", headers=signed())
    assert [turn[0] for turn in json.loads(text_of(answer))["context"]] == ["system", "user", "assistant"]
    anonymous = signed(token="null")
    assert fetch(site.address, "/v3/chat-anonymous", body, "null", headers=anonymous).status == 200
    assert fetch(site.address, "/v3/chat-anonymous", body, "tok-1", headers=signed()).status == 401


def test_conversations_are_their_owners(site: Site) -> None:
    mine = site.open("tok-1")
    assert site.ask("go", "tok-2", conversation=mine).status == 404
    assert site.ask("go", promptId="vlaOLDN9qTxzIlvzfL_Ty", conversation=mine).status == 400
    assert site.ask("go", conversation="c0nv-none").status == 404


def test_every_header_is_needed(site: Site) -> None:
    conversation = site.open()
    for name in (*page_headers(), "x-timestamp", "x-nonce", "x-signature"):
        headers = signed()
        del headers[name]
        answer = site.ask("go", conversation=conversation, headers=headers)
        assert answer.status in (400, 403), name


def test_signatures(site: Site) -> None:
    conversation = site.open()

    def status(**how: Any) -> int:
        return site.ask("go", conversation=conversation, headers=signed(**how)).status

    modes = ("auth-dash", "device-concat", "device-colon")
    assert [status(mode=mode) for mode in modes] == [200, 200, 200]
    for mode in modes:
        site.sim.control(settings={"signature": mode})
        assert [status(mode=other) for other in modes] == [200 if other == mode else 403 for other in modes]
    assert status(mode="device-colon", at=time.time() - 400) == 403
    assert status(mode="device-colon", nonce="short") == 403
    assert site.sim.stats()["signatures"]["device-colon"] == 6
    site.sim.control(settings={"signature": "off", "signature_status": 401})
    assert site.ask("go", conversation=conversation, headers=page_headers()).status == 200


def test_a_nonce_is_used_once(site: Site) -> None:
    conversation, nonce = site.open(), secrets.token_hex(16)
    statuses = [site.ask("go", conversation=conversation, headers=signed(nonce=nonce)).status for _ in range(2)]
    assert statuses == [200, 200] and site.sim.stats()["nonces"]["repeated"] == 1
    site.sim.reset()
    site.sim.control(settings={"nonce_once": True})
    assert site.ask("go", headers=signed(nonce=nonce)).status == 403, "it does not forget"
    assert site.ask("go").status == 200


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"messages": []}, "must not be empty"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "must be a string"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "role is invalid"),
        ({"location": "HOME"}, "location"),
        ({"stream": True}, "unknown field stream"),
    ],
)
def test_wrong_contexts(site: Site, members: dict[str, Any], words: str) -> None:
    answer = site.create(**members)
    assert answer.status == 400 and words in json.loads(answer.body)["message"]


def test_tokens_and_prompts_behave_as_they_are_called(site: Site) -> None:
    assert [site.create(token).status for token in ("tok-401", "tok-403-b", "tok-500")] == [401, 403, 500]
    limited = site.create("tok-429")
    assert (limited.status, limited.header("retry-after")) == (429, "2")
    assert site.create("tok-429-bare").header("retry-after") is None
    assert site.create("tok-429").status == 429
    accounts = site.sim.stats()["accounts"]
    assert accounts["tok-429"]["used_while_cooling"] == 1 and accounts["tok-429-bare"]["used_while_cooling"] == 0
    assert site.ask("go", "tok-late-401").status == 401
    assert site.create(prompt="gone").status == 404
    nameless = site.create(prompt="noid")
    assert nameless.status == 200 and "id" not in json.loads(nameless.body)
    assert fetch(site.address, "/conversation/create", {}).status == 401


def test_magic_words(site: Site) -> None:
    assert text_of(site.ask("#sim:prefix")) == "**Plan:** think. **Response:** You said: #sim:prefix"
    assert text_of(site.ask("#sim:split-utf8")) == "Según lo que 夜市 🎏 dice"
    assert text_of(site.ask("#sim:split-random=7")) == "You said: #sim:split-random=7"
    noisy = bytes(site.ask("#sim:noise of many words").body).decode()
    assert "this line is not JSON" in noisy and '"event":"ping"' in noisy
    cut = site.ask("#sim:err-mid")
    assert not cut.clean and cut.body.count(b'"event":"text"') == 3
    failed = site.ask("#sim:err-event")
    assert failed.clean and b'"event":"error"' in failed.body
    assert site.ask("#sim:empty").body == b""
    page = site.ask("#sim:html403")
    assert page.status == 403 and page.header("content-type") == "text/html" and b"<html>" in page.body
    assert text_of(site.ask("#sim:long=30")).count(" ") == 30


def test_scenarios_are_meant_for_the_answer_unless_they_say_where(site: Site) -> None:
    site.sim.next({"text": "told"}, {"at": "/conversation/create", "fault": "status", "status": 405})
    assert text_of(site.ask("go")) == "told"
    assert [site.create().status for _ in range(2)] == [405, 200]


def listed(site: Site, procedure: str = "prompt.getPrompts", **asked: Any) -> Any:
    told = {"skip": 0, "tag": None, "sort": "top", "q": None, "language": "en"} | asked
    meta = {"values": {name: ["undefined"] for name, value in told.items() if value is None}}
    query = json.dumps({"0": {"json": told, "meta": meta}}, separators=(",", ":")).replace('"', "%22")
    return json.loads(fetch(site.address, f"/api/trpc/{procedure}?batch=1&input={query}").body)


def test_prompts_are_found(site: Site) -> None:
    pages = [listed(site, skip=skip)[0]["result"]["data"]["json"] for skip in (0, 36, 72)]
    assert [len(page) for page in pages] == [36, 36, 8]
    assert len({card["id"] for page in pages for card in page}) == 80 and pages[0][0]["id"] == FREE
    assert "sort must be given" in json.dumps(listed(site, sort=None))
    assert [card["title"] for card in listed(site, q="ares")[0]["result"]["data"]["json"]] == []
    assert json.loads(fetch(site.address, f"/prompt/{FREE}/").body)["prompt"]["title"] == "GPT-4 Free"
    assert fetch(site.address, "/prompt/gone/").status == 404
    assert len(json.loads(fetch(site.address, "/prompt/search?query=&take=20&skip=70").body)) == 10
    assert site.sim.requests() == [] or all(not r.is_listing for r in site.sim.requests())


@pytest.mark.limit(60)
async def test_hundreds_at_once(site: Site, note: Any) -> None:
    conversations = {f"tok-{n}": site.open(f"tok-{n}") for n in range(10)}

    async def ask(number: int) -> str:
        token = f"tok-{number % 10}"
        body = chat_body(f"{number} #sim:long=50", conversationId=conversations[token])
        outcome = await exchange(site.address, request_bytes("/v3/chat", body, token, headers=signed(token=token)))
        assert outcome.status == 200 and outcome.clean
        return text_of(outcome.decoder)

    began = time.monotonic()
    texts = await asyncio.gather(*map(ask, range(400)))
    note(f"FlowGPT's simulator: 400 turns of 50 records at once in {time.monotonic() - began:.2f} s")
    assert all(text.split()[-1] == "49" for text in texts)
    stats = site.sim.stats()
    assert stats["in_flight"] == 0 and stats["turns"] == 400 and stats["nonces"]["repeated"] == 0
    assert 0 < stats["peak"] <= 400 and sum(a["turns"] for a in stats["accounts"].values()) == 400
