"""The vendor's own SDK as the judge of its simulator, so that simulator and provider are not wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anthropic
import pytest

from support.simulator import Simulator

TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


@pytest.fixture
def vendor(anthropic_sim: Simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=anthropic_sim.url, api_key="sim-key", max_retries=0, timeout=20) as client:
        yield client


def ask(client: anthropic.Anthropic, **members: object) -> anthropic.types.Message:
    usual = {"model": "claude-sonnet-4-5", "max_tokens": 2000, "messages": [{"role": "user", "content": "hello"}]}
    return client.messages.create(**(usual | members))


def test_plain_and_streamed(vendor: anthropic.Anthropic) -> None:
    message = ask(vendor)
    assert message.content[0].text == "You said: hello" and message.stop_reason == "end_turn"
    assert message.usage.cache_read_input_tokens == 20
    with vendor.messages.stream(
        model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": "hello"}]
    ) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().usage.output_tokens > 0
    assert text == "You said: hello"


def test_thinking_is_signed_and_wanted_back(vendor: anthropic.Anthropic, anthropic_sim: Simulator) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    calls = [{"name": "get_weather", "arguments": {"city": "台北"}}]
    anthropic_sim.next({"tool_calls": calls})
    with vendor.messages.stream(
        model="claude-sonnet-4-5",
        max_tokens=2000,
        tools=[TOOL],
        thinking=thinking,
        messages=[{"role": "user", "content": "weather?"}],
    ) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "tool_use"]
    assert message.content[1].input == {"city": "台北"}
    result = {"type": "tool_result", "tool_use_id": message.content[1].id, "content": "rain"}
    turns = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    assert ask(vendor, messages=turns, tools=[TOOL], thinking=thinking).stop_reason == "end_turn"
    turns[1] = {"role": "assistant", "content": [message.content[1]]}
    with pytest.raises(anthropic.BadRequestError, match="must start with a thinking block"):
        ask(vendor, messages=turns, tools=[TOOL], thinking=thinking)
    forged = message.content[0].model_copy(update={"thinking": "other"})
    turns[1] = {"role": "assistant", "content": [forged, message.content[1]]}
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        ask(vendor, messages=turns, tools=[TOOL], thinking=thinking)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "first message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "first message"),
        ({"model": "claude-opus-5-5", "extra_body": {"temperature": 0.5}}, "Extra inputs"),
        ({"extra_body": {"seed": 1}}, "Extra inputs"),
        ({"tools": [{"name": "a b", "input_schema": {"type": "object"}}]}, "pattern"),
        ({"tools": [{"name": "f", "input_schema": {}}]}, "input_schema"),
        ({"stop_sequences": [" "]}, "non-whitespace"),
    ],
)
def test_what_it_refuses(vendor: anthropic.Anthropic, members: dict[str, object], words: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=words):
        ask(vendor, **members)


def test_results_must_follow_their_calls(vendor: anthropic.Anthropic) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [call]}]
    with pytest.raises(anthropic.BadRequestError, match="without `tool_result`"):
        ask(vendor, messages=[*turns, {"role": "user", "content": "never mind"}], tools=[TOOL])
    stray = {"type": "tool_result", "tool_use_id": "toolu_2", "content": "r"}
    with pytest.raises(anthropic.BadRequestError):
        ask(vendor, messages=[*turns, {"role": "user", "content": [stray]}], tools=[TOOL])


def test_failures(vendor: anthropic.Anthropic, anthropic_sim: Simulator) -> None:
    anthropic_sim.next(
        {"fault": "status", "status": 529},
        {"fault": "status", "status": 429, "retry_after": 3},
        {"fault": "error_frame", "after": 4},
    )
    with pytest.raises(anthropic.InternalServerError) as overloaded:
        ask(vendor)
    assert overloaded.value.status_code == 529 and overloaded.value.body["error"]["type"] == "overloaded_error"
    with pytest.raises(anthropic.RateLimitError):
        ask(vendor)
    with pytest.raises(anthropic.APIStatusError), vendor.messages.stream(
        model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": "hello"}]
    ) as stream:
        list(stream)


def test_models(vendor: anthropic.Anthropic) -> None:
    assert "claude-haiku-4-5" in {model.id for model in vendor.models.list()}
