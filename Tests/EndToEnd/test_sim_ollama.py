"""The vendor's own SDK as the judge of its simulator, so that simulator and provider are not wrong together."""

from __future__ import annotations

import json
import math
from typing import Any

import ollama
import pytest
from pydantic import BaseModel

from support.raw import fetch
from support.simulator import Simulator

LLAMA, QWEN = "llama3", "qwen3:8b"
HELLO: Any = [{"role": "user", "content": "hello"}]
CALLS = [{"name": "get_weather", "arguments": {"city": city}} for city in ("台北", "Tainan")]


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
      city: The name of the city.
    """
    return f"rain in {city}"


@pytest.fixture
def vendor(ollama_sim: Simulator) -> ollama.Client:
    return ollama.Client(host=ollama_sim.url)


def refused(vendor: ollama.Client, words: str, status: int = 400, model: str = LLAMA, **members: Any) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        vendor.chat(model, members.pop("messages", HELLO), **members)
    assert words in caught.value.error and caught.value.status_code == status


def post(sim: Simulator, body: dict[str, Any], path: str = "/api/chat") -> Any:
    """What the SDK would not send, or not show."""
    answer = fetch(("127.0.0.1", sim.port), path, body)
    lines = [json.loads(line) for line in bytes(answer.body).splitlines()]
    return lines if answer.header("content-type") == "application/x-ndjson" else lines[0]


# What it says


def test_plain_and_streamed(vendor: ollama.Client) -> None:
    answer = vendor.chat(LLAMA, HELLO)
    assert answer.message.content == "You said: hello" and answer.done and answer.done_reason == "stop"
    assert answer.model == LLAMA and answer.prompt_eval_count == 4 and answer.eval_count == 3
    lines = list(vendor.chat(LLAMA, HELLO, stream=True, options={"num_predict": 2}))
    assert "".join(line.message.content for line in lines) == "You said:" and lines[-1].done_reason == "length"
    assert lines[-1].eval_count == 2 and [line.done for line in lines] == [False, False, True]
    assert vendor.chat(LLAMA, HELLO, options={"stop": [" hello"]}).message.content == "You said:"


async def test_the_asynchronous_client(ollama_sim: Simulator) -> None:
    vendor = ollama.AsyncClient(host=ollama_sim.url)
    lines = [line async for line in await vendor.chat(LLAMA, HELLO, stream=True)]
    assert "".join(line.message.content for line in lines) == "You said: hello"


def test_a_stream_is_usual(ollama_sim: Simulator) -> None:
    lines = post(ollama_sim, {"model": LLAMA, "messages": HELLO})
    assert len(lines) == 4 and "total_duration" in lines[-1]
    whole = post(ollama_sim, {"model": LLAMA, "messages": HELLO, "stream": False})
    assert whole["message"] == {"role": "assistant", "content": "You said: hello"}


def test_it_remembers_what_it_was_sent(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    turns = [*HELLO, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "夜市"}]
    ollama_sim.control(default={"recall": True})
    assert vendor.chat(LLAMA, turns).message.content == "hello|夜市"
    long = [{"role": "user", "content": "word " * 50}, *turns]
    answer = vendor.chat(LLAMA, long, options={"num_ctx": 20})
    assert answer.message.content == "hello|夜市", "what does not fit is left out without a word"
    assert answer.prompt_eval_count <= 20
    told = post(ollama_sim, {"model": LLAMA, "messages": long, "options": {"num_ctx": 20}, "truncate": False})
    assert told["error"] == "the input length exceeds the context length"


def test_characters_in_pieces(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    text = '夜市 🎏 <think> & "quoted" \\ \n'
    ollama_sim.next({"text": text, "write_size": 1}, {"text": "<b>"})
    assert "".join(line.message.content for line in vendor.chat(LLAMA, HELLO, stream=True)) == text
    answer = fetch(("127.0.0.1", ollama_sim.port), "/api/chat", {"model": LLAMA, "messages": HELLO})
    assert b"\\u003cb\\u003e" in answer.body, "brackets are escaped"


def test_thinking(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    ollama_sim.control(default={"reasoning": ["Let me ", "see."], "text": "42"})
    message = vendor.chat(QWEN, HELLO, think=True).message
    assert (message.thinking, message.content) == ("Let me see.", "42")
    assert vendor.chat(QWEN, HELLO).message.thinking == "Let me see.", "who can think does so unasked"
    assert vendor.chat(QWEN, HELLO, think=False).message.thinking is None
    assert vendor.chat("gpt-oss:20b", HELLO, think=False).message.thinking, "this one cannot be kept from it"
    lines = list(vendor.chat(QWEN, HELLO, think="low", stream=True))
    assert "".join(line.message.thinking or "" for line in lines) == "Let me see."
    assert "".join(line.message.content or "" for line in lines) == "42"
    refused(vendor, '"llama3" does not support thinking', think=True)
    assert "invalid think value" in post(ollama_sim, {"model": QWEN, "messages": HELLO, "think": "much"})["error"]


def test_tools(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    ollama_sim.next({"reasoning": ["hm"], "tool_calls": CALLS})
    message = vendor.chat(QWEN, HELLO, tools=[get_weather]).message
    assert message.thinking == "hm"
    made = [(call.function.name, call.function.arguments) for call in message.tool_calls]
    assert made == [("get_weather", {"city": "台北"}), ("get_weather", {"city": "Tainan"})]
    results = [{"role": "tool", "tool_name": name, "content": get_weather(**given)} for name, given in made]
    text = vendor.chat(QWEN, [*HELLO, message, *results], tools=[get_weather]).message.content
    assert text == "Results: get_weather=rain in 台北; get_weather=rain in Tainan"
    refused(vendor, "does not support tools", model="gemma:2b", tools=[get_weather])


def test_streamed_calls_are_whole(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    ollama_sim.next({"tool_calls": CALLS}, {"tool_calls": CALLS, "no_call_ids": True, "omit_zero": True})
    lines = list(vendor.chat(LLAMA, HELLO, tools=[get_weather], stream=True))
    calls = [call for line in lines for call in line.message.tool_calls or []]
    assert [call.function.arguments["city"] for call in calls] == ["台北", "Tainan"]
    assert lines[-1].done_reason == "stop", "which is all it says of calls"
    old = post(ollama_sim, {"model": LLAMA, "messages": HELLO})
    told = [call for line in old for call in line["message"].get("tool_calls", [])]
    assert all("id" not in call for call in told)
    assert [call["function"].get("index") for call in told] == [None, 1]


def test_images(vendor: ollama.Client) -> None:
    turns = [{"role": "user", "content": "?", "images": [b"png"]}]
    assert "[image" in vendor.chat(LLAMA, turns).message.content
    refused(vendor, "does not support vision", model=QWEN, messages=turns)


def test_structured_output(vendor: ollama.Client) -> None:
    class Number(BaseModel):
        n: int

    answer = vendor.chat(LLAMA, HELLO, format=Number.model_json_schema())
    assert Number.model_validate_json(answer.message.content).n == 7
    assert json.loads(vendor.chat(LLAMA, HELLO, format="json").message.content) == {"ok": True}


def test_logprobs(vendor: ollama.Client) -> None:
    found = vendor.chat(LLAMA, HELLO, logprobs=True, top_logprobs=2).logprobs
    assert [entry.token for entry in found] == ["You", " said:", " hello"] and len(found[0].top_logprobs) == 2
    lines = list(vendor.chat(LLAMA, HELLO, logprobs=True, stream=True))
    assert [entry.token for line in lines for entry in line.logprobs or []] == ["You", " said:", " hello"]


def test_ends_that_say_little(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    ollama_sim.next({"bare_end": True, "cached_prompt": True})
    last = post(ollama_sim, {"model": LLAMA, "messages": HELLO})[-1]
    assert last["done"] and not {"message", "prompt_eval_count"} & set(last)
    ollama_sim.next({"count": 5, "fault": "end_after", "after": 2})
    assert not list(vendor.chat(LLAMA, HELLO, stream=True))[-1].done


# What it refuses and how it fails


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"messages": [{"role": "developer", "content": "x"}]}, "invalid role"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "cannot unmarshal array"),
        ({"messages": [{"role": "user", "content": "x", "images": ["data:image/png;base64,AAAA"]}]}, "base64"),
        ({"messages": [{"role": "user", "content": "x", "images": ["https://x.invalid/a.png"]}]}, "base64"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
            "cannot unmarshal string",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "must name its tool"),
        ({"options": {"stop": "END"}}, 'option "stop" must be of type array'),
        ({"options": {"temperature": "hot"}}, "float32"),
        ({"options": {"num_predict": 1.5}}, "of type integer"),
        ({"keep_alive": "soon"}, "invalid duration"),
        ({"format": "yaml"}, "invalid format"),
        ({"top_logprobs": 21}, "between 0 and 20"),
        ({"tool_choice": "auto"}, "unknown field ['tool_choice']"),
        ({"model": ""}, "model is required"),
    ],
)
def test_bad_requests(ollama_sim: Simulator, members: dict[str, Any], words: str) -> None:
    assert words in post(ollama_sim, {"model": LLAMA, "messages": HELLO} | members)["error"]


def test_failures(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    refused(vendor, "model 'nobody' not found", 404, "nobody")
    refused(vendor, "model 'qwen3' not found", 404, "qwen3")
    refused(vendor, "does not support chat", 400, "all-minilm")
    for status, words in {401: "unauthorized", 429: "too many", 500: "system memory", 503: "server busy"}.items():
        ollama_sim.next({"fault": "status", "status": status})
        refused(vendor, words, status)
    ollama_sim.next({"fault": "error_frame", "after": 1})
    seen = []
    with pytest.raises(ollama.ResponseError, match="CUDA"):
        for line in vendor.chat(LLAMA, HELLO, stream=True):
            seen.append(line.message.content)
    assert seen == ["You"]


# Models and embeddings


def test_models(vendor: ollama.Client) -> None:
    assert {"llama3:latest", "hf.co/org/model:Q4"} <= {model.model for model in vendor.list().models}
    shown = vendor.show(QWEN)
    assert shown.capabilities == ["completion", "tools", "thinking"] and shown.details.family == "qwen3"
    assert shown.modelinfo["qwen3.context_length"] == 8192
    with pytest.raises(ollama.ResponseError, match="not found"):
        vendor.show("nobody")
    assert vendor.chat("hf.co/org/model:Q4", HELLO).message.content


def test_models_are_loaded_and_let_go(vendor: ollama.Client) -> None:
    assert not vendor.ps().models
    assert vendor.chat(LLAMA).done_reason == "load"
    assert [model.model for model in vendor.ps().models] == ["llama3:latest"]
    assert vendor.chat(LLAMA, keep_alive=0).done_reason == "unload"
    assert not vendor.ps().models


def test_health(ollama_sim: Simulator) -> None:
    assert fetch(("127.0.0.1", ollama_sim.port), "/").body == b"Ollama is running"
    assert fetch(("127.0.0.1", ollama_sim.port), "/", method="HEAD").status == 200
    assert "version" in json.loads(fetch(("127.0.0.1", ollama_sim.port), "/api/version").body)


def test_embeddings(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    answer = vendor.embed("all-minilm", ["夜市", "two words"])
    assert [len(vector) for vector in answer.embeddings] == [384, 384] and answer.prompt_eval_count == 3
    assert answer.embeddings[0] != answer.embeddings[1]
    (short,) = vendor.embed("all-minilm", "夜市", dimensions=8).embeddings
    assert math.isclose(sum(x * x for x in short), 1) and math.isclose(
        short[0] / short[1], answer.embeddings[0][0] / answer.embeddings[0][1]
    )
    old = vendor.embeddings("all-minilm", "夜市").embedding
    assert sum(x * x for x in old) > 100, "the older path does not scale"
    assert vendor.embed("all-minilm", []).embeddings == []
    long = "word " * 300
    assert vendor.embed("all-minilm", long).prompt_eval_count == 256
    for members, words in (
        ({"input": long, "truncate": False}, "exceeds the context length"),
        ({"input": [1, 2]}, "invalid input type"),
        ({"input": "x", "model": LLAMA}, "does not support embeddings"),
        ({"input": "x", "encoding_format": "float"}, "unknown field"),
    ):
        assert words in post(ollama_sim, {"model": "all-minilm"} | members, "/api/embed")["error"]
