"""Whom the edge asks when workers refuse or break off: our nginx.conf in front of workers that only pretend."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from support.cluster import KEY, PATH, ROOT, Cluster
from support.processes import Process, free_port
from support.raw import Address, chat, connect, exchange, fetch, request_bytes, told
from support.simulator import Simulator
from support.steady import SteadyLoad, kinds
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
POST = request_bytes(CHAT, chat("hi"), KEY)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
Start = Callable[..., Cluster]


class Pretenders:
    """nginx in front of unix sockets; one without a listener refuses, as a draining worker does."""

    def __init__(self, directory: Path, count: int) -> None:
        self.directory = directory
        self.paths = [str(directory / f"{index}.sock") for index in range(count)]
        self.address: Address = ("127.0.0.1", free_port())
        self.heard: list[int] = []
        self.servers: list[asyncio.Server] = []
        command = [str(ROOT / "scripts" / "edge-config"), str(directory / "edge"), f"127.0.0.1:{self.address[1]}"]
        command += [f"unix:{path}" for path in self.paths]
        made = subprocess.run(command, env={"PATH": PATH}, capture_output=True, text=True, timeout=20, check=True)
        self.nginx = Process("nginx", made.stdout.split("\n")[-2].split(), directory / "nginx.log", {"PATH": PATH})

    async def listen(self, index: int, answer: bytes | None) -> None:
        """This one reads a request and answers, or hangs up without a word."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    length = next(
                        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
                    )
                    await reader.readexactly(length)
                    self.heard.append(index)
                    if answer is None:
                        break
                    writer.write(answer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            writer.transport.abort()

        self.servers.append(await asyncio.start_unix_server(serve, self.paths[index]))

    async def stop(self) -> None:
        self.nginx.stop()
        for server in self.servers:
            server.close()


@pytest.fixture
async def pretend() -> AsyncIterator[Callable[[int], Awaitable[Pretenders]]]:
    with tempfile.TemporaryDirectory(prefix="millrace-") as directory:
        started: list[Pretenders] = []

        async def start(count: int) -> Pretenders:
            pretenders = Pretenders(Path(directory), count)
            started.append(pretenders)

            def answers() -> bool:
                try:
                    return fetch(pretenders.address, "/health").status == 200
                except OSError:
                    return False

            await asyncio.to_thread(lambda: wait_until(answers, 10, what="nginx"))
            return pretenders

        yield start
        for pretenders in started:
            await pretenders.stop()


async def test_a_request_that_kills_workers_kills_two(pretend: Callable[[int], Awaitable[Pretenders]]) -> None:
    pretenders = await pretend(5)
    for index in range(5):
        await pretenders.listen(index, None)
    outcome = await exchange(pretenders.address, POST)
    error = json.loads(outcome.decoder.body)["error"]
    assert (outcome.status, error["code"]) == (502, "worker_unavailable")
    assert error["request_id"] == outcome.decoder.header("x-request-id")
    assert outcome.decoder.header("retry-after") == "1"
    assert len(pretenders.heard) == len(set(pretenders.heard)) == 2


async def test_the_only_worker_that_listens_is_found(pretend: Callable[[int], Awaitable[Pretenders]]) -> None:
    """Four of five refuse; not one request of many pays for it, from the first on and again each time they are tried."""
    pretenders = await pretend(5)
    await pretenders.listen(3, ANSWER)
    for _ in range(40):
        outcomes = await asyncio.gather(*(exchange(pretenders.address, POST) for _ in range(4)))
        assert [outcome.status for outcome in outcomes] == [200] * 4
    assert pretenders.heard == [3] * 160


async def test_nobody_listens(pretend: Callable[[int], Awaitable[Pretenders]]) -> None:
    pretenders = await pretend(3)
    for method in ("POST", "GET"):
        data = request_bytes(CHAT, b"{}" if method == "POST" else None, KEY, method)
        outcome = await exchange(pretenders.address, data)
        assert outcome.status == 502 and outcome.clean
        assert json.loads(outcome.decoder.body)["error"]["code"] == "worker_unavailable"


async def test_most_workers_drain_at_once(start_cluster: Start, sim: Simulator) -> None:
    """They keep their places in the edge's list until their streams have ended, and refuse meanwhile."""
    cluster = start_cluster(workers=5, edge=True, DRAIN_TIMEOUT=15)
    held = request_bytes(CHAT, chat(told({"count": 30, "interval": 0.1}), stream=True), KEY)
    arrived = [asyncio.Event() for _ in range(40)]
    streams = [asyncio.create_task(exchange(cluster.edge, held, first_byte=event)) for event in arrived]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in arrived)), 10)
    stop = asyncio.Event()
    load = SteadyLoad(cluster.edge, KEY, kinds("openai/gpt-4o-mini", 0.3), clients=16, pause=0.01)
    loading = asyncio.create_task(load.run(stop))
    leaving = [cluster.term_worker(index) for index in range(3)]
    await asyncio.to_thread(
        lambda: wait_until(lambda: all(refuses(cluster.workers[index].address) for index in range(3)), 5, what="refusals")
    )
    assert all(process.is_running for process in leaving), "they are draining, not gone"
    for outcome in await asyncio.gather(*streams):
        assert outcome.clean and outcome.stream.done == 1, "a drain cuts no stream"
    for process in leaving:
        assert await asyncio.to_thread(process.wait, 10) == 0
    stop.set()
    await loading
    assert load.total > 100 and not load.failures, load.summary()


def refuses(address: Address) -> bool:
    try:
        connect(address, 1).close()
    except OSError:
        return True
    return False
