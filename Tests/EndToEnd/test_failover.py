"""Workers die and drain under load; candidates and accounts take over from each other."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable

from support.cluster import KEY, Cluster
from support.raw import Outcome, chat, exchange, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
COUNT = 40
Start = Callable[..., Cluster]


def slow_stream(chunks: int = 15, interval: float = 0.1) -> bytes:
    return request_bytes(CHAT, chat(told({"count": chunks, "interval": interval}), stream=True), KEY)


def late_answer(seconds: float, stream: bool = False) -> bytes:
    return request_bytes(CHAT, chat(told({"head_delay": seconds, "text": "late"}), stream=stream), KEY)


def is_whole(outcome: Outcome, chunks: int = 15) -> bool:
    stream = outcome.stream
    numbers = [int(word) for word in stream.text().split()]
    return outcome.status == 200 and outcome.clean and stream.done == 1 and numbers == list(range(chunks))


async def begun(sim: Simulator, count: int) -> None:
    """Until the vendor has that many requests."""
    await asyncio.to_thread(lambda: wait_until(lambda: sim.open()["requests"] >= count, 10, what="the load upstream"))


async def test_killed_worker(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, edge=True, COMMIT_AFTER=20)
    async with asyncio.TaskGroup() as group:
        arrived = [asyncio.Event() for _ in range(COUNT)]
        streams = [group.create_task(exchange(cluster.edge, slow_stream(), first_byte=event)) for event in arrived]
        plain = [group.create_task(exchange(cluster.edge, late_answer(1.0))) for _ in range(COUNT // 2)]
        silent = [group.create_task(exchange(cluster.edge, late_answer(1.0, stream=True))) for _ in range(COUNT // 2)]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in arrived)), 10)
        await begun(sim, 2 * COUNT)
        cluster.kill_worker(0)
    for task in plain:
        assert task.result().status == 200, "a request without a byte yet belongs to the other worker"
        assert json.loads(task.result().decoder.body)["choices"][0]["message"]["content"] == "late"
    for task in silent:
        assert task.result().stream.text() == "late" and task.result().stream.done == 1
    outcomes = [task.result() for task in streams]
    whole = [outcome for outcome in outcomes if is_whole(outcome)]
    broken = [outcome for outcome in outcomes if not is_whole(outcome)]
    assert whole and broken, "both workers had streams"
    for outcome in broken:
        assert outcome.stream.done == 0 and not outcome.clean, "a broken stream must look broken"
        numbers = [int(word) for word in outcome.stream.text().split()]
        assert numbers == list(range(len(numbers))), "what came is in order"
    answer = await asyncio.to_thread(fetch, cluster.edge, CHAT, chat("again"), KEY)
    assert answer.status == 200
    await asyncio.to_thread(cluster.restart_worker, 0)
    results = await asyncio.gather(*(exchange(cluster.edge, slow_stream(3, 0.01)) for _ in range(COUNT)))
    assert all(is_whole(outcome, 3) for outcome in results)


async def test_draining_worker(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, edge=True, DRAIN_TIMEOUT=15)
    async with asyncio.TaskGroup() as group:
        arrived = [asyncio.Event() for _ in range(COUNT)]
        streams = [group.create_task(exchange(cluster.edge, slow_stream(), first_byte=event)) for event in arrived]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in arrived)), 10)
        plain = [group.create_task(exchange(cluster.edge, late_answer(0.5))) for _ in range(COUNT)]
        await begun(sim, 2 * COUNT)
        process = cluster.term_worker(0)
        for _ in range(COUNT):
            plain.append(group.create_task(exchange(cluster.edge, late_answer(0.0))))
    assert all(is_whole(task.result()) for task in streams), "a drain cuts no stream"
    assert Counter(task.result().status for task in plain) == {200: 2 * COUNT}
    assert await asyncio.to_thread(process.wait, 10) == 0
    assert fetch(cluster.edge, CHAT, chat("again"), KEY).status == 200


def test_drain_is_bounded(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(DRAIN_TIMEOUT=0.5)

    async def one() -> Outcome:
        event = asyncio.Event()
        task = asyncio.create_task(exchange(cluster.worker, slow_stream(1000, 0.1), first_byte=event))
        await asyncio.wait_for(event.wait(), 5)
        process = cluster.term_worker(0)
        assert await asyncio.to_thread(process.wait, 5) == 0
        return await task

    outcome = asyncio.run(one())
    assert outcome.stream.done == 0 and not outcome.clean
    sim.wait_gone(2)


def test_draining_worker_is_not_ready(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(DRAIN_TIMEOUT=10)

    async def statuses() -> set[int]:
        event = asyncio.Event()
        task = asyncio.create_task(exchange(cluster.worker, slow_stream(10, 0.1), first_byte=event))
        reader, writer = await asyncio.open_unix_connection(str(cluster.worker))
        await asyncio.wait_for(event.wait(), 5)
        cluster.term_worker(0)
        seen = set()
        while not task.done():
            writer.write(request_bytes("/ready"))
            try:
                line = await reader.readline()
            except ConnectionError:
                break
            if not line:
                break
            seen.add(int(line.split()[1]))
            head = await reader.readuntil(b"\r\n\r\n")
            if b"connection: close" in head.lower():
                break
            length = next(int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
            await reader.readexactly(length)
        assert is_whole(await task, 10)
        return seen

    seen = asyncio.run(statuses())
    assert seen <= {200, 503}, "ready until the signal arrived, then draining"


def test_a_dead_edge_target_is_no_error(start_cluster: Start) -> None:
    cluster = start_cluster(workers=2, edge=True)
    cluster.kill_worker(1)
    for number in range(20):
        assert fetch(cluster.edge, CHAT, chat(f"{number}"), KEY).status == 200


def test_no_worker_at_all(start_cluster: Start) -> None:
    cluster = start_cluster(workers=2, edge=True)
    cluster.kill_worker(0)
    cluster.kill_worker(1)
    answer = fetch(cluster.edge, CHAT, chat("hi"), KEY)
    assert answer.status in (502, 503)
    error = json.loads(answer.body)["error"]
    assert error["type"] == "server_error"
    assert error["request_id"] == answer.header("x-request-id")


def routes(value: object) -> str:
    return json.dumps({"smart": value})


def test_next_candidate(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(MODEL_ROUTES=routes(["openai/gpt-4o", {"model": "deepseek/deepseek-chat", "weight": 2}]))
    sim.control(models={"gpt-4o": {"fault": "status", "status": 503}})
    for stream in (False, True):
        answer = fetch(cluster.worker, CHAT, chat("hi", "smart", stream=stream), KEY)
        assert answer.status == 200
    asked = [(request.key, request.json["model"]) for request in sim.requests()]
    assert asked[-1] == ("sim-deep-1", "deepseek-chat")
    first = asked[: asked.index(("sim-deep-1", "deepseek-chat"))]
    assert first and all(model == "gpt-4o" for _, model in first)
    assert len(first) == len(set(first)) <= 2, "each account of the first candidate at most once"


def test_bad_requests_are_not_carried_on(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(MODEL_ROUTES=routes(["openai/gpt-4o", "deepseek/deepseek-chat"]))
    sim.control(default={"fault": "status", "status": 400})
    assert fetch(cluster.worker, CHAT, chat("hi", "smart"), KEY).status == 400
    assert len(sim.requests()) == 1


def test_equal_rank_is_balanced_by_weight(start_cluster: Start, sim: Simulator) -> None:
    equals = [{"model": "openai/gpt-4o", "weight": 3}, {"model": "deepseek/deepseek-chat", "weight": 1}]
    cluster = start_cluster(MODEL_ROUTES=routes([equals]))
    for number in range(80):
        assert fetch(cluster.worker, CHAT, chat(f"{number}", "smart"), KEY).status == 200
    served = Counter(request.json["model"] for request in sim.requests())
    assert served.total() == 80
    assert 6 <= served["deepseek-chat"] <= 38, served


def test_accounts_take_turns(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(OPENAI_API_KEY="sim-key-1,sim-key-2,sim-key-3")
    for number in range(12):
        assert fetch(cluster.worker, CHAT, chat(f"{number}"), KEY).status == 200
    assert set(Counter(request.key for request in sim.requests())) == {"sim-key-1", "sim-key-2", "sim-key-3"}
