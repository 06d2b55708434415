"""The ledger against the vendor's own count, with workers killed on the way."""

from __future__ import annotations

import asyncio
import json
import random
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


def usage(cluster: Cluster, by: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in worker_json(cluster, "usage", "--by", by)}


def counted(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


@pytest.mark.limit(60)
async def test_the_ledger_equals_the_vendors_count(start_cluster: Start, sim: Simulator, note: Callable[[str], None]) -> None:
    cluster = start_cluster(workers=4)
    alice = made_key(cluster, "alice", "--rpm", 100_000, "--tpm", 100_000_000)
    dice = random.Random(7)
    wanted: list[tuple[int, int, bool]] = []
    tasks = []
    slots = asyncio.Semaphore(32)

    async def one(place: int, prompt: int, completion: int, streams: bool) -> Outcome:
        body = chat(told({"usage": counted(prompt, completion)}), MODEL, stream=streams)
        async with slots:
            return await exchange(cluster.workers[place % 4].address, request_bytes(CHAT, body, alice))

    for place in range(400):
        prompt, completion, streams = dice.randint(1, 5000), dice.randint(1, 5000), dice.random() < 0.5
        wanted.append((prompt, completion, streams))
        tasks.append(one(place, prompt, completion, streams))
    outcomes = await asyncio.gather(*tasks)
    assert {outcome.status for outcome in outcomes} == {200}

    def settled() -> dict[str, Any] | None:
        row = usage(cluster, "model").get(MODEL)
        return row if row and row["requests"] == 400 else None

    row = await asyncio.to_thread(lambda: wait_until(settled, 5, what="400 requests in the ledger"))
    assert row["prompt_tokens"] == sum(prompt for prompt, _, _ in wanted)
    assert row["completion_tokens"] == sum(completion for _, completion, _ in wanted)
    assert row["cost_usd"] > 0
    by_account = usage(cluster, "account")
    assert sum(row["requests"] for row in by_account.values()) == 400
    note(f"ledger of 400 requests over 4 workers: {row['prompt_tokens']} + {row['completion_tokens']} tokens, as the vendor says")


@pytest.mark.limit(60)
async def test_a_killed_worker_loses_only_what_was_in_flight(start_cluster: Start, sim: Simulator, note: Callable[[str], None]) -> None:
    cluster = start_cluster(workers=4)
    finished = [0, 0, 0, 0]
    in_flight = [0, 0, 0, 0]
    lost_at_most = 0
    killed = asyncio.Event()

    async def client(worker: int) -> None:
        nonlocal lost_at_most
        body = chat(told({"usage": counted(10, 10)}), MODEL)
        while not killed.is_set() or worker != 0 and finished[worker] < 150:
            in_flight[worker] += 1
            outcome = await exchange(cluster.workers[worker].address, request_bytes(CHAT, body, KEY))
            in_flight[worker] -= 1
            if outcome.status == 200:
                finished[worker] += 1
            elif worker == 0:
                return

    tasks = [asyncio.create_task(client(place % 4)) for place in range(32)]
    while finished[0] < 100:
        await asyncio.sleep(0.01)
    lost_at_most = in_flight[0]
    cluster.kill_worker(0)
    killed.set()
    await asyncio.gather(*tasks)
    others = sum(finished[1:])

    def in_ledger() -> int:
        return usage(cluster, "model").get(MODEL, {}).get("requests", 0)

    least, most = others + finished[0] - lost_at_most, others + finished[0] + lost_at_most
    total = await asyncio.to_thread(lambda: wait_until(lambda: n if (n := in_ledger()) >= least else 0, 5))
    note(f"killed under load: clients saw {sum(finished)} answers, the ledger has {total}, {lost_at_most} were in flight")
    assert least <= total <= most
    assert len(sim.requests(CHAT)) >= total, "nothing is counted that never was"


def test_the_log_tells_how_each_request_ended(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, ADMIN_PASSWORD=ADMIN)
    fetch(cluster.worker, CHAT, chat("hi", MODEL), KEY, headers={"X-Request-ID": "first"})
    fetch(cluster.workers[1].address, CHAT, chat(told({"fault": "status", "status": 400}), MODEL), KEY,
          headers={"X-Request-ID": "second"})
    fetch(cluster.worker, CHAT, chat(told({"fault": "cut_after", "after": 3}), MODEL, stream=True), KEY,
          headers={"X-Request-ID": "third"})

    def rows() -> dict[str, Any] | None:
        found = {row["request_id"]: row for row in admin_json(cluster, "logs")["data"]}
        return found if len(found) == 3 else None

    log = wait_until(rows, 3, what="three rows")
    assert log["first"]["end"] == "done" and log["first"]["status"] == 200
    assert log["first"]["provider"] == "openai" and log["first"]["upstream_calls"] == 1
    assert log["second"]["status"] == 400 and log["second"]["end"] == "refused"
    assert log["third"]["end"] == "upstream_cut"
    assert "hi" not in json.dumps(log["first"]).split('"'), "no bodies"


def test_what_the_vendor_does_not_say_is_counted(start_cluster: Start) -> None:
    """By the tokenizer of the model: 'tiktoken is great!' is six tokens in OpenAI's own example of cl100k_base."""
    cluster = start_cluster()
    body = chat(told({"usage": None, "text": "tiktoken is great!"}), "openai/gpt-4")
    assert fetch(cluster.worker, CHAT, body, KEY).status == 200

    def settled() -> dict[str, Any] | None:
        return usage(cluster, "model").get("openai/gpt-4")

    row = wait_until(settled, 5, what="the request in the ledger")
    assert row["completion_tokens"] == 6 and row["prompt_tokens"] > 6
