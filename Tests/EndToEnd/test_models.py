"""The model list and single models, whose ids contain slashes."""

from __future__ import annotations

import openai
import pytest

from conftest import Target
from support.cluster import KEY, Cluster
from support.raw import fetch
from support.waiting import wait_until


@pytest.fixture(autouse=True)
def _lists_are_there(request: pytest.FixtureRequest, target: Target) -> None:
    """No request waits for an upstream's list, so the tests do."""
    if target.is_gateway:
        cluster: Cluster = request.getfixturevalue("cluster")
        for worker in cluster.workers:
            wait_until(
                lambda door=worker.address: b"model-b" in fetch(door, "/v1/models", key=KEY).body, 10, what="a model list"
            )


def test_list(client: openai.OpenAI, target: Target) -> None:
    models = {model.id: model for model in client.models.list()}
    wanted = "openai/gpt-4o" if target.is_gateway else "gpt-4o"
    assert wanted in models
    assert all(model.object == "model" for model in models.values())
    assert all(isinstance(model.created, int) and model.owned_by for model in models.values())


def test_list_holds_every_provider_and_route(client: openai.OpenAI, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("needs the gateway")
    names = {model.id for model in client.models.list()}
    assert {"fast", "gpt-6-astra", "openai/org/model-a", "deepseek/deepseek-chat"} <= names


async def test_one_model_the_way_the_sdk_asks(aclient: openai.AsyncOpenAI, target: Target) -> None:
    name = "openai/gpt-4o" if target.is_gateway else "org/model-a"
    assert (await aclient.models.retrieve(name)).id == name


@pytest.mark.parametrize("name", ["openai/org/team/model-b", "deepseek/deepseek-chat", "fast"])
@pytest.mark.parametrize("encoded", [True, False], ids=["%2F", "slash"])
@pytest.mark.parametrize("door", ["edge", "worker"])
def test_slashes_both_ways(cluster: Cluster, door: str, encoded: bool, name: str) -> None:
    path = name.replace("/", "%2F") if encoded else name
    answer = fetch(getattr(cluster, door), f"/v1/models/{path}", key=KEY)
    assert answer.status == 200
    assert f'"id":"{name}"'.encode() in answer.body.replace(b": ", b":")


def test_unknown_model_names_its_neighbours(client: openai.OpenAI, target: Target) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("openai/gpt-4p" if target.is_gateway else "gpt-4p")
    assert caught.value.code == "model_not_found"
    if target.is_gateway:
        assert "gpt-4o" in caught.value.message


def test_chat_with_an_unknown_model(client: openai.OpenAI, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("needs the gateway")
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="fasst", messages=[{"role": "user", "content": "hi"}])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert "fast" in caught.value.message


def test_bare_names_a_provider_owns(client: openai.OpenAI, target: Target) -> None:
    if not target.is_gateway:
        pytest.skip("needs the gateway")
    for name in ("gpt-4o", "deepseek-chat"):
        answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}])
        assert answer.choices[0].message.content == "You said: hi"
