"""Pools of accounts behind the endpoint: cool-downs seen by all workers, accounts added while it runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from support.cluster import KEY, Cluster
from support.commands import SECRET, run_worker, worker_json
from support.raw import chat, exchange, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
MODEL = "openai/gpt-4o-mini"
Start = Callable[..., Cluster]
TWO = {"OPENAI_API_KEY": "sim-a,sim-b", "COOLDOWNS": "true", "MILLRACE_SECRET": SECRET}


def ask(cluster: Cluster, worker: int = 0, text: str = "hi", **members: Any) -> int:
    return fetch(cluster.workers[worker].address, CHAT, chat(text, MODEL, **members), KEY).status


def users(sim: Simulator) -> Counter[str]:
    return Counter(request.key for request in sim.requests(CHAT))


def limited(seconds: int) -> dict[str, Any]:
    return {"fault": "status", "status": 429, "headers": {"Retry-After": str(seconds)}}


def test_a_limited_account_rests_on_every_worker(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=3, **TWO)
    sim.control(keys={"sim-a": limited(30)})
    # Whoever meets the limit goes on with the other account; the client sees nothing of it.
    for place in range(12):
        assert ask(cluster, place % 3, f"request {place}") == 200
    met = users(sim)["sim-a"]
    assert met >= 1
    wait_until(lambda: worker_json(cluster, "accounts", "openai", "list"), 2)
    sim.reset()
    for place in range(60):
        assert ask(cluster, place % 3, f"later {place}") == 200
    assert users(sim) == {"sim-b": 60}, "nobody asks the account that rests"


def test_when_all_accounts_rest_the_client_is_told_when_to_return(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, **TWO, RETRY_TIMES=3)
    sim.control(default=limited(20))
    assert ask(cluster, 0, "one") == 429
    assert ask(cluster, 0, "two") == 429
    assert ask(cluster, 1, "three") == 429
    sim.reset()
    answer = wait_until(
        lambda: a if (a := fetch(cluster.workers[1].address, CHAT, chat("x", MODEL), KEY)).status == 429 else None, 2
    )
    assert 1 <= int(answer.header("retry-after") or 0) <= 20
    assert not sim.requests(CHAT), "an account that rests is not asked"
    # Another model of the same accounts is not concerned.
    assert fetch(cluster.worker, CHAT, chat("hi", "openai/gpt-4o"), KEY).status == 200


def test_one_bad_request_does_not_cool_a_pool(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=1, COOLDOWNS="true", OPENAI_API_KEY="sim-a,sim-b,sim-c,sim-d", RETRY_TIMES=3)
    poison = told({"fault": "status", "status": 429, "headers": {"Retry-After": "60"}}, "poison")
    for _ in range(3):
        assert ask(cluster, 0, poison) == 429
    sim.reset()
    for place in range(40):
        assert ask(cluster, 0, f"fine {place}") == 200
    assert len(users(sim)) >= 3, "one request, however often it is sent, costs one account at most"


def test_a_refused_key_is_disabled_after_two_different_requests(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, **TWO)
    sim.control(keys={"sim-a": {"fault": "status", "status": 401}})
    for place in range(20):
        assert ask(cluster, place % 2, f"request {place}") == 200
    assert users(sim)["sim-a"] <= 2


def test_accounts_are_added_and_removed_while_it_runs(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, OPENAI_API_KEY="", MILLRACE_SECRET=SECRET)
    assert ask(cluster) == 404, "nobody is configured yet"
    added = run_worker(cluster, "accounts", "openai", "add", "-", "--json", stdin="sim-late----the late one\n")
    assert added.returncode == 0, added.stderr
    assert "sim-late" not in added.stdout
    for place in (0, 1):
        wait_until(lambda place=place: ask(cluster, place) == 200, 2, what="the new account")
    assert set(users(sim)) == {"sim-late"}
    stored = cluster.redis.dump(cluster.database)
    assert b"sim-late" not in stored, "credentials rest encrypted"
    account = worker_json(cluster, "accounts", "openai", "list")[0]
    assert account["note"] == "the late one"
    assert run_worker(cluster, "accounts", "openai", "disable", account["id"]).returncode == 0
    wait_until(lambda: ask(cluster) != 200, 2, what="the account's end")
    assert run_worker(cluster, "accounts", "openai", "enable", account["id"]).returncode == 0
    wait_until(lambda: ask(cluster, 1) == 200, 2, what="the account's return")
    assert run_worker(cluster, "accounts", "openai", "remove", account["id"]).returncode == 0
    wait_until(lambda: ask(cluster) == 404, 2, what="the empty pool")


async def test_an_account_with_a_concurrency_limit_is_never_used_beyond_it(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=4, OPENAI_API_KEY="", MILLRACE_SECRET=SECRET)
    for name in ("sim-x", "sim-y"):
        done = run_worker(cluster, "accounts", "openai", "add", "-", "--concurrency", 3, stdin=f"{name}\n")
        assert done.returncode == 0, done.stderr
    for place in range(4):
        await asyncio.to_thread(lambda place=place: wait_until(lambda: ask(cluster, place) == 200, 2))
    sim.reset()
    body = chat(told({"count": 4, "interval": 0.4}), MODEL, stream=True)
    outcomes = await asyncio.gather(
        *(exchange(cluster.workers[place % 4].address, request_bytes(CHAT, body, KEY)) for place in range(40))
    )
    served = sum(outcome.status == 200 for outcome in outcomes)
    assert served == 6, "three on each account, not one more"
    assert users(sim) == {"sim-x": 3, "sim-y": 3}
    assert {outcome.status for outcome in outcomes} == {200, 429} or {o.status for o in outcomes} == {200, 503}
