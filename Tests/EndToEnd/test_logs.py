"""What the workers write: one JSON object a line, a request id on each, neither bodies nor secrets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import KEY, Cluster
from support.raw import RawClient, chat, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
SECRET = "the-caller-s-own-words"
Start = Callable[..., Cluster]


def run_through_everything(cluster: Cluster, sim: Simulator) -> None:
    """Requests that end in every way, each with words that must not be logged."""
    for scenario in ({}, {"fault": "status", "status": 429}, {"fault": "cut_after", "after": 3}, {"fault": "garbage"}):
        sim.next(scenario)
        for stream in (False, True):
            fetch(cluster.worker, CHAT, chat(SECRET, stream=stream), KEY)
    fetch(cluster.worker, CHAT, chat(SECRET), f"wrong-{SECRET}")
    fetch(cluster.worker, CHAT, f'{{"{SECRET}'.encode(), KEY)
    fetch(cluster.worker, f"/v1/{SECRET}", key=KEY)


@pytest.mark.parametrize("level", ["info", "debug"])
def test_every_line_is_an_object_without_secrets(start_cluster: Start, sim: Simulator, level: str) -> None:
    cluster = start_cluster(LOG_LEVEL=level)
    run_through_everything(cluster, sim)
    lines = cluster.log_lines()
    assert lines
    for line in lines:
        assert {"time", "level", "message"} <= set(line)
        assert line["level"] in ("debug", "info", "warning", "error")
    process = cluster.workers[0].process
    assert process is not None
    assert not re.search(rf"sim-key|sim-deep|{KEY}|{SECRET}", process.output())


def test_failures_carry_the_request_id(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster()
    sim.control(default={"fault": "status", "status": 500})
    fetch(cluster.worker, CHAT, chat("hi"), KEY, headers={"X-Request-ID": "find-me-1"})
    assert cluster.wait_log("find-me-1")


ENDS: list[tuple[str, dict[str, Any]]] = [
    ("done", {"count": 3}),
    ("upstream_cut", {"fault": "cut_after", "after": 3, "count": 9}),
    ("upstream_idle", {"fault": "stall", "after": 3, "count": 9}),
    ("upstream_error", {"fault": "error_frame", "after": 3, "count": 9}),
]


@pytest.mark.parametrize(("reason", "scenario"), ENDS, ids=[case[0] for case in ENDS])
def test_every_stream_has_one_end_reason(
    start_cluster: Start, sim: Simulator, reason: str, scenario: dict[str, Any]
) -> None:
    cluster = start_cluster(LOG_LEVEL="debug", STREAM_IDLE_TIMEOUT=0.4)
    body = chat(told(scenario), stream=True)
    fetch(cluster.worker, CHAT, body, KEY, headers={"X-Request-ID": "stream-1"})
    assert end_reasons(cluster, "stream-1") == [reason]


def test_a_leaving_caller_is_an_end_reason(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(LOG_LEVEL="debug")
    body = chat(told({"endless": True, "interval": 0.05}), stream=True)
    with RawClient(cluster.worker, request_bytes(CHAT, body, KEY, headers={"X-Request-ID": "stream-2"})) as client:
        client.read_events(3)
    sim.wait_gone()
    assert end_reasons(cluster, "stream-2") == ["client_gone"]


def test_a_drained_stream_is_an_end_reason(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(LOG_LEVEL="debug", DRAIN_TIMEOUT=0.3)
    body = chat(told({"endless": True, "interval": 0.05}), stream=True)
    with RawClient(cluster.worker, request_bytes(CHAT, body, KEY, headers={"X-Request-ID": "stream-3"})) as client:
        client.read_events(3)
        assert cluster.term_worker(0).wait(5) == 0
    assert end_reasons(cluster, "stream-3") == ["drained"]


def end_reasons(cluster: Cluster, request_id: str) -> list[str]:
    """The end reasons recorded for a stream, as soon as there is one."""

    def found() -> list[str]:
        return [str(line["end"]) for line in cluster.log_lines() if request_id in line.values() and "end" in line]

    return wait_until(found, 3, what="an end reason")
