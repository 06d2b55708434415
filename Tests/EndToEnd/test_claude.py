"""What only Anthropic has, end to end: reasoning that comes back, extras both ways, its limits and its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from support.cluster import KEY, Cluster, RedisServer
from support.raw import RawClient, fetch, request_bytes
from support.simulator import Simulator

MODEL = "claude/claude-sonnet-4-5"
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
CALLS = [
    {"id": "toolu_a", "name": "get_weather", "arguments": {"city": "台北"}},
    {"id": "toolu_b", "name": "get_weather", "arguments": {}},
]


@pytest.fixture(scope="module")
def behind(redis: RedisServer, anthropic_process: Simulator) -> Iterator[Cluster]:
    env = {"ANTHROPIC_API_KEY": "sim-key-1", "ANTHROPIC_BASE_URL": f"{anthropic_process.url}/v1"}
    env |= {"COOLDOWNS": "false", "RETRY_TIMES": "0", "REDIS_TIMEOUT_MS": "2000"}
    redis.flush(6)
    cluster = Cluster(redis, workers=2, env=env, database=6)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def client(behind: Cluster, anthropic_sim: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=behind.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def sent(sim: Simulator) -> Any:
    return next(r for r in reversed(sim.requests()) if r["method"] == "POST").json


def ask(client: openai.OpenAI, messages: Any = "hello", **members: Any) -> Any:
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return client.chat.completions.create(**({"model": MODEL, "messages": messages} | members))


def turn(calls: list[dict[str, Any]], **members: Any) -> list[dict[str, Any]]:
    """The turns that answer calls, from a client that carries what OpenAI defines, and `members`."""
    kept = [{k: v for k, v in call.items() if k in ("id", "type", "function")} for call in calls]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "rain"} for call in calls]
    return [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None, "tool_calls": kept} | members, *results]


@pytest.mark.parametrize("streams", [False, True])
def test_reasoning_comes_back_by_another_worker(behind: Cluster, anthropic_sim: Simulator, streams: bool) -> None:
    """The simulator refuses a turn whose signature is not the one it gave, or in another place."""
    anthropic_sim.next({"tool_calls": CALLS, "reasoning": ["Rain\n", "“or” not? 🎏"], "redacted": "Zm9v", "text": "wait"})
    body: dict[str, Any] = {"model": MODEL, "tools": [TOOL], "reasoning_effort": "low", "stream": streams}
    first, second = behind.workers[:2]
    opening = [{"role": "user", "content": "hi"}]
    with RawClient(first.address, request_bytes("/v1/chat/completions", body | {"messages": opening}, KEY)) as raw:
        if streams:
            raw.read_all()
            calls = [
                {"id": d["id"], "type": "function", "function": {"name": d["function"]["name"], "arguments": "{}"}}
                for chunk in raw.stream().chunks
                for d in chunk["choices"][0]["delta"].get("tool_calls", [])
                if "id" in d
            ]
        else:
            calls = raw.json()["choices"][0]["message"]["tool_calls"]
    assert [call["id"] for call in calls] == ["toolu_a", "toolu_b"]
    anthropic_sim.next({"text": "it rains"})
    with RawClient(second.address, request_bytes("/v1/chat/completions", body | {"messages": turn(calls), "stream": False}, KEY)) as raw:
        answer = raw.json()
    assert answer["choices"][0]["message"]["content"] == "it rains", answer
    blocks = sent(anthropic_sim)["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["thinking", "redacted_thinking", "tool_use", "tool_use"]
    assert blocks[0]["thinking"] == "Rain\n“or” not? 🎏" and blocks[1]["data"].startswith("Zm9v.")
    assert sent(anthropic_sim)["thinking"]["type"] == "enabled"


def test_what_the_client_carries_wins(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    anthropic_sim.next({"tool_calls": CALLS[:1], "reasoning": ["a thought"]})
    message = ask(client, tools=[TOOL], reasoning_effort="low").choices[0].message
    assert message.reasoning_content == "a thought"
    (block,) = message.thinking_blocks
    assert block["thinking"] == "a thought"
    calls = [call.model_dump() for call in message.tool_calls]
    for wrong in (False, True):
        blocks = [block | {"signature": "forged"}] if wrong else [block]
        turns = turn(calls, thinking_blocks=blocks)
        if wrong:
            with pytest.raises(openai.BadRequestError) as refused:
                ask(client, turns, tools=[TOOL], reasoning_effort="low")
            assert refused.value.param == "messages"
        else:
            assert ask(client, turns, tools=[TOOL], reasoning_effort="low").choices[0].finish_reason == "stop"


def test_turns_without_their_reasoning_are_answered_without(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    call = {"id": "call_elsewhere", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    assert ask(client, turn([call]), tools=[TOOL], reasoning_effort="high").choices[0].message.content
    assert "thinking" not in sent(anthropic_sim)


def test_extras_go_through(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    control = {"type": "ephemeral"}
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "long", "cache_control": control}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
    ]
    extra = {"top_k": 5, "anthropic_beta": ["a-1", "b-2"], "thinking": {"type": "disabled"}}
    ask(client, messages, tools=[TOOL | {"cache_control": control}], extra_body=extra, user="u1")
    body = sent(anthropic_sim)
    assert body["system"] == [{"type": "text", "text": "long", "cache_control": control}]
    assert body["tools"][0]["cache_control"] == control
    assert body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    ]
    assert (body["top_k"], body["thinking"], body["metadata"]) == (5, {"type": "disabled"}, {"user_id": "u1"})
    request = anthropic_sim.requests()[-1]
    assert request.header("anthropic-beta") == "a-1,b-2"
    assert (request.header("x-api-key"), request.header("anthropic-version")) == ("sim-key-1", "2023-06-01")
    assert request.header("authorization") is None


def test_usage_counts_what_the_cache_gave(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    usage = {"input_tokens": 21, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 300}
    scenario = {"usage": usage | {"output_tokens": 57, "output_tokens_details": {"thinking_tokens": 9}}}
    anthropic_sim.next(scenario, scenario)
    whole = ask(client).usage
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    for counted in (whole, chunks[-1].usage):
        assert (counted.prompt_tokens, counted.completion_tokens, counted.total_tokens) == (421, 57, 478)
        assert counted.prompt_tokens_details.cached_tokens == 300
        assert counted.prompt_tokens_details.cache_write_tokens == 100
        assert counted.completion_tokens_details.reasoning_tokens == 9


def test_limits_and_names_in_both_tongues(behind: Cluster, anthropic_sim: Simulator) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
    for streams in (False, True):
        answer = fetch(behind.worker, "/v1/chat/completions", body | {"stream": streams}, KEY)
        assert answer.header("x-ratelimit-limit-requests") == "1000"
        assert answer.header("x-ratelimit-remaining-requests") == "999"
        assert answer.header("x-ratelimit-reset-requests").endswith("s")
        assert answer.header("anthropic-ratelimit-requests-reset") == "2026-11-26T21:00:00Z"
        assert answer.header("x-upstream-request-id").startswith("req_sim_")


def test_several_choices(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    anthropic_sim.next({"text": "one"}, {"text": "two"})
    completion = ask(client, n=2)
    assert [(c.index, c.message.content) for c in completion.choices] == [(0, "one"), (1, "two")]
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, n=2, stream=True)
    assert refused.value.param == "n"


def test_a_schema_by_a_tool_for_models_without(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}
    call = {"tool_calls": [{"name": "json_tool_call", "arguments": {"n": "夜市"}}]}
    anthropic_sim.next(call, call)
    members: dict[str, Any] = {"model": "claude-3-haiku-20240307", "response_format": form}
    choice = ask(client, **members).choices[0]
    assert (json.loads(choice.message.content), choice.finish_reason) == ({"n": "夜市"}, "stop")
    assert choice.message.tool_calls is None
    chunks = [c.choices[0] for c in ask(client, stream=True, **members) if c.choices]
    assert json.loads("".join(c.delta.content or "" for c in chunks)) == {"n": "夜市"}
    assert chunks[-1].finish_reason == "stop"
    assert sent(anthropic_sim)["tool_choice"] == {"type": "tool", "name": "json_tool_call"}


def test_the_newest_models_get_only_what_they_take(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    members: dict[str, Any] = {"model": "anthropic/claude-opus-5-5", "temperature": 0.2, "top_p": 0.9}
    assert ask(client, reasoning_effort="xhigh", **members).choices[0].finish_reason == "stop"
    body = sent(anthropic_sim)
    assert "temperature" not in body and "top_p" not in body
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "xhigh"}
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, tools=[TOOL], tool_choice="required", **members)
    assert refused.value.param == "tool_choice"


def test_overloaded_before_the_first_word_is_a_status(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    anthropic_sim.control(default={"fault": "error_frame", "after": 2})
    with pytest.raises(openai.InternalServerError) as overloaded:
        ask(client, stream=True)
    assert overloaded.value.status_code == 503
    anthropic_sim.reset()
    anthropic_sim.control(default={"fault": "status", "status": 529, "retry_after": 3})
    with pytest.raises(openai.InternalServerError) as refused:
        ask(client)
    assert refused.value.status_code == 503 and refused.value.response.headers["retry-after"] == "3"


def test_a_stream_without_its_last_event_was_cut(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    # Everything but message_stop: the reason to stop has been told.
    anthropic_sim.control(default={"pieces": ["a", "b"], "fault": "end_after", "after": 7})
    with pytest.raises(openai.APIError):
        list(ask(client, stream=True))


def test_a_request_that_is_too_long(client: openai.OpenAI, anthropic_sim: Simulator) -> None:
    error = {"type": "invalid_request_error", "message": "prompt is too long: 205000 tokens > 200000 maximum"}
    anthropic_sim.next({"fault": "status", "status": 400, "body": {"type": "error", "error": error}})
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client)
    assert refused.value.code == "context_length_exceeded"


def test_their_own_sdk_through_the_gateway(behind: Cluster, anthropic_sim: Simulator) -> None:
    """Translated twice, and the vendor still knows its own signatures."""
    tool = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}
    members: dict[str, Any] = {"model": MODEL, "max_tokens": 4000, "tools": [tool]}
    members["thinking"] = {"type": "enabled", "budget_tokens": 2000}
    opening = {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}
    anthropic_sim.next({"tool_calls": CALLS, "reasoning": ["Rain", "?"]}, {"text": "it rains"})
    url = behind.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, timeout=20) as client:
        with client.messages.stream(messages=[opening], **members) as stream:
            message = stream.get_final_message()
        assert [block.type for block in message.content] == ["thinking", "tool_use", "tool_use"]
        assert message.stop_reason == "tool_use"
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "rain"}
            for block in message.content
            if block.type == "tool_use"
        ]
        turns = [opening, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
        answer = client.messages.create(messages=turns, **members)
    assert answer.content[-1].text == "it rains"
    body = sent(anthropic_sim)
    assert body["thinking"] == members["thinking"] and body["max_tokens"] == 4000
    assert body["messages"][0]["content"] == opening["content"]
    assert body["messages"][1]["content"][0]["type"] == "thinking"
