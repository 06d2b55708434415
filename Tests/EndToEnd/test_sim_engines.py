"""Simulated engines of Hugging Face: OpenAI's SDK reads what it can of each, the wire shows the accent of each."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

import openai
import pytest

from support.raw import Decoder, Stream, chat, fetch
from support.simulator import Simulator
from upstreams.engine_kinds import KINDS

Engines = Callable[[str], Simulator]

CHATTERS = [kind.name for kind in KINDS.values() if kind.chats]
EMBEDDERS = [kind.name for kind in KINDS.values() if kind.embeds]
HELLO: Any = [{"role": "user", "content": "hello"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
CALLS = [
    {"name": "get_weather", "arguments": {"city": "台北"}},
    {"name": "get_weather", "arguments": {"city": "Tainan"}},
]
USAGE = {"include_usage": True}


def client_of(sim: Simulator, key: str = "sim-key-1") -> openai.OpenAI:
    base = sim.url if "infinity" in sim.options else sim.base_url
    return openai.OpenAI(base_url=base, api_key=key, max_retries=0, timeout=10)


def create(sim: Simulator, messages: Any = HELLO, **members: Any) -> Any:
    with client_of(sim) as client:
        return client.chat.completions.create(model="org/chat", messages=messages, **members)


def stream(sim: Simulator, messages: Any = HELLO, **members: Any) -> list[Any]:
    with client_of(sim) as client:
        return list(client.chat.completions.create(model="org/chat", messages=messages, stream=True, **members))


def refused(sim: Simulator, words: str, **members: Any) -> openai.APIStatusError:
    """The SDK finds the words of some bodies only; all of them say something."""
    with pytest.raises(openai.APIStatusError) as caught:
        create(sim, **members)
    assert words in caught.value.response.text
    return caught.value


def raw(sim: Simulator, path: str = "/v1/chat/completions", body: Any = None, **members: Any) -> Decoder:
    """What stands on the wire."""
    body = chat("hello", "org/chat") if body is None and not members.get("method") else body
    return fetch(("127.0.0.1", sim.port), path, body, "sim-key-1", **members)


def raw_stream(sim: Simulator, scenario: dict[str, Any], **members: Any) -> tuple[str, list[Any]]:
    sim.next(scenario)
    body = bytes(raw(sim, body=chat("hello", **({"model": "org/chat", "stream": True} | members))).body)
    payloads = Stream.parse(body.replace(b"\r\n", b"\n")).payloads
    return body.decode(), [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def said(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def finishes(chunks: list[Any]) -> list[str]:
    return [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]


# What all of them do


@pytest.mark.parametrize("kind", CHATTERS)
def test_plain_and_streamed(kind: str, engine_sim: Engines) -> None:
    sim = engine_sim(kind)
    answer = create(sim)
    assert answer.choices[0].message.content == "You said: hello" and answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    chunks = stream(sim)
    assert said(chunks) == "You said: hello" and finishes(chunks) == ["stop"]
    sim.next({"recall": True})
    turns = [
        *HELLO,
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": [{"type": "text", "text": "夜"}]},
    ]
    assert create(sim, turns).choices[0].message.content == "hello|夜"


@pytest.mark.parametrize("kind", CHATTERS)
def test_limits(kind: str, engine_sim: Engines) -> None:
    """A word that an engine does not know is no limit."""
    sim, knows_new = engine_sim(kind), "max_completion_tokens" in KINDS[kind].limits
    chunks = stream(sim, max_tokens=2)
    assert said(chunks) == "You said:" and finishes(chunks) == ["length"]
    assert (create(sim, max_completion_tokens=2).choices[0].finish_reason == "length") == knows_new
    text = create(sim, stop=[" hello"]).choices[0].message.content
    assert text == ("You said:" if KINDS[kind].stops else "You said: hello")


@pytest.mark.parametrize("kind", CHATTERS)
def test_tools(kind: str, engine_sim: Engines) -> None:
    sim = engine_sim(kind)
    wanted = [{"city": "台北"}, {"city": "Tainan"}][: KINDS[kind].calls_at_most]
    sim.next({"tool_calls": CALLS})
    message = create(sim, tools=TOOLS).choices[0].message
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == wanted
    _, events = raw_stream(sim, {"tool_calls": CALLS, "tool_pieces": 4}, tools=TOOLS)
    parts = [p for e in events if e != "[DONE]" for c in e["choices"] for p in c["delta"].get("tool_calls", [])]
    for place, arguments in enumerate(wanted):
        text = "".join(p["function"]["arguments"] for p in parts if p["index"] == place)
        assert json.loads(text) == arguments
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
    turns = [*HELLO, message.model_dump(exclude_none=True), result]
    assert create(sim, turns, tools=TOOLS).choices[0].message.content == f"Results: {result['tool_call_id']}=rain"


@pytest.mark.parametrize("kind", CHATTERS)
def test_failures(kind: str, engine_sim: Engines) -> None:
    sim = engine_sim(kind)
    sim.next({"fault": "status", "status": 429, "retry_after": 3})
    with pytest.raises(openai.RateLimitError) as limited:
        create(sim)
    assert limited.value.response.headers["retry-after"] == "3"
    sim.next({"count": 9, "fault": "error_frame", "after": 4})
    with pytest.raises(openai.APIError):
        stream(sim)
    sim.next({"count": 9, "fault": "end_after", "after": 4})
    assert finishes(stream(sim)) == []
    refused(sim, "Unexpected message role", messages=[{"role": "developer", "content": "x"}])
    if kind != "llamacpp":
        refused(sim, "Field required", messages=[])
    if not KINDS[kind].sees:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        refused(sim, "no multimodal abilities", messages=[{"role": "user", "content": [image]}])


@pytest.mark.parametrize("kind", CHATTERS)
def test_bytes_of_characters_apart(kind: str, engine_sim: Engines) -> None:
    sim = engine_sim(kind)
    sim.next({"text": "夜市 🎏", "write_size": 1})
    assert said(stream(sim)) == "夜市 🎏"


@pytest.mark.parametrize("kind", [kind for kind in CHATTERS if KINDS[kind].forms])
def test_structured_output(kind: str, engine_sim: Engines) -> None:
    sim = engine_sim(kind)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    if kind == "llamacpp-py":
        with pytest.raises(openai.APIStatusError, match="response_format"):
            create(sim, response_format=form)
        form = {"type": "json_object", "schema": schema}
    assert json.loads(create(sim, response_format=form).choices[0].message.content) == {"n": 7}
    assert json.loads(create(sim, response_format={"type": "json_object"}).choices[0].message.content) == {"ok": True}


# The accents, as the sheets of the wire have them


def test_vllm(engine_sim: Engines) -> None:
    sim = engine_sim("vllm")
    _, events = raw_stream(sim, {"reasoning": ["Let me see"], "text": "42"}, stream_options=USAGE)
    deltas = [event["choices"][0]["delta"] for event in events[:-2]]
    assert deltas == [{"role": "assistant", "content": ""}, {"reasoning": "Let me see"}, {"content": "42"}, {}]
    assert events[-3]["choices"][0]["stop_reason"] is None and events[-1] == "[DONE]"
    assert events[-2]["choices"] == [] and events[-2]["usage"]["completion_tokens"] == 2
    _, events = raw_stream(sim, {"null_choices": True}, stream_options=USAGE)
    assert events[-2]["choices"] is None
    _, events = raw_stream(sim, {"reasoning": ["hm"], "reasoning_member": "reasoning_content"})
    assert events[1]["choices"][0]["delta"] == {"reasoning_content": "hm"}
    text, events = raw_stream(sim, {"reasoning": ["hm"], "fault": "error_frame", "after": 2})
    assert events[-2]["error"]["code"] == 500 and text.endswith("data: [DONE]\n\n"), "an end that is none"
    sim.next({"finish": "abort"})
    assert finishes(stream(sim)) == ["abort"]
    assert create(sim, n=2).choices[1].message.content.startswith("(1)")
    sim.next({"tool_calls": CALLS})
    assert create(sim, tools=TOOLS).choices[0].message.tool_calls[0].id.startswith("chatcmpl-tool-")


def test_vllm_refuses(engine_sim: Engines) -> None:
    sim = engine_sim("vllm")
    answer = raw(sim, body=chat("x", "org/other"))
    assert answer.status == 404 and json.loads(answer.body)["error"]["code"] == 404
    sim.next({"without_tools": True}, {"fault": "status", "status": 400, "old": True}, {"reasoning": ["hm"]})
    with pytest.raises(openai.BadRequestError, match="--enable-auto-tool-choice"):
        create(sim, tools=TOOLS)
    old = json.loads(raw(sim).body)
    assert old["object"] == "error" and "error" not in old
    extras = {"top_k": 4, "chat_template_kwargs": {"enable_thinking": False}}
    assert create(sim, extra_body=extras).choices[0].message.content == "You said: hello"
    with client_of(sim) as client, pytest.raises(openai.BadRequestError, match="does not support Embeddings"):
        client.embeddings.create(model="org/chat", input="x")


def test_sglang(engine_sim: Engines) -> None:
    sim = engine_sim("sglang")
    sim.next({"reasoning": ["hm"]})
    message = create(sim).choices[0].message
    assert message.model_extra["reasoning_content"] == "hm"
    assert create(sim, stop=["hello"]).choices[0].model_extra["matched_stop"] == "hello"
    bad = json.loads(raw(sim, body={"model": "org/chat", "messages": []}).body)
    assert (bad["object"], bad["code"]) == ("error", 400)


def test_tgi(engine_sim: Engines) -> None:
    """A streamed call ends with no reason, as recorded; roles and ids are told again and again."""
    sim = engine_sim("tgi")
    calls = [{"name": "get_weather", "arguments": '{"city":"Taipei"}'}, CALLS[1]]
    _, events = raw_stream(sim, {"tool_calls": calls, "tool_pieces": 2}, tools=TOOLS)
    first, second, done = events
    assert first["id"] == "" and first["usage"] is None and done == "[DONE]"
    for event, name in ((first, "get_weather"), (second, None)):
        choice = event["choices"][0]
        assert choice["finish_reason"] is None and choice["delta"]["role"] == "assistant"
        (call,) = choice["delta"]["tool_calls"]
        assert (call["index"], call["id"], call["function"]["name"]) == (0, "0", name)
    sim.next({"tool_calls": CALLS}, {"tool_calls": CALLS, "object_arguments": True})
    whole = create(sim, tools=TOOLS).choices[0]
    assert whole.finish_reason == "stop" and len(whole.message.tool_calls) == 1
    call = json.loads(raw(sim).body)["choices"][0]["message"]["tool_calls"][0]
    assert call["function"]["arguments"] == {"city": "台北"}
    sim.next({"old": True, "space": False})
    body = bytes(raw(sim, body=chat("hello", "any", stream=True)).body)
    assert b'"finish_reason":"eos_token"' in body and body.startswith(b"data:{")
    text, _ = raw_stream(sim, {"fault": "error_frame", "after": 1})
    assert text.endswith('"error_type":"generation"}\n\n')
    assert json.loads(raw(sim, body={"messages": []}).body)["error_type"] == "validation"


def test_llamacpp(engine_sim: Engines) -> None:
    sim = engine_sim("llamacpp")
    _, events = raw_stream(sim, {"reasoning": ["hm"]}, stream_options=USAGE)
    assert events[1]["choices"][0]["delta"] == {"reasoning_content": "hm"}
    assert "timings" in events[-2] and events[-2]["choices"] == []
    _, events = raw_stream(sim, {"old": True})
    assert "role" not in events[0]["choices"][0]["delta"] and len(events[-2]["__verbose"]["prompt"]) > 1000
    sim.next({"old": True}, {"without_tools": True}, {"fault": "status", "status": 503})
    with pytest.raises(openai.InternalServerError, match="Cannot use tools with stream"):
        stream(sim, tools=TOOLS)
    with pytest.raises(openai.InternalServerError, match="--jinja"):
        create(sim, tools=TOOLS)
    loading = json.loads(raw(sim, "/health", method="GET").body)["error"]
    assert loading == {"code": 503, "message": "Loading model", "type": "unavailable_error"}
    assert create(sim, extra_body={"model": "whatever"}).model == "org/chat", "it has one model and serves that"
    sim.next({"without_embeddings": True})
    with client_of(sim) as client, pytest.raises(openai.InternalServerError, match="--embeddings"):
        client.embeddings.create(model="org/embed", input="x")


def test_llamacpp_py(engine_sim: Engines) -> None:
    sim = engine_sim("llamacpp-py")
    text, events = raw_stream(sim, {}, stream_options=USAGE)
    assert "\r\n\r\n" in text and events[-1] == "[DONE]" and all("usage" not in event for event in events[:-1])
    assert raw(sim, "/health", method="GET").status == 404
    with client_of(sim) as client:
        assert all(model.created is None for model in client.models.list())
    body = {"model": "org/embed", "input": ["two words"], "encoding_format": "base64"}
    sim.next({}, {"nested": True})
    assert len(json.loads(raw(sim, "/v1/embeddings", body).body)["data"][0]["embedding"]) == 384
    nested = json.loads(raw(sim, "/v1/embeddings", body).body)["data"][0]["embedding"]
    assert [len(vector) for vector in nested] == [384, 384]


def test_transformers(engine_sim: Engines) -> None:
    sim = engine_sim("transformers")
    text, events = raw_stream(sim, {"text": "Paris"})
    assert "[DONE]" not in text and "null" not in text
    assert [e["choices"][0] for e in events] == [
        {"index": 0, "delta": {"role": "assistant"}},
        {"index": 0, "delta": {"content": "Paris"}},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    assert events[-1]["usage"]["completion_tokens"] == 1 and events[0]["model"] == "org/chat@main"
    assert len(create(sim, n=3).choices) == 1
    assert refused(sim, "Unexpected fields in the request: {'top_k'}", extra_body={"top_k": 4}).status_code == 422
    unknown = raw(sim, body=chat("x", "org/other"))
    assert (unknown.status, unknown.header("content-type")) == (500, "text/plain; charset=utf-8")
    sim.next({"no_models": True}, {})
    assert raw(sim, "/v1/models", method="GET").body == b"Internal Server Error"
    assert raw(sim, "/v1/embeddings", {"model": "org/chat", "input": "x"}).status == 404


def test_router(engine_sim: Engines) -> None:
    sim = engine_sim("router")
    answer = raw(sim)
    assert answer.status == 200 and answer.header("retry-after") == "15", "which means nothing"
    whole = json.loads(answer.body)
    assert whole["usage"]["cached_tokens"] == 2 and whole["prompt"] == []
    _, events = raw_stream(sim, {"reasoning": ["hm"], "text": "42"}, model="org/chat:novita")
    deltas = [e["choices"][0]["delta"] for e in events[:-1]]
    assert all(delta["role"] == "assistant" for delta in deltas)
    assert "".join(delta.get("content", "") for delta in deltas) == "<think>hm</think>42"
    sim.next({"fault": "status", "status": 503})
    assert json.loads(raw(sim).body)["estimated_time"] == 20.0
    keyless = fetch(("127.0.0.1", sim.port), "/v1/chat/completions", chat("x", "org/chat"))
    assert keyless.status == 401 and isinstance(json.loads(keyless.body)["error"], str)
    path = "/hf-inference/models/org/embed/pipeline/feature-extraction"
    vectors = json.loads(raw(sim, path, {"inputs": ["a", "b"]}).body)
    assert [len(vector) for vector in vectors] == [384, 384]
    sim.next({"token_level": True})
    assert len(json.loads(raw(sim, path, {"inputs": ["two words"]}).body)[0]) == 2
    refused(sim, "does not exist", extra_body={"model": "org/other:fastest"})


# Embeddings, models, health and keys


@pytest.mark.parametrize("kind", EMBEDDERS)
def test_embeddings(kind: str, engine_sim: Engines) -> None:
    with client_of(engine_sim(kind)) as client:
        plain: Any = {"model": "org/embed", "encoding_format": "float"}
        found = client.embeddings.create(input=["夜市", "two words"], **plain)
        vectors = [entry.embedding for entry in found.data]
        assert [len(v) for v in vectors] == [384, 384] and vectors[0] != vectors[1]
        assert math.isclose(sum(x * x for x in vectors[0]), 1, abs_tol=1e-3) and found.usage.prompt_tokens == 3
        short = client.embeddings.create(input="x", dimensions=8, **plain).data[0].embedding
        assert len(short) == (8 if KINDS[kind].cuts else 384)
        coded = client.embeddings.with_raw_response.create(model="org/embed", input="x", encoding_format="base64")
        value = json.loads(coded.content)["data"][0]["embedding"]
        assert len(base64.b64decode(value)) == 384 * 4 if KINDS[kind].encodes else len(value) == 384
        if KINDS[kind].takes_tokens:
            assert len(client.embeddings.create(input=[[1, 2], [3]], **plain).data) == 2
        else:
            with pytest.raises(openai.APIStatusError):
                client.embeddings.create(input=[[1, 2], [3]], **plain)
        with pytest.raises(openai.APIStatusError):
            client.embeddings.create(input=[], **plain)


def test_tei(engine_sim: Engines) -> None:
    sim = engine_sim("tei")
    many = raw(sim, "/v1/embeddings", {"input": ["x"] * 33})
    told = json.loads(many.body)
    assert (many.status, told["code"], told["type"]) == (422, 422, "Validation") and "error" not in told
    assert raw(sim, "/embeddings", {"input": ["x"] * 32}).status == 200
    assert raw(sim, "/v1/embeddings", {"input": "x " * 513}).status == 413
    assert json.loads(raw(sim, "/v1/embeddings", {"input": ""}).body)["type"] == "Empty"
    native = json.loads(raw(sim, "/embed", {"inputs": ["a", "b"], "normalize": True}).body)
    assert [len(vector) for vector in native] == [384, 384]
    assert json.loads(raw(sim, "/embed", {"inputs": []}).body)["error_type"] == "Empty"
    sim.next({"shuffled": True})
    data = json.loads(raw(sim, "/v1/embeddings", {"input": ["a", "b"]}).body)["data"]
    assert [entry["index"] for entry in data] == [1, 0]


def test_infinity(engine_sim: Engines) -> None:
    sim = engine_sim("infinity")
    assert "unix" in json.loads(raw(sim, "/health", method="GET").body)
    assert raw(sim, "/v1/embeddings", {"model": "org/embed", "input": "x"}).status == 404, "it has no prefix"
    with client_of(sim) as client:
        (model,) = client.models.list()
        assert model.id == "org/embed"
        with pytest.raises(openai.BadRequestError, match="does not exist"):
            client.embeddings.create(model="org/chat", input="x")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tei"])
def test_models(kind: str, engine_sim: Engines) -> None:
    with client_of(engine_sim(kind)) as client:
        names = [model.id for model in client.models.list()]
    assert names == ["org/chat"] * KINDS[kind].chats + ["org/embed"] * KINDS[kind].embeds


@pytest.mark.parametrize("kind", ["vllm", "tgi", "llamacpp", "tei"])
def test_health(kind: str, engine_sim: Engines) -> None:
    answer = raw(engine_sim(kind), "/health", method="GET")
    assert answer.status == 200 and bytes(answer.body) == (b'{"status":"ok"}' if kind == "llamacpp" else b"")
