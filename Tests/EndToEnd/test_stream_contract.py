"""The stream contract, line by line, on the wire. Every test owns its worker, because faults leave marks."""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import KEY, Cluster
from support.raw import Address, Decoder, RawClient, Stream, chat, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_stable

CHAT = "/v1/chat/completions"
Start = Callable[..., Cluster]
SHORT = {
    "COMMIT_AFTER": 0.5,
    "FIRST_TOKEN_TIMEOUT": 1.5,
    "STREAM_IDLE_TIMEOUT": 1.0,
    "KEEPALIVE_INTERVAL": 0.25,
    "CLIENT_STALL_TIMEOUT": 1.5,
    "CONNECT_TIMEOUT": 0.5,
}


def stream_request(scenario: dict[str, Any], model: str = "openai/gpt-4o-mini", **members: Any) -> bytes:
    return request_bytes(CHAT, chat(told(scenario), model, stream=True, **members), KEY)


def open_stream(address: Address, scenario: dict[str, Any], **members: Any) -> RawClient:
    return RawClient(address, stream_request(scenario, **members))


def whole_stream(address: Address, scenario: dict[str, Any], **members: Any) -> tuple[Decoder, Stream]:
    with open_stream(address, scenario, **members) as client:
        return client.read_all(), client.stream()


def numbers(stream: Stream) -> list[int]:
    """The counted pieces of a scenario with `count`, in the order of arrival."""
    return [int(word) for word in stream.text().split()]


def assert_ended_well(decoder: Decoder, stream: Stream) -> None:
    assert decoder.status == 200
    assert (decoder.header("content-type") or "").startswith("text/event-stream")
    assert stream.stray == [] and stream.errors == []
    assert stream.done == 1 and stream.payloads[-1] == "[DONE]"
    assert decoder.clean


def assert_broke_visibly(decoder: Decoder, stream: Stream, *codes: str) -> dict[str, Any]:
    """An error frame, then an end that no client can mistake for a proper one; never a `[DONE]`."""
    assert decoder.status == 200
    assert stream.stray == []
    assert stream.done == 0, "a fake end"
    assert len(stream.errors) == 1 and "error" in stream.payloads[-1]
    assert not decoder.clean, "the body ended as if all were well"
    error = stream.errors[0]
    assert {"message", "type", "param", "code", "request_id"} <= set(error)
    assert error["request_id"] == decoder.header("x-request-id")
    if codes:
        assert error["code"] in codes
    return error


@pytest.fixture(params=["worker", "edge"])
def short(request: pytest.FixtureRequest, start_cluster: Start) -> Address:
    """The door of a cluster with short clocks: the worker itself, or the edge before it."""
    cluster = start_cluster(edge=request.param == "edge", **SHORT)
    return cluster.edge if request.param == "edge" else cluster.worker


# Commit clock


def test_role_frame_waits_for_the_first_content(start_cluster: Start) -> None:
    cluster = start_cluster(COMMIT_AFTER=5)
    with open_stream(cluster.worker, {"interval": 0.5, "text": "late"}) as client:
        client.read_head()
        assert client.elapsed >= 0.45, "the head left with the role frame"
        client.read_events(2)
        first = Stream.parse(client.decoder.pieces[0][1])
        assert len(first.chunks) == 2, "role and content belong in one write"
        assert first.text() == "late"
        client.read_all()
        assert_ended_well(client.decoder, client.stream())


def test_silence_is_committed_in_time_and_kept_alive(short: Address, sim: Simulator) -> None:
    with open_stream(short, {"fault": "stall", "after": 1}) as client:
        client.read_head()
        assert 0.4 <= client.elapsed < 1.2
        assert client.decoder.status == 200
        client.read_all()
        assert 1.3 <= client.elapsed < 3, "the first token has a deadline, and keep-alives do not move it"
        stream = client.stream()
        assert len(stream.comments) >= 2
        assert_broke_visibly(client.decoder, stream, "upstream_timeout", "upstream_idle")
    sim.wait_gone()


def test_headers_then_silence(short: Address, sim: Simulator) -> None:
    with open_stream(short, {"fault": "head_silence"}) as client:
        client.read_head()
        assert 0.4 <= client.elapsed < 1.2
        client.read_all()
        assert_broke_visibly(client.decoder, client.stream(), "upstream_timeout")
        assert client.elapsed < 4.5, "two accounts may be tried while nothing but comments has left"
    sim.wait_gone()


def test_silence_before_the_head(short: Address, sim: Simulator) -> None:
    with open_stream(short, {"fault": "silence"}) as client:
        client.read_all()
        assert_broke_visibly(client.decoder, client.stream(), "upstream_timeout")
        assert client.elapsed < 4.5, "two accounts may be tried while nothing but comments has left"
    sim.wait_gone()


@pytest.mark.parametrize(
    "scenario",
    [
        {"fault": "cut_after", "after": 1},
        {"fault": "cut_after", "after": 0, "reset": True},
        {"fault": "cut_inside", "after": 1},
        {"fault": "end_after", "after": 1},
        {"fault": "error_frame", "after": 1},
        {"fault": "garbage", "after": 1},
        {"fault": "not_sse"},
        {"fault": "accept_close"},
        {"fault": "bad_head"},
    ],
    ids=lambda s: "-".join(str(v) for v in s.values()),
)
def test_failure_before_the_first_content_is_a_status(
    start_cluster: Start, sim: Simulator, scenario: dict[str, Any]
) -> None:
    cluster = start_cluster(COMMIT_AFTER=5)
    sim.control(default=scenario)
    answer = fetch(cluster.worker, CHAT, chat("hi", stream=True), KEY)
    assert answer.status in (502, 503), bytes(answer.body)
    assert (answer.header("content-type") or "").startswith("application/json")
    assert answer.clean
    keys = [request.key for request in sim.requests()]
    assert sorted(keys) == ["sim-key-1", "sim-key-2"], "each account once"


@pytest.mark.parametrize("fault", ["cut_after", "end_after", "error_frame", "garbage"])
def test_failure_before_the_first_content_moves_on_silently(start_cluster: Start, sim: Simulator, fault: str) -> None:
    cluster = start_cluster(COMMIT_AFTER=5)
    sim.next({"fault": fault, "after": 1, "id": "chatcmpl-first"}, {"id": "chatcmpl-second"})
    decoder, stream = whole_stream(cluster.worker, {"text": "served by the other"})
    assert_ended_well(decoder, stream)
    assert stream.text() == "served by the other"
    assert {chunk["id"] for chunk in stream.chunks} == {"chatcmpl-second"}
    assert len(sim.requests()) == 2


def test_no_second_attempt_after_the_first_content(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster()
    sim.next({"fault": "cut_after", "after": 3})
    decoder, stream = whole_stream(cluster.worker, {"count": 20})
    assert_broke_visibly(decoder, stream)
    assert len(sim.requests()) == 1


def test_frames_leave_as_they_come(short: Address) -> None:
    with open_stream(short, {"count": 6, "interval": 0.2}) as client:
        decoder = client.read_all()
    arrivals = [at for at, piece in decoder.pieces if b'"content"' in piece]
    assert len(arrivals) >= 6, "several frames were held back to leave together"
    assert arrivals[-1] - arrivals[0] >= 0.8


# Keep-alives


def test_keep_alives_stand_between_events_only(short: Address) -> None:
    scenario = {"count": 3, "interval": 0.35, "pause_inside": 0.5}
    with open_stream(short, scenario) as client:
        decoder = client.read_all()
    stream = client.stream()
    assert_ended_well(decoder, stream)
    assert numbers(stream) == [0, 1, 2]
    assert len(stream.comments) >= 4


def test_keep_alives_are_not_upstream_activity(short: Address, sim: Simulator) -> None:
    with open_stream(short, {"fault": "stall", "after": 3, "count": 9}) as client:
        client.read_events(3)
        silent_since = time.monotonic()
        client.read_all()
        assert 0.8 <= time.monotonic() - silent_since < 2.5
        stream = client.stream()
        assert numbers(stream) == [0, 1]
        assert len(stream.comments) >= 2
        assert_broke_visibly(client.decoder, stream, "upstream_idle")
    sim.wait_gone()


def test_no_keep_alive_in_a_busy_stream(short: Address) -> None:
    decoder, stream = whole_stream(short, {"count": 12, "interval": 0.05})
    assert_ended_well(decoder, stream)
    assert stream.comments == []


def test_comments_of_the_vendor_are_no_token(start_cluster: Start) -> None:
    cluster = start_cluster(**SHORT)
    scenario = {"keep_alives": 60, "keep_alive_interval": 0.1}
    decoder, stream = whole_stream(cluster.worker, scenario, model="deepseek/deepseek-chat")
    assert_broke_visibly(decoder, stream, "upstream_timeout")


def test_comments_of_the_vendor_are_followed_by_its_answer(short: Address) -> None:
    scenario = {"keep_alives": 8, "keep_alive_interval": 0.1, "text": "here"}
    decoder, stream = whole_stream(short, scenario, model="deepseek/deepseek-chat")
    assert_ended_well(decoder, stream)
    assert stream.text() == "here"


# Truth


CUTS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"fault": "cut_after"}, ("upstream_cut",)),
    ({"fault": "cut_after", "reset": True}, ("upstream_cut",)),
    ({"fault": "cut_inside"}, ("upstream_cut",)),
    ({"fault": "cut_framing"}, ("upstream_cut",)),
    ({"fault": "cut_after", "close_delimited": True}, ("upstream_cut",)),
    ({"fault": "end_after"}, ("upstream_cut",)),
    ({"fault": "bad_chunk"}, ("upstream_cut", "upstream_invalid_response")),
    ({"fault": "error_frame"}, ("upstream_error", "server_error")),
    ({"fault": "garbage", "kind": "json"}, ("upstream_invalid_response",)),
    ({"fault": "garbage", "kind": "scalar"}, ("upstream_invalid_response",)),
    ({"fault": "garbage", "kind": "text"}, ("upstream_invalid_response",)),
    ({"fault": "garbage", "kind": "utf8"}, ("upstream_invalid_response",)),
]


@pytest.mark.parametrize(("fault", "codes"), CUTS, ids=["-".join(str(v) for v in case[0].values()) for case in CUTS])
def test_broken_streams_end_visibly(
    short: Address, sim: Simulator, fault: dict[str, Any], codes: tuple[str, ...]
) -> None:
    decoder, stream = whole_stream(short, fault | {"after": 6, "count": 20})
    assert_broke_visibly(decoder, stream, *codes)
    assert numbers(stream) == [0, 1, 2, 3, 4], "what came before the fault belongs to the caller"
    assert stream.finish == []
    assert len(sim.requests()) == 1


@pytest.mark.parametrize("kind", ["bytes", "empty"])
def test_noise_never_reaches_the_caller(short: Address, kind: str) -> None:
    decoder, stream = whole_stream(short, {"fault": "garbage", "kind": kind, "after": 3, "count": 5})
    assert stream.stray == []
    if stream.errors:
        assert_broke_visibly(decoder, stream, "upstream_invalid_response")
    else:
        assert_ended_well(decoder, stream)
        assert numbers(stream) == [0, 1, 2, 3, 4]


def test_missing_done_after_the_finish_is_never_a_silent_stop(short: Address) -> None:
    decoder, stream = whole_stream(short, {"fault": "no_done", "after": 99, "count": 3})
    assert numbers(stream) == [0, 1, 2]
    if stream.errors:
        assert_broke_visibly(decoder, stream, "upstream_cut")
    else:
        assert_ended_well(decoder, stream)
        assert stream.finish == ["stop"]


def test_out_of_resources_is_an_error_frame(short: Address) -> None:
    scenario = {"finish": "insufficient_system_resource", "text": "half an"}
    decoder, stream = whole_stream(short, scenario, model="deepseek/deepseek-chat")
    assert_broke_visibly(decoder, stream)
    assert stream.finish == []


def test_errors_of_the_vendor_are_not_repeated_verbatim(short: Address) -> None:
    body = {
        "error": {"message": "key sim-key-1 at 10.0.0.7 is odd", "type": "server_error", "param": None, "code": None}
    }
    decoder, stream = whole_stream(short, {"fault": "error_frame", "after": 4, "count": 9, "body": body})
    assert_broke_visibly(decoder, stream)
    assert not re.search(rb"sim-key|10\.0\.0\.7", decoder.body)


def test_several_streams_on_one_connection(start_cluster: Start) -> None:
    cluster = start_cluster(edge=True)
    for address in (cluster.worker, cluster.edge):
        with RawClient(address, stream_request({"count": 5})) as client:
            for _ in range(3):
                decoder = client.read_all()
                assert_ended_well(decoder, client.stream())
                assert decoder.rest == b""
                client.decoder = Decoder()
                client.sock.sendall(stream_request({"count": 5}))
            assert_ended_well(client.read_all(), client.stream())


# Spelling


SPELLINGS: list[dict[str, Any]] = [
    {"eol": "crlf"},
    {"eol": "cr"},
    {"space": False},
    {"multiline": True},
    {"multiline": True, "eol": "crlf", "comments": True, "space": False},
    {"comments": True},
    {"event_names": True},
    {"bom": True},
    {"last_blank": False},
    {"burst": 7},
    {"burst": 1000},
    {"write_size": 1},
    {"write_size": 7, "eol": "cr"},
    {"split_characters": True},
    {"close_delimited": True},
    {"usage_always": True},
    {"content_type": "text/event-stream"},
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=["-".join(f"{k}={v}" for k, v in s.items()) for s in SPELLINGS])
@pytest.mark.parametrize("door", ["worker", "edge"])
def test_every_spelling_means_the_same(cluster: Cluster, door: str, spelling: dict[str, Any]) -> None:
    text = "夜市 很熱鬧 🎏 é \n\n data: x \r\n 👩‍👩‍👧‍👦 done"
    decoder, stream = whole_stream(getattr(cluster, door), {"text": text} | spelling)
    assert_ended_well(decoder, stream)
    assert stream.text() == text
    assert stream.finish == ["stop"]
    assert all("usage" not in chunk or chunk["usage"] is None for chunk in stream.chunks)


@pytest.mark.parametrize("door", ["worker", "edge"])
def test_a_line_of_megabytes(cluster: Cluster, door: str) -> None:
    decoder, stream = whole_stream(getattr(cluster, door), {"huge": 2_000_000})
    assert_ended_well(decoder, stream)
    assert stream.text() == "y" * 2_000_000


def test_split_at_every_byte(cluster: Cluster) -> None:
    for size in (1, 2, 3, 5):
        decoder, stream = whole_stream(cluster.worker, {"text": "🎏é" * 5, "write_size": size})
        assert_ended_well(decoder, stream)
        assert stream.text() == "🎏é" * 5


# Cancel


@pytest.mark.parametrize("scenario", [{"endless": True, "interval": 0.1}, {"fault": "stall", "after": 4, "count": 9}])
def test_a_caller_who_leaves_mid_stream_is_noticed(short: Address, sim: Simulator, scenario: dict[str, Any]) -> None:
    with open_stream(short, scenario) as client:
        client.read_events(3)
        left = time.time()
    gone = sim.wait_gone()
    assert gone["gone_at"] - left < 1


@pytest.mark.parametrize("members", [{"stream": True}, {}], ids=["stream", "plain"])
@pytest.mark.parametrize("scenario", [{"fault": "silence"}, {"head_delay": 20}, {"first_delay": 20}])
def test_a_caller_who_leaves_early_is_noticed(
    start_cluster: Start, sim: Simulator, scenario: dict[str, Any], members: dict[str, Any]
) -> None:
    cluster = start_cluster(edge=True)
    for address in (cluster.worker, cluster.edge):
        sim.reset()
        with RawClient(address, request_bytes(CHAT, chat(told(scenario), **members), KEY)):
            sim.wait_requests(1)
            left = time.time()
        assert sim.wait_gone()["gone_at"] - left < 1
        assert len(sim.requests()) == 1, "a caller who left needs no second attempt"


# Pressure


def test_a_caller_who_does_not_read_stops_the_vendor(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(edge=True, CLIENT_STALL_TIMEOUT=60)
    for address in (cluster.worker, cluster.edge):
        sim.reset()
        before = cluster.memory(0)
        request = stream_request({"endless": True, "piece_bytes": 4000, "burst": 8})
        with RawClient(address, request, receive_buffer=16384) as client:
            client.read_head()
            sent = wait_paused(sim)
            assert sent < 24_000_000, "kernel buffers explain a few megabytes, not this"
            assert cluster.memory(0) - before < 8_000_000
        sim.wait_gone()


def wait_paused(sim: Simulator) -> int:
    """The bytes the vendor got rid of once it cannot get rid of any more."""
    return wait_stable(lambda: sim.open()["bytes_sent"], quiet=0.5, seconds=10, what="the vendor to be paused")


@pytest.mark.parametrize("door", ["worker", "edge"])
def test_a_slow_reader_gets_everything(start_cluster: Start, sim: Simulator, door: str) -> None:
    cluster = start_cluster(edge=door == "edge", CLIENT_STALL_TIMEOUT=30, STREAM_IDLE_TIMEOUT=0.3)
    count = 6000
    request = stream_request({"count": count, "piece_bytes": 4000, "burst": 8})
    with RawClient(getattr(cluster, door), request, receive_buffer=16384) as client:
        client.read_head()
        wait_paused(sim)  # longer than the idle timeout: a paused vendor is not a silent one
        assert sim.open()["open"] == 1
        decoder = client.read_all()
        stream = client.stream()
    assert_ended_well(decoder, stream)
    pieces = [c["choices"][0]["delta"].get("content", "").split(" ")[0] for c in stream.chunks if c["choices"]]
    assert [int(piece) for piece in pieces if piece] == list(range(count))


def test_a_caller_who_never_reads_is_dropped(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(CLIENT_STALL_TIMEOUT=1)
    request = stream_request({"endless": True, "piece_bytes": 4000, "burst": 8})
    with RawClient(cluster.worker, request, receive_buffer=16384) as client:
        client.read_head()
        gone = sim.wait_gone(6)
        assert gone["gone_at"] - gone["at"] >= 0.8


def test_a_slow_but_steady_reader_is_kept(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(CLIENT_STALL_TIMEOUT=1)
    request = stream_request({"endless": True, "piece_bytes": 4000, "burst": 8})
    with RawClient(cluster.worker, request, receive_buffer=16384) as client:
        client.read_head()
        began = time.monotonic()
        while time.monotonic() - began < 4:
            assert client.sock.recv(3000), "the stream was given up"
            select.select([], [], [], 0.02)  # the pace of this reader
        assert sim.open()["open"] == 1


# Status and budget


@pytest.mark.parametrize(("status", "seen"), [(429, (429,)), (503, (503,)), (529, (503, 529)), (500, (500, 502))])
def test_statuses_stay_what_they_are(start_cluster: Start, sim: Simulator, status: int, seen: tuple[int, ...]) -> None:
    cluster = start_cluster()
    sim.control(default={"fault": "status", "status": status, "retry_after": 9})
    answer = fetch(cluster.worker, CHAT, chat("hi", stream=True), KEY)
    assert answer.status in seen
    if status == 429:
        assert 1 <= int(answer.header("retry-after") or 0) <= 9


@pytest.mark.parametrize(("times", "most"), [(0, 1), (1, 2), (3, 4)])
def test_the_budget_bounds_the_attempts(start_cluster: Start, sim: Simulator, times: int, most: int) -> None:
    keys = ",".join(f"sim-key-{number}" for number in range(8))
    cluster = start_cluster(OPENAI_API_KEY=keys, RETRY_TIMES=times)
    sim.control(default={"fault": "status", "status": 500})
    assert fetch(cluster.worker, CHAT, chat("hi", stream=True), KEY).status in (500, 502)
    used = [request.key for request in sim.requests()]
    assert 1 <= len(used) <= most
    assert len(set(used)) == len(used), "an account was asked twice"


def test_server_timing_tells_what_the_gateway_spent(cluster: Cluster) -> None:
    for stream in (False, True):
        answer = fetch(cluster.edge, CHAT, chat("hi", stream=stream), KEY)
        metrics = [part.strip() for part in (answer.header("server-timing") or "").split(",")]
        parsed = [re.fullmatch(r"([a-z_]+);dur=(\d+(?:\.\d+)?)", metric) for metric in metrics]
        assert metrics and all(parsed), metrics
        assert all(float(match[2]) < 20000 for match in parsed if match)


def test_stream_headers(cluster: Cluster) -> None:
    for address in (cluster.worker, cluster.edge):
        decoder, _ = whole_stream(address, {"count": 2})
        assert (decoder.header("content-type") or "").startswith("text/event-stream")
        assert "no-cache" in (decoder.header("cache-control") or "")
        assert decoder.header("content-encoding") is None
        assert decoder.header("content-length") is None
        assert decoder.header("x-request-id")


def test_edge_does_not_compress_streams(cluster: Cluster) -> None:
    body = chat(told({"text": "a " * 2000}), stream=True)
    answer = fetch(cluster.edge, CHAT, body, KEY, headers={"Accept-Encoding": "gzip"})
    assert answer.header("content-encoding") is None
    plain = fetch(cluster.edge, CHAT, chat(told({"text": "a " * 2000})), KEY, headers={"Accept-Encoding": "gzip"})
    assert plain.header("content-encoding") == "gzip"
