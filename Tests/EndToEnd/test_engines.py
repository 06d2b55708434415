"""Models of Hugging Face through the cluster: engines that are configured, that register and that go, and the router."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.engine import HELLO, MODEL, start_engine
from support.processes import free_port
from support.raw import RawClient, chat, fetch, request_bytes
from support.simulator import Simulator
from support.waiting import wait_until

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
Start = Callable[..., Cluster]


def body_of(answer: Any) -> Any:
    return json.loads(bytes(answer.body))


def test_the_bundled_engine_is_found_and_embeds(start_cluster: Start, run_directory: Path, sim: Simulator) -> None:
    cluster = start_cluster(workers=2, edge=True)
    request = {"model": MODEL, "input": "hello world"}
    missing = fetch(cluster.worker, EMBEDDINGS, request, KEY)
    assert (missing.status, body_of(missing)["error"]["code"]) == (404, "model_not_found")
    engine = start_engine(
        run_directory, "embedder", EMBEDDER_PORT=free_port(), REDIS_URL=cluster.redis.url(cluster.database)
    )
    try:
        for worker in cluster.workers:
            engine.until(
                lambda address=worker.address: fetch(address, EMBEDDINGS, request, KEY).status == 200, 25, "the engine"
            )
        with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
            names = [MODEL, f"huggingface/{MODEL}", "huggingface/all-MiniLM-L6-v2"]
            for name in names:
                answer = client.embeddings.create(model=name, input=["hello world", "你好"])
                assert answer.data[0].embedding[:4] == pytest.approx(HELLO, abs=2e-7)
                assert math.hypot(*answer.data[0].embedding) == pytest.approx(1, abs=1e-6)
                assert answer.usage.prompt_tokens == 8
            short = client.embeddings.create(model=MODEL, input="hello world", dimensions=16, encoding_format="float")
            assert len(short.data[0].embedding) == 16
            assert f"huggingface/{MODEL}" in [model.id for model in client.models.list()]
            with pytest.raises(openai.BadRequestError):
                client.embeddings.create(model=MODEL, input=[1, 2, 3])
    finally:
        engine.stop()
    for worker in cluster.workers:
        wait_until(
            lambda address=worker.address: fetch(address, EMBEDDINGS, request, KEY).status == 404,
            8,
            what="the engine that left",
        )


def configured(sim: Simulator, **more: Any) -> dict[str, str]:
    engine = {"url": sim.url, "kind": "vllm", "model": "org/m", "served": "gpt-4o", "key": "gpu"} | more
    return {"ENGINES": json.dumps([engine]), "ENGINE_KEYS": json.dumps({"gpu": "sim-key-1"})}


def test_a_configured_engine_chats(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(**configured(sim))
    sim.next({"pieces": ["one ", "two"]})
    answer = fetch(cluster.worker, CHAT, chat("hi", "huggingface/org/m"), KEY)
    assert answer.status == 200
    assert body_of(answer)["choices"][0]["message"]["content"] == "one two"
    assert body_of(answer)["model"] == "org/m"
    assert sim.last().json["model"] == "gpt-4o"
    sim.next({"pieces": ["one ", "two"]})
    request = request_bytes(CHAT, chat("hi", "huggingface/org/m", stream=True), KEY)
    with RawClient(cluster.worker, request) as client:
        events = bytes(client.read_all().body).decode().split("\n\n")
    assert events[-2] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == "one two"
    assert {c["model"] for c in chunks} == {"org/m"}


def test_an_engine_that_is_gone_is_passed_over_and_rests(start_cluster: Start, sim: Simulator) -> None:
    dead = {"url": f"http://127.0.0.1:{free_port()}", "kind": "vllm", "model": "org/m", "served": "gpt-4o"}
    live = dead | {"url": sim.url, "key": "gpu"}
    cluster = start_cluster(
        ENGINES=json.dumps([dead, live]), ENGINE_KEYS=json.dumps({"gpu": "sim-key-1"}), COOLDOWNS="true"
    )
    for _ in range(20):
        assert fetch(cluster.worker, CHAT, chat("hi", "org/m"), KEY).status == 200
    tried = [line for line in cluster.log_lines() if line.get("msg") == "upstream attempt failed"]
    assert len(tried) <= 6, "it rests after three failures, and longer after each further one"


def test_without_a_living_engine_the_client_is_told_to_wait(start_cluster: Start) -> None:
    dead = {"url": f"http://127.0.0.1:{free_port()}", "kind": "tei", "model": "org/e", "task": "embed"}
    cluster = start_cluster(ENGINES=json.dumps([dead]), COOLDOWNS="true", RETRY_TIMES=0)
    statuses = [fetch(cluster.worker, EMBEDDINGS, {"model": "org/e", "input": "x"}, KEY) for _ in range(4)]
    assert [answer.status for answer in statuses] == [502, 502, 502, 503]
    assert int(statuses[3].header("retry-after") or 0) > 0


def test_the_router_serves_what_no_engine_does(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(HF_TOKEN="sim-key-1", HUGGINGFACE_BASE_URL=sim.base_url)
    answer = fetch(cluster.worker, CHAT, chat("hi", "huggingface/gpt-4o"), KEY)
    assert answer.status == 200, bytes(answer.body)
    assert sim.last().json["model"] == "gpt-4o"


@pytest.mark.parametrize(
    "engines", ["[", "{}", '[{"url": "ftp://x"}]', '[{"url": "http://x", "kind": "vllm", "model": "m", "task": "x"}]']
)
def test_a_worker_says_what_is_wrong_with_its_engines(start_cluster: Start, engines: str) -> None:
    with pytest.raises(AssertionError, match="ENGINES"):
        start_cluster(ENGINES=engines)
