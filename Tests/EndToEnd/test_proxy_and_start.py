"""The way out through a proxy, the command line, and how fast a worker is there."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.cluster import KEY, WORKER, Cluster
from support.processes import Process, free_port
from support.raw import chat, fetch
from support.simulator import UPSTREAMS, Simulator

CHAT = "/v1/chat/completions"
Start = Callable[..., Cluster]


class ForwardProxy:
    """Takes absolute-form requests, notes their first lines, and hands connections on."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client,), daemon=True).start()

    def relay(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return
            head += piece
        line = head.split(b"\r\n", 1)[0]
        self.lines.append(line)
        host, port = line.split(b" ")[1].split(b"/")[2].split(b":")
        upstream = socket.create_connection((host.decode(), int(port)))
        upstream.sendall(head)
        threading.Thread(target=self.pump, args=(client, upstream), daemon=True).start()
        self.pump(upstream, client)

    @staticmethod
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    proxy = ForwardProxy()
    yield proxy
    proxy.listener.close()


def test_upstreams_are_reached_through_the_proxy(start_cluster: Start, sim: Simulator, proxy: ForwardProxy) -> None:
    cluster = start_cluster(PROXY_URL=f"http://127.0.0.1:{proxy.port}")
    assert fetch(cluster.worker, CHAT, chat("hi"), KEY).status == 200
    assert proxy.lines[0].startswith(b"POST http://127.0.0.1:")
    assert len(sim.requests()) == 1


def test_the_environments_own_proxy_is_ignored(start_cluster: Start, sim: Simulator, proxy: ForwardProxy) -> None:
    cluster = start_cluster(http_proxy=f"http://127.0.0.1:{proxy.port}", ALL_PROXY=f"http://127.0.0.1:{proxy.port}")
    assert fetch(cluster.worker, CHAT, chat("hi"), KEY).status == 200
    assert proxy.lines == []


APART = "unshare --user --map-root-user --mount --net --pid --fork --kill-child".split()


def test_a_lost_question_for_a_name_is_asked_again(tmp_path: Path) -> None:
    """The C library alone would wait five seconds, as long as CONNECT_TIMEOUT, and the connection would fail."""
    if subprocess.run([*APART, "true"], capture_output=True, timeout=10).returncode:
        pytest.skip("no name spaces here")
    sock = str(tmp_path / "worker.sock")
    both = f'cd {UPSTREAMS} && {{ {sys.executable} -m upstreams.openai --port 9900 & }}; exec {WORKER} --listen "unix:{sock}"'
    program = str(Path(__file__).parent / "support" / "forgetful_names.py")
    command = [*APART, sys.executable, program, str(tmp_path / "resolv.conf"), "sh", "-c", both]
    settings = {"API_MASTER_KEY": KEY, "OPENAI_API_KEY": "sim-key-1", "OPENAI_BASE_URL": "http://upstream.test:9900/v1"}
    worker = Process("worker", command, tmp_path / "worker.log", {"PATH": os.environ["PATH"]} | settings)
    try:
        worker.until(lambda: Path(sock).exists(), 10, "the worker")
        assert fetch(sock, CHAT, chat("hi"), KEY).status == 200, worker.output()
    finally:
        # unshare keeps a gentler signal to itself; with it goes everything in there.
        worker.stop(signal.SIGKILL)


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([WORKER, *words], env=env, capture_output=True, text=True, timeout=10)


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        ((), {"API_MASTER_KEY": "k"}, "--listen is missing"),
        (("--listen", "nowhere"), {"API_MASTER_KEY": "k"}, "is no address"),
        (("--listen", "127.0.0.1:0"), {}, "API_MASTER_KEY must be set"),
        (("--listen", "127.0.0.1:0"), {"API_MASTER_KEY": "k", "COMMIT_AFTER": "soon"}, "COMMIT_AFTER"),
        (("--listen", "127.0.0.1:0"), {"API_MASTER_KEY": "k", "MAX_BODY_BYTES": "-1"}, "MAX_BODY_BYTES"),
        (("--listen", "127.0.0.1:0"), {"API_MASTER_KEY": "k", "MODEL_ROUTES": "{"}, "MODEL_ROUTES"),
        (("--listen", "127.0.0.1:0"), {"API_MASTER_KEY": "k", "MODEL_ROUTES": '{"a":["nobody/b"]}'}, "nobody/b"),
        (("--listen", "127.0.0.1:0"), {"API_MASTER_KEY": "k", "REDIS_URL": "what"}, "REDIS_URL"),
        (("--listen", "127.0.0.1:0"), {"API_MASTER_KEY": "k", "OPENAI_BASE_URL": "ftp://a"}, "OPENAI_BASE_URL"),
        (("--what",), {"API_MASTER_KEY": "k"}, "unknown argument"),
    ],
)
def test_a_wrong_start_says_what_is_wrong(words: tuple[str, ...], env: dict[str, str], said: str) -> None:
    done = run(*words, **env)
    assert done.returncode not in (0, -6)
    assert said in done.stderr


def test_the_health_probe(start_cluster: Start) -> None:
    cluster = start_cluster()
    assert run("--health", f"unix:{cluster.worker}").returncode == 0
    assert run("--health", f"127.0.0.1:{free_port()}").returncode == 1


def test_from_start_to_first_answer(note: Callable[[str], None]) -> None:
    times = []
    with tempfile.TemporaryDirectory(prefix="millrace-") as directory:
        for number in range(5):
            path = str(Path(directory) / f"{number}.sock")
            began = time.monotonic()
            worker = subprocess.Popen(
                [WORKER, "--listen", f"unix:{path}"],
                env=os.environ | {"API_MASTER_KEY": KEY, "REDIS_URL": ""},
                stderr=subprocess.DEVNULL,
            )
            try:
                while True:
                    try:
                        answer = fetch(path, CHAT, chat("hi", model="echo/echo"), KEY)
                        break
                    except OSError:
                        assert time.monotonic() - began < 10
                times.append((time.monotonic() - began) * 1000)
                assert answer.status == 200
            finally:
                worker.terminate()
                assert worker.wait(5) == 0
    note(f"from process start to first answer: {statistics.median(times):.0f} ms")
