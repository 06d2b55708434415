"""Thoughts that a vendor wants back with the results of calls, on whichever worker the next turn comes."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.raw import RawClient, request_bytes
from support.simulator import Simulator

TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
PIECES = ["用戶 ", 'wants "rain"', "\n🎏"]
THOUGHTS = "".join(PIECES)


def ask(cluster: Cluster, worker: int, body: dict[str, Any]) -> RawClient:
    return RawClient(cluster.workers[worker].address, request_bytes("/v1/chat/completions", body, KEY))


def carried(turn: dict[str, Any]) -> str:
    """What a vendor finds of thoughts in a turn."""
    details = turn.get("reasoning_details")
    return details[0]["text"] if details else turn.get("reasoning_content", "")


def call_id(cluster: Cluster, body: dict[str, Any]) -> str:
    """Asks the first worker, and reads no more than OpenAI's clients do."""
    with ask(cluster, 0, body) as client:
        if not body["stream"]:
            return client.json()["choices"][0]["message"]["tool_calls"][0]["id"]
        client.read_all()
        deltas = [chunk["choices"][0]["delta"] for chunk in client.stream().chunks if chunk["choices"]]
        return next(delta["tool_calls"][0]["id"] for delta in deltas if delta.get("tool_calls"))


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("deepseek", "deepseek/deepseek-reasoner"),
        ("minmax", "minmax/MiniMax-M2.7"),
        ("minmax", "minmax/MiniMax-M3"),
    ],
)
def test_thoughts_come_back_by_another_worker(
    vendors_cluster: Cluster, simulators: dict[str, Simulator], vendor: str, model: str, streams: bool
) -> None:
    sim = simulators[vendor]
    sim.reset()
    called = {"reasoning": PIECES, "tool_calls": [{"name": "get_weather", "arguments": {}}]}
    sim.next(called, {"text": "rain"}, {"text": "rain"})
    turns: list[Any] = [{"role": "user", "content": "weather?"}]
    body: dict[str, Any] = {"model": model, "tools": TOOLS, "stream": streams}
    identity = call_id(vendors_cluster, body | {"messages": turns})
    call = {"id": identity, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turn: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": identity, "content": "yes"}
    for kept, expected in [(turn, THOUGHTS), (turn | {"reasoning_content": "mine"}, "mine")]:
        with ask(vendors_cluster, 1, body | {"messages": [*turns, kept, result], "stream": False}) as client:
            answer = client.json()
        assert answer["choices"][0]["message"]["content"] == "rain", answer
        sent = sim.requests()[-1].json["messages"]
        assert carried(next(turn for turn in sent if turn["role"] == "assistant")) == expected
    sim.reset()


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_demanded_call_of_a_model_that_thinks(
    vendors_cluster: Cluster, simulators: dict[str, Simulator], choice: Any
) -> None:
    """DeepSeek cannot have both: nobody's thoughts give way, a client's do not."""
    simulators["deepseek"].reset()
    with openai.OpenAI(base_url=vendors_cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        demand: Any = {
            "model": "deepseek/deepseek-reasoner",
            "messages": [{"role": "user", "content": "weather?"}],
            "tools": TOOLS,
            "tool_choice": choice,
        }
        assert client.chat.completions.create(**demand).choices
        sent = simulators["deepseek"].requests()[-1].json
        assert sent["thinking"] == {"type": "disabled"} and sent["tool_choice"] == choice
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(**demand, reasoning_effort="high")
        assert refused.value.param == "tool_choice"
