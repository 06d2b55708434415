"""Failures as a caller sees them: shape, class, parameter, request id, and what may be tried again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest

from conftest import Target
from support.cluster import KEY, Cluster
from support.raw import Decoder, RawClient, chat, fetch, request_bytes, told
from support.simulator import Simulator
from upstreams.faults import QUOTA, black_hole, closed_port

MODEL = "openai/gpt-4o-mini"
CHAT = "/v1/chat/completions"
Start = Callable[..., Cluster]


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def failed(answer: Decoder, status: int | tuple[int, ...]) -> dict[str, Any]:
    """The error object of an answer, after checking everything that all errors have in common."""
    statuses = (status,) if isinstance(status, int) else status
    assert answer.status in statuses, bytes(answer.body)
    assert answer.clean
    assert (answer.header("content-type") or "").startswith("application/json")
    error = json.loads(answer.body)["error"]
    assert {"message", "type", "param", "code", "request_id"} <= set(error)
    assert error["message"] and error["type"]
    assert error["request_id"] == answer.header("x-request-id")
    assert not re.search(r"sim-key|sim-deep|test-master-key|127\.0\.0\.1", answer.body.decode())
    return error


BAD_REQUESTS: list[tuple[str, bytes, str | None]] = [
    ("not JSON", b"{", None),
    ("not an object", b"[]", None),
    ("not UTF-8", b'{"model":"openai/gpt-4o","messages":[{"role":"user","content":"\xff"}]}', None),
    ("empty", b"", None),
    ("no model", b'{"messages":[{"role":"user","content":"x"}]}', "model"),
    ("model of a wrong type", b'{"model":7,"messages":[{"role":"user","content":"x"}]}', "model"),
    ("no messages", b'{"model":"openai/gpt-4o"}', "messages"),
    ("messages of a wrong type", b'{"model":"openai/gpt-4o","messages":"x"}', "messages"),
    (
        "stream of a wrong type",
        b'{"model":"openai/gpt-4o","messages":[{"role":"user","content":"x"}],"stream":"yes"}',
        "stream",
    ),
    ("deep nesting", b'{"model":"openai/gpt-4o","messages":' + b"[" * 5000 + b"]" * 5000 + b"}", None),
]


@pytest.mark.parametrize("door", ["edge", "worker"])
@pytest.mark.parametrize(("body", "param"), [case[1:] for case in BAD_REQUESTS], ids=[case[0] for case in BAD_REQUESTS])
def test_bad_requests_name_the_parameter(
    cluster: Cluster, sim: Simulator, door: str, body: bytes, param: str | None
) -> None:
    error = failed(fetch(getattr(cluster, door), CHAT, body, KEY), 400)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert sim.requests() == []


@pytest.mark.parametrize(
    ("body", "param"),
    [(b'{"input":"x"}', "model"), (b'{"model":"openai/text-embedding-3-small"}', "input")],
)
def test_bad_embedding_requests(cluster: Cluster, body: bytes, param: str) -> None:
    assert failed(fetch(cluster.edge, "/v1/embeddings", body, KEY), 400)["param"] == param


@pytest.mark.parametrize("key", [None, "wrong-key", "test-master-ke", "test-master-key-and-more"])
def test_keys_are_checked(cluster: Cluster, sim: Simulator, key: str | None) -> None:
    error = failed(fetch(cluster.edge, CHAT, chat("hi"), key), 401)
    assert error["code"] == "invalid_api_key"
    assert sim.requests() == []


def test_unknown_paths_and_methods(cluster: Cluster) -> None:
    failed(fetch(cluster.edge, "/v1/nothing", {}, KEY), 404)
    answer = fetch(cluster.edge, CHAT, key=KEY)
    failed(answer, 405)
    assert "POST" in (answer.header("allow") or "")


def test_body_limit(start_cluster: Start) -> None:
    cluster = start_cluster(edge=True, MAX_BODY_BYTES=20000)
    for door in (cluster.worker, cluster.edge):
        failed(fetch(door, CHAT, chat("x" * 30000), KEY), 413)
        assert fetch(door, CHAT, chat("x" * 10000), KEY).status == 200


@pytest.mark.parametrize("door", ["edge", "worker"])
def test_request_id_is_kept_when_sane_and_made_otherwise(cluster: Cluster, door: str) -> None:
    address = getattr(cluster, door)

    def answered(given: str | None) -> str:
        headers = {"X-Request-ID": given} if given else None
        value = fetch(address, CHAT, chat("hi"), KEY, headers=headers).header("x-request-id")
        assert value
        return value

    assert answered("my-Request.1_2") == "my-Request.1_2"
    made = {answered(None), answered(None), answered("with space"), answered("x" * 500), answered('"<script>')}
    assert len(made) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{8,128}", value) for value in made)


def test_only_one_request_id_header(cluster: Cluster) -> None:
    for path, body in (("/v1/models", None), (CHAT, chat("hi")), (CHAT, chat("hi", stream=True)), ("/v1/none", None)):
        answer = fetch(cluster.edge, path, body, KEY)
        assert [name.lower() for name, _ in answer.headers].count("x-request-id") == 1


UPSTREAM: list[tuple[int, tuple[int, ...], type[openai.APIStatusError]]] = [
    (400, (400,), openai.BadRequestError),
    (404, (404,), openai.NotFoundError),
    (422, (400, 422), openai.APIStatusError),
    (429, (429,), openai.RateLimitError),
    (500, (500, 502), openai.InternalServerError),
    (502, (502,), openai.InternalServerError),
    (503, (503,), openai.InternalServerError),
    (529, (503, 529), openai.InternalServerError),
    (401, (502,), openai.InternalServerError),
    (403, (403, 502), openai.APIStatusError),
]


@pytest.mark.parametrize(("status", "seen", "kind"), UPSTREAM, ids=[str(case[0]) for case in UPSTREAM])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_upstream_statuses(
    start_cluster: Start,
    sim: Simulator,
    status: int,
    seen: tuple[int, ...],
    kind: type[openai.APIStatusError],
    stream: bool,
) -> None:
    cluster = start_cluster(edge=True)
    sim.control(default={"fault": "status", "status": status})
    with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=0) as client:
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model=MODEL, messages=ask("hi"), stream=stream)
    assert caught.value.status_code in seen
    assert caught.value.request_id
    assert isinstance(caught.value.body, dict) and caught.value.body["request_id"] == caught.value.request_id
    keys = [request.key for request in sim.requests()]
    assert len(keys) == len(set(keys)), "an account was asked twice"
    # What the caller did wrong is wrong everywhere; a model may be missing for one account only.
    assert len(keys) in {400: (1,), 422: (1,), 404: (1, 2)}.get(status, (2,))
    failed(fetch(cluster.worker, CHAT, chat("hi"), KEY), tuple(range(400, 600)))


def test_parameter_of_the_vendor_is_kept(cluster: Cluster, sim: Simulator) -> None:
    sim.next({"fault": "status", "status": 400})
    error = failed(fetch(cluster.edge, CHAT, chat("hi"), KEY), 400)
    assert (error["param"], error["code"]) == ("temperature", "invalid_value")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_rate_limit_stays_a_rate_limit(start_cluster: Start, sim: Simulator, stream: bool) -> None:
    cluster = start_cluster()
    sim.control(default={"fault": "status", "status": 429, "retry_after": 7})
    answer = fetch(cluster.worker, CHAT, chat("hi", stream=stream), KEY)
    error = failed(answer, 429)
    assert error["code"] == "rate_limit_exceeded"
    assert 1 <= int(answer.header("retry-after") or 0) <= 7


def test_spent_quota_is_not_to_be_tried_again(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster()
    sim.control(default={"fault": "status", "status": 429, "body": QUOTA})
    answer = fetch(cluster.worker, CHAT, chat("hi"), KEY)
    assert failed(answer, 429)["code"] == "insufficient_quota"
    assert answer.header("x-should-retry") == "false"


def test_deepseek_without_balance(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster()
    sim.control(default={"fault": "status", "status": 402, "content_type": "application/octet-stream"})
    answer = fetch(cluster.worker, CHAT, chat("hi", model="deepseek/deepseek-chat"), KEY)
    assert failed(answer, 429)["code"] == "insufficient_quota"
    assert answer.header("x-should-retry") == "false"


def test_deepseek_out_of_resources(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster()
    sim.control(default={"finish": "insufficient_system_resource"})
    failed(fetch(cluster.worker, CHAT, chat("hi", model="deepseek/deepseek-chat"), KEY), 503)


def test_no_retry_by_the_client_after_the_gateway_has_tried(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(edge=True)
    sim.control(default={"fault": "status", "status": 500})
    with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=2) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model=MODEL, messages=ask("hi"))
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(sim.requests()) == 2, "once for each account, and no more"


def test_retry_after_of_a_short_limit_is_obeyed_by_the_sdk(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(edge=True, OPENAI_API_KEY="sim-key-1")
    sim.next({"fault": "status", "status": 429, "retry_after": 1})
    begun = time.monotonic()
    with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=3) as client:
        answer = client.chat.completions.create(model=MODEL, messages=ask("hi"))
    assert answer.choices[0].message.content == "You said: hi"
    assert time.monotonic() - begun >= 0.9


def test_one_account_fails_the_other_serves(start_cluster: Start, sim: Simulator) -> None:
    for status in (429, 500, 503, 401):
        cluster = start_cluster()
        sim.reset()
        sim.next({"fault": "status", "status": status})
        answer = fetch(cluster.worker, CHAT, chat("hi"), KEY)
        assert answer.status == 200, status
        keys = [request.key for request in sim.requests()]
        assert sorted(keys) == ["sim-key-1", "sim-key-2"], status


@pytest.mark.parametrize(
    "scenario",
    [
        {"fault": "accept_close"},
        {"fault": "accept_close", "reset": True},
        {"fault": "bad_head"},
        {"fault": "not_json"},
        {"fault": "invalid_json"},
        {"fault": "cut_json"},
        {"fault": "cut_json", "chunked": True, "reset": True},
    ],
    ids=lambda s: "-".join(str(v) for v in s.values()),
)
def test_broken_plain_answers(start_cluster: Start, sim: Simulator, scenario: dict[str, Any]) -> None:
    cluster = start_cluster()
    sim.control(default=scenario)
    error = failed(fetch(cluster.worker, CHAT, chat("hi"), KEY), 502)
    assert error["type"] == "server_error"
    keys = [request.key for request in sim.requests()]
    assert len(keys) == len(set(keys))


def test_refused_connection(start_cluster: Start) -> None:
    with closed_port() as port:
        cluster = start_cluster(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")
        for stream in (False, True):
            error = failed(fetch(cluster.worker, CHAT, chat("hi", stream=stream), KEY), 502)
            assert error["code"] == "upstream_unreachable"


def test_connecting_has_a_deadline(start_cluster: Start) -> None:
    with black_hole() as port:
        cluster = start_cluster(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1", CONNECT_TIMEOUT=0.3, RETRY_TIMES=1)
        begun = time.monotonic()
        failed(fetch(cluster.worker, CHAT, chat("hi"), KEY), (502, 504))
        assert time.monotonic() - begun < 3


def test_plain_requests_have_a_deadline(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(REQUEST_TIMEOUT=0.6)
    for fault in ({"fault": "silence"}, {"fault": "stall_json"}):
        sim.control(default=fault)
        begun = time.monotonic()
        failed(fetch(cluster.worker, CHAT, chat("hi"), KEY), 504)
        assert 0.5 <= time.monotonic() - begun < 3
        sim.wait_gone(2)


def test_timeout_of_the_sdk_cancels_upstream(target: Target, sim: Simulator) -> None:
    sim.control(default={"head_delay": 20})
    with openai.OpenAI(base_url=target.base_url, api_key=target.key, max_retries=0, timeout=0.5) as client:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model=MODEL, messages=ask("hi"))
    sim.wait_gone(1.5)


def test_raw_response_headers(client: openai.OpenAI, target: Target) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ask("hi"))
    assert raw.headers["content-type"].startswith("application/json")
    assert raw.headers["x-ratelimit-remaining-requests"] == "9999"
    assert raw.headers["openai-processing-ms"] == "12"
    assert raw.request_id
    if target.is_gateway:
        assert raw.headers["x-upstream-request-id"].startswith("req_sim_")
        assert raw.request_id != raw.headers["x-upstream-request-id"]
        assert "server-timing" in raw.headers
    assert raw.parse().choices[0].message.content == "You said: hi"


def test_compressed_upstream_answers(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ask(told({"gzip": True, "text": "z" * 5000})))
    assert answer.choices[0].message.content == "z" * 5000


@pytest.mark.parametrize(
    "scenario", [{"chunked": True}, {"close_delimited": True}, {"write_size": 3}, {"blank_lines": 4}]
)
def test_unusual_but_legal_plain_answers(client: openai.OpenAI, scenario: dict[str, Any]) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ask(told(scenario | {"text": "fine 🎏"})))
    assert answer.choices[0].message.content == "fine 🎏"


def test_huge_plain_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ask(told({"huge": 3_000_000})))
    assert len(answer.choices[0].message.content or "") == 3_000_000


def test_health_and_readiness(start_cluster: Start) -> None:
    cluster = start_cluster(edge=True)
    for path in ("/health", "/ready", "/metrics"):
        assert fetch(cluster.worker, path).status == 200, path
    assert fetch(cluster.edge, "/health").status == 200
    with RawClient(cluster.worker, request_bytes("/health", method="HEAD")) as client:
        answer = client.read_all()
    assert (answer.status, bytes(answer.body)) == (200, b"")
