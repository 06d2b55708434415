"""A real engine behind the gateway: the server of llama.cpp with a model made on the spot. `make test-engines` runs it.

What the model says is noise; the wire, the grammar, the limits, the counts and the vectors are real.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster, RedisServer
from support.processes import Process
from support.raw import RawClient, Stream, chat, fetch, request_bytes
from support.simulator import Simulator

pytest.importorskip("xllamacpp", reason="it is installed by make test-engines")

MODEL, EMBEDDER = "huggingface/org/toy", "huggingface/org/toy-embed"
HELLO: Any = [{"role": "user", "content": "hello"}]
SURE = {"temperature": 0, "max_tokens": 24}


@dataclass
class Engine:
    """Where the two servers listen, and a client of the gateway before them."""

    chat_port: int
    client: openai.OpenAI
    cluster: Cluster


@pytest.fixture(scope="module")
def engine(run_directory: Path, redis: RedisServer) -> Iterator[Engine]:
    log = run_directory / "toy.log"
    command = [sys.executable, "-m", "support.toy_engine", str(run_directory / "toy.gguf")]
    process = Process("toy engine", command, log, {"PYTHONPATH": str(Path(__file__).parent)})
    process.until(lambda: "\nports " in f"\n{process.output()}", 20, "the engine's ports")
    words = next(line for line in process.output().splitlines() if line.startswith("ports ")).split()
    ports = [int(word) for word in words[1:]]
    engines = [
        {"url": f"http://127.0.0.1:{ports[0]}", "kind": "llamacpp", "model": "org/toy", "served": "toy"},
        {
            "url": f"http://127.0.0.1:{ports[1]}",
            "kind": "llamacpp",
            "model": "org/toy-embed",
            "served": "toy",
            "task": "embed",
        },
    ]
    redis.flush(8)
    cluster = Cluster(redis, workers=1, env={"ENGINES": json.dumps(engines), "RETRY_TIMES": "0"}, database=8)
    cluster.start()
    with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield Engine(ports[0], client, cluster)
    cluster.stop()
    process.stop()


def test_plain_and_streamed(engine: Engine) -> None:
    create = engine.client.chat.completions.create
    whole = create(model=MODEL, messages=HELLO, **SURE)
    assert whole.choices[0].finish_reason in ("length", "stop") and whole.choices[0].message.content
    assert 0 < whole.usage.completion_tokens <= 24 and whole.usage.prompt_tokens > 3
    chunks = list(create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}, **SURE))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content, "the surest words are the same"
    assert [c.choices[0].delta.role for c in chunks if c.choices and c.choices[0].delta.role] == ["assistant"]
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_limits(engine: Engine) -> None:
    create = engine.client.chat.completions.create
    short = create(model=MODEL, messages=HELLO, max_completion_tokens=3, temperature=0)
    assert (short.choices[0].finish_reason, short.usage.completion_tokens) == ("length", 3)
    assert create(model=MODEL, messages=[{"role": "developer", "content": "x"}, *HELLO], **SURE).choices
    with pytest.raises(openai.BadRequestError) as refused:
        create(model=MODEL, messages=HELLO, n=2)
    assert refused.value.param == "n"
    with pytest.raises(openai.BadRequestError):
        create(model=MODEL, messages=[{"role": "user", "content": "word " * 3000}], **SURE)


def test_structured_output(engine: Engine) -> None:
    """Noise in the form that was asked for."""
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "city": {"enum": ["Taipei", "台南"]}},
        "required": ["ok", "city"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    made = engine.client.chat.completions.create(model=MODEL, messages=HELLO, response_format=form, max_tokens=300)
    answer = json.loads(made.choices[0].message.content)
    assert isinstance(answer["ok"], bool) and answer["city"] in ("Taipei", "台南")


def test_logprobs(engine: Engine) -> None:
    made = engine.client.chat.completions.create(
        model=MODEL, messages=HELLO, logprobs=True, top_logprobs=2, max_tokens=4, temperature=0
    )
    entries = made.choices[0].logprobs.content
    # Half a character is no token to tell of.
    assert 0 < len(entries) <= 4 and all(len(entry.top_logprobs) == 2 and entry.logprob <= 0 for entry in entries)


def test_embeddings(engine: Engine) -> None:
    create = engine.client.embeddings.create
    made = create(model=EMBEDDER, input=["hello", "夜市"])
    vectors = [entry.embedding for entry in made.data]
    assert [len(vector) for vector in vectors] == [64, 64] and vectors[0] != vectors[1]
    assert sum(x * x for x in vectors[0]) == pytest.approx(1, abs=1e-3) and made.usage.prompt_tokens > 2
    again = create(model=EMBEDDER, input="hello", encoding_format="float").data[0].embedding
    assert again == pytest.approx(vectors[0], abs=1e-4)
    assert len(create(model=EMBEDDER, input="hello", dimensions=8).data[0].embedding) == 8
    with pytest.raises(openai.APIStatusError):
        create(model=MODEL, input="x")


def test_a_client_that_leaves_frees_the_engine(engine: Engine) -> None:
    """It has one place only: who comes next would wait for the end of an answer that nobody reads."""
    body = chat("hello", MODEL, stream=True, max_tokens=900, ignore_eos=True)
    with RawClient(engine.cluster.worker, request_bytes("/v1/chat/completions", body, KEY)) as client:
        client.read_events(3)
    made = engine.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=2)
    assert made.usage.completion_tokens == 2


# Whether the simulated one is right about it


def shape(value: Any) -> Any:
    """The names of members, and nulls, without what they hold."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items() if name not in ("timings", "usage")}
    if isinstance(value, list):
        # How many of them there are is the model's affair.
        return [shape(value[0])] if value else []
    return value is None


def both(engine: Engine, sim: Simulator, path: str, body: Any = None, **options: Any) -> tuple[list[Any], list[Any]]:
    answers = [fetch(("127.0.0.1", port), path, body, **options) for port in (engine.chat_port, sim.port)]
    assert answers[0].status == answers[1].status
    if answers[0].header("content-type") == "text/event-stream":
        parsed = [Stream.parse(bytes(answer.body)) for answer in answers]
        assert all(stream.payloads[-1] == "[DONE]" and not stream.stray for stream in parsed)
        return parsed[0].chunks, parsed[1].chunks
    return [json.loads(answers[0].body)], [json.loads(answers[1].body)]


@pytest.fixture
def simulated(engine_sim: Any) -> Simulator:
    return engine_sim("llamacpp")


@pytest.mark.parametrize("members", [{}, {"logprobs": True, "top_logprobs": 1}])
def test_the_simulated_one_answers_alike(engine: Engine, simulated: Simulator, members: dict[str, Any]) -> None:
    body = chat("hello", "whatever", max_tokens=3, temperature=0, **members)
    (real,), (made,) = both(engine, simulated, "/v1/chat/completions", body)
    assert shape(real) == shape(made) and set(real["timings"]) >= set(made["timings"])
    assert real["model"] == "toy" and made["model"] == "org/chat", "its own name, whatever was asked for"


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
def test_the_simulated_one_streams_alike(engine: Engine, simulated: Simulator, options: dict[str, Any]) -> None:
    body = chat("hello", "whatever", max_tokens=3, temperature=0, stream=True, **options)
    real, made = both(engine, simulated, "/v1/chat/completions", body)
    assert shape(real[0]) == shape(made[0]) and shape(real[1]) == shape(made[1])
    ends = len(options) + 1
    assert shape(real[-ends:]) == shape(made[-ends:])
    assert [("timings" in a, "usage" in a) for a in real[-ends:]] == [
        ("timings" in b, "usage" in b) for b in made[-ends:]
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", chat("x", n=2)),
        ("/v1/nothing", {}),
        ("/health", None),
    ],
)
def test_the_simulated_one_says_the_same(engine: Engine, simulated: Simulator, path: str, body: Any) -> None:
    (real,), (made,) = both(engine, simulated, path, body)
    assert real == made


def test_the_simulated_one_lists_alike(engine: Engine, simulated: Simulator) -> None:
    (real,), (made,) = both(engine, simulated, "/v1/models")
    assert set(made) <= set(real) and set(made["data"][0]) <= set(real["data"][0])
