"""The mirror of the ChatGPT site for people who share accounts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.chatgpt_page import Page
from support.cluster import KEY, Cluster
from support.commands import admin_json, made_key
from support.mirror import administer, begun, detail, disable, listed, page, table, wait_listed
from support.raw import RawClient, fetch, request_bytes
from support.simulator import Simulator
from support.waiting import wait_until
from upstreams.chatgpt_tokens import account_id, mint

Start = Callable[..., Cluster]


# Seeds


@pytest.fixture
def shared(start_mirror: Start) -> Iterator[tuple[Cluster, Page, Page]]:
    """Two people with keys of the operator's who share one account."""
    cluster = start_mirror(mint("at-ok-1"))
    yield cluster, page(cluster, made_key(cluster, "ann")), page(cluster, made_key(cluster, "ben"), worker=1)


def test_a_seed_keeps_its_account(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(*[mint(f"at-ok-{n}") for n in range(6)])
    for name in ("ann", "ben"):
        key = made_key(cluster, name)
        before = len(chatgpt_sim.requests("/settings/user"))
        for worker in (0, 1, 0, 1):
            page(cluster, key, worker).value("settings/user")
        used = {record.key for record in chatgpt_sim.requests("/settings/user")[before:]}
        assert len(used) == 1
    stored = cluster.redis.dump(cluster.database)
    assert b"millrace:{seed:" in stored and key.encode() not in stored


def test_the_shared_account_shows_nothing_of_itself(shared: tuple[Cluster, Page, Page]) -> None:
    _, ann, _ = shared
    me = ann.value("me")
    assert "at-ok" not in json.dumps(me) and me["email"].endswith("@seed.invalid")
    assert ann.value("me") | {"created": 0} == me | {"created": 0}
    accounts = ann.value("accounts/check/v4-2023-04-27")["accounts"]
    own = account_id("at-ok-1")
    assert accounts[own]["account"]["account_user_id"] == f"user-chatgpt__{own}"
    assert "user-at-ok-1" not in json.dumps(accounts)
    assert ann.value("memories") == {"memories": [], "memory_max_tokens": 2000, "memory_num_tokens": 0}
    assert ann.value("user_system_messages")["enabled"] is False
    assert ann.value("shared_conversations")["items"] == []
    assert ann.value("gizmos/bootstrap") == {"gizmos": []}
    assert ann.value("gizmos/pinned")["items"] == [] and ann.value("gizmos/snorlax/sidebar")["items"] == []
    assert ann.value("tasks") == {"tasks": [], "cursor": None}
    assert ann.value("subscriptions")["plan_type"] == "free"
    assert ann.call("edge").status == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "conversations"), ("POST", "memories"), ("DELETE", "memories"), ("POST", "accounts/logout_all"),
        ("POST", "accounts/deactivate"), ("POST", "accounts/data_export"), ("GET", "accounts/mfa_info"),
        ("GET", "accounts/a1b2/invites"), ("GET", "payments/customer_portal"),
        ("PATCH", "settings/account_user_setting"),
        ("POST", "settings/clear_account_user_memory"), ("GET", "shared_conversations/1"), ("GET", "connectors/all"),
        ("POST", "gizmos/snorlax/upsert"), ("GET", "gizmos/g-1"), ("GET", "gizmo_creator_profile"),
        ("GET", "conversations/search"), ("GET", "conversations/c-1"), ("GET", "celsius/ws/user"),
        ("POST", "register-websocket"), ("GET", "files"), ("GET", "my/recent/image_gen"), ("POST", "share/create"),
        ("GET", "Memories/1"), ("GET", "%6demories/1"), ("GET", "memories/"), ("GET", "sim/echo"),
        ("GET", "unheard-of"),
    ],
)  # fmt: skip
def test_what_is_closed(start_mirror: Start, chatgpt_sim: Simulator, method: str, path: str) -> None:
    cluster = start_mirror(workers=1)
    answer = page(cluster, KEY).call(path, {} if method != "GET" else None, method)
    if (method, path) == ("GET", "memories/"):
        assert json.loads(answer.body)["memories"] == []
    else:
        assert answer.status == 403 and detail(answer)["message"].startswith("Access denied")
    assert not chatgpt_sim.requests()


def test_two_seeds_never_see_each_others_conversations(
    shared: tuple[Cluster, Page, Page], chatgpt_sim: Simulator
) -> None:
    _, ann, ben = shared
    hers, his = begun(ann, "her secret"), begun(ben, "his secret")
    wait_listed(ann, hers.conversation)
    wait_listed(ben, his.conversation)
    assert listed(ann) == [hers.conversation] and listed(ben) == [his.conversation]
    name = hers.conversation
    before = len(chatgpt_sim.requests())
    tries = [
        ben.call(f"conversation/{name}"), ben.call(f"conversation/{name}/stream_status"),
        ben.call(f"conversation/{name}", {"title": "mine"}, "PATCH"), ben.call(f"conversation/{name}", None, "DELETE"),
        ben.call(f"conversation/{name}/interpreter/download?message_id=1&sandbox_path=/mnt/data/x"),
        ben.call(f"conversation/{name}/attachment/file-1/download"),
        ben.call(f"conversation/gen_title/{name}", {"message_id": "m"}),
        ben.call(f"Conversation/{name}"), ben.call(f"%63onversation/{name}"), ben.call(f"conversation/{name}/"),
        ben.call("conversation/message_feedback", {"conversation_id": name, "rating": "up"}),
        ben.call("f/conversation/resume", {"conversation_id": name, "offset": 0}),
        ben.call("f/conversation/prepare", {"conversation_id": name}),
        ben.call("conversation/init", {"x": [{"conversation_id": name}]}),
        ben.call(f"files/download/file-1?conversation_id={name}"),
        ben.call(f"synthesize?message_id=1&conversation%5Fid={name}"),
        ben.turn(ben.body("tell me", **ben.after(hers)), {}).decoder,
        fetch(ben.address, "/backend-anon/conversation/" + name, key=ben.token),
    ]  # fmt: skip
    assert [answer.status for answer in tries] == [404] * len(tries)
    twice = json.dumps(ben.body("x", conversation_id=his.conversation))[:-1] + f', "conversation_id": "{name}"}}'
    swapped = json.dumps(ben.body("x", conversation_id=name))[:-1] + f', "conversation_id": "{his.conversation}"}}'
    for body in (twice, swapped):
        assert ben.call("conversation", body.encode()).status == 404
    for body in (json.dumps({"conversation_id": name}).encode("utf-16"), b"{broken"):
        assert ben.call("conversation/init", body).status == 400
        for kind in ("text/plain", "multipart/form-data; boundary=x"):
            data = request_bytes("/backend-api/conversation/init", body, ben.token)
            with RawClient(ben.address, data.replace(b"application/json", kind.encode())) as client:
                assert client.read_all().status == 400
    assert len(chatgpt_sim.requests()) == before, "the site was asked"
    assert detail(tries[0])["code"] == "conversation_not_found"
    assert ann.value(f"conversation/{name}")["title"] != "mine"


def test_a_visitor_cannot_claim_what_it_only_names(shared: tuple[Cluster, Page, Page]) -> None:
    _, ann, ben = shared
    hers = begun(ann, "her secret")
    body = ben.body("mine", supported_encodings=[])
    body["messages"][0]["metadata"] = {"Conversation_id": hers.conversation, "message": {}}
    assert ben.turn(body, {}).status == 404
    body["messages"][0]["metadata"] = {"v": {"message": {}, "title": "mine"}}
    body["messages"][0]["content"]["parts"] = [
        f'"conversation_id":"{hers.conversation}" data: {{"conversation_id":"{hers.conversation}"}}'
    ]
    answer = ben.turn(body, ben.requirements())
    assert answer.status == 200
    wait_listed(ben, answer.conversation)
    assert listed(ben) == [answer.conversation]
    assert ben.call(f"conversation/{hers.conversation}").status == 404


@pytest.mark.parametrize("is_present", [False, True])
def test_conversations_of_a_seed_go_on_and_are_kept(shared: tuple[Cluster, Page, Page], is_present: bool) -> None:
    cluster, ann, _ = shared
    ann.is_present = is_present
    first = begun(ann, "one")
    ann.address = cluster.workers[1].address
    assert "turn=2" in ann.ask("two #echo", **ann.after(first)).text
    name = first.conversation
    assert ann.value(f"conversation/gen_title/{name}", {"message_id": "m"})["title"] == "A title"
    wait_until(lambda: ann.value("conversations")["items"][0]["title"] == "A title", 5, what="the title")
    assert ann.call(f"conversation/{name}", {"title": "Renamed"}, "PATCH").status == 200
    wait_until(lambda: ann.value("conversations")["items"][0]["title"] == "Renamed", 5, what="the new title")
    assert ann.call(f"conversation/{name}", {"is_archived": True}, "PATCH").status == 200
    wait_until(lambda: listed(ann, "?is_archived=true") == [name], 5, what="the archive")
    assert listed(ann) == []
    assert ann.call(f"conversation/{name}", {"is_visible": False}, "PATCH").status == 200
    wait_until(lambda: listed(ann, "?is_archived=true") == [], 5, what="its end")
    assert ann.call(f"conversation/{name}").status == 404


def test_the_list_comes_in_pages(shared: tuple[Cluster, Page, Page]) -> None:
    _, ann, _ = shared
    names = [begun(ann, f"number {n}").conversation for n in range(3)]
    told = ann.value("conversations?offset=1&limit=1")
    assert (told["total"], told["limit"], told["offset"], len(told["items"])) == (3, 1, 1, 1)
    assert set(listed(ann)) == set(names)
    assert ann.value("conversations?offset=99999999999999999999&limit=-5")["limit"] == 1


def test_history_can_be_forced_off(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(FORCE_NO_HISTORY="true")
    for token in (KEY, mint("at-own")):
        visitor = page(cluster, token)
        answer = visitor.ask("hello")
        assert answer.status == 200 and answer.is_done
        assert chatgpt_sim.requests("/backend-api/conversation")[-1].json["history_and_training_disabled"] is True
        assert listed(visitor) == []


def test_seeds_may_be_open_and_may_have_to_be_known(start_mirror: Start) -> None:
    cluster = start_mirror(MIRROR_SEEDS="open")
    assert page(cluster, "some word").call("settings/user").status == 401, "blanks end a bearer"
    assert page(cluster, "some-word").call("settings/user").status == 200
    known = start_mirror(MIRROR_SEEDS="open", AUTO_SEED="false")
    assert page(known, "some-word").call("settings/user").status == 401
    told = table(known.worker, {"seed": "some-word", "token": known.environment["CHATGPT_TOKENS"].split()[0]})
    assert told.status == 200
    assert page(known, "some-word").call("settings/user").status == 200


def test_all_that_is_not_closed_can_be_opened(start_mirror: Start) -> None:
    visitor = page(start_mirror(workers=1, MIRROR_SEED_PATHS="all"), KEY)
    assert visitor.call("sim/echo").status == 200
    assert visitor.call("memories", {}, "POST").status == 403


def test_a_key_that_ends_opens_nothing_more(start_mirror: Start) -> None:
    cluster = start_mirror()
    key = made_key(cluster, "few", "--models", "openai/gpt-4o")
    assert page(cluster, key).call("settings/user").status == 403
    some = made_key(cluster, "some", "--models", "chatgpt/gpt-5*")
    assert page(cluster, some).call("settings/user").status == 200
    assert page(cluster, some).ask("hello", model="gpt-4o", shows={}).status == 403


# What a shared account bears


def test_who_comes_while_the_account_speaks_waits(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(mint("at-slow-1"))
    ann, ben = page(cluster, made_key(cluster, "ann")), page(cluster, made_key(cluster, "ben"), worker=1)
    shown = [visitor.requirements() for visitor in (ann, ben)]
    told = ann.body("a few words that take a while to be said again")
    data = request_bytes("/backend-api/conversation", told, ann.token, headers=ann.headers() | shown[0])
    with RawClient(ann.address, data) as client:
        client.read_head()
        answer = ben.turn(ben.body("hello"), shown[1])
        assert answer.status == 200 and answer.is_done
        client.read_all()
    (account,) = chatgpt_sim.stats()["accounts"].values()
    assert account["violations"].get("concurrent", 0) == 0


def test_a_limit_of_the_site_is_borne_by_the_account(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(mint("at-429"), COOLDOWNS="true")
    visitor = page(cluster, KEY)
    shown = visitor.requirements()
    first = visitor.turn(visitor.body("hello"), shown)
    assert first.status == 429 and first.detail["clears_in"] == 252
    told = len(chatgpt_sim.requests("/backend-api/conversation"))
    visitor.address = cluster.workers[1].address
    second = visitor.turn(visitor.body("hello"), shown)
    assert second.status == 429 and int(second.decoder.header("retry-after") or 0) > 200
    assert len(chatgpt_sim.requests("/backend-api/conversation")) == told


def test_an_account_that_is_not_let_in_any_more_is_left(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    dead, good = mint("at-401"), mint("at-ok-1")
    cluster = start_mirror(dead, good, COOLDOWNS="true")
    key = made_key(cluster, "ann")
    assert table(cluster.worker, {"seed": key, "token": dead}).status == 200
    visitor = page(cluster, key)
    assert visitor.call("settings/user").status == 401
    account = json.loads(table(cluster.worker).body)["data"][0]["account"]
    path = f"pools/chatgpt/accounts/{account}"
    wait_until(lambda: admin_json(cluster, path)["cooldowns"], 5, what="the account to rest")
    assert visitor.call("settings/user").status == 401, "it may be a hiccup"
    administer(cluster, f"{path}/clear-cooldown", {"all": True}, "POST")
    assert visitor.call("settings/user").status == 401
    wait_until(lambda: visitor.call("settings/user").status == 200, 5, what="the other account")
    assert json.loads(table(cluster.worker).body)["data"][0]["moves"] == 1


def test_limits_of_a_key_hold_for_turns(start_mirror: Start) -> None:
    cluster = start_mirror()
    key = made_key(cluster, "few", "--rpm", 1)
    visitor = page(cluster, key)
    assert begun(visitor, "hello").status == 200
    visitor.address = cluster.workers[1].address
    assert visitor.ask("hello").status == 429
    rows = wait_until(lambda: mirrored(cluster), 5, what="the row of the log")
    assert rows[0]["provider"] == "chatgpt" and rows[0]["model"] == "chatgpt/auto" and rows[0]["key_name"] == "few"


def mirrored(cluster: Cluster) -> list[dict[str, Any]]:
    return [row for row in admin_json(cluster, "logs")["data"] if row["route"] == "mirror"]


def test_codes_of_the_operators_are_seeds(start_mirror: Start) -> None:
    cluster = start_mirror(AUTHORIZATION="code-1")
    assert page(cluster, "code-1").call("settings/user").status == 200
    assert page(cluster, "code-2").call("settings/user").status == 401


def test_what_looks_like_a_token_and_is_the_operators_is_shown_to_nobody(
    start_mirror: Start, chatgpt_sim: Simulator
) -> None:
    master = "m" * 45
    cluster = start_mirror(workers=1, API_MASTER_KEY=master)
    assert page(cluster, master).call("settings/user").status == 200
    assert not chatgpt_sim.requests("/oauth/token")
    assert all(master not in json.dumps(record) for record in chatgpt_sim.requests())


# The operator's table


def test_the_operator_sees_and_moves_seeds(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    first, second = mint("at-ok-1"), mint("at-ok-2")
    cluster = start_mirror(first, second)
    key = made_key(cluster, "ann")
    page(cluster, key).value("settings/user")
    assert table(cluster.worker, secret="wrong").status == 401
    assert fetch(cluster.worker, "/seedtoken", key=KEY).status == 401
    (row,) = json.loads(table(cluster.worker).body)["data"]
    assert row["moves"] == 0 and first not in str(row) and second not in str(row) and key not in str(row)
    (row_of_one,) = [json.loads(table(cluster.worker, query=f"?seed={key}").body)["data"]]
    assert row_of_one == row
    used = chatgpt_sim.requests("/settings/user")[-1].key
    other = second if used == first else first
    moved = json.loads(table(cluster.worker, {"seed": key, "token": other}).body)["data"]
    assert moved["moves"] == 1 and moved["account"] != row["account"]
    page(cluster, key, worker=1).value("settings/user")
    assert chatgpt_sim.requests("/settings/user")[-1].key == other
    assert table(cluster.worker, {"seed": key, "token": mint("at-unknown")}).status == 404
    assert json.loads(table(cluster.worker, {"seed": "clear"}, "DELETE").body)["removed"] == 1
    assert json.loads(table(cluster.worker).body)["data"] == []
    assert table(cluster.worker, {"seed": key}, "DELETE").status == 404


def test_a_seed_moves_when_its_account_is_gone(start_mirror: Start, chatgpt_sim: Simulator) -> None:
    cluster = start_mirror(mint("at-ok-1"), mint("at-ok-2"))
    visitor = page(cluster, made_key(cluster, "ann"))
    old = begun(visitor, "hello")
    used = chatgpt_sim.requests("/backend-api/conversation")[-1].key
    account = json.loads(table(cluster.worker).body)["data"][0]["account"]
    disable(cluster, account)
    visitor.address = cluster.workers[1].address
    wait_until(
        lambda: visitor.call("settings/user").status == 200 and chatgpt_sim.requests("/settings/user")[-1].key != used,
        5,
        what="the other account",
    )
    row = json.loads(table(cluster.worker).body)["data"][0]
    assert row["moves"] == 1 and account in row["note"]
    assert listed(visitor) == [] and visitor.call(f"conversation/{old.conversation}").status == 404
    assert any(line["message"] == "seed bound anew" for line in cluster.log_lines())
