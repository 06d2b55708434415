"""The Grok web app through the gateway: the `openai` library against two workers, each turn at another of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import pytest

from support.cluster import KEY, Cluster, RedisServer
from support.grok import GrokSimulator
from support.raw import fetch

ONE, TWO = "sim-grok-1", "sim-grok-2"
Start = Callable[..., Cluster]


@dataclass
class Said:
    """What a stream brought."""

    text: str = ""
    reasoning: str = ""
    finish: str | None = None
    conversation: str | None = None
    # The conversation's name in each of the chunks.
    names: set[str] = field(default_factory=set)
    chunks: int = 0


class Person:
    """Somebody who uses the official library, and chooses the worker for each turn."""

    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self.addresses = [worker.address for worker in cluster.workers]
        self.clients = [
            stack.enter_context(
                openai.OpenAI(
                    base_url="http://worker/v1",
                    api_key=KEY,
                    max_retries=0,
                    timeout=20,
                    http_client=httpx.Client(transport=httpx.HTTPTransport(uds=worker.socket)),
                )
            )
            for worker in cluster.workers
        ]

    def stream(self, worker: int, messages: Any, model: str = "grok-3", **extra: Any) -> Said:
        said = Said()
        with self._ask(worker, messages, model, extra, stream=True) as stream:
            for chunk in stream:
                said.chunks += 1
                said.names.add(chunk.conversation_id)
                for choice in chunk.choices:
                    said.text += choice.delta.content or ""
                    said.reasoning += getattr(choice.delta, "reasoning_content", None) or ""
                    said.finish = choice.finish_reason or said.finish
        assert len(said.names) == 1, "every chunk names the same conversation"
        said.conversation = next(iter(said.names))
        return said

    def ask(self, worker: int, messages: Any, model: str = "grok-3", **extra: Any) -> Said:
        answer = self._ask(worker, messages, model, extra)
        message = answer.choices[0].message
        return Said(
            message.content or "",
            getattr(message, "reasoning_content", None) or "",
            answer.choices[0].finish_reason,
            answer.conversation_id,
        )

    def _ask(self, worker: int, messages: Any, model: str, extra: dict[str, Any], **options: Any) -> Any:
        if isinstance(messages, str):
            messages = [user(messages)]
        client = self.clients[worker]
        return client.chat.completions.create(model=model, messages=messages, extra_body=extra, **options)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def environment(sim: GrokSimulator, tokens: str = f"{ONE},{TWO}", **env: str | float) -> dict[str, str]:
    """What points a worker at the simulator; on a busy machine Redis may be slow, which is no matter here."""
    settings = {"GROK_BASE_URL": sim.url, "GROK_ASSETS_URL": sim.url, "GROK_TOKENS": tokens, "COOLDOWNS": "true"}
    settings |= {"MILLRACE_SECRET": "test-secret-of-the-cluster", "REDIS_TIMEOUT_MS": "2000"}
    return settings | {name: str(value) for name, value in env.items()}


@pytest.fixture
def start(start_cluster: Start, grok_sim: GrokSimulator) -> Iterator[Callable[..., Person]]:
    """Starts a cluster of the test's own."""
    with ExitStack() as stack:

        def begin(tokens: str = f"{ONE},{TWO}", workers: int = 2, **env: str | float) -> Person:
            return Person(start_cluster(workers=workers, **environment(grok_sim, tokens, **env)), stack)

        yield begin


@pytest.fixture(scope="module")
def shared_person(redis: RedisServer, grok_process: GrokSimulator) -> Iterator[Person]:
    redis.flush(9)
    cluster = Cluster(redis, 2, environment(grok_process, COOLDOWNS="false"), edge=False, database=9)
    cluster.start()
    with ExitStack() as stack:
        yield Person(cluster, stack)
    cluster.stop()


@pytest.fixture
def person(shared_person: Person, grok_sim: GrokSimulator) -> Person:
    """At two workers that all tests share which leave no marks on their accounts."""
    return shared_person


def operations(sim: GrokSimulator) -> list[tuple[str, str]]:
    return [(record["account"], record["operation"]) for record in sim.requests()]


# Conversations


@pytest.mark.parametrize("wire", ["rest-modelmode", "rest-modeid"])
def test_a_conversation_goes_on_at_another_worker(start: Any, grok_sim: GrokSimulator, wire: str) -> None:
    grok_sim.settings(wire=wire)
    person = start(GROK_WIRE=wire)
    first = person.stream(0, "Hello you")
    assert first.text == "turn=1; history=; got=Hello you" and first.finish == "stop"
    second = person.stream(1, "And then?", conversation_id=first.conversation)
    assert second.text == "turn=2; history=Hello you; got=And then?"
    assert second.conversation == first.conversation
    third = person.ask(0, "And now?", conversation_id=first.conversation)
    assert third.text == "turn=3; history=Hello you|And then?; got=And now?"
    accounts = {account for account, _ in operations(grok_sim)}
    assert len(accounts) == 1, "it stays with its account"
    stats = grok_sim.stats()
    assert stats["manners"]["odd"] == {} and stats["links_left"] == []


def test_the_history_is_enough_to_know_it_by(person: Person, grok_sim: GrokSimulator) -> None:
    messages = [{"role": "system", "content": "Be brief"}, user("Hello you")]
    first = person.stream(0, messages)
    assert first.text == "turn=1; history=; got=Be brief\n\nHello you"
    messages += [assistant(first.text), user("And then?")]
    second = person.ask(1, messages)
    assert second.text == "turn=2; history=Be brief\n\nHello you; got=And then?"
    assert second.conversation == first.conversation
    messages += [assistant(second.text), user("And now?")]
    third = person.stream(0, messages)
    assert third.text == "turn=3; history=Be brief\n\nHello you|And then?; got=And now?"
    # Another system message is said with what is new.
    messages[0] = {"role": "system", "content": "Be long"}
    messages += [assistant(third.text), user("Fourth")]
    assert person.ask(1, messages, conversation_id=first.conversation).text.endswith("; got=Be long\n\nFourth")


def test_two_turns_from_one_place_are_branches(person: Person, grok_sim: GrokSimulator) -> None:
    first = person.ask(0, "one")
    history = [user("one"), assistant(first.text)]
    second = person.ask(1, [*history, user("two")])
    other = person.ask(0, [*history, user("another two")])
    assert other.text == "turn=2; history=one; got=another two"
    assert other.conversation != second.conversation
    assert person.ask(1, "three", conversation_id=other.conversation).text.startswith("turn=3; history=one|another two")
    assert person.ask(0, "three", conversation_id=second.conversation).text.startswith("turn=3; history=one|two;")
    assert all(op in ("new", "continue") for _, op in operations(grok_sim)), "branches need no link"


def test_an_account_that_must_rest_hands_its_conversation_over(start: Any, grok_sim: GrokSimulator) -> None:
    person = start()
    first = person.stream(0, "Hello you")
    (owner,) = {account for account, _ in operations(grok_sim)}
    other = TWO if owner == ONE else ONE
    grok_sim.faults({"account": owner, "operation": "continue", "fault": "no_quota", "wait": 900})
    second = person.stream(1, "And then?", conversation_id=first.conversation)
    assert second.text == "turn=2; history=Hello you; got=And then?" and second.conversation == first.conversation
    assert operations(grok_sim)[1:] == [
        (owner, "continue"), (owner, "rate-limits"), (owner, "share"), (other, "clone"), (owner, "unshare"),
        (other, "continue"),
    ]  # fmt: skip
    third = person.ask(0, "And now?", conversation_id=first.conversation)
    assert third.text == "turn=3; history=Hello you|And then?; got=And now?"
    assert operations(grok_sim)[-1] == (other, "continue"), "the new owner goes on"
    for worker in (0, 1, 0):
        person.ask(worker, "Something else")
    stats = grok_sim.stats()
    assert stats["links_left"] == [] and stats["manners"]["odd"] == {}
    assert stats["accounts"][owner]["early_uses"] == 0 and stats["accounts"][owner]["operations"]["continue"] == 1


@pytest.mark.parametrize("fault", ["not_found", "server_error", "too_large"])
def test_a_conversation_that_cannot_be_cloned_is_told_anew(start: Any, grok_sim: GrokSimulator, fault: str) -> None:
    person = start()
    first = person.stream(0, "Hello you")
    (owner,) = {account for account, _ in operations(grok_sim)}
    grok_sim.faults(
        {"account": owner, "operation": "chat", "fault": "too_many"}, {"operation": "clone", "fault": fault}
    )
    history = [user("Hello you"), assistant(first.text), user("what did I say in turn 1?")]
    assert person.stream(1, history, conversation_id=first.conversation).text == "Hello you"
    # Without a history the link is read.
    third = person.ask(0, "Third", conversation_id=first.conversation)
    assert third.conversation == first.conversation and third.text.endswith("got=Third")
    assert grok_sim.stats()["links_left"] == []


def test_a_conversation_is_read_by_its_link(start: Any, grok_sim: GrokSimulator) -> None:
    person = start()
    first = person.stream(0, "Hello you")
    (owner,) = {account for account, _ in operations(grok_sim)}
    grok_sim.faults(
        {"account": owner, "operation": "chat", "fault": "too_many"}, {"operation": "clone", "fault": "not_found"}
    )
    second = person.stream(1, "what did I say in turn 1?", conversation_id=first.conversation)
    assert second.text == "Hello you" and grok_sim.stats()["links_left"] == []


def test_a_conversation_that_is_gone(person: Person, grok_sim: GrokSimulator) -> None:
    first = person.stream(0, "Hello you")
    grok_sim.faults({"operation": "continue", "fault": "not_found"})
    history = [user("Hello you"), assistant(first.text), user("what did I say in turn 1?")]
    for worker, ask in ((1, person.stream), (0, person.ask)):
        assert ask(worker, history, conversation_id=first.conversation).text == "Hello you"
    other = person.stream(0, "Hello again")
    for ask in (person.stream, person.ask):
        with pytest.raises(openai.ConflictError) as refused:
            ask(1, "And then?", conversation_id=other.conversation)
        assert refused.value.code == "conversation_unavailable"
    with pytest.raises(openai.ConflictError):
        person.ask(1, "And then?", conversation_id="conv-0123456789abcdef01234567")


# Answers


@pytest.mark.parametrize(
    "words",
    ["split", "glued", "blank", "crlf", "data", "ascii", "unknown", "upper", "side:force", "no-model", "no-stop",
     "both", "keep-alive", "flat", "nested"],
)  # fmt: skip
def test_however_it_is_written(person: Person, grok_sim: GrokSimulator, words: str) -> None:
    text = f"Grüße, 世界! #{words} #utf8"
    first = person.stream(0, text)
    assert first.text.startswith("turn=1; history=; got=") and "世界" in first.text and first.finish == "stop"
    second = person.ask(0, text, conversation_id=first.conversation)
    assert second.text.startswith(f"turn=2; history={text}; got=")


def test_thoughts(person: Person, grok_sim: GrokSimulator) -> None:
    for ask in (person.stream, person.ask):
        said = ask(0, "#think")
        assert said.reasoning == "The user wants the sum. 17+25=42." and said.text == "turn=1; history=; got=#think"
        tagged = ask(0, "#think", show_thinking="think_tag")
        assert tagged.text.startswith("<think>\nThe user wants the sum. 17+25=42.\n</think>\nturn=1")
        for extra in ({"thinking": False}, {"thinking": {"type": "disabled"}}, {"show_thinking": False}):
            hidden = ask(0, "#think", **extra)
            assert hidden.reasoning == "" and hidden.text == "turn=1; history=; got=#think"


def test_searches_citations_and_artifacts(person: Person, grok_sim: GrokSimulator) -> None:
    search = person.stream(0, "#search #code")
    assert "🔍 Search: swift libuv gateway\n" in search.reasoning and "📄 Found 2 results\n" in search.reasoning
    assert "✅ Code ran: 42\n" in search.reasoning and "❌ Code failed: ZeroDivisionError" in search.reasoning
    assert person.ask(0, "#cite").text == "See the docs[1](https://example.org/a)."
    assert "```x-python\nprint(17 + 25)\n```" in person.stream(0, "#artifact").text
    assert "<xai" not in person.stream(0, "#experts").text


@pytest.mark.parametrize("words", ["#image2", "#image2 #late", "#card-image"])
def test_pictures(person: Person, grok_sim: GrokSimulator, words: str) -> None:
    said = person.stream(0, words)
    names = [part.split(")")[0] for part in said.text.split("![Generated Image](")[1:]]
    assert len(names) == len(set(names)) == (1 if "card" in words else 2)
    assert all("/images/" in name and name.endswith(".jpg") for name in names) and "users/" not in said.text
    assert "![" not in person.stream(0, "#image-moderated").text


def test_a_picture_goes_along_with_its_message(person: Person, grok_sim: GrokSimulator) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}}
    parts = [{"type": "text", "text": "see"}, picture]
    first = person.stream(0, [{"role": "user", "content": parts}])
    upload, message = grok_sim.requests()
    assert upload["operation"] == "upload" and upload.json["content"] == pixel
    assert upload["account"] == message["account"] and len(message.json["fileAttachments"]) == 1
    person.stream(1, "And then?", conversation_id=first.conversation)
    assert [op for _, op in operations(grok_sim)] == ["upload", "new", "continue"], "it is there already"
    grok_sim.faults({"operation": "upload", "fault": "too_large"})
    with pytest.raises(openai.BadRequestError) as refused:
        person.ask(0, [{"role": "user", "content": parts}])
    assert refused.value.code == "invalid_file" and refused.value.param == "messages[0].content[1].image_url.url"


# Failures


@pytest.mark.parametrize(
    "fault",
    ["unauthorized", "blocked", "forbidden", "too_many", "no_quota", "server_error", "bad_gateway", "reset", "no_text",
     "banner", "stream_error", "empty"],
)  # fmt: skip
@pytest.mark.parametrize("stream", [True, False])
def test_another_account_takes_over(start: Any, grok_sim: GrokSimulator, fault: str, stream: bool) -> None:
    person = start(workers=1)
    grok_sim.faults({"operation": "chat", "fault": fault, "times": 1})
    ask = person.stream if stream else person.ask
    assert ask(0, "Hello").text == "turn=1; history=; got=Hello"
    chats = [account for account, operation in operations(grok_sim) if operation == "new"]
    assert len(chats) == len(set(chats)) == 2


@pytest.mark.parametrize("fault", ["anti_bot", "challenge"])
def test_a_bot_check_is_nobodys_fault(start: Any, grok_sim: GrokSimulator, fault: str) -> None:
    person = start(workers=1)
    grok_sim.faults({"fault": fault})
    with pytest.raises(openai.APIStatusError) as refused:
        person.ask(0, "Hello")
    assert (refused.value.status_code, refused.value.code) == (502, "upstream_blocked")
    assert len(operations(grok_sim)) == 1, "the others would be kept out as well"


@pytest.mark.parametrize(
    ("detail", "status", "code"),
    [
        ("contentModerated", 400, "content_filter"),
        ("userPromptTooLong", 400, "context_length_exceeded"),
        ("attachmentLoadFailed", 400, "invalid_file"),
        ("globalRateLimit", 429, "rate_limit_exceeded"),
        ("modelNotAvailable", 503, "upstream_overloaded"),
    ],
)
def test_failures_within_a_stream(person: Person, grok_sim: GrokSimulator, detail: str, status: int, code: str) -> None:
    for ask in (person.stream, person.ask):
        with pytest.raises(openai.APIStatusError) as refused:
            ask(0, f"Hello #empty #error:{detail}")
        assert (refused.value.status_code, refused.value.code) == (status, code)
    with pytest.raises(openai.APIError):
        person.stream(0, "Hello #error-late:internalError")
    if detail == "contentModerated":
        assert person.stream(0, f"Hello #error-late:{detail}").finish == "content_filter"


def test_nobody_is_asked_too_early_or_too_often(start: Any, grok_sim: GrokSimulator) -> None:
    grok_sim.settings(in_flight_limit=2)
    grok_sim.accounts(*({"sso": sso, "windows": {"grok-3": {"total": 10}}} for sso in (ONE, TWO)))
    person = start(GROK_CONCURRENCY=2)
    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(person.stream, n % 2, f"number {n}") for n in range(24)]
        texts = [task.result().text for task in asked if task.exception() is None]
        refused = [task.exception() for task in asked if task.exception() is not None]
    assert all(text.startswith("turn=1; history=; got=number ") for text in texts)
    assert all(getattr(error, "status_code", 0) in (429, 503) for error in refused)
    stats = grok_sim.stats()
    for account in (ONE, TWO):
        assert stats["accounts"][account]["violations"] == 0 and stats["accounts"][account]["in_flight_peak"] <= 2


def test_who_leaves_ends_the_answer(person: Person, grok_sim: GrokSimulator) -> None:
    stream = person.clients[0].chat.completions.create(
        model="grok-3", messages=[user("Hello #stall")], stream=True, extra_body={}
    )
    next(iter(stream))
    stream.close()
    grok_sim.wait_gone()


# What the gateway does for all web applications, with this one


def test_an_answer_is_mended_in_its_conversation(person: Person, grok_sim: GrokSimulator) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "number", "schema": schema}}
    for ask in (person.stream, person.ask):
        grok_sim.reset()
        said = ask(0, "Give me a number", response_format=form)
        requests = grok_sim.requests()
        assert [record["operation"] for record in requests] == ["new", "continue"], "it is told once what is wrong"
        told = requests[1].json
        assert told["parentResponseId"] and "JSON" in told["message"]
        assert said.text.startswith("turn=2; history=")
        third = person.ask(1, "And then?", conversation_id=said.conversation)
        assert third.text.startswith("turn=3; ")


def test_a_picture_is_had_under_its_name(person: Person, grok_sim: GrokSimulator) -> None:
    said = person.ask(0, "#image2")
    paths = [part.split("/images/")[1].split(")")[0] for part in said.text.split("![Generated Image](")[1:]]
    owner = grok_sim.requests()[0]["account"]
    for worker, name in enumerate(paths):
        answer = fetch(person.addresses[worker], f"/images/{name}")
        assert answer.status == 200 and bytes(answer.body[:3]) == b"\xff\xd8\xff"
    assert [(r["account"], r["operation"]) for r in grok_sim.requests()[1:]] == [(owner, "asset")] * 2


def test_a_credential_of_the_callers_own(person: Person, grok_sim: GrokSimulator) -> None:
    cookie = "theme=dark; sso-rw=sim-grok-9; sso=sim-grok-9"
    own = {"metadata": {"cookie": cookie}}
    first = person.stream(0, "Hello you", **own)
    second = person.ask(1, "And then?", conversation_id=first.conversation, **own)
    assert second.text == "turn=2; history=Hello you; got=And then?"
    requests = grok_sim.requests()
    assert [record["account"] for record in requests] == ["sim-grok-9"] * 2
    assert {record.header("cookie") for record in requests} == {cookie}, "to the letter"
    # Nobody else has it, and nobody remembers it.
    with pytest.raises(openai.ConflictError):
        person.ask(0, "And now?", conversation_id=first.conversation)
    history = [user("Hello you"), assistant(first.text), user("what did I say in turn 1?")]
    assert person.ask(0, history, conversation_id=first.conversation).text == "Hello you"


@pytest.mark.limit(60)
def test_many_conversations_lose_nothing(start: Any, grok_sim: GrokSimulator) -> None:
    """Accounts fall out while conversations go on, each turn at another worker; every history stays whole."""
    accounts = [f"sim-grok-heavy-{n}" for n in range(6)]
    person = start(",".join(accounts))
    grok_sim.faults(
        {"account": accounts[0], "operation": "continue", "fault": "too_many", "times": 1, "wait": 600},
        {"account": accounts[1], "operation": "continue", "fault": "no_quota", "times": 1, "wait": 600},
        {"account": accounts[2], "operation": "continue", "fault": "stream_error", "times": 2, "after_calls": 3},
        {"account": accounts[3], "operation": "chat", "fault": "server_error", "every": 12},
        {"account": accounts[4], "operation": "chat", "fault": "banner", "every": 15},
    )

    def hold(number: int) -> int:
        name, said = None, []
        for turn in range(1, 6):
            text = f"conversation {number} says number {turn}"
            ask = person.stream if (number + turn) % 3 else person.ask
            answer = ask((number + turn) % 2, text, **({"conversation_id": name} if name else {}))
            assert answer.text == f"turn={turn}; history={'|'.join(said)}; got={text}"
            assert name in (None, answer.conversation)
            name = answer.conversation
            said.append(text)
        return turn

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(hold, range(40))) == 200
    stats = grok_sim.stats()
    assert stats["links_left"] == [] and stats["manners"] == {"odd": {}, "overlaps": []}
    assert sum(account["violations"] for account in stats["accounts"].values()) == 0
    early = [record for account in stats["accounts"].values() for record in account["early_records"]]
    assert all(record["at"] - record["told_at"] < 2 for record in early), "nobody but who was on the way"
    assert stats["conversations"]["cloned"] > 0, "some have moved"


def test_how_long_a_limit_holds_is_found_out(start: Any, grok_sim: GrokSimulator) -> None:
    person = start(ONE)
    grok_sim.faults({"operation": "chat", "fault": "no_quota", "wait": 900})
    for worker in (0, 1, 0):
        with pytest.raises(openai.RateLimitError) as refused:
            person.ask(worker, "Hello")
        assert 880 <= int(refused.value.response.headers["retry-after"]) <= 900
    assert [op for _, op in operations(grok_sim)] == ["new", "rate-limits"], "it is not asked while it must wait"
    # Another model has an allowance of its own.
    grok_sim.faults()
    assert person.ask(1, "Hello", model="grok-4.2").text.endswith("got=Hello")
