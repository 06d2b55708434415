"""What vendors and engines do that OpenAI does not, seen by a client of the gateway: nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.raw import chat, fetch
from support.simulator import Simulator
from support.vendors import ENGINES, VENDORS

HELLO: Any = [{"role": "user", "content": "hello"}]
USAGE = {"include_usage": True}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
CALLS = [{"name": "get_weather", "arguments": {"city": city}} for city in ("台北", "Tainan")]
MODELS = {vendor.name: vendor.model for vendor in VENDORS + ENGINES}


class Bench:
    """The gateway before one vendor that was told what to do next."""

    def __init__(self, cluster: Cluster, simulators: dict[str, Simulator], client: openai.OpenAI) -> None:
        self.cluster, self.simulators, self.client = cluster, simulators, client

    def tell(self, vendor: str, *scenarios: dict[str, Any]) -> Simulator:
        self.simulators[vendor].reset()
        self.simulators[vendor].next(*scenarios)
        return self.simulators[vendor]

    def whole(self, vendor: str, scenario: dict[str, Any], **members: Any) -> Any:
        self.tell(vendor, scenario)
        known: Any = {"model": MODELS[vendor], "messages": HELLO}
        return self.client.chat.completions.create(**(known | members))

    def stream(self, vendor: str, scenario: dict[str, Any], **members: Any) -> Any:
        """The whole answer of a stream; the SDK is strict about roles, indexes and ends."""
        self.tell(vendor, scenario)
        known: Any = {"model": MODELS[vendor], "messages": HELLO, "stream_options": USAGE}
        with self.client.chat.completions.stream(**(known | members)) as stream:
            return stream.until_done().get_final_completion()

    def both(self, vendor: str, scenario: dict[str, Any], **members: Any) -> list[Any]:
        return [self.whole(vendor, scenario, **members), self.stream(vendor, scenario, **members)]


@pytest.fixture
def bench(vendors_cluster: Cluster, simulators: dict[str, Simulator]) -> Iterator[Bench]:
    with openai.OpenAI(base_url=vendors_cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield Bench(vendors_cluster, simulators, client)
    for simulator in simulators.values():
        simulator.reset()


def arguments(completion: Any) -> list[Any]:
    calls = completion.choices[0].message.tool_calls
    assert all(isinstance(call.id, str) and len(call.id) > 3 for call in calls), "an id that is nobody else's"
    assert len({call.id for call in calls}) == len(calls)
    assert completion.choices[0].finish_reason == "tool_calls"
    return [json.loads(call.function.arguments) for call in calls]


# Tool calls


@pytest.mark.parametrize(
    ("vendor", "quirk"),
    [
        ("tgi", {"object_arguments": True}),
        ("tgi", {"tool_finish": True}),
        ("ollama", {"no_call_ids": True}),
        ("ollama", {"no_index": True}),
        ("ollama", {"omit_zero": True, "no_call_ids": True}),
        ("minmax", {"call_on_finish": True}),
        ("minmax", {"first_index": 1}),
        ("minmax", {"first_index": 1, "empty_roles": True, "tool_pieces": 5}),
        ("transformers", {}),
        ("llamacpp-py", {"tool_pieces": 5}),
        ("deepseek", {"tool_pieces": 5}),
    ],
)
def test_tool_calls(bench: Bench, vendor: str, quirk: dict[str, Any]) -> None:
    wanted = [{"city": "台北"}, {"city": "Tainan"}][: 1 if vendor == "tgi" else 2]
    for completion in bench.both(vendor, {"tool_calls": CALLS} | quirk, tools=TOOLS):
        assert arguments(completion) == wanted


def test_ids_of_engines_that_have_but_one(bench: Bench) -> None:
    """Every call of TGI is called `0`; two turns of one conversation must not."""
    first, second = (bench.whole("tgi", {"tool_calls": CALLS}, tools=TOOLS) for _ in range(2))
    assert first.choices[0].message.tool_calls[0].id != second.choices[0].message.tool_calls[0].id


# Streams and their ends


@pytest.mark.parametrize(
    ("vendor", "quirk"),
    [
        ("tgi", {"old": True}),
        ("tgi", {"space": False}),
        ("llamacpp", {"old": True}),
        ("vllm", {"null_choices": True}),
        ("vllm", {"eol": "crlf"}),
        ("minmax", {"no_deltas": True}),
        ("minmax", {"ignores_usage": True}),
        ("minmax", {"empty_roles": True}),
        ("minmax", {"search": "[{}]"}),
        ("minmax", {"fault": "no_done"}),
        ("ollama", {"bare_end": True}),
        ("ollama", {"cached_prompt": True}),
        ("deepseek", {"keep_alives": 2, "blank_lines": 3}),
        ("router", {"extra": {"id": "", "object": ""}}),
    ],
)
def test_texts(bench: Bench, vendor: str, quirk: dict[str, Any]) -> None:
    for completion in bench.both(vendor, {"text": "夜市 很熱鬧"} | quirk):
        choice = completion.choices[0]
        assert choice.message.content == "夜市 很熱鬧" and choice.finish_reason == "stop"
        assert choice.message.role == "assistant" and completion.id and completion.created
        assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


@pytest.mark.parametrize("member", ["reasoning", "reasoning_content"])
def test_either_name_of_reasoning(bench: Bench, member: str) -> None:
    for completion in bench.both("vllm", {"reasoning": ["hm"], "text": "42", "reasoning_member": member}):
        message = completion.choices[0].message
        assert (message.model_extra["reasoning_content"], message.content) == ("hm", "42")
        assert "reasoning" not in message.model_extra


@pytest.mark.parametrize(
    ("vendor", "scenario"),
    [
        ("vllm", {"count": 8, "fault": "error_frame", "after": 6}),
        ("vllm", {"text": "so far", "finish": "abort"}),
        ("deepseek", {"text": "so far", "finish": "insufficient_system_resource"}),
        ("minmax", {"count": 8, "base": 1000, "after": 6}),
        ("minmax", {"base": 1002}),
        ("transformers", {"count": 8, "fault": "end_after", "after": 6}),
        ("tgi", {"count": 8, "fault": "end_after", "after": 6}),
        ("ollama", {"count": 8, "fault": "end_after", "after": 6}),
    ],
)
def test_ends_that_are_none(bench: Bench, vendor: str, scenario: dict[str, Any]) -> None:
    """A `[DONE]` after an error is no end, nor is a body that ends without a reason."""
    with pytest.raises(openai.APIError):
        bench.stream(vendor, scenario)


# Failures


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        (1000, 502, "upstream_error"),
        (1001, 504, "upstream_timeout"),
        (1002, 429, "rate_limit_exceeded"),
        (1008, 429, "insufficient_quota"),
        (1026, 400, "content_policy_violation"),
        (1033, 502, "upstream_error"),
        (1039, 429, "rate_limit_exceeded"),
        (1042, 400, "minimax_1042"),
        (2013, 400, "minimax_2013"),
        (2056, 429, "insufficient_quota"),
    ],
)
def test_failures_in_successes(bench: Bench, code: int, status: int, word: str) -> None:
    for streams in (False, True):
        bench.tell("minmax", {"base": code})
        with pytest.raises(openai.APIStatusError) as failed:
            bench.client.chat.completions.create(model=MODELS["minmax"], messages=HELLO, stream=streams)
        assert (failed.value.status_code, failed.value.code) == (status, word)


@pytest.mark.parametrize(("vendor", "again"), [("router", "20"), ("ollama", "1")])
def test_who_is_not_ready_yet(bench: Bench, vendor: str, again: str) -> None:
    bench.tell(vendor, {"fault": "status", "status": 503})
    with pytest.raises(openai.InternalServerError) as loading:
        bench.client.chat.completions.create(model=MODELS[vendor], messages=HELLO)
    assert loading.value.status_code == 503 and loading.value.response.headers["retry-after"] == again


def test_nothing_to_wait_for(bench: Bench) -> None:
    """The router tells those who were served when to come again."""
    bench.tell("router")
    answer = fetch(bench.cluster.worker, "/v1/chat/completions", chat("x", MODELS["router"]), KEY)
    assert answer.status == 200 and answer.header("retry-after") is None


@pytest.mark.parametrize("vendor", ["llamacpp-py", "vllm", "sglang", "llamacpp", "tgi", "transformers"])
def test_what_engines_refuse_is_the_clients(bench: Bench, vendor: str) -> None:
    """Whatever shape the refusal has."""
    bench.tell(vendor, {"fault": "status", "status": 422 if vendor in ("tgi", "transformers") else 400})
    with pytest.raises((openai.BadRequestError, openai.UnprocessableEntityError)) as refused:
        bench.client.chat.completions.create(model=MODELS[vendor], messages=HELLO)
    assert refused.value.type == "invalid_request_error"


# Embeddings


@pytest.fixture
def embedders(start_cluster: Callable[..., Cluster], engine_sim: Callable[[str], Simulator]) -> Iterator[openai.OpenAI]:
    kinds = ("tei", "infinity", "llamacpp-py")
    engines = [
        {"url": engine_sim(kind).url, "kind": kind, "model": f"{kind}/embed", "served": "org/embed", "task": "embed"}
        for kind in kinds
    ]
    cluster = start_cluster(edge=True, ENGINES=json.dumps(engines))
    with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


def test_embeddings(embedders: openai.OpenAI, engine_sim: Callable[[str], Simulator]) -> None:
    texts = [f"text {number}" for number in range(70)]
    alone = embedders.embeddings.create(model="huggingface/tei/embed", input=texts[50]).data[0].embedding
    sim = engine_sim("tei")
    sim.control(default={"shuffled": True})
    many = embedders.embeddings.create(model="huggingface/tei/embed", input=texts)
    assert [entry.index for entry in many.data] == list(range(70))
    assert many.data[50].embedding == pytest.approx(alone, abs=1e-5)
    assert sorted(len(request.json["input"]) for request in sim.requests()) == [6, 32, 32], "no more at once"
    assert many.usage.prompt_tokens == 140
    assert len(embedders.embeddings.create(model="huggingface/infinity/embed", input="x").data[0].embedding) == 384
    engine_sim("llamacpp-py").next({"nested": True})
    made = embedders.embeddings.create(model="huggingface/llamacpp-py/embed", input="two words").data[0].embedding
    assert len(made) == 384 and sum(x * x for x in made) == pytest.approx(1, abs=1e-3), "one vector for all tokens"
