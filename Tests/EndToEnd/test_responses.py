"""OpenAI's Responses as an ingress, over an upstream that only chats: the openai SDK against the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable

import openai
import pytest

from support.cluster import KEY, Cluster
from support.raw import fetch
from support.simulator import Simulator

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
MODEL = "openai/gpt-4o"


@pytest.fixture(autouse=True)
def _needs_gateway(cluster: Cluster) -> None:
    """The simulated vendor has no such API of its own."""


def test_plain(client: openai.OpenAI, sim: Simulator) -> None:
    sim.next({"text": "Grüße 🎏"})
    response = client.responses.create(
        model=MODEL, input="hello", instructions="be brief", max_output_tokens=50, metadata={"a": "b"}
    )
    assert response.output_text == "Grüße 🎏"
    assert (response.status, response.object, response.error) == ("completed", "response", None)
    assert response.id.startswith("resp_") and response.metadata == {"a": "b"} and response.instructions == "be brief"
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    sent = sim.last().json
    assert sent["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
    assert sent["max_completion_tokens"] == 50 and "metadata" not in sent


def test_stream(client: openai.OpenAI, sim: Simulator) -> None:
    sim.next({"pieces": ["Once ", "upon ", "🎏"], "reasoning": "hm", "write_size": 1})
    with client.responses.stream(model=MODEL, input="tell") as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert response.output_text == "Once upon 🎏"
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")]
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert response.usage.output_tokens > 0


def test_wire(cluster: Cluster, sim: Simulator) -> None:
    sim.next({"pieces": ["a", "b"]})
    answer = fetch(cluster.edge, "/v1/responses", {"model": MODEL, "stream": True, "input": "x"}, KEY)
    events = [event.split("\n") for event in answer.body.decode().strip().split("\n\n")]
    parsed = [json.loads(data.removeprefix("data: ")) for _, data in events]
    assert [name for name, _ in events] == [f"event: {value['type']}" for value in parsed]
    assert [value["sequence_number"] for value in parsed] == list(range(len(parsed)))
    assert [value["type"].removeprefix("response.") for value in parsed] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


@pytest.mark.parametrize("streams", [False, True])
def test_tools_and_their_results(client: openai.OpenAI, sim: Simulator, streams: bool) -> None:
    calls = [
        {"id": "call_a", "name": "get_weather", "arguments": {"city": "台北"}},
        {"id": "call_b", "name": "get_weather", "arguments": {"city": "Tainan"}},
    ]
    sim.next({"tool_calls": calls, "tool_pieces": 3})
    asked = {"model": MODEL, "input": "weather?", "tools": [TOOL], "tool_choice": "required"}
    if streams:
        with client.responses.stream(**asked) as stream:
            response = stream.until_done().get_final_response()
    else:
        response = client.responses.create(**asked)
    made = [(item.call_id, item.name, json.loads(item.arguments)) for item in response.output]
    assert made == [("call_a", "get_weather", {"city": "台北"}), ("call_b", "get_weather", {"city": "Tainan"})]
    assert sim.last().json["tools"][0]["function"]["name"] == "get_weather"
    results = [
        {"type": "function_call_output", "call_id": "call_a", "output": "rain"},
        {"type": "function_call_output", "call_id": "call_b", "output": "sun"},
    ]
    client.responses.create(model=MODEL, previous_response_id=response.id, input=results, tools=[TOOL])
    sent = sim.last().json["messages"]
    assert [entry["role"] for entry in sent] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["call_a", "call_b"]


def test_conversation_moves_from_worker_to_worker(start_cluster: Callable[..., Cluster], sim: Simulator) -> None:
    """Each turn on another worker, the previous one killed: only Redis can know what was said."""
    cluster = start_cluster(workers=3)
    previous = None
    for turn, worker in enumerate(cluster.workers):
        sim.next({"text": f"answer {turn}"})
        body = {"model": MODEL, "input": f"question {turn}", "instructions": f"rule {turn}"}
        body |= {"previous_response_id": previous} if previous else {}
        answer = fetch(worker.address, "/v1/responses", body, KEY)
        assert answer.status == 200, answer.body
        previous = json.loads(answer.body)["id"]
        cluster.kill_worker(turn)
    sent = sim.last().json["messages"]
    texts = [m["content"] if isinstance(m["content"], str) else m["content"][0]["text"] for m in sent]
    # Instructions are those of the last turn alone.
    assert texts == ["rule 2", "question 0", "answer 0", "question 1", "answer 1", "question 2"]


def test_structured_output_and_images(client: openai.OpenAI, sim: Simulator) -> None:
    form = {
        "type": "json_schema",
        "name": "city",
        "strict": True,
        "schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    }
    content = [
        {"type": "input_text", "text": "what?"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
    ]
    response = client.responses.create(
        model=MODEL, input=[{"role": "user", "content": content}], text={"format": form}, reasoning={"effort": "low"}
    )
    assert json.loads(response.output_text) == {"n": 7}
    sent = sim.last().json
    assert sent["response_format"]["json_schema"]["schema"] == form["schema"] and sent["reasoning_effort"] == "low"
    assert sent["messages"][0]["content"][1]["image_url"]["detail"] == "low"


def test_stored_responses(client: openai.OpenAI, sim: Simulator) -> None:
    kept = client.responses.create(model=MODEL, input="keep this")
    assert client.responses.retrieve(kept.id).output_text == kept.output_text
    assert [item.content[0].text for item in client.responses.input_items.list(kept.id)] == ["keep this"]
    client.responses.delete(kept.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept.id)
    passing = client.responses.create(model=MODEL, input="forget this", store=False)
    with pytest.raises(openai.BadRequestError) as unknown:
        client.responses.create(model=MODEL, input="x", previous_response_id=passing.id)
    assert (unknown.value.code, unknown.value.param) == ("previous_response_not_found", "previous_response_id")


def test_endings(client: openai.OpenAI, sim: Simulator) -> None:
    sim.next({"text": "cut", "finish": "length"}, {"text": "", "finish": "content_filter"}, {"refusal": "no"})
    cut = client.responses.create(model=MODEL, input="x")
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert client.responses.create(model=MODEL, input="x").incomplete_details.reason == "content_filter"
    assert client.responses.create(model=MODEL, input="x").output[0].content[0].refusal == "no"


def test_broken_stream(client: openai.OpenAI, sim: Simulator) -> None:
    sim.control(default={"pieces": ["a", "b", "c"], "fault": "cut_after", "after": 3})
    seen = []
    with pytest.raises(openai.OpenAIError):
        for event in client.responses.create(model=MODEL, input="x", stream=True):
            seen.append(event.type)
            if event.type == "response.failed":
                assert event.response.error.code == "server_error"
                raise openai.OpenAIError("failed as it should")
    assert "response.completed" not in seen


@pytest.mark.parametrize(
    ("members", "parameter"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"input": [{"type": "item_reference", "id": "msg_x"}]}, "input[0].id"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"previous_response_id": "resp_none"}, "previous_response_id"),
    ],
)
def test_refused(client: openai.OpenAI, members: dict[str, object], parameter: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(**({"model": MODEL, "input": "x"} | members))
    assert refused.value.param == parameter
