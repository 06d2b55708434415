"""Embeddings through the official SDK, in every form of input and output."""

from __future__ import annotations

import base64
import struct
from typing import Any

import openai
import pytest

from conftest import Target
from support.simulator import Simulator
from upstreams.content import vector

MODEL = "openai/text-embedding-3-small"


def test_base64_is_the_default_of_the_sdk(client: openai.OpenAI, sim: Simulator) -> None:
    answer = client.embeddings.create(model=MODEL, input="Hello 🎏")
    assert answer.data[0].embedding == pytest.approx(vector("Hello 🎏", 8), abs=1e-7)
    assert sim.last().json["encoding_format"] == "base64"
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 2


def test_float(client: openai.OpenAI, sim: Simulator) -> None:
    answer = client.embeddings.create(model=MODEL, input="Hello", encoding_format="float")
    assert answer.data[0].embedding == vector("Hello", 8)
    assert sim.last().json["encoding_format"] == "float"


def test_base64_on_request(client: openai.OpenAI) -> None:
    answer = client.embeddings.with_raw_response.create(model=MODEL, input="Hello", encoding_format="base64")
    coded: Any = answer.http_response.json()["data"][0]["embedding"]
    assert list(struct.unpack("<8f", base64.b64decode(coded))) == vector("Hello", 8)


async def test_dimensions(aclient: openai.AsyncOpenAI, sim: Simulator) -> None:
    answer = await aclient.embeddings.create(model=MODEL, input="Hello", dimensions=256, user="u")
    assert len(answer.data[0].embedding) == 256
    assert (sim.last().json["dimensions"], sim.last().json["user"]) == (256, "u")


INPUTS: list[Any] = [["a", "b", "c"], [1, 2, 3], [[1, 2], [3], [4, 5, 6]]]


@pytest.mark.parametrize("given", INPUTS, ids=["strings", "tokens", "token lists"])
def test_order_is_kept(client: openai.OpenAI, sim: Simulator, given: Any) -> None:
    answer = client.embeddings.create(model=MODEL, input=given, encoding_format="float")
    inputs = [given] if isinstance(given[0], int) else given
    assert [item.index for item in answer.data] == list(range(len(inputs)))
    assert [item.embedding for item in answer.data] == [vector(value, 8) for value in inputs]
    assert sim.last().json["input"] == given


def test_a_large_batch(client: openai.OpenAI) -> None:
    words = [f"word {number}" for number in range(1000)]
    answer = client.embeddings.create(model=MODEL, input=words)
    assert len(answer.data) == 1000
    assert answer.data[999].embedding == pytest.approx(vector("word 999", 8), abs=1e-7)


def test_model_without_embeddings_is_refused(client: openai.OpenAI, sim: Simulator, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("needs the gateway")
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model="deepseek/deepseek-chat", input="Hello")
    assert caught.value.status_code in (400, 404)
    assert caught.value.param == "model"
    assert sim.requests() == []
