"""The Grok web app through the gateway: the `openai` library against two workers, each turn at another of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import pytest

from support.cluster import KEY, Cluster
from support.grok import GrokSimulator

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


@pytest.fixture
def start(start_cluster: Start, grok_sim: GrokSimulator) -> Iterator[Callable[..., Person]]:
    with ExitStack() as stack:

        def begin(tokens: str = f"{ONE},{TWO}", workers: int = 2, **env: str | float) -> Person:
            settings = {"GROK_BASE_URL": grok_sim.url, "GROK_ASSETS_URL": grok_sim.url, "GROK_TOKENS": tokens}
            settings |= {"COOLDOWNS": "true", "MILLRACE_SECRET": "test-secret-of-the-cluster"}
            return Person(start_cluster(workers=workers, **(settings | env)), stack)

        yield begin


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


def test_the_history_is_enough_to_know_it_by(start: Any, grok_sim: GrokSimulator) -> None:
    person = start()
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
