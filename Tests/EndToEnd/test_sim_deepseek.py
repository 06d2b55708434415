"""The simulated DeepSeek, read by the SDK that the vendor tells its customers to use: OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from support.raw import Stream, chat, fetch
from support.simulator import Simulator

CHAT, THINKER = "deepseek-chat", "deepseek-reasoner"
HELLO: Any = [{"role": "user", "content": "hello"}]
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
CALLS = [{"id": f"call_00_{city}", "name": "get_weather", "arguments": {"city": city}} for city in ("台北", "Tainan")]


@pytest.fixture
def vendor(sim: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sim.deepseek_url, api_key="sim-deep-1", max_retries=0, timeout=10) as client:
        yield client


def ask(vendor: openai.OpenAI, messages: Any = HELLO, model: str = CHAT, **members: Any) -> Any:
    return vendor.chat.completions.create(model=model, messages=messages, **members)


def stream(vendor: openai.OpenAI, model: str = CHAT, **members: Any) -> list[Any]:
    return list(ask(vendor, model=model, stream=True, **members))


def refused(vendor: openai.OpenAI, words: str, status: int = 400, **members: Any) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(vendor, **members)
    assert caught.value.status_code == status and words in caught.value.response.text
    assert caught.value.response.headers["content-type"] == "application/octet-stream"


def test_plain_and_streamed(vendor: openai.OpenAI, sim: Simulator) -> None:
    answer = ask(vendor)
    assert answer.choices[0].message.content == "You said: hello" and answer.model == "deepseek-v4-flash"
    assert answer.usage.model_extra["prompt_cache_hit_tokens"] == 2
    chunks = stream(vendor)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: hello"
    assert chunks[-1].usage and chunks[-1].choices[0].finish_reason == "stop", "usage rides on the end"
    sim.next({"recall": True})
    turns = [*HELLO, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "夜市"}]
    assert ask(vendor, turns).choices[0].message.content == "hello|夜市"
    sim.next({"keep_alives": 2}, {"blank_lines": 3})
    assert stream(vendor)[-1].choices[0].finish_reason == "stop"
    assert ask(vendor).choices[0].finish_reason == "stop"


def test_limits(vendor: openai.OpenAI) -> None:
    assert ask(vendor, max_tokens=2).choices[0].message.content == "You said:"
    assert stream(vendor, max_tokens=2)[-1].choices[0].finish_reason == "length"
    assert ask(vendor, max_completion_tokens=2).choices[0].finish_reason == "stop", "ignored without a word"
    assert ask(vendor, stop=" hello").choices[0].message.content == "You said:"


def test_reasoning_as_recorded(vendor: openai.OpenAI, sim: Simulator) -> None:
    scenario = {"reasoning": ["用戶想要", "天氣。"], "text": "Checking."}
    sim.next(scenario)
    body = chat("hello", THINKER, stream=True)
    answer = fetch(("127.0.0.1", sim.port), "/deepseek/chat/completions", body, "sim-deep-1")
    events = Stream.parse(bytes(answer.body))
    assert [chunk["choices"][0]["delta"] for chunk in events.chunks] == [
        {"role": "assistant", "content": None, "reasoning_content": ""},
        {"content": None, "reasoning_content": "用戶想要"},
        {"content": None, "reasoning_content": "天氣。"},
        {"content": "Checking.", "reasoning_content": None},
        {"content": "", "reasoning_content": None},
    ]
    assert events.payloads[-1] == "[DONE]" and events.chunks[-1]["usage"]["prompt_cache_miss_tokens"] >= 0
    sim.next(scenario, scenario, scenario)
    assert ask(vendor, model=THINKER).choices[0].message.model_extra["reasoning_content"] == "用戶想要天氣。"
    off: Any = {"thinking": {"type": "disabled"}}
    assert not ask(vendor, model=THINKER, extra_body=off).choices[0].message.model_extra.get("reasoning_content")
    on: Any = {"thinking": {"type": "enabled"}}
    assert ask(vendor, extra_body=on).choices[0].message.model_extra["reasoning_content"]


def turns_of(message: Any, **rest: Any) -> list[Any]:
    results = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in message.tool_calls]
    return [*HELLO, message.model_dump(exclude_none=True) | rest, *results]


def test_tools_and_their_thoughts(vendor: openai.OpenAI, sim: Simulator) -> None:
    sim.next({"tool_calls": CALLS, "reasoning": ["look"]})
    message = ask(vendor, model=THINKER, tools=TOOLS).choices[0].message
    assert [call.id for call in message.tool_calls] == [call["id"] for call in CALLS]
    assert [call.model_extra["index"] for call in message.tool_calls] == [0, 1]
    turns = turns_of(message)
    assert ask(vendor, turns, THINKER, tools=TOOLS).choices[0].finish_reason == "stop"
    lost = [turns[0], {k: v for k, v in turns[1].items() if k != "reasoning_content"}, *turns[2:]]
    refused(vendor, "must be passed back", messages=lost, model=THINKER, tools=TOOLS)
    assert ask(vendor, turns_of(message, reasoning_content=" "), THINKER).choices, "it does not read them"
    assert ask(vendor, lost, tools=TOOLS).choices, "who does not think misses no thoughts"
    refused(vendor, "insufficient tool messages", messages=turns[:-1], model=THINKER)
    refused(vendor, "insufficient tool messages", messages=[*turns[:2], *HELLO], model=THINKER)
    refused(vendor, "must be a response to", messages=[turns[0], turns[2]], model=THINKER)


def test_streamed_tools(vendor: openai.OpenAI, sim: Simulator) -> None:
    sim.next({"tool_calls": CALLS, "tool_pieces": 4})
    with vendor.chat.completions.stream(model=CHAT, messages=HELLO, tools=TOOLS) as events:
        calls = events.until_done().get_final_completion().choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "台北"}, {"city": "Tainan"}]


@pytest.mark.parametrize(
    ("members", "words", "status"),
    [
        ({"messages": [{"role": "developer", "content": "x"}]}, "unknown variant `developer`", 422),
        ({"messages": [{"role": "user", "content": None}]}, "missing field `content`", 422),
        ({"messages": []}, "Empty input messages", 400),
        ({"model": "deepseek-9"}, "Model Not Exist", 400),
        ({"n": 2}, "only n = 1", 400),
        ({"temperature": 3}, "valid range of temperature is [0, 2]", 400),
        ({"max_tokens": 0}, "Invalid max_tokens", 400),
        ({"stop": ["x"] * 17}, "at most 16", 400),
        ({"stream_options": {"include_usage": True}}, "along with stream", 400),
        ({"tools": TOOLS * 129}, "at most 128", 400),
        ({"tools": [{"type": "web_search"}]}, "unknown variant `web_search`", 422),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "unavailable now", 400),
        ({"response_format": {"type": "json_object"}}, "Prompt must contain the word", 400),
        ({"model": THINKER, "logprobs": True}, "not supported in thinking mode", 400),
        ({"model": THINKER, "tools": TOOLS, "tool_choice": "required"}, "does not support this tool_choice", 400),
        ({"reasoning_effort": "none"}, "unknown variant `none`", 422),
        ({"messages": [*HELLO, {"role": "assistant", "content": "x", "prefix": True}]}, "beta", 400),
    ],
)
def test_refusals(vendor: openai.OpenAI, members: dict[str, Any], words: str, status: int) -> None:
    refused(vendor, words, status, **members)


def test_what_it_takes(vendor: openai.OpenAI, sim: Simulator) -> None:
    wants_json: Any = [{"role": "user", "content": "as JSON please"}]
    form: Any = {"type": "json_object"}
    assert json.loads(ask(vendor, wants_json, response_format=form).choices[0].message.content) == {"ok": True}
    assert ask(vendor, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert ask(vendor, extra_body={"no_such_thing": 1}).choices, "what it does not know it ignores"
    beta = vendor.with_options(base_url=f"{sim.deepseek_url}/beta")
    begun = [*HELLO, {"role": "assistant", "content": "Well, ", "prefix": True}]
    assert ask(beta, begun).choices
    assert beta.completions.create(model=CHAT, prompt="def f(", suffix=")").choices
    with pytest.raises(openai.NotFoundError):
        vendor.completions.create(model=CHAT, prompt="x")


def test_models_balance_and_no_embeddings(vendor: openai.OpenAI) -> None:
    listed = list(vendor.models.list())
    assert {CHAT, THINKER, "deepseek-v4-pro"} <= {model.id for model in listed}
    assert all(model.created is None for model in listed)
    assert vendor.get("/user/balance", cast_to=object)["is_available"] is True
    with pytest.raises(openai.NotFoundError):
        vendor.embeddings.create(model=CHAT, input="x")


def test_failures(vendor: openai.OpenAI, sim: Simulator) -> None:
    sim.next({"fault": "status", "status": 402, "content_type": "application/octet-stream"})
    with pytest.raises(openai.APIStatusError, match="Insufficient Balance") as poor:
        ask(vendor)
    assert poor.value.status_code == 402
    sim.next({"finish": "insufficient_system_resource"}, {"count": 9, "fault": "error_frame", "after": 4})
    assert stream(vendor)[-1].choices[0].finish_reason == "insufficient_system_resource"
    with pytest.raises(openai.APIError):
        stream(vendor)
    sim.next({"count": 9, "fault": "end_after", "after": 4})
    assert stream(vendor)[-1].choices[0].finish_reason is None, "it just drops"
