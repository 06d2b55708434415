"""The real thing on loopback: a private Redis, N workers and nginx with the project's own configuration."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from .processes import Process, free_port
from .raw import Address, fetch
from .waiting import wait_until

ROOT = Path(os.environ.get("MILLRACE_ROOT", Path(__file__).resolve().parents[3]))
WORKER = os.environ.get("MILLRACE_WORKER", str(ROOT / ".build" / "release" / "Worker"))
KEY = "test-master-key"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RedisServer:
    """A Redis of our own, empty, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", str(directory), "--unixsocket", str(directory / "redis.sock")]
        self.process = Process("redis", command, directory / "redis.log")
        self.process.until(lambda: self.command("PING") == b"+PONG\r\n", 10, "Redis")

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def command(self, *words: str) -> bytes:
        """One command with a short answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                connection.sendall((" ".join(words) + "\r\n").encode())
                return connection.recv(65536)
        except OSError:
            return b""

    def dump(self, database: int) -> bytes:
        """Everything one database holds, as it lies there."""
        command = ["redis-cli", "-p", str(self.port), "-n", str(database)]
        names = subprocess.run([*command, "--scan"], capture_output=True, timeout=20).stdout.split()
        return b"\n".join(
            name + b" " + subprocess.run([*command, "DUMP", name], capture_output=True, timeout=20).stdout
            for name in names
        )

    def flush(self, database: int) -> None:
        """Empties one database."""
        with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
            connection.sendall(f"SELECT {database}\r\nFLUSHDB\r\n".encode())
            answer = b""
            while answer.count(b"+OK\r\n") < 2:
                answer += connection.recv(4096)

    def stop(self) -> None:
        self.process.send(signal.SIGCONT)
        self.process.stop()


class Worker:
    """One worker process, restarted under the same address when a test asks for it."""

    def __init__(self, cluster: Cluster, index: int) -> None:
        self.cluster = cluster
        self.index = index
        self.socket = str(cluster.directory / f"w{index}.sock")
        self.process: Process | None = None

    @property
    def address(self) -> Address:
        return self.socket

    def launch(self) -> None:
        Path(self.socket).unlink(missing_ok=True)
        log = self.cluster.directory / f"worker-{self.index}.log"
        command = [WORKER, "--listen", f"unix:{self.socket}"]
        self.process = Process(f"worker {self.index}", command, log, self.cluster.environment)

    def wait_ready(self, seconds: float = 10.0) -> None:
        assert self.process is not None
        self.process.until(self.is_ready, seconds, f"worker {self.index}")

    def is_ready(self) -> bool:
        try:
            return fetch(self.address, "/ready").status == 200
        except OSError:
            return False


class Cluster:
    """Redis database, workers and edge under one directory; everything it starts it stops."""

    def __init__(
        self,
        redis: RedisServer,
        workers: int = 2,
        env: dict[str, str] | None = None,
        edge: bool = True,
        database: int = 0,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="millrace-"))
        self.database = database
        self.redis = redis
        self.environment = {
            "PATH": PATH,
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "API_MASTER_KEY": KEY,
            "REDIS_URL": redis.url(database),
            "DATA_DIR": str(self.directory),
            "LOG_LEVEL": "info",
        } | (env or {})
        if sanitizer := os.environ.get("ASAN_OPTIONS"):
            self.environment["ASAN_OPTIONS"] = sanitizer
        self.key = self.environment["API_MASTER_KEY"]
        self.workers = [Worker(self, index) for index in range(workers)]
        self.has_edge = edge
        self.port = free_port() if edge else 0
        self.nginx: Process | None = None

    # Addresses

    @property
    def edge(self) -> Address:
        assert self.has_edge, "this cluster was started without an edge"
        return ("127.0.0.1", self.port)

    @property
    def worker(self) -> Address:
        """The first worker, without the edge."""
        return self.workers[0].address

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    # Life

    def start(self) -> Cluster:
        if not Path(WORKER).exists():
            raise AssertionError(f"{WORKER} is missing: build it with `swift build -c release --product Worker`")
        try:
            for worker in self.workers:
                worker.launch()
            for worker in self.workers:
                worker.wait_ready()
            if self.has_edge:
                self._start_edge()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_edge(self) -> None:
        prefix = self.directory / "edge"
        servers = [f"unix:{worker.socket}" for worker in self.workers]
        generated = subprocess.run(
            [str(ROOT / "scripts" / "edge-config"), str(prefix), f"127.0.0.1:{self.port}", *servers],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert generated.returncode == 0, f"edge-config failed:\n{generated.stdout}{generated.stderr}"
        command = generated.stdout.strip().splitlines()[-1].split()
        self.nginx = Process("nginx", command, self.directory / "nginx.log", self.environment)

        def answers() -> bool:
            try:
                return fetch(self.edge, "/health").status == 200
            except OSError:
                return False

        self.nginx.until(answers, 10, "nginx")

    def stop(self) -> None:
        """Stops everything at once; nothing here waits for streams to finish."""
        if self.nginx is not None:
            self.nginx.stop(signal.SIGTERM)
        for worker in self.workers:
            if worker.process is not None:
                worker.process.stop(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    # Faults

    def kill_worker(self, index: int) -> None:
        process = self._process(index)
        process.send(signal.SIGKILL)
        process.wait(5)

    def term_worker(self, index: int) -> Process:
        """Asks a worker to drain; the caller waits for its end."""
        process = self._process(index)
        process.send(signal.SIGTERM)
        return process

    def restart_worker(self, index: int) -> None:
        worker = self.workers[index]
        worker.launch()
        worker.wait_ready()

    def _process(self, index: int) -> Process:
        process = self.workers[index].process
        assert process is not None
        return process

    # Observation

    def memory(self, index: int) -> int:
        return self._process(index).memory()

    def log_lines(self) -> list[dict[str, Any]]:
        """The JSON lines of all workers."""
        text = "".join(worker.process.output() for worker in self.workers if worker.process)
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    def wait_log(self, request_id: str, seconds: float = 5.0) -> list[dict[str, Any]]:
        """The log lines of one request, as soon as there are any."""
        return wait_until(
            lambda: [line for line in self.log_lines() if request_id in line.values()],
            seconds,
            what=f"a log line of {request_id}",
        )

    def report(self) -> str:
        """What every process wrote last, for a failed test."""
        processes = [worker.process for worker in self.workers] + [self.nginx]
        return "\n".join(f"--- {p.name} (pid {p.pid})\n{p.tail(40)}" for p in processes if p is not None)
