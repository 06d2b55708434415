"""`langchain-openai`, as applications use it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

from conftest import Target
from support.raw import told
from support.simulator import Simulator
from upstreams.content import vector


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture
def model(target: Target) -> ChatOpenAI:
    return ChatOpenAI(
        model="openai/gpt-4o-mini",
        base_url=target.base_url,
        api_key=SecretStr(target.key),
        max_retries=0,
        timeout=20,
        use_responses_api=False,
    )


def test_invoke(model: ChatOpenAI, sim: Simulator) -> None:
    answer = model.invoke([SystemMessage("Be brief."), HumanMessage("Hello")])
    assert answer.content == "You said: Hello"
    usage: Any = answer.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    assert [m["role"] for m in sim.last().json["messages"]] == ["system", "user"]


async def test_stream(model: ChatOpenAI) -> None:
    whole: AIMessageChunk | None = None
    async for chunk in model.astream("one two 🎏", stream_usage=True):
        assert isinstance(chunk, AIMessageChunk)
        whole = chunk if whole is None else whole + chunk
    assert whole is not None and whole.content == "You said: one two 🎏"
    assert whole.usage_metadata and whole.usage_metadata["output_tokens"] > 0


def test_tools(model: ChatOpenAI) -> None:
    scenario = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "台北"}}]}
    bound = model.bind_tools([get_weather])
    plain = bound.invoke(told(scenario))
    assert isinstance(plain, AIMessage)
    assert [call["args"] for call in plain.tool_calls] == [{"city": "台北"}]
    pieces = list(bound.stream(told(scenario)))
    whole: Any = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("get_weather", {"city": "台北"})]


def test_structured_output(model: ChatOpenAI) -> None:
    answer = model.with_structured_output(Person, method="json_schema").invoke("Who?")
    assert answer == Person(name="text 🎏", age=7)


def test_embeddings(target: Target) -> None:
    embeddings = OpenAIEmbeddings(
        model="openai/text-embedding-3-small",
        base_url=target.base_url,
        api_key=SecretStr(target.key),
        check_embedding_ctx_length=False,
    )
    documents = embeddings.embed_documents(["a", "b"])
    assert documents == [pytest.approx(vector(text, 8), abs=1e-7) for text in "ab"]
