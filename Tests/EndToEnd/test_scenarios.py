"""One table of scenarios over every provider: the same OpenAI request means the same thing wherever it goes.

Each vendor's simulator is written from its protocol and refuses what the vendor refuses, so a scenario that passes was also
sent in the vendor's own words. `scripts/provider-table` writes what they show into the README.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.raw import RawClient, request_bytes
from support.simulator import Simulator
from support.table import render, shown, write
from support.vendors import ENGINES, VENDORS, Vendor
from support.waiting import wait_until

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    },
    {"type": "function", "function": {"name": "get_time"}},
]
CALLS = [
    {"id": "call_a", "name": "get_weather", "arguments": {"city": "台北"}},
    {"id": "call_b", "name": "get_weather", "arguments": {"city": "Tainan"}},
    {"id": "call_c", "name": "get_time", "arguments": {}},
]
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
UNICODE = "夜市很熱鬧 🎏 naïve\n\t\"quoted\" \\ \u0007 👩‍👩‍👧‍👦"
EFFORT = {"reasoning_effort": "low"}


@dataclass
class Bench:
    """One vendor under test, behind two workers."""

    vendor: Vendor
    sim: Simulator
    cluster: Cluster
    client: openai.OpenAI

    def create(self, messages: Any = "hello", **members: Any) -> Any:
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return self.client.chat.completions.create(**({"model": self.vendor.model, "messages": messages} | members))

    def stream(self, messages: Any = "hello", **members: Any) -> Any:
        """The whole answer of a stream, put together as the SDK does it."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        options = {"model": self.vendor.model, "messages": messages, "stream_options": {"include_usage": True}}
        with self.client.chat.completions.stream(**(options | members)) as stream:
            return stream.until_done().get_final_completion()

    @property
    def effort(self) -> dict[str, Any]:
        """Asks for reasoning, where there is any to be had."""
        return {} if "reasoning" in self.vendor.refuses | self.vendor.skips else EFFORT

    def sent(self) -> Any:
        """The last chat request as the vendor got it."""
        return next(r for r in reversed(self.sim.requests()) if r["method"] == "POST").json


Scenario = Callable[[Bench], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


def text_of(completion: Any) -> str | None:
    return completion.choices[0].message.content


def total_is_right(usage: Any) -> bool:
    return usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.completion_tokens > 0


@scenario
def plain(bench: Bench) -> None:
    bench.sim.next({"text": "fine, thanks"})
    completion = bench.create("how are you?", temperature=0.5)
    assert text_of(completion) == "fine, thanks"
    assert completion.object == "chat.completion" and completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.role == "assistant" and completion.id and completion.created
    assert total_is_right(completion.usage)
    assert "how are you?" in json.dumps(bench.sent())


@scenario
def stream(bench: Bench) -> None:
    bench.sim.next({"pieces": ["one ", "two ", "three"]})
    chunks = list(bench.create(stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "one two three"
    assert [c.choices[0].delta.role for c in chunks if c.choices and c.choices[0].delta.role] == ["assistant"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert len({(c.id, c.created, c.model, c.object) for c in chunks}) == 1
    assert chunks[-1].choices == [] and total_is_right(chunks[-1].usage)


@scenario
def usage_is_not_shown_unasked(bench: Bench) -> None:
    assert all(chunk.usage is None for chunk in bench.create(stream=True))


@scenario
def system(bench: Bench) -> None:
    bench.create([{"role": "system", "content": "be a pirate"}, {"role": "user", "content": "x"}])
    assert "be a pirate" in json.dumps(bench.sent())
    bench.create([{"role": "developer", "content": "be a parrot"}, {"role": "user", "content": "x"}])
    assert "be a parrot" in json.dumps(bench.sent())


@scenario
def multi_turn(bench: Bench) -> None:
    turns = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "second"},
        {"role": "user", "content": [{"type": "text", "text": "third"}]},
    ]
    bench.create(turns)
    sent = json.dumps(bench.sent())
    assert sent.index("first") < sent.index("second") < sent.index("third")


@scenario
def image(bench: Bench) -> None:
    parts = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    bench.create([{"role": "user", "content": parts}])
    assert PNG in json.dumps(bench.sent())


def made(completion: Any) -> list[tuple[str, Any]]:
    calls = completion.choices[0].message.tool_calls
    assert len({call.id for call in calls}) == len(calls) and all(call.id for call in calls)
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


@scenario
def tool_call(bench: Bench) -> None:
    bench.sim.next({"tool_calls": CALLS[:1]})
    completion = bench.create("weather?", tools=TOOLS)
    assert made(completion) == [("get_weather", {"city": "台北"})]
    assert completion.choices[0].finish_reason == "tool_calls"


@scenario
def tool_call_in_pieces(bench: Bench) -> None:
    bench.sim.next({"tool_calls": CALLS[:1], "tool_pieces": 5})
    completion = bench.stream("weather?", tools=TOOLS)
    assert made(completion) == [("get_weather", {"city": "台北"})]
    assert completion.choices[0].finish_reason == "tool_calls"


@scenario
def parallel_tools(bench: Bench) -> None:
    wanted = [(call["name"], call["arguments"]) for call in CALLS]
    bench.sim.next({"tool_calls": CALLS}, {"tool_calls": CALLS})
    assert made(bench.create("weather?", tools=TOOLS)) == wanted
    assert made(bench.stream("weather?", tools=TOOLS)) == wanted


@scenario
def tool_choice(bench: Bench) -> None:
    for choice in ("none", "auto"):
        bench.create("x", tools=TOOLS, tool_choice=choice)
    bench.sim.next({"tool_calls": CALLS[:1]}, {"tool_calls": CALLS[:1]})
    bench.create("x", tools=TOOLS, tool_choice="required")
    bench.create("x", tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_weather"}})
    assert "get_weather" in json.dumps(bench.sent())


@scenario
def tool_result_turn(bench: Bench) -> None:
    """The results come back on another worker, from a client that carries nothing but what OpenAI defines."""
    bench.sim.next({"tool_calls": CALLS[:2], "reasoning": ["I should ", "look."]})
    body: dict[str, Any] = {"model": bench.vendor.reasoning_model, "tools": TOOLS} | bench.effort
    turns: list[Any] = [{"role": "user", "content": "weather?"}]
    first, second = bench.cluster.workers[:2]
    with RawClient(first.address, request_bytes("/v1/chat/completions", body | {"messages": turns}, KEY)) as client:
        message = client.json()["choices"][0]["message"]
    calls = [{k: v for k, v in call.items() if k in ("id", "type", "function")} for call in message["tool_calls"]]
    turns.append({"role": "assistant", "content": None, "tool_calls": calls})
    turns += [{"role": "tool", "tool_call_id": call["id"], "content": f"result {n}"} for n, call in enumerate(calls)]
    bench.sim.next({"text": "it rains"})
    data = request_bytes("/v1/chat/completions", body | {"messages": turns}, KEY)
    with RawClient(second.address, data) as client:
        answer = client.json()
    assert answer["choices"][0]["message"]["content"] == "it rains", answer
    sent = json.dumps(bench.sent(), ensure_ascii=False)
    places = [sent.index(f"result {n}") for n in range(len(calls))]
    assert places and places == sorted(places)


@scenario
def json_schema(bench: Bench) -> None:
    properties = {"n": {"type": "integer"}}
    schema = {"type": "object", "properties": properties, "required": ["n"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "number", "schema": schema, "strict": True}}
    bench.sim.next({"text": '{"n": 7}'}, {"text": '{"n": 7}'})
    assert json.loads(text_of(bench.create("a number", response_format=form)) or "") == {"n": 7}
    chunks = bench.create("a number", response_format=form, stream=True)
    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert json.loads(streamed) == {"n": 7}


@scenario
def json_object(bench: Bench) -> None:
    bench.sim.next({"text": '{"ok": true}'})
    completion = bench.create("answer in json", response_format={"type": "json_object"})
    assert json.loads(text_of(completion) or "") == {"ok": True}


@scenario
def reasoning(bench: Bench) -> None:
    thoughts = {"reasoning": ["Let me ", "see."], "text": "42"}
    bench.sim.next(thoughts, thoughts)
    members: dict[str, Any] = {"model": bench.vendor.reasoning_model} | EFFORT
    message = bench.create("why?", **members).choices[0].message
    assert (message.reasoning_content, message.content) == ("Let me see.", "42")
    chunks = [c.choices[0].delta for c in bench.create("why?", stream=True, **members) if c.choices]
    assert "".join(getattr(d, "reasoning_content", None) or "" for d in chunks) == "Let me see."
    assert "".join(d.content or "" for d in chunks) == "42"


@scenario
def refusal(bench: Bench) -> None:
    bench.sim.next({"refusal": "I cannot help with that."}, {"refusal": "I cannot help with that."})
    choice = bench.create("something bad").choices[0]
    assert choice.message.refusal or choice.finish_reason == "content_filter"
    assert not choice.message.content
    chunks = [c.choices[0] for c in bench.create("something bad", stream=True) if c.choices]
    assert any(c.delta.refusal for c in chunks) or chunks[-1].finish_reason == "content_filter"


@scenario
def max_tokens(bench: Bench) -> None:
    bench.sim.next({"text": "cut short", "finish": "length"}, {"text": "cut short", "finish": "length"})
    completion = bench.create("x", max_completion_tokens=77)
    assert (text_of(completion), completion.choices[0].finish_reason) == ("cut short", "length")
    assert "77" in json.dumps(bench.sent())
    chunks = [c.choices[0] for c in bench.create("x", max_tokens=77, stream=True) if c.choices]
    assert chunks[-1].finish_reason == "length"


@scenario
def stop(bench: Bench) -> None:
    bench.create("x", stop=["END", "FIN"])
    assert "END" in json.dumps(bench.sent()) and "FIN" in json.dumps(bench.sent())
    bench.create("x", stop="ONE")
    assert "ONE" in json.dumps(bench.sent())


@scenario
def unicode_split_at_every_byte(bench: Bench) -> None:
    split: dict[str, Any] = {"text": UNICODE, "write_size": 1} | ({"reasoning": [UNICODE]} if bench.effort else {})
    bench.sim.next({"text": UNICODE}, split)
    assert text_of(bench.create(UNICODE)) == UNICODE
    assert text_of(bench.stream(UNICODE)) == UNICODE
    assert json.dumps(UNICODE)[1:-1].split("\\n")[0] in json.dumps(bench.sent())


@scenario
def error_before_the_answer(bench: Bench) -> None:
    bench.sim.control(default={"fault": "status", "status": 429, "retry_after": 7})
    with pytest.raises(openai.RateLimitError) as limited:
        bench.create()
    assert limited.value.code == "rate_limit_exceeded" and limited.value.response.headers.get("retry-after") == "7"
    with pytest.raises(openai.RateLimitError):
        bench.create(stream=True)
    bench.sim.reset()
    bench.sim.control(default={"fault": "status", "status": 500})
    with pytest.raises(openai.InternalServerError):
        bench.create()
    bench.sim.reset()
    bench.sim.control(default={"fault": "status", "status": 400})
    with pytest.raises(openai.BadRequestError):
        bench.create()
    bench.sim.reset()
    bench.sim.control(default={"fault": "status", "status": 401})
    with pytest.raises(openai.APIStatusError) as refused:
        bench.create()
    assert refused.value.code == "upstream_refused_credentials", "the operator's key is no fault of the client's"


@scenario
def error_in_the_stream(bench: Bench) -> None:
    bench.sim.control(default={"count": 8, "fault": "error_frame", "after": 6})
    seen = 0
    with pytest.raises(openai.APIError):
        for chunk in bench.create(stream=True):
            seen += 1
            assert not chunk.choices or chunk.choices[0].finish_reason is None
    assert seen > 0


@scenario
def cut_stream(bench: Bench) -> None:
    bench.sim.control(default={"count": 8, "fault": "cut_after", "after": 6})
    seen = 0
    with pytest.raises(openai.APIError):
        for _ in bench.create(stream=True):
            seen += 1
    assert seen > 0


@scenario
def garbage_in_the_stream(bench: Bench) -> None:
    bench.sim.control(default={"count": 8, "fault": "garbage", "after": 6, "kind": "text"})
    with pytest.raises(openai.APIError):
        list(bench.create(stream=True))


@scenario
def slow_reader(bench: Bench) -> None:
    """A client that reads nothing stops the vendor, and loses nothing when it goes on."""
    bench.sim.next({"count": 3000, "piece_bytes": 4000})
    body = {"model": bench.vendor.model, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    data = request_bytes("/v1/chat/completions", body, KEY)
    with RawClient(bench.cluster.worker, data, receive_buffer=65536) as client:
        client.read_head()
        open_now = bench.sim.open
        previous = -1

        def is_still() -> bool:
            nonlocal previous
            now = open_now()["bytes_sent"]
            previous, before = now, previous
            return 0 < now == before

        wait_until(is_still, 10, every=0.2, what="a pause upstream")
        assert previous < 12_000_000
        client.read_all()
        payloads = client.stream().payloads
    assert payloads[-1] == "[DONE]"
    texts = [json.loads(p)["choices"] for p in payloads[:-1]]
    pieces = [c[0]["delta"].get("content") for c in texts if c]
    numbers = [int(piece.split()[0]) for piece in pieces if piece and piece.strip()]
    assert numbers == list(range(3000))


@scenario
def embeddings(bench: Bench) -> None:
    model, texts = bench.vendor.embedder, ["夜市", "two words", "three"]
    created = bench.client.embeddings.create(model=model, input=texts)
    assert [entry.index for entry in created.data] == [0, 1, 2]
    vectors = [entry.embedding for entry in created.data]
    # The SDK asks for base64 unless it is told otherwise.
    plain = bench.client.embeddings.create(model=model, input=texts[1], encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(vectors[1], abs=1e-5)
    assert all(abs(sum(x * x for x in vector) - 1) < 1e-3 for vector in vectors)
    assert created.usage.prompt_tokens >= 0 and created.object == "list"
    if not bench.vendor.has_dimensions:
        with pytest.raises(openai.BadRequestError) as refused:
            bench.client.embeddings.create(model=model, input="x", dimensions=8)
        assert refused.value.param == "dimensions"
        return
    short = bench.client.embeddings.create(model=model, input="x", dimensions=8).data[0].embedding
    assert len(short) == 8 and abs(sum(x * x for x in short) - 1) < 1e-3


@scenario
def unknown_parameter(bench: Bench) -> None:
    """What asks for nothing is let pass; what the vendor cannot do is named."""
    assert bench.create("x", frequency_penalty=0, presence_penalty=0, logit_bias={}, n=1, user="u1")


# The bench


@pytest.fixture
def client(vendors_cluster: Cluster) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=vendors_cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


_table: dict[str, dict[str, str]] = {}


@pytest.mark.parametrize("vendor", VENDORS + ENGINES, ids=str)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(
    name: str,
    vendor: Vendor,
    vendors_cluster: Cluster,
    simulators: dict[str, Simulator],
    client: openai.OpenAI,
    request: pytest.FixtureRequest,
) -> None:
    if name in vendor.owed:
        request.applymarker(pytest.mark.xfail(reason=vendor.owed[name], strict=True))
    sim = simulators[vendor.name]
    sim.reset()
    row = _table.setdefault(vendor.name, {})
    if name in vendor.skips:
        row[name] = "-"
        return
    bench = Bench(vendor, sim, vendors_cluster, client)
    if name == "embeddings" and not vendor.embedder:
        with pytest.raises(openai.BadRequestError) as lacking:
            client.embeddings.create(model=vendor.model, input="x")
        assert lacking.value.param == "model"
        row[name] = "-"
        return
    if name in vendor.refuses:
        with pytest.raises(openai.BadRequestError) as refused:
            SCENARIOS[name](bench)
        assert (refused.value.code, refused.value.param) == ("unsupported_parameter", vendor.refuses[name])
        row[name] = "refused"
        return
    SCENARIOS[name](bench)
    row[name] = "yes"


def test_the_readme_says_what_was_shown() -> None:
    """Runs last; a part of the table shows nothing."""
    table = {vendor.name: _table.get(vendor.name, {}) for vendor in VENDORS}
    if any(len(row) < len(SCENARIOS) for row in table.values()):
        pytest.skip("not all scenarios were run")
    if os.environ.get("MILLRACE_TABLE") == "write":
        write(table)
    assert shown() == render(table)
