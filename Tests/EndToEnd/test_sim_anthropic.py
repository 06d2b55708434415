"""The vendor's own SDK as the judge of its simulator, so that simulator and provider are not wrong together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from support.raw import fetch
from support.simulator import Simulator

USER = {"role": "user", "content": "hello"}
FORM = {"type": "json_schema", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


@pytest.fixture
def vendor(anthropic_sim: Simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=anthropic_sim.url, api_key="sim-key", max_retries=0, timeout=20) as client:
        yield client


def ask(client: anthropic.Anthropic, **members: object) -> anthropic.types.Message:
    usual = {"model": "claude-sonnet-4-5", "max_tokens": 2000, "messages": [{"role": "user", "content": "hello"}]}
    # The SDK has no names for these any more, but the older version of the API takes them.
    older = {name: members.pop(name) for name in ("temperature", "top_p", "top_k") if name in members}
    if older:
        members = {"extra_body": older, "extra_headers": {"anthropic-version": "2023-06-01"}} | members
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
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be"),
        ({"messages": [{"role": "user", "content": []}]}, "non-empty content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}, "non-whitespace"),
        ({"messages": [USER, {"role": "system", "content": "x"}]}, "role 'system' is not supported"),
        ({"messages": [USER, {"role": "assistant", "content": "So "}]}, "trailing whitespace"),
        ({"model": "claude-opus-4-7", "messages": [USER, {"role": "assistant", "content": "So"}]}, "prefill"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "Input tag 'audio'"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "n": 1}]}]}, "0.text.n: Extra"),
        ({"system": [{"type": "text", "text": ""}]}, "system: text content blocks must be non-empty"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"max_tokens": 65_000}, "65000 > 64000"),
        ({"temperature": 1.5}, "range: 0..1"),
        ({"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
        ({"extra_headers": {"anthropic-version": "2026-10-21"}, "temperature": 0.5}, "Extra inputs"),
        ({"extra_headers": {"anthropic-version": "2020-01-01"}}, "not a valid version"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1000}}, "equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than `thinking.budget_tokens`"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "temperature": 0.5}, "only be set to 1"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 5}, "`top_k` must be unset"),
        ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported"),
        ({"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}, "'disabled' is not supported"),
        ({"model": "claude-opus-4-7", "thinking": {"type": "enabled", "budget_tokens": 1024}}, "'enabled' is not"),
        ({"output_config": {"effort": "low"}}, "effort: 'low' is not supported"),
        ({"model": "claude-3-haiku-20240307", "output_config": {"format": FORM}}, "structured outputs are not"),
        ({"tools": [TOOL, TOOL]}, "names must be unique"),
        ({"tool_choice": {"type": "any"}}, "while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "'other' not found"),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}, "model": "claude-opus-5-5"}, "type 'any' is not"),
        ({"metadata": {"sim": "x"}}, "metadata.sim: Extra inputs"),
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
    names = [model.id for model in vendor.models.list(limit=2)]
    assert "claude-haiku-4-5" in names and len(names) == len(set(names)) == 6, "all pages"
    assert vendor.models.retrieve("claude-sonnet-5").max_tokens == 128_000
    with pytest.raises(anthropic.NotFoundError, match="model: claude-none-1"):
        vendor.models.retrieve("claude-none-1")
    with pytest.raises(anthropic.NotFoundError, match="model: gpt-4o"):
        ask(vendor, model="gpt-4o")


def test_counts(vendor: anthropic.Anthropic) -> None:
    counted = vendor.messages.count_tokens(model="claude-sonnet-4-5", messages=[USER])
    assert counted.input_tokens > 0
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Extra inputs"):
        vendor.messages.count_tokens(model="claude-sonnet-4-5", messages=[USER], extra_body={"max_tokens": 1})


def test_limits_and_stops(vendor: anthropic.Anthropic) -> None:
    short = ask(vendor, max_tokens=2)
    assert (short.content[0].text, short.stop_reason) == ("You said:", "max_tokens")
    for text in ("one END two", "one E"):
        stopped = ask(vendor, messages=[{"role": "user", "content": text}], stop_sequences=["END"])
        assert stopped.stop_sequence == ("END" if "END" in text else None)
        assert stopped.content[0].text == ("You said: one " if "END" in text else "You said: one E")


def test_pictures(vendor: anthropic.Anthropic) -> None:
    def shown(kind: str, data: str) -> list[dict[str, object]]:
        block = {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
        return [{"role": "user", "content": [block, {"type": "text", "text": "what is it?"}]}]

    assert f"[image image/png {len(PNG)} " in ask(vendor, messages=shown("image/png", PNG)).content[0].text
    for kind, data, words in (
        ("image/tiff", PNG, "Input should be 'image/jpeg'"),
        ("image/jpeg", PNG, "does not match"),
        ("image/png", "no base64", "valid base64"),
    ):
        with pytest.raises(anthropic.BadRequestError, match=words):
            ask(vendor, messages=shown(kind, data))


def test_structured_output(vendor: anthropic.Anthropic) -> None:
    message = ask(vendor, extra_body={"output_config": {"format": FORM}})
    assert json.loads(message.content[0].text) == {"n": 7}


def test_refusals_and_recollections(vendor: anthropic.Anthropic, anthropic_sim: Simulator) -> None:
    anthropic_sim.next({"refusal": "no"}, {"recall": True})
    refused = ask(vendor)
    assert refused.stop_reason == "refusal" and refused.content == [] and refused.stop_details.explanation == "no"
    later = {"role": "user", "content": [{"type": "text", "text": "and?"}]}
    turns = [USER, {"role": "assistant", "content": "hi"}, later]
    assert ask(vendor, messages=turns).content[0].text == "hello|and?"


def test_parallel_calls_in_pieces_split_at_every_byte(vendor: anthropic.Anthropic, anthropic_sim: Simulator) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": "台北 🎏"}}, {"name": "get_time", "arguments": {}}]
    anthropic_sim.next({"text": "夜市", "tool_calls": calls, "tool_pieces": 7, "write_size": 1})
    with vendor.messages.stream(model="claude-sonnet-4-5", max_tokens=50, messages=[USER], tools=[TOOL]) as stream:
        message = stream.get_final_message()
    assert message.content[0].text == "夜市" and message.stop_reason == "tool_use"
    assert [block.input for block in message.content[1:]] == [{"city": "台北 🎏"}, {}]


def called(vendor: anthropic.Anthropic, sim: Simulator, model: str, **members: object) -> list[dict[str, Any]]:
    """A conversation whose model has just thought and made a call, with the result of that."""
    sim.next({"tool_calls": [{"name": "get_weather", "arguments": {}}], "redacted": "secret"})
    message = ask(vendor, model=model, tools=[TOOL], **members)
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": message.content[-1].id, "content": "rain"}
    blocks = [block.model_dump(exclude_none=True) for block in message.content]
    return [USER, {"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}]


def test_thoughts_of_models_that_think_by_themselves(vendor: anthropic.Anthropic, anthropic_sim: Simulator) -> None:
    model = "claude-opus-4-7"
    adaptive = {"thinking": {"type": "adaptive"}}
    turns = called(vendor, anthropic_sim, model, **adaptive)
    blocks = turns[1]["content"]
    assert blocks[0]["thinking"] == "", "they are not shown unless asked for"
    answered = ask(vendor, model=model, messages=turns, tools=[TOOL], **adaptive)
    assert answered.content[-1].text.endswith("=rain")
    for kept, words in (
        (blocks[2:], "must start with a thinking block"),
        (blocks[:1] + blocks[2:], "cannot be modified"),
        ([blocks[0], blocks[1] | {"data": "secret.0"}, blocks[2]], "Invalid `data`"),
        ([blocks[0] | {"signature": "sig0"}, *blocks[1:]], "Invalid `signature`"),
    ):
        wrong = [turns[0], turns[1] | {"content": kept}, turns[2]]
        with pytest.raises(anthropic.BadRequestError, match=words):
            ask(vendor, model=model, messages=wrong, tools=[TOOL], **adaptive)
        assert ask(vendor, model=model, messages=wrong, tools=[TOOL]).content, "nobody looks when thinking is off"
    shown = ask(vendor, model=model, thinking={"type": "adaptive", "display": "summarized"})
    assert shown.content[0].thinking == "Let me think."


def test_thoughts_that_are_bound_to_their_conversation(vendor: anthropic.Anthropic, anthropic_sim: Simulator) -> None:
    for model, is_bound in (("claude-opus-5-5", True), ("claude-sonnet-5", False)):
        turns = called(vendor, anthropic_sim, model, system="be brief")
        same = [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}]
        assert ask(vendor, model=model, messages=turns, tools=[TOOL], system=same).content
        if is_bound:
            with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
                ask(vendor, model=model, messages=turns, tools=[TOOL], system="be long")
        else:
            assert ask(vendor, model=model, messages=turns, tools=[TOOL], system="be long").content


def test_the_wire_of_a_stream(anthropic_sim: Simulator) -> None:
    body = json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [USER], "stream": True}).encode()
    headers = {"x-api-key": "sim-key-1", "anthropic-version": "2023-06-01"}
    text = bytes(fetch(("127.0.0.1", anthropic_sim.port), "/v1/messages", body, headers=headers).body).decode()
    events = [event.split("\n") for event in text.split("\n\n")[:-1]]
    assert all(json.loads(data[6:])["type"] == name[7:] for name, data in events), "each is named as its type"
    assert any(data.endswith(" ") for _, data in events), "padded"
    assert events[-1][0] == "event: message_stop" and "[DONE]" not in text
