"""The mirror of the ChatGPT site: what passes it, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from support.cluster import KEY, Cluster
from support.mirror import begun, detail, listed, page
from support.raw import RawClient, fetch, request_bytes
from support.simulator import Recorded, Simulator
from support.waiting import wait_stable
from upstreams.chatgpt_odd import EVENTS
from upstreams.chatgpt_tokens import account_id, mint, refresh_token

Start = Callable[..., Cluster]
ECHO = "/backend-api/sim/echo"


def header_names(record: Recorded) -> set[str]:
    return {name.lower() for name, _ in record["headers"]}


def revoke(sim: Simulator, name: str) -> None:
    """Ends the access tokens of an account that were minted so far."""
    sim._ask("POST", "/_revoke", {"name": name})


# Off


def test_without_the_gateway_its_paths_are_not_there(start_mirror: Start) -> None:
    cluster = start_mirror(workers=1, ENABLE_GATEWAY="false")
    for path in ("/backend-api/me", "/auth/login", "/api/auth/session", "/seedtoken", "/public-api/x"):
        answer = fetch(cluster.worker, path, key=mint("at-own"))
        assert answer.status == 404, path
        assert detail(answer)["code"] == "not_found"


# Tokens of one's own


def test_who_brings_a_token_sees_the_account_as_it_is(start_mirror: Start) -> None:
    visitor = page(start_mirror(), mint("at-own"))
    assert visitor.value("me")["name"] == "at-own"
    assert visitor.value("memories")["memories"] == [{"id": "mem-1", "content": "tea"}]
    assert account_id("at-own") in visitor.value("accounts/check/v4-2023-04-27")["accounts"]
    assert visitor.call("payments/customer_portal").status == 200


@pytest.mark.parametrize("is_present", [False, True])
def test_a_whole_conversation_passes(start_mirror: Start, is_present: bool) -> None:
    cluster = start_mirror()
    visitor = page(cluster, mint("at-own"), is_present=is_present)
    first = begun(visitor, "hello #echo")
    assert "got=hello" in first.text
    visitor.address = cluster.workers[1].address
    second = visitor.ask("again #echo", **visitor.after(first))
    assert "turn=2" in second.text
    assert listed(visitor) == [first.conversation]


def test_a_refresh_token_is_exchanged_once_for_all_workers(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror()
    token = chatgpt_sim._ask("POST", "/_mint", {"name": "at-own", "kind": "refresh"})["token"]
    for worker in (0, 1, 0):
        assert page(cluster, token, worker).value("me")["name"] == "at-own"
    assert len(chatgpt_sim.requests("/oauth/token")) == 1


def test_an_access_token_that_was_revoked_is_renewed_unseen(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror()
    token = chatgpt_sim._ask("POST", "/_mint", {"name": "at-own", "kind": "refresh"})["token"]
    visitor = page(cluster, token)
    assert visitor.value("me")["name"] == "at-own"
    revoke(chatgpt_sim, "at-own")
    assert visitor.value("me")["name"] == "at-own"
    assert len(chatgpt_sim.requests("/oauth/token")) == 2


def test_a_dead_token_is_refused_as_the_visitors_own(start_mirror: Start) -> None:
    cluster = start_mirror()
    answer = fetch(cluster.worker, "/backend-api/me", key=refresh_token("dead-1"))
    assert answer.status == 401 and detail(answer)["code"] == "invalid_api_key"
    expired = fetch(cluster.worker, "/backend-api/me", key=mint("at-own", lifetime=-10))
    assert expired.status == 401


def test_the_workspace_of_the_header_counts_for_owners_only(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror()
    team = account_id("at-own", team=True)
    page(cluster, mint("at-own")).call("me", **{"ChatGPT-Account-ID": team})
    assert chatgpt_sim.last().header("chatgpt-account-id") == team
    page(cluster, KEY).call("settings/user", **{"ChatGPT-Account-ID": team})
    assert chatgpt_sim.last().header("chatgpt-account-id") is None


# What passes


def test_only_headers_that_are_known_pass(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(AUTH_KEY="gate", edge=True)
    token = mint("at-own")
    sent = {
        "X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3", "CF-Connecting-IP": "10.1.2.3",
        "Cookie": "oai-flow-token=x; millrace_session=y; conv_key=k1; other=z", "X-Evil": "1", "Via": "1.1 a",
        "OpenAI-Sentinel-Proof-Token": "proof", "X-Conduit-Token": "conduit", "OAI-Device-Id": "d-1",
        "Referer": "http://inside.example/", "Origin": "http://localhost", "Accept-Encoding": "br", "TE": "trailers",
    }
    fetch(cluster.edge, f"{ECHO}?a=b%20c", {"x": 1}, token, headers=sent)
    got = chatgpt_sim.last()
    assert got["target"] == f"{ECHO}?a=b%20c" and got.json == {"x": 1}
    assert got.key == token and got.header("authkey") == "gate"
    assert got.header("cookie") == "conv_key=k1"
    assert got.header("openai-sentinel-proof-token") == "proof" and got.header("x-conduit-token") == "conduit"
    assert got.header("oai-device-id") == "d-1"
    assert got.header("origin") == chatgpt_sim.url and got.header("referer") == f"{chatgpt_sim.url}/"
    assert header_names(got) <= {
        "host", "accept", "accept-encoding", "accept-language", "authkey", "authorization", "content-length",
        "content-type", "cookie", "oai-device-id", "oai-language", "openai-sentinel-proof-token", "origin", "referer",
        "user-agent", "x-conduit-token",
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_and_bodies_pass(start_mirror: Start, chatgpt_sim: Simulator, method: str) -> None:
    cluster = start_mirror(workers=1)
    body = b"\x00\xff not JSON" if method in ("POST", "PUT", "PATCH", "DELETE") else None
    answer = fetch(cluster.worker, ECHO, body, mint("at-own"), method=method)
    assert answer.status == 200 and json.loads(answer.body)["method"] == method
    assert chatgpt_sim.last().body == (body or b"")


def test_head_has_no_body_and_leaves_the_connection_usable(start_mirror: Start) -> None:
    cluster = start_mirror(workers=1)
    for _ in range(3):
        answer = fetch(cluster.worker, ECHO, None, mint("at-own"), method="HEAD")
        assert answer.status == 200 and not answer.body
        assert fetch(cluster.worker, ECHO, None, mint("at-own")).status == 200


def test_anonymous_paths_are_the_accounts(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    visitor = page(start_mirror(), mint("at-own"))
    visitor.base = "/backend-anon"
    answer = fetch(visitor.address, "/backend-anon/me", key=visitor.token)
    assert json.loads(answer.body)["name"] == "at-own"
    assert chatgpt_sim.last()["path"] == "/backend-api/me"


def test_redirects_lead_to_this_service(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(edge=True)
    answer = fetch(cluster.edge, "/backend-api/sim/redirect", key=mint("at-own"))
    assert answer.status == 307
    assert answer.header("location") == "http://localhost/backend-api/me"


def test_media_are_shown_and_never_run(start_mirror: Start) -> None:
    answer = fetch(start_mirror(edge=True).edge, "/backend-api/sim/media", key=mint("at-own"))
    assert bytes(answer.body) == b"not really a film" and answer.header("content-type") == "video/mp4"
    assert answer.header("content-disposition") == 'inline; filename="a.mp4"'
    assert "sandbox" in (answer.header("content-security-policy") or "")
    assert answer.header("x-content-type-options") == "nosniff"


def test_addresses_in_texts_become_ours(start_mirror: Start) -> None:
    answer = fetch(start_mirror(X_SIGN="hello", edge=True).edge, "/backend-api/sim/text", key=mint("at-own"))
    text = answer.body.decode()
    assert "href='http://localhost/c/1'>ChatGPT<" in text and "chatgpt.com" not in text
    assert answer.header("cache-control") == "no-store" and answer.header("x-private") is None
    assert answer.header("x-sign") == "hello"


def test_events_come_as_they_were_said(start_mirror: Start) -> None:
    answer = fetch(start_mirror(edge=True).edge, "/backend-api/sim/events", key=mint("at-own"))
    assert answer.body.decode() == EVENTS
    assert (answer.header("set-cookie") or "").startswith("conv_key=sim; Path=/; HttpOnly; SameSite=Lax")


def test_events_come_when_they_are_said(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(edge=True)
    visitor = page(cluster, mint("at-slow-1"))
    visitor.address = cluster.edge
    shown = visitor.requirements()
    body = visitor.body("one two three four five six seven eight")
    data = request_bytes("/backend-api/conversation", body, visitor.token, headers=visitor.headers() | shown)
    with RawClient(visitor.address, data) as client:
        client.read_all()
        times = [at for at, _ in client.decoder.pieces]
    assert len(times) > 3 and times[-1] - times[0] > 0.2


def test_who_leaves_ends_it_at_the_site(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(edge=True)
    visitor = page(cluster, mint("at-slow-1"))
    visitor.address = cluster.edge
    shown = visitor.requirements()
    body = visitor.body("word " * 200)
    data = request_bytes("/backend-api/conversation", body, visitor.token, headers=visitor.headers() | shown)
    with RawClient(visitor.address, data) as client:
        client.read_head()
        client.receive()
    chatgpt_sim.wait_gone(3)


# Hostile requests


@pytest.mark.parametrize(
    "path",
    [
        "/backend-api/../me", "/backend-api/%2e%2e/me", "/backend-api/..%2fme", "/backend-api/a%5cb",
        "/backend-api//me",
        "/backend-api/a/./b", "/backend-api/%252e%252e/me", "/backend-api/me%00", "/backend-api/me%0d%0aX:%201",
        "/backend-api/..;/me", "/backend-api/a%3fb", "/backend-api/a%23b", "/backend-api/%ff", "/backend-api/%zz",
        "/backend-api/%2f%2fevil.example/x",
    ],
)
def test_paths_that_can_be_read_in_two_ways_are_refused(start_mirror: Start, chatgpt_sim: Simulator, path: str) -> None:
    cluster = start_mirror(workers=1)
    answer = fetch(cluster.worker, path, key=mint("at-own"))
    assert answer.status == 400, bytes(answer.body)
    assert not chatgpt_sim.requests()


def test_no_path_leads_to_another_host(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(workers=1)
    for path in ("@evil.example/x", ":1@evil.example", "http://evil.example/", "/evil.example"):
        fetch(cluster.worker, f"/backend-api{path}", key=mint("at-own"))
    absolute = fetch(cluster.worker, "http://evil.example/backend-api/sim/echo", key=mint("at-own"))
    assert absolute.status == 400 or json.loads(absolute.body)["target"] == ECHO
    for record in chatgpt_sim.requests():
        assert record["path"].startswith("/backend-api/")


def test_source_maps_are_never_asked_for(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(workers=1)
    assert fetch(cluster.worker, "/backend-api/a/app.js.map", key=mint("at-own")).status == 404
    assert not chatgpt_sim.requests()


def test_strangers_are_not_let_in(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(workers=1)
    assert fetch(cluster.worker, "/backend-api/me").status == 401
    assert fetch(cluster.worker, "/backend-api/me", key="anything").status == 401
    assert fetch(cluster.worker, "/backend-anon/me", key="anything").status == 401
    assert not chatgpt_sim.requests()


def test_a_large_body_passes_up_to_the_limit(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(workers=1, MAX_BODY_BYTES=1_000_000)
    assert fetch(cluster.worker, ECHO, b"x" * 900_000, mint("at-own")).status == 200
    assert len(chatgpt_sim.last().body) == 900_000
    assert fetch(cluster.worker, ECHO, b"x" * 1_100_000, mint("at-own")).status == 413


def test_a_slow_visitor_makes_the_site_wait(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(workers=1)
    size = 40_000_000
    data = request_bytes(ECHO, b"x" * size, mint("at-own"))
    with RawClient(cluster.worker, data, receive_buffer=65536) as client:
        client.read_head()
        sent = wait_stable(lambda: chatgpt_sim.open()["bytes_sent"], 1, 10, "the site to wait")
        assert 0 < sent < size / 4, sent
        assert len(client.read_all().body) > size
    assert client.decoder.clean
