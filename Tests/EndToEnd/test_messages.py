"""Anthropic's Messages as an ingress: the anthropic SDK against the cluster, whatever the upstream speaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import anthropic
import pytest

from support.cluster import KEY, Cluster
from support.raw import fetch
from support.simulator import Simulator

TOOL = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PNG = "iVBORw0KGgo="


@pytest.fixture
def claude(cluster: Cluster) -> Iterator[anthropic.Anthropic]:
    url = cluster.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def ask(client: anthropic.Anthropic, text: str = "hello", **members: object) -> anthropic.types.Message:
    members = {"model": "openai/gpt-4o", "max_tokens": 100} | members
    return client.messages.create(**({"messages": [{"role": "user", "content": text}]} | members))


def test_plain(claude: anthropic.Anthropic, sim: Simulator) -> None:
    sim.next({"text": "Grüße 🎏"})
    message = ask(claude, system="be brief", stop_sequences=["END"], extra_body={"temperature": 0.5}, metadata={"user_id": "u1"})
    assert [block.type for block in message.content] == ["text"]
    assert message.content[0].text == "Grüße 🎏"
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    assert message._request_id
    sent = sim.last().json
    assert sent["messages"][0] == {"role": "system", "content": "be brief"}
    assert (sent["max_completion_tokens"], sent["stop"], sent["temperature"]) == (100, ["END"], 0.5)
    assert sent["user"] == "u1"


def test_stream(claude: anthropic.Anthropic, sim: Simulator) -> None:
    sim.next({"pieces": ["Once ", "upon ", "🎏"], "write_size": 1})
    with claude.messages.stream(
        model="openai/gpt-4o", max_tokens=50, messages=[{"role": "user", "content": "tell"}]
    ) as stream:
        names = [event.type for event in stream]
        message = stream.get_final_message()
    assert message.content[0].text == "Once upon 🎏"
    assert message.stop_reason == "end_turn" and message.usage.output_tokens > 0
    assert names[0] == "message_start" and names[-1] == "message_stop"
    assert names.count("content_block_start") == names.count("content_block_stop") == 1


@pytest.mark.parametrize("streams", [False, True])
def test_tools_and_their_results(claude: anthropic.Anthropic, sim: Simulator, streams: bool) -> None:
    calls = [
        {"id": "call_a", "name": "get_weather", "arguments": {"city": "台北"}},
        {"id": "call_b", "name": "get_weather", "arguments": {"city": "Tainan"}},
    ]
    sim.next({"tool_calls": calls, "tool_pieces": 3})
    asked = {
        "model": "openai/gpt-4o",
        "max_tokens": 100,
        "tools": [TOOL],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": False},
        "messages": [{"role": "user", "content": "weather?"}],
    }
    if streams:
        with claude.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = claude.messages.create(**asked)
    assert message.stop_reason == "tool_use"
    used = [(block.id, block.name, block.input) for block in message.content]
    assert used == [("call_a", "get_weather", {"city": "台北"}), ("call_b", "get_weather", {"city": "Tainan"})]
    assert sim.last().json["tool_choice"] == "required"
    assert sim.last().json["tools"][0]["function"]["parameters"] == TOOL["input_schema"]

    results = [
        {"type": "tool_result", "tool_use_id": "call_a", "content": "rain"},
        {"type": "tool_result", "tool_use_id": "call_b", "content": [{"type": "text", "text": "sun"}]},
        {"type": "text", "text": "and now?"},
    ]
    history = [*asked["messages"], {"role": "assistant", "content": message.content}]
    ask(claude, messages=[*history, {"role": "user", "content": results}], tools=[TOOL])
    sent = sim.last().json["messages"]
    assert [entry["role"] for entry in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["call_a", "call_b"]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "台北"}
    assert (sent[2]["tool_call_id"], sent[2]["content"]) == ("call_a", "rain")


def test_images_and_documents(claude: anthropic.Anthropic, sim: Simulator) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    content = [
        {"type": "image", "source": source},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "long"}, "title": "t"},
        {"type": "text", "text": "what is it?"},
    ]
    ask(claude, messages=[{"role": "user", "content": content}])
    parts = sim.last().json["messages"][0]["content"]
    assert parts[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    assert parts[1]["image_url"]["url"] == "https://example.com/a.png"
    assert parts[2]["file"] == {"file_data": "data:text/plain;base64,bG9uZw==", "filename": "t"}


def test_reasoning(claude: anthropic.Anthropic, sim: Simulator) -> None:
    sim.next({"text": "42", "reasoning": "let me see"}, {"text": "42", "reasoning": "let me see"})
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = ask(claude, max_tokens=2000, thinking=thinking)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "let me see"
    # OpenAI has no such parameter, and would refuse it.
    assert "thinking" not in sim.last().json and sim.last().json["reasoning_effort"] == "low"
    with claude.messages.stream(
        model="openai/gpt-4o", max_tokens=2000, thinking=thinking, messages=[{"role": "user", "content": "?"}]
    ) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]


def test_length_and_refusal(claude: anthropic.Anthropic, sim: Simulator) -> None:
    sim.next({"text": "cut", "finish": "length"}, {"refusal": "no"})
    assert ask(claude).stop_reason == "max_tokens"
    assert ask(claude).content[0].text == "no"


def test_errors(claude: anthropic.Anthropic, sim: Simulator) -> None:
    sim.control(default={"fault": "status", "status": 429, "headers": {"retry-after": "7"}})
    with pytest.raises(anthropic.RateLimitError) as limited:
        ask(claude)
    assert limited.value.response.headers["retry-after"] == "7"
    assert limited.value.body["error"]["type"] == "rate_limit_error"
    assert limited.value.body["request_id"] == limited.value.request_id
    sim.reset()
    with pytest.raises(anthropic.NotFoundError) as unknown:
        ask(claude, model="nobody/knows")
    assert unknown.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.BadRequestError) as bad:
        ask(claude, tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert "tools[0].type" in bad.value.body["error"]["message"]
    with pytest.raises(anthropic.AuthenticationError):
        ask(claude.with_options(api_key="wrong"))


def test_broken_stream(claude: anthropic.Anthropic, sim: Simulator) -> None:
    sim.control(default={"pieces": ["a", "b", "c"], "fault": "cut_after", "after": 3})
    seen = []
    with pytest.raises(anthropic.APIError):
        with claude.messages.stream(
            model="openai/gpt-4o", max_tokens=50, messages=[{"role": "user", "content": "x"}]
        ) as stream:
            seen += [event.type for event in stream]
    assert "message_stop" not in seen


def test_wire(cluster: Cluster, sim: Simulator) -> None:
    """Names, order and framing of every event, which the SDK hides."""
    sim.next({"pieces": ["a", "b"], "first_delay": 0.05})
    body = {"model": "openai/gpt-4o", "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    answer = fetch(cluster.edge, "/v1/messages", body, KEY)
    assert answer.status == 200
    events = [event.split("\n") for event in answer.body.decode().strip().split("\n\n")]
    names = []
    for name, data in events:
        parsed = json.loads(data.removeprefix("data: "))
        names.append(parsed["type"])
        assert name == f"event: {parsed['type']}"
    assert names == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_count_tokens(claude: anthropic.Anthropic) -> None:
    short = claude.messages.count_tokens(model="openai/gpt-4o", messages=[{"role": "user", "content": "hi"}])
    long = claude.messages.count_tokens(model="openai/gpt-4o", messages=[{"role": "user", "content": "hi there " * 50}])
    assert 0 < short.input_tokens < 20 < long.input_tokens


def test_keep_alives_are_pings(start_cluster: Callable[..., Cluster], sim: Simulator) -> None:
    cluster = start_cluster(COMMIT_AFTER=0.1, KEEPALIVE_INTERVAL=0.1)
    sim.next({"pieces": ["a", "b"], "first_delay": 0.6})
    body = {"model": "openai/gpt-4o", "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    answer = fetch(cluster.worker, "/v1/messages", body, KEY)
    names = [line.removeprefix("event: ") for line in answer.body.decode().split("\n") if line.startswith("event: ")]
    assert names[:3] == ["message_start", "ping", "ping"]
    assert names[-1] == "message_stop" and names.count("message_start") == 1
