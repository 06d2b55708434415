"""Vendors behind TLS and HTTP/2: certificates are checked, streams share a connection and fail one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from support.cluster import KEY, Cluster
from support.raw import RawClient, chat, exchange, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
Start = Callable[..., Cluster]


class SecureUpstream:
    """A simulator with a certificate of an authority nobody knows."""

    def __init__(self, directory: Path, *names: str) -> None:
        authority = trustme.CA()
        self.authority = str(directory / "authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        certificate = str(directory / "certificate.pem")
        authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(certificate)
        self.simulator = Simulator(directory, certificate=certificate)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureUpstream]:
    upstream = SecureUpstream(tmp_path_factory.mktemp("tls"), "127.0.0.1", "localhost")
    yield upstream
    upstream.simulator.stop()


@pytest.fixture
def upstream(secure: SecureUpstream) -> Simulator:
    secure.simulator.reset()
    return secure.simulator


@pytest.fixture
def cluster(secure: SecureUpstream, upstream: Simulator, start_cluster: Start) -> Cluster:
    return start_cluster(
        OPENAI_BASE_URL=upstream.tls_url,
        OPENAI_API_KEY="sim-key-1",
        UPSTREAM_CA_FILE=secure.authority,
        COMMIT_AFTER=20,
    )


def slow(count: int = 5, interval: float = 0.1, **scenario: object) -> bytes:
    return request_bytes(CHAT, chat(told({"count": count, "interval": interval} | scenario), stream=True), KEY)


async def test_many_streams_share_a_connection(cluster: Cluster, upstream: Simulator) -> None:
    first = await asyncio.to_thread(fetch, cluster.worker, CHAT, chat("open the connection"), KEY)
    assert first.status == 200
    outcomes = await asyncio.gather(*(exchange(cluster.worker, slow()) for _ in range(50)))
    assert all(outcome.stream.text() == "0 1 2 3 4 " and outcome.stream.done == 1 for outcome in outcomes)
    requests = upstream.requests()
    assert {request["protocol"] for request in requests} == {"h2"}
    assert len(requests) == 51
    assert len({request["connection"] for request in requests}) <= 2


def test_unknown_authority_is_refused(start_cluster: Start, upstream: Simulator) -> None:
    cluster = start_cluster(OPENAI_BASE_URL=upstream.tls_url)
    answer = fetch(cluster.worker, CHAT, chat("hi"), KEY)
    assert answer.status == 502
    assert json.loads(answer.body)["error"]["code"] == "upstream_unreachable"
    assert upstream.requests() == []


def test_wrong_name_is_refused(start_cluster: Start, tmp_path: Path) -> None:
    other = SecureUpstream(tmp_path, "example.org")
    try:
        cluster = start_cluster(OPENAI_BASE_URL=other.simulator.tls_url, UPSTREAM_CA_FILE=other.authority)
        assert fetch(cluster.worker, CHAT, chat("hi"), KEY).status == 502
        assert other.simulator.requests() == []
    finally:
        other.simulator.stop()


def test_a_reset_stream_breaks_alone(cluster: Cluster, upstream: Simulator) -> None:
    async def both() -> None:
        event = asyncio.Event()
        neighbour = asyncio.create_task(exchange(cluster.worker, slow(12), first_byte=event))
        await asyncio.wait_for(event.wait(), 5)
        broken = await exchange(cluster.worker, slow(9, 0.01, fault="cut_after", after=4))
        assert broken.stream.done == 0 and not broken.clean
        assert [error["code"] for error in broken.stream.errors] == ["upstream_cut"]
        whole = await neighbour
        assert whole.stream.done == 1 and len(whole.stream.text().split()) == 12

    asyncio.run(both())
    assert len({request["connection"] for request in upstream.requests()}) == 1


def test_a_leaving_caller_ends_its_stream_upstream(cluster: Cluster, upstream: Simulator) -> None:
    with RawClient(cluster.worker, slow(1000)) as client:
        client.read_events(2)
    upstream.wait_gone()
    assert fetch(cluster.worker, CHAT, chat("hi"), KEY).status == 200


def test_a_leaving_caller_leaves_its_neighbours_alone(cluster: Cluster, upstream: Simulator) -> None:
    with RawClient(cluster.worker, slow(30)) as neighbour:
        neighbour.read_events(1)
        with RawClient(cluster.worker, slow(1000)) as leaving:
            leaving.read_events(2)
        upstream.wait_gone()
        neighbour.read_all()
        assert neighbour.stream().done == 1
    assert len({request["connection"] for request in upstream.requests()}) == 1


def test_a_stuck_reader_does_not_hold_up_its_neighbours(cluster: Cluster, upstream: Simulator) -> None:
    scenario = {"endless": True, "piece_bytes": 4000, "burst": 8}
    with RawClient(
        cluster.worker, request_bytes(CHAT, chat(told(scenario), stream=True), KEY), receive_buffer=16384
    ) as stuck:
        stuck.read_head()
        wait_until(lambda: upstream.last()["bytes_sent"] > 200_000, 5, what="the stuck stream to fill up")
        for _ in range(3):
            assert fetch(cluster.worker, CHAT, chat(told({"text": "z" * 100_000})), KEY).status == 200
    assert upstream.requests()[0]["state"] in ("open", "gone")
