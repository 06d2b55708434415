"""The vendor's own SDK as the judge of its simulator, so that simulator and provider are not wrong together."""

from __future__ import annotations

import ollama
import pytest

from support.simulator import Simulator

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def vendor(ollama_sim: Simulator) -> ollama.Client:
    return ollama.Client(host=ollama_sim.url)


def test_plain_and_streamed(vendor: ollama.Client) -> None:
    answer = vendor.chat("llama3", HELLO)
    assert answer.message.content == "You said: hello" and answer.done and answer.done_reason == "stop"
    lines = list(vendor.chat("llama3", HELLO, stream=True, options={"num_predict": 2}))
    assert "".join(line.message.content for line in lines) == "You said:" and lines[-1].done_reason == "length"
    assert lines[-1].eval_count == 2


def test_thinking_tools_and_images(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    ollama_sim.next({"reasoning": ["hm"], "tool_calls": [{"name": "get_weather", "arguments": {"city": "台北"}}]})
    message = vendor.chat("qwen3:8b", HELLO, tools=[TOOL], think=True).message
    assert message.thinking == "hm" and message.tool_calls[0].function.arguments == {"city": "台北"}
    turns = [*HELLO, message, {"role": "tool", "tool_name": "get_weather", "content": "rain"}]
    assert vendor.chat("qwen3:8b", turns, tools=[TOOL]).message.content.startswith("You said")
    seen = vendor.chat("llama3", [{"role": "user", "content": "?", "images": [b"png"]}]).message.content
    assert "[image" in seen


def test_structured_output(vendor: ollama.Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert vendor.chat("llama3", HELLO, format=schema).message.content == '{"n": 7}'


def test_errors(vendor: ollama.Client, ollama_sim: Simulator) -> None:
    with pytest.raises(ollama.ResponseError, match="not found"):
        vendor.chat("nobody", HELLO)
    with pytest.raises(ollama.ResponseError, match="does not support thinking"):
        vendor.chat("llama3", HELLO, think=True)
    ollama_sim.next({"fault": "error_frame", "after": 1})
    with pytest.raises(ollama.ResponseError, match="CUDA"):
        list(vendor.chat("llama3", HELLO, stream=True))


def test_embeddings_and_models(vendor: ollama.Client) -> None:
    vectors = vendor.embed("all-minilm", ["a", "b"]).embeddings
    assert len(vectors) == 2 and len(vectors[0]) == 384 and vectors[0] != vectors[1]
    assert "llama3:latest" in {model.model for model in vendor.list().models}
