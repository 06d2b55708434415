"""Limits and budgets of API keys, hit by four workers at once: never exceeded, always given back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import KEY, Cluster
from support.commands import ADMIN, admin_json, made_key, worker_json
from support.raw import Outcome, chat, exchange, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
MODEL = "openai/gpt-4o-mini"
Start = Callable[..., Cluster]
# On a busy machine Redis may answer late; then workers decide by themselves, which is another test.
PATIENT = 5000


async def race(cluster: Cluster, bodies: list[dict[str, Any]], key: str) -> list[Outcome]:
    """All requests at once, spread over all workers."""
    count = len(cluster.workers)
    tasks = [
        exchange(cluster.workers[place % count].address, request_bytes(CHAT, body, key))
        for place, body in enumerate(bodies)
    ]
    return await asyncio.gather(*tasks)


def statuses(outcomes: list[Outcome]) -> dict[int, int]:
    return dict(Counter(outcome.status for outcome in outcomes))


def code(outcome: Outcome) -> str:
    return json.loads(outcome.decoder.body)["error"]["code"]


@pytest.mark.parametrize("limit", [1, 37])
async def test_requests_a_minute_are_exact(start_cluster: Start, sim: Simulator, limit: int) -> None:
    cluster = start_cluster(workers=4, REDIS_TIMEOUT_MS=PATIENT)
    key = made_key(cluster, "racer", "--rpm", limit)
    outcomes = await race(cluster, [chat("hi", MODEL)] * 200, key)
    assert statuses(outcomes) == {200: limit, 429: 200 - limit}
    assert len(sim.requests()) == limit, "what is refused asks no upstream"
    for outcome in outcomes:
        assert outcome.decoder.header("x-ratelimit-limit-requests") == str(limit)
        if outcome.status == 429:
            assert code(outcome) == "rate_limit_exceeded"
            assert 1 <= int(outcome.decoder.header("retry-after") or 0) <= 61
            assert outcome.decoder.header("x-ratelimit-remaining-requests") == "0"
    left = {int(o.decoder.header("x-ratelimit-remaining-requests") or -1) for o in outcomes if o.status == 200}
    assert left == set(range(limit)), "each success saw another number of requests left"
    assert fetch(cluster.worker, CHAT, chat("hi", MODEL), KEY).status == 200, "others are not concerned"


async def test_streams_at_once_are_exact(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=4, REDIS_TIMEOUT_MS=PATIENT)
    key = made_key(cluster, "streams", "--concurrent", 5)
    body = chat(told({"count": 4, "interval": 0.4}), MODEL, stream=True)
    outcomes = await race(cluster, [body] * 60, key)
    assert statuses(outcomes) == {200: 5, 429: 55}
    assert len(sim.requests()) == 5
    # As soon as they have ended there is room again.
    again = await race(cluster, [chat("hi", MODEL)] * 5, key)
    assert statuses(again) == {200: 5}


async def test_tokens_are_reserved_settled_and_released(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=4, REDIS_TIMEOUT_MS=PATIENT)
    key = made_key(cluster, "tokens", "--tpm", 10_000)
    # Each sets 1,000 tokens and a little for its prompt aside: nine fit at once, not one more.
    body = chat(told({"head_delay": 0.5}), MODEL, max_tokens=1000)
    outcomes = await race(cluster, [body] * 40, key)
    assert statuses(outcomes) == {200: 9, 429: 31}
    used = sum(json.loads(o.decoder.body)["usage"]["total_tokens"] for o in outcomes if o.status == 200)
    left = fetch(cluster.worker, CHAT, chat("hi", MODEL, max_tokens=1), key)
    # What was reserved and not used is there again; what was used is not.
    remaining = int(left.header("x-ratelimit-remaining-tokens") or -1)
    assert 10_000 - used - 200 <= remaining <= 10_000 - used
    too_large = fetch(cluster.worker, CHAT, chat("hi", MODEL, max_tokens=20_000), key)
    assert too_large.status == 429 and b"20" in too_large.body
    # A failed request gives everything back.
    failing = chat(told({"fault": "status", "status": 400}), MODEL, max_tokens=8000)
    for _ in range(5):
        assert fetch(cluster.worker, CHAT, failing, key).status == 400


async def test_budgets_end_with_402(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=4, REDIS_TIMEOUT_MS=PATIENT, ADMIN_PASSWORD=ADMIN)
    key = made_key(cluster, "poor", "--budget", "500tokens/day")
    digest = hashlib.sha256(key.encode()).hexdigest()
    body = chat(told({"usage": {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100}}), MODEL, max_tokens=20)
    served = 0
    for place in range(20):
        answer = fetch(cluster.workers[place % 4].address, CHAT, body, key)
        if answer.status != 200:
            break
        served += 1
        # It is settled after the client has its answer, and the next one asks another worker.
        wait_until(lambda: admin_json(cluster, f"keys/{digest}/usage")["concurrent"]["used"] == 0, 5)
    assert served == 5, "five hundred tokens are five of these"
    assert answer.status == 402
    error = json.loads(answer.body)["error"]
    assert error["code"] == "budget_exhausted" and error["type"] == "insufficient_quota"
    assert fetch(cluster.workers[2].address, CHAT, body, key).status == 402, "on every worker"


async def test_a_killed_worker_gives_back_what_it_held(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, LEASE_TTL=2)
    key = made_key(cluster, "unlucky", "--concurrent", 3)
    body = chat(told({"count": 1000, "interval": 0.2}), MODEL, stream=True)
    arrived = [asyncio.Event() for _ in range(3)]
    tasks = [
        asyncio.create_task(exchange(cluster.worker, request_bytes(CHAT, body, key), first_byte=event))
        for event in arrived
    ]
    await asyncio.gather(*(event.wait() for event in arrived))
    quick = request_bytes(CHAT, chat("hi", MODEL), key)
    assert (await exchange(cluster.workers[1].address, quick)).status == 429
    # While the worker lives its streams keep their places, longer than a lease lasts.
    await asyncio.to_thread(lambda: wait_until(lambda: len(sim.requests()) >= 3, 5))
    loop = asyncio.get_running_loop()
    until = loop.time() + 3
    while loop.time() < until:
        assert (await exchange(cluster.workers[1].address, quick)).status == 429
        await asyncio.sleep(0.2)
    cluster.kill_worker(0)
    await asyncio.gather(*tasks)

    def free() -> bool:
        return fetch(cluster.workers[1].address, CHAT, chat("hi", MODEL), key).status == 200

    await asyncio.to_thread(lambda: wait_until(free, 6, every=0.1, what="the places of the dead"))


def test_changed_limits_hold_at_once(start_cluster: Start) -> None:
    cluster = start_cluster(workers=2)
    key = made_key(cluster, "changing", "--rpm", 1)
    body = chat("hi", "echo/echo")
    assert fetch(cluster.worker, CHAT, body, key).status == 200
    assert fetch(cluster.workers[1].address, CHAT, body, key).status == 429
    digest = worker_json(cluster, "keys", "list")[0]["digest"]
    worker_json(cluster, "keys", "update", digest, "--rpm", 100)
    wait_until(lambda: fetch(cluster.workers[1].address, CHAT, body, key).status == 200, 2, what="the new limit")
