"""The simulated ChatGPT's accounts: credentials, how they behave, and how much they may do at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial

import pytest

from support.chatgpt_page import Answer, Page
from support.raw import Address, Decoder, RawClient, exchange, fetch, request_bytes
from support.simulator import Simulator
from support.waiting import wait_until
from upstreams.chatgpt_tokens import CLIENTS, account_id, mint, refresh_token, session_cookie

Open = Callable[..., Page]


@pytest.fixture
def address(chatgpt_sim: Simulator) -> Address:
    return ("127.0.0.1", chatgpt_sim.port)


@pytest.fixture
def page(address: Address) -> Open:
    return partial(Page, address)


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
