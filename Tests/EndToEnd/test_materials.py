"""Content that clients name by address and the gateway fetches for vendors who do not: how, how much, and from where not."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest

from support.cluster import KEY, Cluster
from support.redises import RedisServer
from support.simulator import Simulator

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Files(BaseHTTPRequestHandler):
    """Pages by path; what it was asked for is kept by its server."""

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        path = self.path.split("?")[0]
        if path.startswith("/hop/"):
            left = int(path.removeprefix("/hop/"))
            return self._send(302, b"", location=f"{left - 1}" if left > 1 else "../a.png")
        if path == "/a.png":
            return self._send(200, PNG, kind="image/png; charset=binary")
        if path == "/untold":
            return self._send(200, PNG, kind="application/octet-stream")
        if path == "/empty":
            return self._send(200, b"")
        if path == "/astray":
            return self._send(302, b"", location="file:///etc/passwd")
        if path == "/large":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for _ in range(40):
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                self.server.broken_off.set()  # type: ignore[attr-defined]
            return None
        return self._send(404, b"nothing")

    def _send(self, status: int, body: bytes, kind: str = "image/png", location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    server.seen, server.broken_off = [], threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def started(redis: RedisServer, sim: Simulator, database: int, **env: str) -> Cluster:
    redis.flush(database)
    settings = {"GOOGLE_API_KEY": "sim-key-1", "GEMINI_BASE_URL": sim.url, "REDIS_TIMEOUT_MS": "2000"}
    return Cluster(redis, workers=1, env=settings | env, database=database).start()


@pytest.fixture(scope="module")
def open_cluster(redis: RedisServer, gemini_process: Simulator) -> Iterator[Cluster]:
    """The loopback stands for the wide world."""
    cluster = started(redis, gemini_process, 9, FETCH_PRIVATE_ADDRESSES="true")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def closed_cluster(redis: RedisServer, gemini_process: Simulator) -> Iterator[Cluster]:
    cluster = started(redis, gemini_process, 10)
    yield cluster
    cluster.stop()


def ask(cluster: Cluster, *urls: str, stream: bool = False) -> Any:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, *parts]}]
    with openai.OpenAI(base_url=cluster.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        answer = client.chat.completions.create(model="gemini-2.5-flash", messages=messages, stream=stream)
        return list(answer) if stream else answer  # type: ignore[call-overload]


def refusal(cluster: Cluster, *urls: str, stream: bool = False) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(cluster, *urls, stream=stream)
    return caught.value


def inlined(sim: Simulator) -> list[dict[str, str]]:
    parts = sim.last().json["contents"][0]["parts"]
    return [part["inlineData"] for part in parts if "inlineData" in part]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/a.png", "/untold", "/hop/3"])
def test_an_image_goes_along(
    open_cluster: Cluster, gemini_sim: Simulator, files: Any, path: str, stream: bool
) -> None:
    """Also where its type must be seen from its bytes, and behind three relative redirects."""
    ask(open_cluster, f"http://127.0.0.1:{files.server_port}{path}", stream=stream)
    assert inlined(gemini_sim) == [{"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}]


def test_an_address_is_fetched_once_and_told_nothing(
    open_cluster: Cluster, gemini_sim: Simulator, files: Any
) -> None:
    files.seen.clear()
    url = f"http://127.0.0.1:{files.server_port}/a.png?x=1"
    ask(open_cluster, url, url)
    assert len(inlined(gemini_sim)) == 2 and len(files.seen) == 1
    said = str(files.seen[0]).lower()
    assert KEY not in said and "sim-key-1" not in said and "authorization" not in said and "x-request-id" not in said


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "status 404"),
        ("/empty", "is empty"),
        ("/hop/4", "redirected too often"),
        ("/astray", "http:// and https://"),
        ("/large", "larger than 20 MB"),
    ],
)
def test_what_cannot_be_had_is_told(
    open_cluster: Cluster, gemini_sim: Simulator, files: Any, path: str, words: str
) -> None:
    error = refusal(open_cluster, f"http://127.0.0.1:{files.server_port}{path}")
    assert words in error.message and error.param == "messages[0].content[1].image_url.url"
    assert gemini_sim.requests() == [], "the vendor was not asked"
    if path == "/large":
        assert files.broken_off.wait(5), "nobody reads on"


def test_how_many(open_cluster: Cluster, gemini_sim: Simulator, files: Any) -> None:
    error = refusal(open_cluster, *(f"http://127.0.0.1:{files.server_port}/a.png?{n}" for n in range(33)))
    assert "At most 32" in error.message and error.param == "messages[0].content[33].image_url.url"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0"]
)
def test_private_addresses_are_refused(
    closed_cluster: Cluster, gemini_sim: Simulator, files: Any, host: str, stream: bool
) -> None:
    """In whatever spelling, and without a connection having been made."""
    files.seen.clear()
    error = refusal(closed_cluster, f"http://{host}:{files.server_port}/a.png", stream=stream)
    assert error.param == "messages[0].content[1].image_url.url" and "cannot be fetched" in error.message
    assert str(files.server_port) not in error.message
    assert files.seen == [] and gemini_sim.requests() == []


def test_credentials_in_an_address_are_refused(open_cluster: Cluster, gemini_sim: Simulator, files: Any) -> None:
    error = refusal(open_cluster, f"http://user:word@127.0.0.1:{files.server_port}/a.png")
    assert error.param == "messages[0].content[1].image_url.url"
