"""API keys of the ring, the counters, and what happens to requests when Redis freezes, dies and comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cluster import KEY, WORKER, Cluster, RedisServer
from support.raw import chat, fetch
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
ECHO = chat("hello", model="echo/echo")
Start = Callable[..., Cluster]


def keys(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"REDIS_URL": url, "PATH": "/usr/bin:/bin"}
    return subprocess.run([WORKER, "keys", *words], env=environment, capture_output=True, text=True, timeout=20)


def made(url: str, *words: str) -> str:
    done = keys(url, "add", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that a test may freeze and stop."""
    with tempfile.TemporaryDirectory(prefix="millrace-") as directory:
        redis = RedisServer(Path(directory))
        yield redis
        redis.stop()


def status(cluster: Cluster, key: str, index: int = 0, body: Any = ECHO) -> int:
    return fetch(cluster.workers[index].address, CHAT, body, key).status


def test_a_key_is_made_used_limited_and_revoked_on_every_worker(start_cluster: Start) -> None:
    cluster = start_cluster(workers=2)
    url = cluster.redis.url(cluster.database)
    key = made(url, "alice", "--owner", "team-a", "--models", "echo/echo")
    assert key.startswith("sk-") and len(key) >= 40
    assert [status(cluster, key, index) for index in (0, 1)] == [200, 200]
    other = fetch(cluster.worker, CHAT, chat("hi", model="openai/gpt-4o"), key)
    assert other.status == 403 and b'"param":"model"' in other.body
    listing = keys(url, "list", "--json").stdout
    assert "alice" in listing and key not in listing
    digest = json.loads(listing)[0]["digest"]
    began = time.monotonic()
    assert keys(url, "disable", digest).returncode == 0
    for index in (0, 1):
        wait_until(lambda index=index: status(cluster, key, index) == 401, 2, what="the revocation")
    assert time.monotonic() - began < 2
    assert keys(url, "enable", digest).returncode == 0
    wait_until(lambda: status(cluster, key) == 200, 2, what="the key's return")
    assert keys(url, "remove", digest).returncode == 0
    wait_until(lambda: status(cluster, key) == 401, 2, what="the key's end")
    assert keys(url, "remove", digest).returncode == 1
    assert key not in "".join(map(str, cluster.log_lines()))


def test_unknown_keys_are_refused(start_cluster: Start) -> None:
    cluster = start_cluster()
    assert status(cluster, "sk-nobody") == 401
    assert fetch(cluster.worker, CHAT, ECHO).status == 401


def test_redis_frozen(start_cluster: Start, own_redis: RedisServer) -> None:
    cluster = start_cluster(REDIS_URL=own_redis.url())
    key = made(own_redis.url(), "bob")
    assert status(cluster, key) == 200
    own_redis.process.send(signal.SIGSTOP)
    began = time.monotonic()
    # The master key and keys seen before need nobody; others cannot be judged and are told to come back.
    assert status(cluster, KEY) == 200
    assert status(cluster, key) == 200
    assert time.monotonic() - began < 1
    for _ in range(10):
        began = time.monotonic()
        unknown = fetch(cluster.worker, CHAT, ECHO, "sk-somebody")
        assert unknown.status == 503 and b'"state_unavailable"' in unknown.body
        assert time.monotonic() - began < 1, "no request waits longer than the state's deadline"
    wait_until(lambda: fetch(cluster.worker, "/ready").status == 503, 5, what="the worker to say that it is not ready")
    own_redis.process.send(signal.SIGCONT)
    wait_until(lambda: fetch(cluster.worker, "/ready").status == 200, 5, what="Redis to be back")
    assert status(cluster, "sk-somebody") == 401


def test_redis_gone_and_back(start_cluster: Start, own_redis: RedisServer) -> None:
    cluster = start_cluster(REDIS_URL=own_redis.url())
    own_redis.process.send(signal.SIGKILL)
    own_redis.process.wait(5)
    for _ in range(20):
        assert status(cluster, KEY) == 200
    assert status(cluster, "sk-somebody") == 503
    wait_until(lambda: fetch(cluster.worker, "/ready").status == 503, 5, what="the worker to notice")


def test_a_worker_starts_without_redis(start_cluster: Start) -> None:
    cluster = start_cluster(REDIS_URL="")
    assert status(cluster, KEY) == 200
    assert status(cluster, "sk-somebody") == 401
