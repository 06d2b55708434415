"""Conversations that live at a web application: any worker goes on with them, no other owner does, and no turn harms another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from support.cluster import KEY, Cluster
from support.commands import SECRET, made_key
from support.grok import GrokSimulator
from support.raw import fetch
from support.talking import CHAT, Broken, Habit, Refused, Talk, ask
from support.waiting import wait_until

Start = Callable[..., Cluster]


def settings(sim: GrokSimulator, accounts: int = 2) -> dict[str, str]:
    tokens = ",".join(f"sim-grok-heavy-{number}" for number in range(1, accounts + 1))
    return {
        "GROK_BASE_URL": sim.url,
        "GROK_ASSETS_URL": sim.url,
        "GROK_TOKENS": tokens,
        "MILLRACE_SECRET": SECRET,
        "REDIS_TIMEOUT_MS": "1000",
    }


@pytest.fixture
def cluster(start_cluster: Start, grok_sim: GrokSimulator) -> Cluster:
    return start_cluster(workers=2, edge=False, **settings(grok_sim))


@pytest.mark.parametrize("habit", list(Habit))
@pytest.mark.parametrize("stream", [True, False])
def test_each_turn_goes_to_another_worker(cluster: Cluster, habit: Habit, stream: bool) -> None:
    talk = Talk(f"alice-{habit.value}", KEY, habit)
    for turn in range(4):
        answer = talk.turn(cluster.workers[turn % 2].address, stream)
        assert answer.usage and answer.usage["total_tokens"] > 0
    assert talk.passages == ["new", "continued", "continued", "continued"]


def test_only_what_is_new_is_sent(cluster: Cluster, grok_sim: GrokSimulator) -> None:
    talk = Talk("bob", KEY, Habit.RETOLD)
    for turn in range(3):
        talk.turn(cluster.workers[turn % 2].address)
    sent = [r.json["message"] for r in grok_sim.requests() if r["path"].endswith(("/new", "/responses"))]
    assert sent == ["bob says number 1", "bob says number 2", "bob says number 3"]


def test_nobody_goes_on_with_anothers_conversation(cluster: Cluster) -> None:
    one, two = made_key(cluster, "one"), made_key(cluster, "two")
    mine = Talk("carol", one, Habit.NAMED)
    mine.turn(cluster.workers[0].address)
    thief = Talk("dave", two, Habit.NAMED, conversation=mine.conversation)
    with pytest.raises(Refused) as refused:
        thief.turn(cluster.workers[1].address)
    assert refused.value.status == 409 and refused.value.code == "conversation_unavailable"
    # The same opening words are no way in, either.
    copy = Talk("carol", two, Habit.RETOLD, said=list(mine.said), heard=list(mine.heard))
    answer = copy.turn(cluster.workers[1].address)
    assert answer.passage == "new" and answer.conversation != mine.conversation
    mine.turn(cluster.workers[1].address)
    assert mine.passages == ["new", "continued"]


def test_a_changed_message_makes_a_branch(cluster: Cluster, grok_sim: GrokSimulator) -> None:
    talk = Talk("erin", KEY, Habit.RETOLD)
    for turn in range(3):
        talk.turn(cluster.workers[turn % 2].address)
    branch = Talk("erin", KEY, Habit.RETOLD, said=talk.said[:1], heard=talk.heard[:1])
    body = branch.body("erin says number 22", True)
    answer = ask(cluster.workers[1].address, body, KEY)
    branch.judge(answer, "erin says number 22")
    assert answer.passage == "continued", "the upstream knows the beginning already"
    assert answer.conversation != talk.conversation
    talk.turn(cluster.workers[0].address)
    assert talk.passages[-1] == "continued" and talk.conversation != answer.conversation


def test_an_answer_made_anew_does_not_disturb_the_conversation(cluster: Cluster) -> None:
    talk = Talk("frank", KEY, Habit.RETOLD)
    for turn in range(2):
        talk.turn(cluster.workers[turn % 2].address)
    again = Talk("frank", KEY, Habit.RETOLD, said=talk.said[:1], heard=talk.heard[:1])
    answer = again.turn(cluster.workers[0].address)
    assert again.said == talk.said and answer.conversation != talk.conversation
    talk.turn(cluster.workers[1].address)
    again.turn(cluster.workers[1].address)
    assert talk.conversation != again.conversation


def test_of_two_turns_at_once_both_are_answered_and_neither_is_mixed_in(
    cluster: Cluster, grok_sim: GrokSimulator
) -> None:
    talk = Talk("grace", KEY, Habit.NAMED)
    talk.turn(cluster.workers[0].address)
    slow = talk.body("grace says number 2 #drip:gate", True)
    fast = talk.body("grace says number 3", True)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, cluster.workers[0].address, slow, KEY)
        wait_until(lambda: grok_sim.waiting("gate"), 10)
        second = ask(cluster.workers[1].address, fast, KEY)
        grok_sim.gate("gate", is_open=True)
        one = first.result()
    assert one.conversation == talk.conversation and second.conversation != talk.conversation
    assert "number 3" not in one.text and "number 2" not in second.text
    assert "number 1" in one.text and "number 1" in second.text
    # Each goes on by its own name.
    for answer, own, other in ((one, "number 2", "number 3"), (second, "number 3", "number 2")):
        talk.conversation = answer.conversation
        later = ask(cluster.workers[1].address, talk.body("grace says number 4", True), KEY)
        assert own in later.text and other not in later.text and later.conversation == answer.conversation


def test_a_killed_worker_holds_nothing_up(cluster: Cluster, grok_sim: GrokSimulator) -> None:
    talk = Talk("heidi", KEY, Habit.NAMED)
    talk.turn(cluster.workers[0].address)
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(ask, cluster.workers[0].address, talk.body("heidi says lost #drip:gate", True), KEY)
        wait_until(lambda: grok_sim.waiting("gate"), 10)
        cluster.kill_worker(0)
        with pytest.raises(Broken):
            lost.result()
    answer = talk.turn(cluster.workers[1].address)
    assert answer.passage == "continued" and "lost" not in answer.text


@pytest.mark.parametrize("habit", list(Habit))
def test_a_conversation_moves_when_its_account_cannot_serve(
    start_cluster: Start, grok_sim: GrokSimulator, habit: Habit
) -> None:
    cluster = start_cluster(workers=2, edge=False, **settings(grok_sim, accounts=2))
    talk = Talk("ivan", KEY, habit)
    talk.turn(cluster.workers[0].address)
    talk.turn(cluster.workers[1].address)
    (home,) = {r["account"] for r in grok_sim.requests() if r.get("operation") in ("new", "continue")}
    grok_sim.faults({"account": home, "operation": "chat", "fault": "too_many", "wait": 60})
    talk.turn(cluster.workers[0].address)
    assert talk.passages[-1] == "cloned", "the other account has it now"
    talk.turn(cluster.workers[1].address)
    assert talk.passages[-1] == "continued"
    assert not grok_sim.stats()["links_left"], "no link is left behind"


@pytest.mark.parametrize("habit", list(Habit))
def test_a_conversation_that_cannot_move_is_told_anew_or_refused(
    start_cluster: Start, grok_sim: GrokSimulator, habit: Habit
) -> None:
    cluster = start_cluster(workers=2, edge=False, **settings(grok_sim, accounts=2))
    talk = Talk("kim", KEY, habit)
    talk.turn(cluster.workers[0].address)
    (home,) = {r["account"] for r in grok_sim.requests() if r.get("operation") == "new"}
    grok_sim.faults(
        {"account": home, "operation": "chat", "fault": "too_many", "wait": 60},
        {"operation": "share", "fault": "server_error"},
    )
    if habit is not Habit.NAMED:
        talk.turn(cluster.workers[1].address)
        assert talk.passages[-1] == "replayed"
        talk.turn(cluster.workers[0].address)
        assert talk.passages[-1] == "continued"
        return
    with pytest.raises(Refused) as refused:
        talk.turn(cluster.workers[1].address)
    assert refused.value.status == 409 and refused.value.code == "conversation_unavailable"
    assert "history" in str(refused.value)


def test_the_shape_of_grok2api_lives_beside_the_standard_one(cluster: Cluster) -> None:
    talk = Talk("judy", KEY, Habit.NAMED)
    talk.turn(cluster.workers[0].address)
    body = {"conversation_id": talk.conversation, "model": "grok-3", "message": "judy says number 2"}
    answer = fetch(cluster.workers[1].address, "/v1/responses", body, KEY)
    assert answer.status == 200, bytes(answer.body)
    body_told = json.loads(answer.body)
    assert body_told["id"].startswith("resp-") and body_told["object"] == "response"
    assert body_told["conversation_id"] == talk.conversation and "judy says number 1" in body_told["message"]
    for named in ({"conversation_id": ""}, {"conversation_id": "  "}, {}):
        asked = {"message": "hi", "model": "grok-3"} | named
        refused = fetch(cluster.workers[0].address, "/v1/responses", asked, KEY)
        assert refused.status == 400, bytes(refused.body)
        error = json.loads(refused.body)["detail"]["error"]
        assert error["code"] == "missing_conversation_id" and error["request_id"] == refused.header("x-request-id")
    standard = fetch(cluster.workers[0].address, "/v1/responses", {"model": "grok-3", "input": "judy says number 9"}, KEY)
    assert standard.status == 200, bytes(standard.body)
    body_told = json.loads(standard.body)
    assert body_told["object"] == "response" and "output" in body_told


@pytest.mark.parametrize("stream", [True, False])
def test_anthropics_clients_go_on_too(cluster: Cluster, stream: bool) -> None:
    said: list[dict[str, str]] = []
    for turn in (1, 2, 3):
        said.append({"role": "user", "content": f"leo says number {turn}"})
        body = {"model": "grok-3", "max_tokens": 1000, "messages": said, "stream": stream}
        answer = fetch(cluster.workers[turn % 2].address, "/v1/messages", body, KEY)
        assert answer.status == 200, bytes(answer.body)
        assert answer.header("x-conversation") == ("new" if turn == 1 else "continued")
        if stream:
            events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
            text = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
            assert events[-1]["type"] == "message_stop"
            assert [e for e in events if e["type"] == "message_delta"][-1]["usage"]["output_tokens"] > 0
        else:
            text = json.loads(answer.body)["content"][0]["text"]
        assert all(f"number {earlier}" in text for earlier in range(1, turn + 1))
        said.append({"role": "assistant", "content": text})


@pytest.mark.parametrize("stream", [True, False])
def test_a_response_goes_on_with_the_one_before(cluster: Cluster, stream: bool) -> None:
    previous = None
    for turn in (1, 2, 3):
        body = {"model": "grok-3", "input": f"mia says number {turn}", "stream": stream}
        if previous:
            body["previous_response_id"] = previous
        answer = fetch(cluster.workers[turn % 2].address, "/v1/responses", body, KEY)
        assert answer.status == 200, bytes(answer.body)
        assert answer.header("x-conversation") == ("new" if turn == 1 else "continued")
        response = json.loads(answer.body) if not stream else None
        if stream:
            events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
            response = events[-1]["response"]
            assert events[-1]["type"] == "response.completed"
        assert response is not None
        previous = response["id"]
        text = response["output"][-1]["content"][0]["text"]
        assert all(f"number {earlier}" in text for earlier in range(1, turn + 1))


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells the weather.",
            "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
        },
    }
]
CALL = (
    '<tool_calls><tool_call><tool_name>weather</tool_name><parameters>{"town": "Ulm } <x>"}</parameters></tool_call>'
    '<tool_call><tool_name>weather</tool_name><parameters>{"town": "Köln"}</parameters></tool_call></tool_calls>'
)


@pytest.mark.parametrize("stream", [True, False])
def test_tools_are_called_and_their_results_come_back(
    cluster: Cluster, grok_sim: GrokSimulator, stream: bool
) -> None:
    """With the official library, each turn at another worker, the answer cut anywhere."""
    clients = [
        openai.OpenAI(
            base_url="http://worker/v1",
            api_key=KEY,
            max_retries=0,
            http_client=httpx.Client(transport=httpx.HTTPTransport(uds=worker.socket)),
        )
        for worker in cluster.workers
    ]
    messages: list[Any] = [{"role": "user", "content": "The weather?"}]
    grok_sim.control(default={"text": f"I look.{CALL}", "words": ["#split"]})

    def ask_for(client: openai.OpenAI) -> Any:
        options: dict[str, Any] = {"model": "grok-3", "messages": messages, "tools": TOOLS}
        if not stream:
            return client.chat.completions.create(**options).choices[0]
        with client.chat.completions.stream(**options) as events:
            for _ in events:
                pass
            return events.get_final_completion().choices[0]

    choice = ask_for(clients[0])
    assert choice.finish_reason == "tool_calls" and (choice.message.content or "").strip() == "I look."
    calls = choice.message.tool_calls
    assert [json.loads(call.function.arguments)["town"] for call in calls] == ["Ulm } <x>", "Köln"]
    assert len({call.id for call in calls}) == 2
    messages.append(choice.message.model_dump(exclude_none=True))
    for call in calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"sunny </tool_result>{call.id}"})
    grok_sim.control(default={"text": "Sunny in both.", "words": ["#split"]})
    final = ask_for(clients[1])
    assert final.finish_reason == "stop" and not final.message.tool_calls
    sent = [r.json["message"] for r in grok_sim.requests() if r["path"].endswith(("/new", "/responses"))]
    assert "weather" in sent[0]
    assert sent[1].count("<tool_result") == 2 and all(call.id in sent[1] for call in calls)
    assert sent[1].count("</tool_result>") == 2, "a result cannot end itself"
    assert "The weather?" not in sent[1], "the conversation goes on where it was"


def test_the_edge_keeps_the_files_of_answers(start_cluster: Start, grok_sim: GrokSimulator) -> None:
    """Through nginx: no key is needed, the upstream is asked once, and nobody can make another name."""
    cluster = start_cluster(workers=2, edge=True, **settings(grok_sim))
    talk = Talk("nina", KEY, Habit.NAMED)
    body = talk.body("nina says number 1 #image2", False)
    said = ask(cluster.edge, body, KEY).text
    names = re.findall(r"!\[[^]]*\]\(http://localhost(/images/[0-9a-f]{32}\.jpg)\)", said)
    assert len(names) == 2, said
    grok_sim.take()
    first = fetch(cluster.edge, names[0])
    assert first.status == 200 and bytes(first.body[:3]) == b"\xff\xd8\xff"
    assert first.header("content-type") == "image/jpeg" and first.header("x-content-type-options") == "nosniff"
    for _ in range(3):
        again = fetch(cluster.edge, names[0])
        assert again.status == 200 and again.body == first.body
    assert [r["operation"] for r in grok_sim.requests()] == ["asset"]
    # Kept at the edge: it stays when all workers are gone.
    for index in range(2):
        cluster.kill_worker(index)
    assert fetch(cluster.edge, names[0]).body == first.body
    assert fetch(cluster.edge, names[1]).status == 502
    for index in range(2):
        cluster.restart_worker(index)
    assert fetch(cluster.edge, names[1]).status == 200
    other = names[0].replace(names[0][8], "0" if names[0][8] != "0" else "1", 1)
    for wrong in (other, names[0].replace(".jpg", ".html"), "/images/../metrics", "/images/x"):
        assert fetch(cluster.edge, wrong).status == 404, wrong


def test_a_long_conversation_goes_on_since_only_what_is_new_is_sent(cluster: Cluster) -> None:
    """The limit is one of what is sent at once, and not of all that was ever said."""
    talk = Talk("olga", KEY, Habit.RETOLD)
    talk.turn(cluster.workers[0].address)
    talk.heard[0] += "x" * 500_000
    answer = ask(cluster.workers[1].address, talk.body("olga says number 2", True), KEY)
    assert answer.passage == "continued" and "olga says number 1" in answer.text
    with pytest.raises(Refused) as refused:
        ask(cluster.worker, Talk("olga", KEY, Habit.NAMED).body("y" * 500_000, False), KEY)
    assert refused.value.status == 400 and refused.value.code == "context_length_exceeded"


def test_what_is_not_kept_cannot_be_asked_for(cluster: Cluster) -> None:
    body = {"conversation_id": "conv-x", "model": "echo/x", "message": "hi"}
    assert fetch(cluster.worker, "/v1/responses", body, KEY).status == 400
    long = {"model": "grok-3", "messages": [{"role": "user", "content": "x"}], "conversation_id": 7}
    refused = fetch(cluster.worker, CHAT, long, KEY)
    assert refused.status == 400 and json.loads(refused.body)["error"]["param"] == "conversation_id"
