"""Two thousand slow streams at once: nothing lost, nothing doubled, memory as promised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from support.cluster import KEY, Cluster
from support.raw import Outcome, chat, exchange, request_bytes, told
from support.simulator import Simulator

STREAMS = 2000
CHUNKS = 8
Start = Callable[..., Cluster]


@pytest.mark.limit(90)
async def test_two_thousand_slow_streams(start_cluster: Start, sim: Simulator, note: Callable[[str], None]) -> None:
    cluster = start_cluster(workers=2, edge=True)
    request = request_bytes("/v1/chat/completions", chat(told({"count": CHUNKS, "interval": 1.2}), stream=True), KEY)
    warm = await asyncio.gather(*(exchange(cluster.edge, quick()) for _ in range(50)))
    assert all(outcome.stream.done == 1 for outcome in warm)
    before = [cluster.memory(index) for index in range(2)]
    arrived = [asyncio.Event() for _ in range(STREAMS)]
    tasks = [asyncio.create_task(exchange(cluster.edge, request, 80, event)) for event in arrived]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in arrived)), 60)
    at_once = (await asyncio.to_thread(sim.open))["open"]
    during = [cluster.memory(index) for index in range(2)]
    outcomes: list[Outcome] = await asyncio.gather(*tasks)
    wrong = [outcome for outcome in outcomes if not is_whole(outcome)]
    assert not wrong, f"{len(wrong)} of {STREAMS}: {wrong[0].error} {wrong[0].status} {wrong[0].stream.payloads[-2:]}"
    growth = (sum(during) - sum(before)) / STREAMS
    note(
        f"{at_once} streams open at once over 2 workers: {growth / 1024:.1f} KB of worker memory each, "
        f"{max(before) / 1e6:.1f} MB a worker before, {max(during) / 1e6:.1f} MB during"
    )
    assert at_once >= STREAMS * 0.9, "the load was not there at once"
    assert growth < 64 * 1024


def quick() -> bytes:
    return request_bytes("/v1/chat/completions", chat(told({"count": 2}), stream=True), KEY)


def is_whole(outcome: Outcome) -> bool:
    stream = outcome.stream
    numbers = [int(word) for word in stream.text().split()]
    return outcome.clean and stream.done == 1 and not stream.errors and numbers == list(range(CHUNKS))


async def test_many_plain_requests(cluster: Cluster, sim: Simulator) -> None:
    request = request_bytes("/v1/chat/completions", chat("hi"), KEY)
    slots = asyncio.Semaphore(64)

    async def one() -> int:
        async with slots:
            return (await exchange(cluster.edge, request)).status

    assert set(await asyncio.gather(*(one() for _ in range(1000)))) == {200}
    connections = {entry["connection"] for entry in sim.requests()}
    assert len(connections) <= 160, "upstream connections are reused"
    for worker in cluster.workers:
        assert worker.process is not None
        assert worker.process.threads() == 1, "one worker is one thread"
