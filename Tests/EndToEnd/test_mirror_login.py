"""Ways into the mirrored ChatGPT site, and words that open ChatGPT at the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlencode

from support.cluster import KEY, Cluster
from support.commands import made_key
from support.raw import Decoder, RawClient, fetch, request_bytes
from support.simulator import Simulator
from upstreams.chatgpt_tokens import account_id, mint, refresh_token

Start = Callable[..., Cluster]


# Logging in


class Browser:
    """A cookie jar that follows nothing by itself."""

    def __init__(self, cluster: Cluster) -> None:
        self.address, self.cookies = cluster.edge, dict[str, str]()

    def go(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Decoder:
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = urlencode(form).encode() if form is not None else None
        if form is not None:
            headers |= {"Origin": headers.get("Origin", "http://localhost")}
        data = request_bytes(path, body, method="POST" if form is not None else "GET", headers=headers)
        data = data.replace(b"Content-Type: application/json", b"Content-Type: application/x-www-form-urlencoded")
        with RawClient(self.address, data) as client:
            answer = client.read_all()
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                pair, _, rules = value.partition(";")
                key, _, content = pair.partition("=")
                assert "HttpOnly" in rules and "SameSite=Lax" in rules and "Path=/" in rules
                if "Max-Age=0" in rules:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = content
        return answer

    def leads(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str | None]:
        answer = self.go(path, form)
        return answer.status, answer.header("location")


def test_people_log_in_and_out(start_mirror: Start) -> None:
    cluster = start_mirror(edge=True)
    key = made_key(cluster, "ann")
    browser = Browser(cluster)
    shown = browser.go("/auth/login")
    assert shown.status == 200 and (shown.header("content-type") or "").startswith("text/html")
    policy = shown.header("content-security-policy") or ""
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert b"<script" not in shown.body and b"http" not in shown.body.replace(b"http-equiv", b"")
    assert browser.leads("/auth/logout") == (307, "/") and json.loads(browser.go("/api/auth/session").body) == {}
    refused = browser.go("/api/auth/signin", {"signin": "<b>wrong</b>"})
    assert refused.status == 401 and b"not accepted" in refused.body and b"<b>wrong" not in refused.body
    assert browser.leads("/api/auth/signin", {"signin": f" {key} "}) == (303, "/")
    assert browser.cookies == {"oai-flow-token": key}
    assert browser.leads("/auth/login") == (307, "/")
    assert json.loads(browser.go("/backend-api/me").body)["email"].endswith("@seed.invalid")
    session = json.loads(browser.go("/api/auth/session").body)
    assert session["accessToken"] == key and session["user"]["id"].startswith("user-")
    assert browser.go("/auth/logout").status == 200 and browser.cookies
    assert browser.leads("/api/auth/signout", {"signout": "true"}) == (303, "/auth/login")
    assert browser.cookies == {} and browser.go("/backend-api/me").status == 401


def test_the_quick_ways_in_and_out(start_mirror: Start) -> None:
    cluster = start_mirror(edge=True)
    browser = Browser(cluster)
    assert browser.leads("/api/auth/signin") == (307, "/auth/login")
    token = mint("at-own") + ",team"
    assert browser.leads(f"/api/auth/signin/?signin={token}") == (307, "/")
    assert unquote(browser.cookies["oai-flow-token"]) == token
    assert browser.leads("/api/auth/signin?signin=other") == (307, "/")
    assert unquote(browser.cookies["oai-flow-token"]) == token
    assert browser.leads("/api/auth/signout/?signout=true") == (307, "/auth/logout") and browser.cookies
    assert browser.leads("/api/auth/signout?signout=true&csrfToken=wrong") == (307, "/auth/logout") and browser.cookies
    csrf = json.loads(browser.go("/api/auth/csrf").body)["csrfToken"]
    assert len(csrf) == 64 and csrf == json.loads(browser.go("/api/auth/csrf").body)["csrfToken"]
    assert browser.leads(f"/api/auth/signout?signout=true&csrfToken={csrf}") == (307, "/") and not browser.cookies
    for path in ("/auth/login/x", "/api/auth/signin/x", "/api/auth/callback/x"):
        assert browser.go(path).status == 200
    assert json.loads(browser.go("/api/auth/signin", {}).body) == {"url": "/auth/login"}
    assert json.loads(browser.go("/api/auth/signout", {"json": "true"}).body) == {"url": "/auth/login"}
    assert "login-web" in json.loads(browser.go("/api/auth/providers").body)


def test_pages_of_others_can_do_nothing(start_mirror: Start) -> None:
    cluster = start_mirror(edge=True)
    browser = Browser(cluster)
    key = made_key(cluster, "ann")
    assert browser.go("/api/auth/signin", {"signin": key}, Origin="http://evil.example").status == 403
    assert browser.leads("/api/auth/signin", {"signin": key}) == (303, "/")
    assert browser.go("/api/auth/signout", {"signout": "true"}, Origin="http://evil.example").status == 403
    assert browser.go("/backend-api/conversation", {"x": "1"}, Origin="http://evil.example").status == 403
    assert browser.cookies


def test_the_cookie_is_secure_behind_tls(start_mirror: Start) -> None:
    cluster = start_mirror(workers=1)
    for scheme, is_secure in (("https", True), ("http", False)):
        answer = fetch(
            cluster.worker, f"/api/auth/signin?signin={KEY}", headers={"X-Forwarded-Proto": scheme}
        )
        assert ("; Secure" in (answer.header("set-cookie") or "")) == is_secure


def test_a_token_is_renewed_on_demand(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(workers=1)
    token = chatgpt_sim._ask("POST", "/_mint", {"name": "at-own", "kind": "refresh"})["token"]

    def renewed(**form: str) -> Decoder:
        data = request_bytes("/auth/refresh", urlencode(form).encode())
        with RawClient(cluster.worker, data) as client:
            return client.read_all()

    told = json.loads(renewed(refresh_token=token).body)
    assert told["access_token"].count(".") == 2 and told["account"]["plan_type"] == "plus"
    assert told["refresh_token"] != token, "the site takes each of them once"
    assert len(chatgpt_sim.requests("/oauth/token")) == 1
    lasting = mint("at-own", lifetime=10 * 86_400)
    assert json.loads(renewed(refresh_token=token, access_token=lasting).body)["access_token"] == lasting
    assert len(chatgpt_sim.requests("/oauth/token")) == 1
    assert renewed().status == 400 and renewed(refresh_token="word").status == 400
    assert renewed(refresh_token=refresh_token("dead-2")).status == 401


# Words that open ChatGPT alone, at the API


def ask(cluster: Cluster, key: str, model: str = "chatgpt/gpt-4o", worker: int = 0, **members: Any) -> Decoder:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]} | members
    return fetch(cluster.workers[worker].address, "/v1/chat/completions", body, key)


def test_a_code_of_the_operators_opens_the_pool(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(AUTHORIZATION="code-1, code-2", ENABLE_GATEWAY="false")
    for code in ("code-1", "code-2"):
        answer = ask(cluster, code)
        assert answer.status == 200, bytes(answer.body)
    assert ask(cluster, "code-3").status == 401 and ask(cluster, "code-1x").status == 401
    assert ask(cluster, "code-1", model="openai/gpt-4o-mini").status == 403
    team = account_id("at-ok-1", team=True)
    ask(cluster, f"code-1,{team}")
    assert chatgpt_sim.requests("/conversation")[-1].header("chatgpt-account-id") == team


def test_callers_tokens_count_only_where_the_operator_wants(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    token = mint("at-own")
    assert ask(start_mirror(workers=1), token).status == 401
    cluster = start_mirror(CHATGPT_OWN_TOKENS="true", ENABLE_GATEWAY="false")
    answer = ask(cluster, token)
    assert answer.status == 200, bytes(answer.body)
    assert chatgpt_sim.requests("/conversation")[-1].key == token
    assert ask(cluster, token, model="openai/gpt-4o-mini").status == 403
    assert ask(cluster, "word").status == 401
    assert token.encode() not in cluster.redis.dump(cluster.database)
