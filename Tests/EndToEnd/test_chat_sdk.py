"""Chat through the official SDK: what a caller sends reaches the vendor, what the vendor says reaches the caller."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from conftest import Target
from support.raw import told
from support.simulator import Simulator
from upstreams.content import describe_parts, instance_of

MODEL = "openai/gpt-4o-mini"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def upstream_model(target: Target) -> str:
    return "gpt-4o-mini" if target.is_gateway else MODEL


def test_plain_answer(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=ask("How are you? 🎏"))
    assert answer.choices[0].message.content == "You said: How are you? 🎏"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.refusal is None
    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert answer.usage and answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details and answer.usage.prompt_tokens_details.cached_tokens == 2
    assert answer._request_id
    sent = sim.last()
    assert sent.json == {"model": upstream_model(target), "messages": ask("How are you? 🎏")}
    assert sent.key in ("sim-key-1", "sim-key-2")


async def test_plain_answer_async(aclient: openai.AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.create(model=MODEL, messages=ask("Hello there"))
    assert answer.choices[0].message.content == "You said: Hello there"


def test_stream(client: openai.OpenAI, sim: Simulator) -> None:
    with client.chat.completions.create(model=MODEL, messages=ask("夜市 很熱鬧 🎏"), stream=True) as stream:
        chunks = list(stream)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "You said: 夜市 很熱鬧 🎏"
    assert [delta.role for delta in deltas if delta.role] == ["assistant"]
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == len({chunk.model for chunk in chunks}) == 1


async def test_stream_async(aclient: openai.AsyncOpenAI) -> None:
    text = ""
    async for chunk in await aclient.chat.completions.create(model=MODEL, messages=ask("a b c"), stream=True):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert text == "You said: a b c"


def test_usage_of_a_stream_is_shown_only_when_asked(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    silent = list(client.chat.completions.create(model=MODEL, messages=ask("one two"), stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)
    if target.is_gateway:
        assert sim.last().json["stream_options"] == {"include_usage": True}, "accounting needs it from the vendor"
    asked = list(
        client.chat.completions.create(
            model=MODEL, messages=ask("one two"), stream=True, stream_options={"include_usage": True}
        )
    )
    assert [chunk.usage is not None for chunk in asked] == [False] * (len(asked) - 1) + [True]
    assert asked[-1].choices == []
    usage = asked[-1].usage
    assert usage and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_usage_trailer_without_choices(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("the gateway repairs it")
    sim.control(default={"trailer_choices": False})
    asked = list(
        client.chat.completions.create(
            model=MODEL, messages=ask("one two"), stream=True, stream_options={"include_usage": True}
        )
    )
    assert asked[-1].usage is not None and not asked[-1].choices
    silent = list(client.chat.completions.create(model=MODEL, messages=ask("one two"), stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)


def test_tool_call_in_pieces(client: openai.OpenAI, sim: Simulator) -> None:
    arguments = {"city": "台北 🎏"}
    scenario = {"tool_calls": [{"name": "get_weather", "arguments": arguments}], "tool_pieces": 7}
    tools: Any = [WEATHER]
    with client.chat.completions.stream(model=MODEL, messages=ask(told(scenario)), tools=tools) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    call = (final.choices[0].message.tool_calls or [])[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", arguments)
    assert call.id == "call_0_0"
    assert final.choices[0].finish_reason == "tool_calls"
    assert sum(event.type == "tool_calls.function.arguments.delta" for event in events) >= 3
    assert sim.last().json["tools"] == [WEATHER]


async def test_parallel_tool_calls(aclient: openai.AsyncOpenAI) -> None:
    calls = [{"name": "get_weather", "arguments": {"city": city}} for city in ("Taipei", "Tainan", "台中")]
    tools: Any = [WEATHER]
    messages = ask(told({"tool_calls": calls}))
    async with aclient.chat.completions.stream(
        model=MODEL, messages=messages, tools=tools, parallel_tool_calls=True, tool_choice="required"
    ) as stream:
        final = await stream.get_final_completion()
    streamed = final.choices[0].message.tool_calls or []
    plain = await aclient.chat.completions.create(model=MODEL, messages=messages, tools=tools)
    for made in (streamed, plain.choices[0].message.tool_calls or []):
        assert [json.loads(call.function.arguments)["city"] for call in made] == ["Taipei", "Tainan", "台中"]
        assert len({call.id for call in made}) == 3


def test_tool_results_travel_back(client: openai.OpenAI, sim: Simulator) -> None:
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Weather?", "name": "ann"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "sunny"}]},
    ]
    client.chat.completions.create(model=MODEL, messages=messages)
    assert sim.last().json["messages"] == messages


def test_vision_audio_and_file_parts(client: openai.OpenAI, sim: Simulator) -> None:
    picture = base64.b64encode(bytes(range(256)) * 40).decode()
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png?x=1&y=2"}},
        {"type": "input_audio", "input_audio": {"data": picture, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{picture}", "filename": "a.pdf"}},
    ]
    messages: Any = [{"role": "user", "content": parts}]
    answer = client.chat.completions.create(model=MODEL, messages=messages)
    content = answer.choices[0].message.content or ""
    lines = describe_parts({"messages": messages})
    assert len(lines) == 4 and all(line in content for line in lines)
    assert sim.last().json["messages"] == messages


class Step(BaseModel):
    explanation: str
    output: float


class Solution(BaseModel):
    steps: list[Step]
    answer: int
    certain: bool


def test_structured_output(client: openai.OpenAI, sim: Simulator) -> None:
    answer = client.chat.completions.parse(model=MODEL, messages=ask("Solve it"), response_format=Solution)
    parsed = answer.choices[0].message.parsed
    schema = sim.last().json["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert parsed == Solution.model_validate(instance_of(schema["schema"]))


def test_structured_output_streamed(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=ask("Solve it"), response_format=Solution) as stream:
        assert stream.get_final_completion().choices[0].message.parsed is not None


def test_refusal(client: openai.OpenAI) -> None:
    messages = ask(told({"refusal": "I can't help with that."}))
    plain = client.chat.completions.create(model=MODEL, messages=messages)
    assert (plain.choices[0].message.refusal, plain.choices[0].message.content) == ("I can't help with that.", None)
    with client.chat.completions.stream(model=MODEL, messages=messages) as stream:
        assert stream.get_final_completion().choices[0].message.refusal == "I can't help with that."


def test_logprobs(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model=MODEL, messages=ask("é 🎏"), logprobs=True, top_logprobs=3)
    with client.chat.completions.stream(model=MODEL, messages=ask("é 🎏"), logprobs=True, top_logprobs=3) as stream:
        streamed = stream.get_final_completion()
    for answer in (plain, streamed):
        logprobs = answer.choices[0].logprobs
        assert logprobs and logprobs.content
        assert b"".join(bytes(t.bytes or []) for t in logprobs.content).decode() == "You said: é 🎏"
        assert all(len(t.top_logprobs) == 3 and t.logprob == -0.25 for t in logprobs.content)


def test_several_choices(client: openai.OpenAI, sim: Simulator) -> None:
    plain = client.chat.completions.create(model=MODEL, messages=ask("twice"), n=2)
    assert [c.message.content for c in plain.choices] == ["(0) You said: twice", "(1) You said: twice"]
    with client.chat.completions.stream(model=MODEL, messages=ask("twice"), n=2) as stream:
        streamed = stream.get_final_completion()
    assert [c.message.content for c in streamed.choices] == ["(0) You said: twice", "(1) You said: twice"]
    assert sim.last().json["n"] == 2


def test_unknown_members_travel_both_ways(client: openai.OpenAI, sim: Simulator) -> None:
    extra = {"x_vendor": {"deep": [1, None, {"ok": True}]}, "x_number": 12345678901234567}
    sim.control(default={"extra": extra, "message_extra": {"x_note": "kept"}, "delta_extra": {"x_note": "kept"}})
    answer = client.chat.completions.create(
        model=MODEL, messages=ask("hi"), extra_body={"x_top_k": 40, "x_nested": {"a": [1, {"b": None}]}}
    )
    assert answer.model_extra and {k: answer.model_extra[k] for k in extra} == extra
    assert (answer.choices[0].message.model_extra or {})["x_note"] == "kept"
    sent = sim.last().json
    assert (sent["x_top_k"], sent["x_nested"]) == (40, {"a": [1, {"b": None}]})
    chunks = list(client.chat.completions.create(model=MODEL, messages=ask("hi"), stream=True))
    assert all((chunk.model_extra or {})["x_number"] == 12345678901234567 for chunk in chunks)
    assert (chunks[0].choices[0].delta.model_extra or {})["x_note"] == "kept"


def test_ordinary_members_travel_unchanged(client: openai.OpenAI, sim: Simulator) -> None:
    members: dict[str, Any] = {
        "temperature": 0.3,
        "top_p": 1,
        "max_completion_tokens": 99,
        "stop": ["a", "b"],
        "seed": -9007199254740991,
        "logit_bias": {"50256": -100},
        "metadata": {"team": "夜"},
        "user": "user-1",
        "safety_identifier": "s-1",
        "prompt_cache_key": "k",
        "service_tier": "auto",
        "store": False,
        "reasoning_effort": "low",
        "presence_penalty": -2,
        "modalities": ["text"],
        "prediction": {"type": "content", "content": "x"},
    }
    client.chat.completions.create(model=MODEL, messages=ask("hi"), **members)
    sent = sim.last().json
    assert {name: sent.get(name) for name in members} == members


def test_numbers_survive_to_the_last_digit(target: Target, sim: Simulator) -> None:
    body = (
        b'{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi"}],'
        b'"x_big":12345678901234567,"x_small":1e-7,"x_long":0.10000000000000000001,"x_text":"\\u00e9\\ud83c\\udf8f"}'
    )
    headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
    answer = httpx2.post(f"{target.base_url}/chat/completions", content=body, headers=headers)
    assert answer.status_code == 200
    sent = sim.last().body
    for literal in (b'"x_big":12345678901234567', b'"x_small":1e-7', b'"x_long":0.10000000000000000001'):
        assert literal in sent.replace(b": ", b":")
    assert sim.last().json["x_text"] == "é🎏"


def test_deepseek_reasoning_and_usage(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("another vendor behind the gateway")
    scenario = {"reasoning": ["用戶", "想要"], "text": "Checking it.", "keep_alives": 2, "blank_lines": 3}
    model = "deepseek/deepseek-reasoner"
    chunks = list(
        client.chat.completions.create(
            model=model, messages=ask(told(scenario)), stream=True, stream_options={"include_usage": True}
        )
    )
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join((d.model_extra or {}).get("reasoning_content") or "" for d in deltas) == "用戶想要"
    assert "".join(d.content or "" for d in deltas) == "Checking it."
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []
    assert sim.last()["path"].endswith("/chat/completions")
    assert sim.last().key == "sim-deep-1"
    assert sim.last().json["model"] == "deepseek-reasoner"
    plain = client.chat.completions.create(model=model, messages=ask(told(scenario)))
    assert (plain.choices[0].message.model_extra or {})["reasoning_content"] == "用戶想要"
    assert plain.choices[0].message.content == "Checking it."


def test_deepseek_hides_usage_nobody_asked_for(client: openai.OpenAI, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("another vendor behind the gateway")
    chunks = list(client.chat.completions.create(model="deepseek/deepseek-chat", messages=ask("hi"), stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_deepseek_request_is_translated(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("another vendor behind the gateway")
    messages: Any = [{"role": "developer", "content": "Be brief."}, *ask("hi")]
    client.chat.completions.create(model="deepseek/deepseek-chat", messages=messages, max_completion_tokens=50)
    sent = sim.last().json
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert sent["max_tokens"] == 50 and "max_completion_tokens" not in sent


def test_echo_needs_no_account(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("built into the gateway")
    answer = client.chat.completions.create(model="echo/anything", messages=ask("Repeat 🎏 me"))
    assert "Repeat 🎏 me" in (answer.choices[0].message.content or "")
    chunks = list(client.chat.completions.create(model="echo/anything", messages=ask("Repeat 🎏 me"), stream=True))
    assert "Repeat 🎏 me" in "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert sim.requests() == []


def test_older_completions(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    answer = client.completions.create(model=MODEL, prompt="Once upon", max_tokens=5)
    assert answer.choices[0].text == "Completed."
    assert sim.last().json == {"model": upstream_model(target), "prompt": "Once upon", "max_tokens": 5}
    chunks = list(client.completions.create(model=MODEL, prompt=told({"text": "a b c"}), stream=True))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == "a b c"


def test_client_headers_stay_between_client_and_gateway(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("needs the gateway")
    client.chat.completions.create(model=MODEL, messages=ask("hi"), extra_headers={"Cookie": "a=b"})
    sent = sim.last()
    names = {name.lower() for name, _ in sent["headers"]}
    assert "cookie" not in names and not any(name.startswith("x-stainless") for name in names)
    assert "test-master-key" not in sent["head"]
    assert sent.header("content-type") == "application/json"
