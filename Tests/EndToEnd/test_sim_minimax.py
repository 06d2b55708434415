"""The simulated MiniMax against what was recorded of it; OpenAI's SDK reads the path that is OpenAI's in name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from support.raw import Decoder, Stream, fetch
from support.simulator import Simulator

NATIVE, COMPATIBLE = "/v1/text/chatcompletion_v2", "/v1/chat/completions"
PATHS = [NATIVE, COMPATIBLE]
HELLO: Any = [{"role": "user", "content": "hello"}]
USAGE = {"include_usage": True}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
CALLS = [{"id": f"call_{city}", "name": "get_weather", "arguments": {"city": city}} for city in ("Taipei", "台南")]


@pytest.fixture
def vendor(minimax_sim: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=minimax_sim.base_url, api_key="sim-key-1", max_retries=0, timeout=10) as client:
        yield client


def post(
    sim: Simulator, path: str = NATIVE, model: str = "MiniMax-M2.7", key: str = "sim-key-1", **members: Any
) -> Decoder:
    return fetch(("127.0.0.1", sim.port), path, {"model": model, "messages": HELLO} | members, key or None)


def whole(sim: Simulator, path: str = NATIVE, **members: Any) -> Any:
    answer = post(sim, path, **members)
    assert answer.status == 200
    return json.loads(answer.body)


def message(sim: Simulator, path: str = NATIVE, **members: Any) -> Any:
    return whole(sim, path, **members)["choices"][0]["message"]


def events(sim: Simulator, path: str = NATIVE, **members: Any) -> list[Any]:
    stream = Stream.parse(bytes(post(sim, path, stream=True, **members).body))
    assert not stream.stray
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in stream.payloads]


def refused(sim: Simulator, code: int, words: str = "", **members: Any) -> None:
    """An error is served as a success."""
    answer = whole(sim, **members)
    assert answer["choices"] is None and answer["base_resp"]["status_code"] == code
    assert words in answer["base_resp"]["status_msg"]


@pytest.mark.parametrize("path", PATHS)
def test_plain(path: str, minimax_sim: Simulator) -> None:
    answer = whole(minimax_sim, path)
    assert answer["choices"][0]["message"]["content"] == "You said: hello"
    assert answer["choices"][0]["message"]["name"] == "MiniMax AI" and answer["base_resp"]["status_code"] == 0
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    minimax_sim.next({"recall": True}, {"old_usage": True})
    turns = [*HELLO, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "夜市"}]
    assert message(minimax_sim, path, messages=turns)["content"] == "hello|夜市"
    assert set(whole(minimax_sim, path)["usage"]) == {"total_tokens", "total_characters"}


def test_a_native_stream_as_recorded(minimax_sim: Simulator) -> None:
    """The whole text comes once more, with the numbers that count; there is no other end."""
    minimax_sim.next({"reasoning": ["用戶打招呼"], "pieces": ["你好！我可以", "幫你什麼？"]})
    *chunks, last = events(minimax_sim, model="MiniMax-M1")
    assert [chunk["object"] for chunk in chunks] == ["chat.completion.chunk"] * 3
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert [(d["content"], d.get("reasoning_content", "")) for d in deltas] == [
        ("", "用戶打招呼"),
        ("你好！我可以", ""),
        ("幫你什麼？", ""),
    ]
    assert all(d["role"] == "assistant" and d["name"] == "MiniMax AI" for d in deltas)
    assert all(chunk["usage"] == {"total_tokens": 0, "total_characters": 0} for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert last["object"] == "chat.completion" and last["base_resp"]["status_code"] == 0
    assert last["choices"][0]["message"]["content"] == "你好！我可以幫你什麼？"
    assert last["choices"][0]["message"]["reasoning_content"] == "用戶打招呼"
    assert last["usage"]["total_tokens"] > 0
    minimax_sim.next({"text": "Hi", "no_deltas": True}, {"text": "Hi", "empty_roles": True})
    (only,) = events(minimax_sim)
    assert only["choices"][0]["message"]["content"] == "Hi", "short answers may have no deltas at all"
    assert events(minimax_sim)[0]["choices"][0]["delta"]["role"] == ""


def test_a_compatible_tool_call_as_recorded(minimax_sim: Simulator) -> None:
    minimax_sim.next({"reasoning": ["Call it."], "tool_calls": CALLS[:1], "tool_pieces": 1})
    frames = events(minimax_sim, COMPATIBLE, stream_options=USAGE, reasoning_split=True, tools=TOOLS)
    thought, start, rest, end, usage, done = frames
    assert thought["choices"][0]["delta"]["reasoning_details"][0]["text"] == "Call it."
    (call,) = start["choices"][0]["delta"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": ""} and call["index"] == 0
    (part,) = rest["choices"][0]["delta"]["tool_calls"]
    assert part == {"function": {"arguments": '{"city": "Taipei"}'}, "index": 0}
    assert end["choices"][0]["finish_reason"] == "tool_calls" and end["choices"][0]["delta"]["content"] == ""
    assert all(frame["usage"] is None for frame in frames[:4])
    assert usage["choices"] == [] and usage["base_resp"]["status_code"] == 0 and usage["usage"]["total_tokens"] > 0
    assert done == "[DONE]"


def test_calls_may_ride_on_the_end(minimax_sim: Simulator) -> None:
    minimax_sim.next({"tool_calls": CALLS, "call_on_finish": True, "first_index": 1})
    chunk, whole_again = events(minimax_sim, tools=TOOLS)
    choice = chunk["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and [c["index"] for c in choice["delta"]["tool_calls"]] == [1, 2]
    assert len(whole_again["choices"][0]["message"]["tool_calls"]) == 2


def test_an_error_in_the_stream_as_recorded(minimax_sim: Simulator) -> None:
    minimax_sim.next(
        {"pieces": ["某", "些"], "base": 1027, "after": 1}, {"count": 9, "fault": "error_frame", "after": 2}
    )
    text, failed = events(minimax_sim)
    assert text["choices"][0]["delta"]["content"] == "某"
    assert failed["choices"] is None and failed["output_sensitive"] is True
    assert failed["base_resp"] == {"status_code": 1027, "status_msg": "output new_sensitive"}
    assert events(minimax_sim)[-1]["base_resp"]["status_code"] == 1000
    minimax_sim.next({"base": 1002})
    answer = post(minimax_sim, stream=True)
    assert answer.header("content-type") == "application/json", "before the answer it is no stream at all"
    assert json.loads(answer.body)["base_resp"]["status_code"] == 1002


def test_thoughts_stand_where_they_are_asked_to(minimax_sim: Simulator) -> None:
    minimax_sim.control(default={"reasoning": ["hm"], "text": "42"})
    assert message(minimax_sim)["reasoning_content"] == "hm", "the native path tells them apart"
    assert message(minimax_sim, COMPATIBLE)["content"] == "<think>\nhm\n</think>\n\n42"
    split = message(minimax_sim, COMPATIBLE, reasoning_split=True)
    assert split["content"] == "42" and split["reasoning_details"][0]["format"] == "MiniMax-response-v1"
    off = {"thinking": {"type": "disabled"}}
    assert "reasoning_content" in message(minimax_sim, **off), "this one always thinks"
    assert "reasoning_content" not in message(minimax_sim, model="MiniMax-M3", **off)
    assert "reasoning_content" not in message(minimax_sim, model="MiniMax-Text-01")


@pytest.mark.parametrize("path", PATHS)
def test_tools_and_their_results(path: str, minimax_sim: Simulator) -> None:
    minimax_sim.next({"tool_calls": CALLS})
    called = message(minimax_sim, path, tools=TOOLS)
    assert [json.loads(call["function"]["arguments"]) for call in called["tool_calls"]] == [
        {"city": "Taipei"},
        {"city": "台南"},
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "rain"} for call in called["tool_calls"]]
    turns = [*HELLO, called | {"content": None}, *results]
    assert message(minimax_sim, path, messages=turns)["content"] == "Results: call_Taipei=rain; call_台南=rain"
    again = {"path": path, "code": 2013}
    refused(minimax_sim, words="not match", messages=turns[:-1], **again)
    refused(minimax_sim, words="not match", messages=[*turns[:3], *HELLO], **again)
    refused(minimax_sim, words="does not follow", messages=[*HELLO, results[0]], **again)
    refused(minimax_sim, words="does not follow", messages=[*turns[:3], results[1] | {"content": {"a": 1}}], **again)
    broken = called["tool_calls"][0] | {"function": {"name": "get_weather", "arguments": "{"}}
    refused(minimax_sim, words="arguments", messages=[*HELLO, called | {"tool_calls": [broken]}, results[0]], **again)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"temperature": 0}, "temperature must be in (0, 1]"),
        ({"temperature": 1.5}, "temperature must be in (0, 1]"),
        ({"top_p": 0}, "top_p"),
        ({"max_completion_tokens": 0}, "positive"),
        ({"model": "MiniMax-0"}, "unknown model"),
        ({"messages": []}, "messages is empty"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "role developer"),
        ({"messages": [{"role": "user", "content": None}]}, "chat content is empty"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "image_url"),
        ({"tools": TOOLS, "tool_choice": "required"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}, "tool_choice"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "parameters must be an object"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "response_format"),
        ({"thinking": {"type": "enabled"}}, "thinking.type"),
    ],
)
def test_refusals(minimax_sim: Simulator, members: dict[str, Any], words: str) -> None:
    if isinstance(members.get("tool_choice"), dict):
        # Not even a JSON string.
        refused(minimax_sim, 2013, words, model="MiniMax-M3", **members)
    refused(minimax_sim, 2013, words, **members)


def test_what_newer_and_older_models_take(minimax_sim: Simulator) -> None:
    third = {"model": "MiniMax-M3"}
    for members in ({"temperature": 0}, {"temperature": 2}, {"tools": TOOLS, "tool_choice": "required"}):
        assert whole(minimax_sim, **third, **members)["base_resp"]["status_code"] == 0
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    turns = [{"role": "user", "content": [{"type": "text", "text": "what?"}, picture]}]
    assert "[image_url" in message(minimax_sim, model="MiniMax-Text-01", messages=turns)["content"]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema | {"required": ["n"]}}}
    assert json.loads(message(minimax_sim, model="MiniMax-Text-01", response_format=form)["content"]) == {"n": 7}
    partly = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    refused(minimax_sim, 2013, "must be required", model="MiniMax-Text-01", response_format=partly)
    played = [{"role": "user_system", "content": "be 小明"}, {"role": "user", "name": "阿華", "content": "hi"}]
    assert message(minimax_sim, model="abab6.5s-chat", messages=played)["content"] == "You said: hi"


def test_it_grumbles_and_answers(minimax_sim: Simulator) -> None:
    answer = whole(minimax_sim, user="u1")
    assert answer["base_resp"] == {
        "status_code": 0,
        "status_msg": 'Invalid parameters detected, json: unknown field "user"',
    }
    assert answer["choices"][0]["message"]["content"] == "You said: hello"
    assert whole(minimax_sim, model="MiniMax-M3", seed=7)["base_resp"]["status_msg"] == ""


def test_limits_and_blocked_answers(minimax_sim: Simulator) -> None:
    for word in ("max_tokens", "max_completion_tokens"):
        *chunks, last = events(minimax_sim, **{word: 2})
        assert last["choices"][0]["message"]["content"] == "You said:"
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    minimax_sim.next({"refusal": "no"})
    blocked = whole(minimax_sim)
    assert blocked["output_sensitive"] is True and blocked["choices"][0]["finish_reason"] == "content_filter"
    minimax_sim.next({"search": '{"found": 1}'})
    frames = events(minimax_sim)
    assert frames[0]["choices"][0]["delta"]["role"] == "tool"
    assert frames[-1]["choices"][0]["messages"][0]["content"] == '{"found": 1}'


def test_keys(minimax_sim: Simulator) -> None:
    native = json.loads(post(minimax_sim, key="").body)
    assert native["base_resp"]["status_code"] == 1004 and native["choices"] is None
    compatible = post(minimax_sim, COMPATIBLE, key="")
    assert compatible.status == 401 and json.loads(compatible.body)["error"]["http_code"] == "401"
    assert compatible.header("trace-id") == compatible.header("minimax-trace-id") != None  # noqa: E711
    minimax_sim.control(keys={"poor": {"base": 1008}})
    assert json.loads(post(minimax_sim, key="poor").body)["base_resp"]["status_msg"] == "insufficient balance"


def test_embeddings(minimax_sim: Simulator) -> None:
    def embed(body: dict[str, Any], query: str = "?GroupId=7") -> Any:
        return json.loads(fetch(("127.0.0.1", minimax_sim.port), f"/v1/embeddings{query}", body, "sim-key-1").body)

    body = {"model": "embo-01", "texts": ["夜市", "two words"], "type": "db"}
    answer = embed(body)
    assert [len(vector) for vector in answer["vectors"]] == [1536, 1536] and answer["total_tokens"] == 3
    assert embed(body | {"type": "query"})["vectors"][0] != answer["vectors"][0]
    for wrong in (
        body | {"type": "x"},
        body | {"texts": []},
        body | {"model": "M"},
        {"input": "x"} | {"model": "embo-01"},
    ):
        assert embed(wrong)["base_resp"]["status_code"] == 2013
    assert embed(body, "")["base_resp"]["status_msg"].endswith("GroupId is empty")


# OpenAI's SDK


def test_the_sdk_reads_the_compatible_path(vendor: openai.OpenAI, minimax_sim: Simulator) -> None:
    known: Any = {"model": "MiniMax-M2.7", "messages": HELLO}
    assert vendor.chat.completions.create(**known).choices[0].message.content == "You said: hello"
    minimax_sim.next({"tool_calls": CALLS, "tool_pieces": 3})
    frames = list(vendor.chat.completions.create(**known, tools=TOOLS, stream=True, stream_options=USAGE))
    parts = [call for f in frames if f.choices for call in f.choices[0].delta.tool_calls or []]
    for index, city in enumerate(("Taipei", "台南")):
        text = "".join(part.function.arguments or "" for part in parts if part.index == index)
        assert json.loads(text) == {"city": city}
    assert frames[-1].usage.total_tokens > 0
    minimax_sim.next({"fault": "status", "status": 429}, {"text": "夜市 🎏", "write_size": 1})
    with pytest.raises(openai.RateLimitError):
        vendor.chat.completions.create(**known)
    split = vendor.chat.completions.create(**known, stream=True, stream_options=USAGE)
    assert "".join(f.choices[0].delta.content or "" for f in split if f.choices) == "夜市 🎏"
    assert "MiniMax-M3" in {model.id for model in vendor.models.list()}
