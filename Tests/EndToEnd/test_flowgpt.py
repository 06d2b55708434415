"""FlowGPT behind the endpoint: context, signatures, nonces, accounts, cleaning, errors, discovery."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.commands import SECRET, run_worker, worker_json
from support.raw import chat, exchange, fetch, request_bytes
from support.simulator import Recorded, Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
FREE = "uzNcMUGo4sOwl4GFvRpm8"
PRO = "vlaOLDN9qTxzIlvzfL_Ty"
Start = Callable[..., Cluster]
Ready = Callable[..., Cluster]
CONTEXT: list[Any] = [
    {"role": "system", "content": "be terse"},
    {"role": "user", "content": "夜市?"},
    {"role": "assistant", "content": "yes"},
    {"role": "user", "content": "go #sim:echo"},
]


@pytest.fixture
def ready(start_cluster: Start, flowgpt_sim: Simulator) -> Ready:
    """Starts a cluster with these tokens."""

    def start(tokens: str = "tok-1", workers: int = 2, **env: str | float) -> Cluster:
        usual: dict[str, str | float] = {
            "FLOWGPT_TOKENS": tokens,
            "FLOWGPT_BASE_URL": flowgpt_sim.url,
            "FLOWGPT_SITE_URL": flowgpt_sim.url,
            "FLOWGPT_DISCOVERY": "false",
            "MILLRACE_SECRET": SECRET,
            "COOLDOWNS": "true",
            # What is tested here is not how soon a busy machine's Redis answers.
            "REDIS_TIMEOUT_MS": 5000,
        }
        return start_cluster(workers=workers, **(usual | env))

    return start


def ask(cluster: Cluster, text: str = "hi", model: str = "flowgpt/default", worker: int = 0, **members: Any) -> Any:
    return fetch(cluster.workers[worker].address, CHAT, chat(text, model, **members), KEY)


def said(answer: Any) -> str:
    assert answer.status == 200, bytes(answer.body)
    return json.loads(answer.body)["choices"][0]["message"]["content"]


def error(answer: Any) -> dict[str, Any]:
    return json.loads(answer.body)["error"]


def streamed(cluster: Cluster, text: str, model: str = "flowgpt/default", worker: int = 0) -> Any:
    """One stream, read to its end, whatever that is."""
    data = request_bytes(CHAT, chat(text, model, stream=True), KEY)
    return asyncio.run(exchange(cluster.workers[worker].address, data))


def asked(sim: Simulator) -> list[Recorded]:
    """The chats among the calls."""
    return sim.requests("/v3/chat")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_whole_context_reaches_a_conversation(ready: Ready, flowgpt_sim: Simulator, stream: bool) -> None:
    cluster = ready(edge=True, FLOWGPT_SIGNATURE_MODE="auth-dash")
    flowgpt_sim.control(settings={"signature": "auth-dash", "nonce_once": True})
    client = openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=0)
    if stream:
        chunks = list(
            client.chat.completions.create(
                model="flowgpt/default", messages=CONTEXT, stream=True, stream_options={"include_usage": True}
            )
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert len({chunk.id for chunk in chunks}) == 1
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-2].choices[0].finish_reason == "stop"
        usage = chunks[-1].usage
    else:
        answer = client.chat.completions.create(model="flowgpt/default", messages=CONTEXT)
        text, usage = answer.choices[0].message.content or "", answer.usage
        assert answer.choices[0].finish_reason == "stop"
    told = json.loads(text)
    assert told == {"context": [[m["role"], m["content"]] for m in CONTEXT], "question": "go #sim:echo"}
    assert usage and usage.prompt_tokens > 0 and usage.completion_tokens > 0
    create, question = flowgpt_sim.requests()
    assert create["path"] == "/conversation/create" and create.json["promptId"] == FREE
    assert question.json["temperature"] == 0.7 and question.json["model"] == "FlowGPT-Ares"
    assert flowgpt_sim.stats()["signatures"] == {"auth-dash": 1}


def test_the_context_goes_along_where_nothing_can_be_opened(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready()
    flowgpt_sim.control(default={"at": "/conversation/create", "fault": "status", "status": 405})
    answer = fetch(cluster.worker, CHAT, {"model": "flowgpt/default", "messages": CONTEXT}, KEY)
    told = json.loads(said(answer))
    assert [turn[0] for turn in told["context"]] == ["system", "user", "assistant"]
    assert told["question"] == "go #sim:echo"


def test_inline_context_takes_one_call(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready(FLOWGPT_CONTEXT_MODE="inline")
    answer = fetch(cluster.worker, CHAT, {"model": "flowgpt/default", "messages": CONTEXT}, KEY)
    assert len(json.loads(said(answer))["context"]) == 3
    assert [request["path"] for request in flowgpt_sim.requests()] == ["/v3/chat"]


def test_several_answers_are_refused(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready()
    answer = ask(cluster, n=2)
    assert answer.status == 400 and error(answer)["param"] == "n"
    assert not flowgpt_sim.requests()


@pytest.mark.parametrize("mode", ["auth-dash", "device-concat", "device-colon"])
def test_every_way_of_signing_passes(ready: Ready, flowgpt_sim: Simulator, mode: str) -> None:
    cluster = ready(FLOWGPT_SIGNATURE_MODE=mode)
    flowgpt_sim.control(settings={"signature": mode})
    assert said(ask(cluster)) == "You said: hi"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_way_of_signing_is_found_out_once(ready: Ready, flowgpt_sim: Simulator, stream: bool) -> None:
    cluster = ready(FLOWGPT_SIGNATURE_MODE="auto")
    flowgpt_sim.control(settings={"signature": "device-colon", "nonce_once": True})
    if stream:
        assert streamed(cluster, "hi").stream.text() == "You said: hi"
    else:
        assert said(ask(cluster)) == "You said: hi"
    assert flowgpt_sim.stats()["signatures"] == {"auth-dash": 1, "device-concat": 1, "device-colon": 1}
    assert len(flowgpt_sim.requests("/conversation/create")) == 1

    def is_known() -> bool:
        before = len(asked(flowgpt_sim))
        assert said(ask(cluster, worker=1)) == "You said: hi"
        return len(asked(flowgpt_sim)) == before + 1

    wait_until(is_known, 5, what="the way of signing on the other worker")
    rows = worker_json(cluster, "accounts", "flowgpt", "list")
    assert [(row["state"], row["failures"], row["cooldowns"]) for row in rows] == [("ready", 0, [])]


def test_a_refused_token_is_refused_whatever_the_signature(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready("tok-late-401,tok-2", FLOWGPT_SIGNATURE_MODE="auto")
    for place in range(4):
        assert said(ask(cluster, f"hi {place}")) == f"You said: hi {place}"
    by_key = Counter(request.key for request in asked(flowgpt_sim))
    assert by_key["tok-2"] == 4
    assert by_key["tok-late-401"] in (0, 4), "every way is tried once"


@pytest.mark.parametrize("word", ["prefix", "prefix-late", "prefix-only", "split-utf8", "split-json", "noise"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_answers_are_read_and_cleaned(ready: Ready, word: str, stream: bool) -> None:
    cluster = ready()
    question = f"hi #sim:{word}"
    text = streamed(cluster, question).stream.text() if stream else said(ask(cluster, question))
    expected = f"You said: {question}"
    match word:
        case "prefix-late":
            assert text.startswith("long winded ") and text.endswith(f"Response:**{expected}")
        case "prefix-only":
            assert text == "**Plan:** think. **Respon"
        case "split-utf8":
            assert text == "Según lo que 夜市 🎏 dice"
        case _:
            assert text == expected


def test_two_streams_at_once_do_not_mix(ready: Ready) -> None:
    """The cleaner belongs to the request."""
    cluster = ready(workers=1)

    async def run() -> list[str]:
        questions = [f"{place} #sim:prefix" if place % 2 else f"{place} #sim:split-json" for place in range(40)]
        outcomes = await asyncio.gather(
            *(
                exchange(cluster.worker, request_bytes(CHAT, chat(text, "flowgpt/default", stream=True), KEY))
                for text in questions
            )
        )
        assert [outcome.stream.text() for outcome in outcomes] == [f"You said: {text}" for text in questions]
        return questions

    assert len(asyncio.run(run())) == 40


def test_errors_before_text_go_to_the_next_account(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready("tok-1,tok-2", COOLDOWNS="false")
    for fault in ("err-first", "empty", "status500"):
        flowgpt_sim.reset()
        answer = ask(cluster, f"hi #sim:{fault}")
        assert answer.status == 502, (fault, bytes(answer.body))
        assert error(answer)["type"] == "server_error"
        chats = asked(flowgpt_sim)
        assert sorted(request.key for request in chats) == ["tok-1", "tok-2"], "no token twice in one chain"


@pytest.mark.parametrize("fault", ["err-mid", "err-event", "err-key"])
def test_errors_after_text_are_errors(ready: Ready, flowgpt_sim: Simulator, fault: str) -> None:
    cluster = ready("tok-1,tok-2", FLOWGPT_CLEAN_LIMIT=0)
    outcome = streamed(cluster, f"hi #sim:{fault}")
    assert outcome.status == 200 and outcome.stream.done == 0
    assert len(asked(flowgpt_sim)) == 1
    assert b'"error"' in bytes(outcome.decoder.body)


def test_tokens_that_fail_are_passed_over(ready: Ready, flowgpt_sim: Simulator) -> None:
    tokens = ["tok-401", "tok-403", "tok-500", "tok-429", "tok-ok"]
    cluster = ready(",".join(tokens), RETRY_TIMES=5)
    for place in range(10):
        assert said(ask(cluster, f"question {place}", worker=place % 2)) == f"You said: question {place}"
    stats = flowgpt_sim.stats()
    assert stats["used_while_cooling"] == 0
    by_question: dict[str, Counter[str]] = {}
    for request in flowgpt_sim.requests("/conversation/create"):
        by_question.setdefault(request.json["messages"][-1]["content"], Counter())[request.key] += 1
    assert all(max(keys.values()) == 1 for keys in by_question.values()), "no token twice in one chain"
    refused = {row["id"]: row for row in worker_json(cluster, "accounts", "flowgpt", "list")}
    assert "disabled" in {row["state"] for row in refused.values()}, "two refusals of different requests end an account"


def test_a_limited_token_rests_as_long_as_it_was_told_for_every_model(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready("tok-429-once")
    answer = ask(cluster)
    assert answer.status == 429 and int(answer.header("retry-after") or 0) in (1, 2)
    began = time.monotonic()
    assert ask(cluster, model="flowgpt/chatgpt-5-pro", worker=1).status == 429
    assert len(flowgpt_sim.requests()) == 1, "an account that rests is not asked, whatever the model"
    wait_until(lambda: ask(cluster, worker=1).status == 200, 6, what="the end of the rest")
    assert time.monotonic() - began > 1.5
    assert flowgpt_sim.stats()["used_while_cooling"] == 0


def test_without_a_word_a_token_rests_for_a_minute(ready: Ready) -> None:
    cluster = ready("tok-429-bare")
    answer = ask(cluster)
    assert answer.status == 429
    [row] = worker_json(cluster, "accounts", "flowgpt", "list")
    [cooldown] = row["cooldowns"]
    assert cooldown["scope"] == "account" and 55 <= cooldown["remaining_seconds"] <= 61


@pytest.mark.parametrize("where", ["token", "answer", "page"])
def test_the_firewall_is_nobodys_account(ready: Ready, flowgpt_sim: Simulator, where: str) -> None:
    tokens = "tok-html403-a,tok-html403-b,tok-html403-c" if where == "token" else "tok-1,tok-2,tok-3"
    cluster = ready(tokens, RETRY_TIMES=3)
    word = {"token": "", "answer": "#sim:html403", "page": "#sim:html200"}[where]
    answer = ask(cluster, f"hi {word}")
    assert answer.status == 502 and error(answer)["code"] == "upstream_blocked"
    assert "FLOWGPT_EXTRA_HEADERS" in error(answer)["message"]
    assert len({request.key for request in flowgpt_sim.requests()}) == 1, "the others would be kept out as well"
    rows = worker_json(cluster, "accounts", "flowgpt", "list")
    assert all(row["state"] == "ready" and not row["failures"] for row in rows)


def test_prompts_by_name_and_by_id(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready()
    wanted = {
        "flowgpt/chatgpt-5-pro": PRO,
        f"flowgpt/{PRO}": PRO,
        f"flowgpt:{PRO}": PRO,
        "flowgpt/claude-instant": FREE,
        "flowgpt/never-heard-of": FREE,
        "gpt-4-free": FREE,
    }
    for model, prompt in wanted.items():
        answer = ask(cluster, model=model)
        assert said(answer) == "You said: hi"
        assert answer.header("x-upstream-model") == prompt, model
        assert json.loads(answer.body)["model"] == model
        assert asked(flowgpt_sim)[-1].json["promptId"] == prompt


def test_prompts_that_are_not_there(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready("tok-1,tok-2", FLOWGPT_UNKNOWN_MODEL="error")
    gone = ask(cluster, model="flowgpt:gone")
    assert gone.status == 404 and error(gone)["code"] == "model_not_found"
    nameless = ask(cluster, model="flowgpt:noid")
    assert nameless.status == 502 and error(nameless)["code"] == "upstream_invalid_response"
    flowgpt_sim.reset()
    unknown = ask(cluster, model="flowgpt/never-heard-of")
    assert unknown.status == 404 and error(unknown)["code"] == "model_not_found"
    assert not flowgpt_sim.requests()
    assert all(row["state"] == "ready" for row in worker_json(cluster, "accounts", "flowgpt", "list"))


def test_an_account_has_one_device_everywhere(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready("tok-1,tok-2|device-of-tok-2|its note", workers=4)

    async def run() -> None:
        calls = [
            exchange(worker.address, request_bytes(CHAT, chat("hi", "flowgpt/default"), KEY))
            for _ in range(5)
            for worker in cluster.workers
        ]
        assert {outcome.status for outcome in await asyncio.gather(*calls)} == {200}

    asyncio.run(run())
    accounts = flowgpt_sim.stats()["accounts"]
    assert len(accounts["tok-1"]["devices"]) == 1, "four workers that begin at once make one"
    assert len(accounts["tok-1"]["devices"][0]) == 21
    assert accounts["tok-2"]["devices"] == ["device-of-tok-2"]


@pytest.mark.limit(240)
def test_no_nonce_is_ever_used_twice(ready: Ready, flowgpt_sim: Simulator, note: Callable[[str], None]) -> None:
    """Four workers race: more than 2,000 turns on one device, all signed."""
    count = 2080
    cluster = ready("tok-1,tok-2,tok-3", workers=4, FLOWGPT_DEVICE_ID="one-device-for-them-all")
    flowgpt_sim.control(settings={"signature": "auth-dash", "nonce_once": True})
    before = flowgpt_sim.stats()["nonces"]["repeated_ever"]

    async def turns(worker: int, share: int) -> list[int]:
        address = cluster.workers[worker].address
        statuses = []
        for place in range(share):
            data = request_bytes(CHAT, chat(f"turn {place}", "flowgpt/default", stream=place % 2 == 0), KEY)
            statuses.append((await exchange(address, data)).status)
        return statuses

    async def race() -> list[list[int]]:
        return await asyncio.gather(*(turns(place % 4, count // 32) for place in range(32)))

    began = time.monotonic()
    statuses = Counter(status for list_ in asyncio.run(race()) for status in list_)
    seconds = time.monotonic() - began
    assert statuses == {200: count}
    stats = flowgpt_sim.stats()
    assert stats["signatures"] == {"auth-dash": count}
    assert stats["nonces"]["repeated"] == 0 and stats["nonces"]["repeated_ever"] == before
    note(f"flowgpt: {count} turns over 4 workers on one device in {seconds:.0f} s, no nonce twice")


@pytest.mark.limit(60)
def test_the_sites_prompts_are_models(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready(FLOWGPT_DISCOVERY="true")

    def names(worker: int) -> set[str]:
        listed = json.loads(fetch(cluster.workers[worker].address, "/v1/models", key=KEY).body)["data"]
        return {row["id"] for row in listed}

    for worker in range(2):
        wait_until(lambda door=worker: "flowgpt/prompt-70" in names(door), 25, what="the site's prompts")
    found = names(0)
    assert {"flowgpt/default", "flowgpt/gpt-4-free", "flowgpt/gpt-4-free-oddTwi"} <= found
    assert "flowgpt/夜市の案内人" in found and "flowgpt/c-quotes-tags" in found
    assert not {"flowgpt/not-live-any-more", "flowgpt/for-adults"} & found
    pages = flowgpt_sim.requests("prompt.getPrompts")
    assert len(pages) == 3 and not pages[0].header("authorization")
    # A name that one worker has found leads every worker to its prompt.
    for worker in range(2):
        answer = ask(cluster, model="flowgpt/prompt-70", worker=worker)
        assert answer.header("x-upstream-model") == "promptNumber000000070"
        assert said(answer) == "You said: hi"


def test_accounts_added_while_it_runs_are_used(ready: Ready, flowgpt_sim: Simulator) -> None:
    cluster = ready("tok-401")
    assert ask(cluster).status == 502
    assert run_worker(cluster, "accounts", "flowgpt", "add", "tok-later|device-of-later").returncode == 0
    wait_until(lambda: ask(cluster, worker=1).status == 200, 5, what="the new account")
    assert flowgpt_sim.stats()["accounts"]["tok-later"]["devices"] == ["device-of-later"]
