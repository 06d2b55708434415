"""The bundled embedding engine by itself, with the model that it brings, and engines' entries in the registry."""

from __future__ import annotations

import base64
import json
import math
import os
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import openai
import pytest

from support.cluster import ROOT, RedisServer
from support.engine import HELLO, MODEL, health, start_engine
from support.processes import Process, free_port
from support.raw import Decoder, RawClient, fetch
from support.waiting import wait_until

EMBEDDINGS = "/v1/embeddings"


def body_of(answer: Decoder) -> Any:
    return json.loads(bytes(answer.body))


@pytest.fixture(scope="module")
def engine(run_directory: Path) -> Iterator[int]:
    port = free_port()
    process = start_engine(
        run_directory, "embedder", EMBEDDER_PORT=port, EMBEDDER_QUEUE=40, EMBEDDER_MAX_BODY_BYTES=1 << 20
    )
    process.until(lambda: health(port) == 200, 25, "the model")
    yield port
    assert process.stop() == 0, process.tail()


def embed(port: int, value: Any, **members: Any) -> Decoder:
    return fetch(("127.0.0.1", port), EMBEDDINGS, {"model": MODEL, "input": value} | members)


def vector(port: int, text: str, **members: Any) -> list[float]:
    return body_of(embed(port, text, **members))["data"][0]["embedding"]


def test_the_vector_is_that_of_sentence_transformers(engine: int) -> None:
    given = vector(engine, "hello world")
    assert len(given) == 384
    assert given[:4] == pytest.approx(HELLO, abs=2e-7)
    assert math.hypot(*given) == pytest.approx(1, abs=1e-6)


def test_order_and_usage(engine: int) -> None:
    texts = ["hello world", "你好"]
    answer = body_of(embed(engine, texts))
    assert answer["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    assert [item["index"] for item in answer["data"]] == [0, 1]
    for text, item in zip(texts, answer["data"], strict=True):
        assert item["embedding"] == pytest.approx(vector(engine, text), abs=1e-6)


def test_a_batch_of_all_lengths_keeps_its_order(engine: int) -> None:
    texts = ["word " * (1 + place * 7 % 40) + str(place) for place in range(30)]
    data = body_of(embed(engine, texts))["data"]
    for place in (0, 1, 17, 29):
        assert data[place]["embedding"] == pytest.approx(vector(engine, texts[place]), abs=1e-5)


def test_base64_and_dimensions(engine: int) -> None:
    plain = vector(engine, "hello world")
    coded = body_of(embed(engine, "hello world", encoding_format="base64"))["data"][0]["embedding"]
    assert list(struct.unpack("<384f", base64.b64decode(coded))) == pytest.approx(plain, abs=1e-7)
    short = vector(engine, "hello world", dimensions=32)
    length = math.hypot(*plain[:32])
    assert short == pytest.approx([number / length for number in plain[:32]], abs=1e-6)


def test_too_long_is_cut_at_256_word_pieces(engine: int) -> None:
    answer = body_of(embed(engine, "word " * 1000))
    assert answer["usage"]["prompt_tokens"] == 256
    assert answer["data"][0]["embedding"] == pytest.approx(vector(engine, "word " * 254), abs=1e-6)


def test_an_empty_text_has_a_vector(engine: int) -> None:
    assert math.hypot(*vector(engine, "")) == pytest.approx(1, abs=1e-6)


def test_the_official_client(engine: int) -> None:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{engine}/v1", api_key="sk-test-one", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        answer = client.embeddings.create(model=MODEL, input=["hello world", "there"])
        assert answer.data[0].embedding[:4] == pytest.approx(HELLO, abs=2e-7)


BAD: list[tuple[dict[str, Any], int, str | None]] = [
    ({"input": "a"}, 400, "model"),
    ({"model": MODEL}, 400, "input"),
    ({"model": MODEL, "input": []}, 400, "input"),
    ({"model": MODEL, "input": [1, 2, 3]}, 400, "input"),
    ({"model": MODEL, "input": [[1, 2], [3]]}, 400, "input"),
    ({"model": MODEL, "input": ["a", None]}, 400, "input"),
    ({"model": MODEL, "input": {"a": 1}}, 400, "input"),
    ({"model": MODEL, "input": ["a"] * 2049}, 400, "input"),
    ({"model": MODEL, "input": "a", "encoding_format": "int8"}, 400, "encoding_format"),
    ({"model": MODEL, "input": "a", "dimensions": 0}, 400, "dimensions"),
    ({"model": MODEL, "input": "a", "dimensions": 385}, 400, "dimensions"),
    ({"model": MODEL, "input": "a", "dimensions": True}, 400, "dimensions"),
    ({"model": "no/such", "input": "a"}, 404, "model"),
]


@pytest.mark.parametrize(("body", "status", "parameter"), BAD, ids=[str(place) for place in range(len(BAD))])
def test_a_bad_request_names_its_parameter(
    engine: int, body: dict[str, Any], status: int, parameter: str | None
) -> None:
    answer = fetch(("127.0.0.1", engine), EMBEDDINGS, body)
    assert answer.status == status
    error = body_of(answer)["error"]
    assert (error["param"], error["type"]) == (parameter, "invalid_request_error")


HOSTILE: list[tuple[bytes, int]] = [
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET /x HTTP/1.1\r\n\r\n", 404),
    (b"GET /v1/embeddings HTTP/1.1\r\n\r\n", 405),
    (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
    (b"POST /v1/embeddings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
    (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 4\r\n\r\n\xff\xfe{]", 400),
    (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 90000\r\n\r\n" + b"[" * 90000, 400),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
]


@pytest.mark.parametrize(("sent", "status"), HOSTILE, ids=[str(place) for place in range(len(HOSTILE))])
def test_hostile_bytes_are_answered(engine: int, sent: bytes, status: int) -> None:
    with RawClient(("127.0.0.1", engine), sent) as client:
        assert client.read_all().status == status
    assert health(engine) == 200


def test_half_a_surrogate_pair_is_refused(engine: int) -> None:
    sent = json.dumps({"model": MODEL, "input": "\ud83d"}).encode()
    answer = fetch(("127.0.0.1", engine), EMBEDDINGS, sent)
    assert (answer.status, body_of(answer)["error"]["param"]) == (400, "input")


def test_more_than_the_queue_holds_is_told_to_wait(engine: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: embed(engine, [f"{number} and so on"] * 16), range(8)))
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 429}
    refused = answers[statuses.index(429)]
    assert refused.header("retry-after") == "1"
    assert body_of(refused)["error"]["type"] == "rate_limit_error"


def test_models_that_are_not_there_leave_it_unhealthy(run_directory: Path) -> None:
    port = free_port()
    process = start_engine(run_directory, "embedder", EMBEDDER_PORT=port, EMBEDDER_MODELS=f"mine={run_directory}/nothing")
    try:
        process.until(lambda: "mine is not served" in process.output(), 20, "the refusal")
        process.until(lambda: health(port) == 503, 5, "the health")
    finally:
        process.stop()


def test_a_model_from_a_folder_behind_a_key(run_directory: Path) -> None:
    from embedder import sources  # the folder of the packaged model stands for one of the operator's

    port = free_port()
    folder = sources.find(MODEL, "")
    models = f"acme/mine={folder}"
    process = start_engine(run_directory, "embedder", EMBEDDER_PORT=port, EMBEDDER_MODELS=models, EMBEDDER_KEY="sim-key-1")
    address = ("127.0.0.1", port)
    try:
        process.until(lambda: health(port) == 200, 25, "the model")
        body = {"model": "acme/mine", "input": "hello world"}
        assert fetch(address, EMBEDDINGS, body).status == 401
        answer = fetch(address, EMBEDDINGS, body, "sim-key-1")
        assert body_of(answer)["data"][0]["embedding"][:4] == pytest.approx(HELLO, abs=2e-7)
    finally:
        process.stop()


# The registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def entries(server: RedisServer) -> list[dict[str, Any]]:
    import redis

    with redis.Redis(port=server.port, decode_responses=True) as client:
        names = client.smembers("millrace:{engines}")
        texts = [client.get(f"millrace:{{engines}}:{name}") for name in names]
        assert all(0 < client.pttl(key) <= 60_000 for key in client.keys("*"))
    return [json.loads(text) for text in texts if text]


def test_the_engine_registers_itself_and_leaves(run_directory: Path, registry: RedisServer, tmp_path: Path) -> None:
    port = free_port()
    process = start_engine(run_directory, "embedder", EMBEDDER_PORT=port, REDIS_URL=f"unix://{tmp_path}/redis.sock")
    try:
        process.until(lambda: [entry["state"] for entry in entries(registry)] == ["ready"], 25, "the entry")
        expected = {"kind": "embedder", "model": MODEL, "served": MODEL, "task": "embed", "key": "", "state": "ready"}
        assert entries(registry) == [expected | {"url": f"http://127.0.0.1:{port}", "max_in_flight": 64}]
    finally:
        assert process.stop() == 0
    assert entries(registry) == []


def test_it_registers_in_a_cluster_of_redis(run_directory: Path, tmp_path: Path) -> None:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    options += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    server = Process("redis", ["redis-server", *options], tmp_path / "redis.log")
    cli = ["redis-cli", "-p", str(port)]

    def asked(*words: str) -> str:
        return subprocess.run([*cli, *words], capture_output=True, text=True, timeout=10).stdout

    url = f"redis+cluster://127.0.0.1:{port}"
    process = None
    try:
        server.until(lambda: "PONG" in asked("PING"), 10, "Redis")
        asked("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        server.until(lambda: "cluster_state:ok" in asked("CLUSTER", "INFO"), 15, "the cluster")
        options = ["--kind", "tei", "--url", "http://127.0.0.1:9", "--model", "org/e"]
        process = start_engine(run_directory, "register", *options, REDIS_URL=url)
        process.until(lambda: asked("SMEMBERS", "millrace:{engines}").strip(), 15, "the entry")
    finally:
        if process:
            assert process.stop() == 0, process.tail()
            assert asked("SMEMBERS", "millrace:{engines}").strip() == ""
        server.stop()


def test_an_install_that_fails_is_waited_out(tmp_path: Path) -> None:
    """The supervisor would only start it again and again."""
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "python3").write_text("#!/bin/sh\nexit 1\n")
    (broken / "python3").chmod(0o755)
    environment = {"PATH": f"{broken}:{os.environ['PATH']}", "DATA_DIR": str(tmp_path)}
    process = Process("embedder", [str(ROOT / "scripts" / "embedder")], tmp_path / "log", environment)
    try:
        process.until(lambda: "not installed" in process.output(), 10, "the reason")
        assert process.is_running
    finally:
        assert process.stop() == 143


class _Fake(BaseHTTPRequestHandler):
    """An engine whose health a test sets."""

    health = 200

    def do_GET(self) -> None:
        status = type(self).health if self.path == "/health" else 200
        body = json.dumps({"data": [{"id": "model.gguf"}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_the_companion_tells_of_an_engine_what_it_is_doing(run_directory: Path, registry: RedisServer) -> None:
    _Fake.health = 503
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Fake)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    options = ("--kind", "llamacpp", "--url", url, "--model", "org/m", "--max-in-flight", "4", "--key-name", "gpu")
    process = start_engine(run_directory, "register", *options, REDIS_URL=registry.url())

    def states() -> list[tuple[str, str]]:
        return [(entry["state"], entry["served"]) for entry in entries(registry)]

    try:
        process.until(lambda: states() == [("loading", "org/m")], 15, "the loading engine")
        _Fake.health = 200
        process.until(lambda: states() == [("ready", "model.gguf")], 15, "the ready engine")
        record = entries(registry)[0]
        assert (record["kind"], record["task"], record["max_in_flight"], record["key"]) == ("llamacpp", "chat", 4, "gpu")
        server.shutdown()
        server.server_close()
        wait_until(lambda: states() == [("down", "model.gguf")], 15, what="the engine that is gone")
    finally:
        assert process.stop() == 0, process.tail()
    assert entries(registry) == []
