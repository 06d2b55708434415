"""What is measured: how each target is started and asked. Every target listens on loopback and has the same mock
behind it; what it writes goes to its own directory under .build/benchmark."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time

import machine
from machine import ALL_CORES, BUILD, HELPERS_CORE, ROOT, TARGET_CORE

KEY = "bench-master-key"
WORKER = ROOT / ".build" / "release" / "Worker"
QUESTION = json.dumps({"model": "mock-model", "messages": [{"role": "user", "content": "What is a mill?"}]})

NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 9000; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream mock {{ server 127.0.0.1:{mock}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 1000000000;
        client_body_buffer_size 64k;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 300s;
        }}
    }}
}}
"""


class Target:
    """The mock itself, asked without anything between: the limit."""

    name, about = "direct", "the mock itself"
    key = ""
    cores = TARGET_CORE

    def __init__(self, mock):
        self.mock = mock
        self.port = mock.port
        self.processes = []
        self.directory = BUILD / self.name

    @property
    def measured(self):
        """The roots of the process trees whose time and memory count."""
        return [process.pid for process in self.processes]

    def start(self):
        """Starts it and returns the milliseconds to its first good answer."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        began = time.monotonic()
        self.launch()
        try:
            self.await_answer(began + 30)
        except BaseException:
            self.stop()
            raise
        return (time.monotonic() - began) * 1000

    def launch(self):
        pass

    def run(self, command, cores=None, env=None):
        log = self.directory / "log"
        self.processes.append(machine.spawn(command, cores or self.cores, log, env))

    def await_answer(self, limit):
        while not self.answers():
            if any(process.poll() is not None for process in self.processes) or time.monotonic() > limit:
                tail = machine.read(self.directory / "log")[-600:]
                raise RuntimeError(f"{self.name} does not answer; its last words:\n{tail}")
            time.sleep(0.0005)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
            connection.request("POST", "/v1/chat/completions", QUESTION, headers)
            answer = connection.getresponse()
            return answer.status == 200 and b'"choices"' in answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self):
        for process in reversed(self.processes):
            machine.end(process)
        self.processes = []


class Nginx(Target):
    """nginx as a reverse proxy in front of the mock: what a proxy in C that does nothing else costs."""

    name, about = "nginx", "nginx proxy_pass, one process on one core"

    def launch(self):
        self.port = machine.free_port()
        (self.directory / "nginx.conf").write_text(NGINX.format(mock=self.mock.port, port=self.port))
        self.run(["nginx", "-e", "stderr", "-p", f"{self.directory}/", "-c", "nginx.conf"])


class Redis:
    """A Redis of its own on a unix socket, nothing kept on disk."""

    def __init__(self):
        self.directory = BUILD / "redis"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        path = self.directory / "sock"
        options = f"--port 0 --unixsocket {path} --appendonly no --daemonize no --dir {self.directory}"
        words = ["redis-server", *options.split(), "--save", ""]
        self.process = machine.spawn(words, HELPERS_CORE, self.directory / "log")
        self.url = f"unix://{path}"
        machine.wait_until(path.exists, 10, "redis-server")


class Worker(Target):
    """One worker alone on one core, its requests in the ledger, the log and the metrics."""

    name, about = "worker", "one Millrace worker on one core, the master key"
    key = KEY

    def __init__(self, mock, redis):
        super().__init__(mock)
        self.redis = redis

    def environment(self):
        """Only what is set here: a benchmark does not depend on the caller's settings."""
        return {
            "PATH": os.environ["PATH"],
            "API_MASTER_KEY": KEY,
            "REDIS_URL": self.redis.url,
            "OPENAI_API_KEY": "bench",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.mock.port}/v1",
            "MODEL_ROUTES": '{"mock-model": ["openai/mock-model"]}',
            "LOG_LEVEL": "warning",
            "DATA_DIR": str(self.directory),
        }

    def launch(self):
        self.port = machine.free_port()
        self.run([WORKER, "--listen", f"127.0.0.1:{self.port}"], env=self.environment())


class Bare(Worker):
    """The same without Redis: nothing is limited, nothing written down."""

    name, about = "bare", "the same without Redis"

    def environment(self):
        return {name: value for name, value in super().environment().items() if name != "REDIS_URL"}


class Claude(Bare):
    """The same over an upstream that speaks Anthropic's dialect."""

    name, about = "claude", "the same, over an upstream that speaks Anthropic's dialect"

    def environment(self):
        return super().environment() | {
            "ANTHROPIC_API_KEY": "bench",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.mock.port}",
            "MODEL_ROUTES": '{"mock-model": ["claude/claude-mock"]}',
        }


class Gemini(Bare):
    """The same over an upstream that speaks Gemini's dialect."""

    name, about = "gemini", "the same, over an upstream that speaks Gemini's dialect"

    def environment(self):
        return super().environment() | {
            "GOOGLE_API_KEY": "bench",
            "GEMINI_BASE_URL": f"http://127.0.0.1:{self.mock.port}",
            "MODEL_ROUTES": '{"mock-model": ["gemini/gemini-mock"]}',
        }


class Governed(Worker):
    """The same for a key that has every kind of limit, none of which is reached."""

    name, about = "governed", "the same, for a key with rates, places and two budgets"
    limits = "--rpm 1000000000 --tpm 1000000000000 --concurrent 100000 --budget 1000000usd/month --budget 1000000000000tokens"

    def launch(self):
        words = [WORKER, "keys", "add", "bench", *self.limits.split()]
        self.key = subprocess.run(
            words, check=True, capture_output=True, text=True, env={"REDIS_URL": self.redis.url}
        ).stdout.strip()
        super().launch()


class Cluster(Worker):
    """nginx with the project's own configuration and as many workers as there are cores, on all cores: they share
    them with the mock and the load, so its latencies are those of a full machine."""

    name, about = "cluster", "Millrace: nginx and a worker per core, on all cores"
    cores = ALL_CORES

    def launch(self):
        sockets = [self.directory / f"worker-{number}.sock" for number in range(len(ALL_CORES))]
        for path in sockets:
            self.run([WORKER, "--listen", f"unix:{path}"], env=self.environment())
        self.port = machine.free_port()
        command = [ROOT / "scripts" / "edge-config", self.directory / "edge", f"127.0.0.1:{self.port}"]
        command += [f"unix:{path}" for path in sockets]
        words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1].split()
        self.run(words)
