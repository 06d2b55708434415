"""What is Gemini's alone: signed thoughts across workers, its errors, its names, its embeddings.

What it shares with every provider is in `test_scenarios.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.raw import RawClient, fetch, request_bytes
from support.redises import RedisServer
from support.simulator import Simulator
from support.waiting import wait_until

MODEL = "gemini-3-pro-preview"
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    for name in ("double", "halve")
]
CALLS = [{"name": "double", "arguments": {"n": 1}}, {"name": "halve", "arguments": {"n": 2}}]


@pytest.fixture(scope="module")
def gemini_cluster(redis: RedisServer, gemini_process: Simulator) -> Iterator[Cluster]:
    redis.flush(8)
    env = {"GOOGLE_API_KEY": "sim-key-1", "GEMINI_BASE_URL": gemini_process.url, "COOLDOWNS": "false"}
    cluster = Cluster(redis, workers=2, env=env | {"REDIS_TIMEOUT_MS": "2000"}, database=8)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def client(gemini_cluster: Cluster, gemini_sim: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gemini_cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def post(cluster: Cluster, worker: int, body: dict[str, Any]) -> RawClient:
    return RawClient(cluster.workers[worker].address, request_bytes("/v1/chat/completions", body, KEY))


def called(cluster: Cluster, turns: list[dict[str, Any]], streams: bool) -> dict[str, Any]:
    """What the model calls, as a client has it that keeps nothing but what OpenAI defines."""
    body = {"model": MODEL, "tools": TOOLS, "messages": turns, "stream": streams}
    with post(cluster, 0, body) as client:
        if not streams:
            calls = client.json()["choices"][0]["message"]["tool_calls"]
        else:
            client.read_all()
            deltas = [c["choices"][0]["delta"] for c in client.stream().chunks if c["choices"]]
            calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert calls[0]["extra_content"]["google"]["thought_signature"]
    plain = [{k: v for k, v in call.items() if k in ("id", "type", "function")} for call in calls]
    return {"role": "assistant", "content": None, "tool_calls": plain}


@pytest.mark.parametrize("streams", [False, True])
def test_signatures_come_back_from_another_worker(gemini_cluster: Cluster, gemini_sim: Simulator, streams: bool) -> None:
    """The vendor signs with the key it was called with and refuses what lacks its signature."""
    turns: list[dict[str, Any]] = [{"role": "user", "content": "calculate"}]
    for step in range(2):
        gemini_sim.next({"tool_calls": CALLS})
        turns.append(called(gemini_cluster, turns, streams))
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"result {step}.{n}"}
            for n, call in enumerate(turns[-1]["tool_calls"])
        ]
        turns += reversed(results)
    gemini_sim.next({"text": "done"})
    with post(gemini_cluster, 1, {"model": MODEL, "tools": TOOLS, "messages": turns}) as client:
        assert client.json()["choices"][0]["message"]["content"] == "done"
    contents = gemini_sim.last().json["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    for content in contents[1::2]:
        first, second = content["parts"]
        assert first["thoughtSignature"] != "skip_thought_signature_validator" and "thoughtSignature" not in second
    for content in contents[2::2]:
        assert [part["functionResponse"]["name"] for part in content["parts"]] == ["double", "halve"]
    given = [part["functionCall"]["id"] for part in contents[3]["parts"]]
    assert given == [part["functionResponse"]["id"] for part in contents[4]["parts"]]


def test_a_history_from_elsewhere_is_let_pass(client: openai.OpenAI, gemini_sim: Simulator) -> None:
    call = {"id": "call_elsewhere", "type": "function", "function": {"name": "double", "arguments": '{"n": 3}'}}
    messages: Any = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_elsewhere", "content": "6"},
    ]
    gemini_sim.next({"text": "six"})
    completion = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)  # type: ignore[arg-type]
    assert completion.choices[0].message.content == "six"
    part = gemini_sim.last().json["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == "skip_thought_signature_validator" and "id" not in part["functionCall"]


def test_the_key_is_in_no_address(client: openai.OpenAI, gemini_sim: Simulator) -> None:
    client.chat.completions.create(model="gemini/gemini-2.5-flash", messages=[{"role": "user", "content": "x"}])
    sent = gemini_sim.last()
    assert sent.header("x-goog-api-key") == "sim-key-1" and sent.header("authorization") is None
    assert "sim-key-1" not in sent["target"]


def test_the_vendors_own_parameters_pass(client: openai.OpenAI, gemini_sim: Simulator) -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    extra = {"safety_settings": settings, "top_k": 7, "thinking_config": {"thinkingBudget": 99}}
    client.chat.completions.create(
        model="gemini-2.5-flash", messages=[{"role": "user", "content": "x"}], extra_body=extra
    )
    sent = gemini_sim.last().json
    assert sent["safetySettings"] == settings
    assert sent["generationConfig"] == {"topK": 7, "thinkingConfig": {"thinkingBudget": 99}}


def test_a_blocked_prompt_is_a_refusal(client: openai.OpenAI, gemini_sim: Simulator) -> None:
    blocked = {"refusal": "no", "block_reason": "SAFETY"}
    gemini_sim.next(blocked, blocked)
    message: Any = [{"role": "user", "content": "x"}]
    choice = client.chat.completions.create(model="gemini-2.5-flash", messages=message).choices[0]
    assert (choice.finish_reason, choice.message.content) == ("content_filter", None)
    assert "SAFETY" in (choice.message.refusal or "")
    chunks = list(client.chat.completions.create(model="gemini-2.5-flash", messages=message, stream=True))
    assert "SAFETY" in "".join(c.choices[0].delta.refusal or "" for c in chunks)
    assert chunks[-1].choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize("bare", [False, True])
def test_an_error_within_a_stream_is_understood(gemini_cluster: Cluster, gemini_sim: Simulator, bare: bool) -> None:
    gemini_sim.next({"count": 6, "fault": "error_frame", "after": 4, "bare": bare})
    body = {"model": "gemini-2.5-flash", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with post(gemini_cluster, 0, body) as client:
        client.read_all()
        stream = client.stream()
    assert stream.done == 0 and [error["code"] for error in stream.errors] == ["upstream_overloaded"]
    assert stream.text()


@pytest.mark.parametrize(
    ("scenario", "status", "code"),
    [
        ({"status": 400, "why": "bad_key"}, 502, "upstream_refused_credentials"),
        ({"status": 400, "why": "too_long"}, 400, "context_length_exceeded"),
        ({"status": 429, "why": "daily_quota", "retry_after": 30}, 429, "insufficient_quota"),
        ({"status": 429, "retry_after": 34.4}, 429, "rate_limit_exceeded"),
    ],
)
def test_errors(client: openai.OpenAI, gemini_sim: Simulator, scenario: Any, status: int, code: str) -> None:
    gemini_sim.control(default={"fault": "status"} | scenario)
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="gemini-2.5-flash", messages=[{"role": "user", "content": "x"}])
    assert (caught.value.status_code, caught.value.code) == (status, code)
    headers = caught.value.response.headers
    assert headers.get("retry-after") == ("35" if code == "rate_limit_exceeded" else None)
    if code == "insufficient_quota":
        assert headers["x-should-retry"] == "false"


def test_many_texts_are_embedded_in_several_calls(client: openai.OpenAI, gemini_sim: Simulator) -> None:
    texts = [f"text {n}" for n in range(230)]
    created = client.embeddings.create(model="gemini-embedding-001", input=texts, dimensions=16)
    assert [entry.index for entry in created.data] == list(range(230))
    sizes = [len(request.json["requests"]) for request in gemini_sim.requests() if request["method"] == "POST"]
    assert sizes == [100, 100, 30]
    alone = client.embeddings.create(model="models/gemini-embedding-001", input=texts[229], dimensions=16)
    assert alone.data[0].embedding == pytest.approx(created.data[229].embedding, abs=1e-6)
    assert abs(sum(x * x for x in alone.data[0].embedding) - 1) < 1e-3
    assert created.usage.prompt_tokens > 0


def test_its_models_are_listed(gemini_cluster: Cluster, gemini_sim: Simulator) -> None:
    """One worker asks the vendor, behind the requests; the other reads later what it has heard."""

    def listed() -> list[str]:
        for worker in gemini_cluster.workers:
            names = [model["id"] for model in json.loads(fetch(worker.address, "/v1/models", key=KEY).body)["data"]]
            if "gemini/gemini-2.5-flash" in names:
                return names
        return []

    names = wait_until(listed, 20, what="the vendor's models")
    assert "gemini/gemini-embedding-001" in names and not any("models/" in name for name in names)
