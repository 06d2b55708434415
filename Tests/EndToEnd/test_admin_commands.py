"""The administration on the command line, against a real Redis and running workers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from support.cluster import KEY, WORKER, Cluster
from support.raw import chat, fetch

CREDENTIAL = "sk-test-credential-of-the-commands"
Start = Callable[..., Cluster]


def run(cluster: Cluster, *words: str, stdin: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "REDIS_URL": cluster.redis.url(cluster.database),
        "MILLRACE_SECRET": "a secret of the tests",
        "PATH": "/usr/bin:/bin",
    } | env
    done = subprocess.run([WORKER, *words], env=environment, capture_output=True, text=True, timeout=20, input=stdin)
    assert CREDENTIAL not in done.stdout + done.stderr, "no command prints a credential"
    return done


def told(cluster: Cluster, *words: str, stdin: str | None = None) -> str:
    done = run(cluster, *words, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_keys_with_limits(start_cluster: Start) -> None:
    cluster = start_cluster()
    made = json.loads(
        told(
            cluster, "keys", "add", "ci", "--owner", "ann", "--models", "echo/*", "--days", "3", "--rpm", "60",
            "--tpm", "1000", "--concurrent", "2", "--budget", "10.5usd/month", "--budget", "500tokens/day", "--json",
        )
    )  # fmt: skip
    assert made["owner"] == "ann" and made["limits"]["requests_per_minute"] == 60
    assert made["limits"]["budgets"][0] == {"amount": 10.5, "unit": "usd", "window": "month"}
    digest = made["digest"][:10]
    assert fetch(cluster.worker, "/v1/chat/completions", chat("hi", model="echo/echo"), made["key"]).status == 200
    told(cluster, "keys", "update", digest, "--rpm", "none", "--concurrent", "5", "--days", "never", "--no-budgets")
    shown = json.loads(told(cluster, "keys", "show", digest, "--json"))
    limits = {"requests_per_minute": None, "tokens_per_minute": 1000, "concurrent": 5, "budgets": []}
    assert shown["limits"] == limits and shown["expires"] is None and "key" not in shown
    listed = told(cluster, "keys", "list")
    assert listed.split()[0] == made["digest"] and "tpm=1000 concurrent=5" in listed and made["key"] not in listed
    assert "of 1000" in told(cluster, "keys", "show", digest)
    told(cluster, "keys", "disable", digest)
    assert json.loads(told(cluster, "keys", "list", "--json"))[0]["usable"] is False
    told(cluster, "keys", "remove", digest)
    gone = run(cluster, "keys", "show", digest)
    assert gone.returncode == 1 and "no such key" in gone.stderr


def test_accounts(start_cluster: Start) -> None:
    cluster = start_cluster()
    lines = f"{CREDENTIAL}----mine\n\nsk-test-another-credential-00\n"
    added = told(cluster, "accounts", "openai", "add", "-", "--tag", "eu,team", "--weight", "3", stdin=lines)
    ids = [line.split()[0] for line in added.splitlines()]
    assert len(ids) == 2
    again = run(cluster, "accounts", "openai", "add", stdin=lines)
    assert again.returncode == 1 and "already" in again.stdout
    listed = told(cluster, "accounts", "openai", "list")
    assert "mine" in listed and "stored" in listed and "sk-…" in listed
    shown = json.loads(told(cluster, "accounts", "openai", "show", ids[0]))
    assert shown["tags"] == ["eu", "team"] and shown["weight"] == 3
    told(cluster, "accounts", "openai", "update", ids[0], "--note", "yours", "--concurrency", "2")
    told(cluster, "accounts", "openai", "disable", ids[0])
    rows = json.loads(told(cluster, "accounts", "openai", "list", "--json"))
    row = next(row for row in rows if row["id"] == ids[0])
    assert (row["note"], row["concurrency"], row["state"]) == ("yours", 2, "disabled")
    told(cluster, "accounts", "openai", "enable", ids[0])
    assert run(cluster, "accounts", "openai", "clear", ids[0], "gpt-4o").returncode == 1, "it does not rest"
    told(cluster, "accounts", "openai", "remove", ids[0])
    assert run(cluster, "accounts", "openai", "remove", ids[0]).returncode == 1
    one = run(cluster, "accounts", "deepseek", "add", "sk-test-one-more-credential", MILLRACE_SECRET="")
    assert one.returncode == 1 and "secret" in one.stderr


def test_settings_reach_running_workers(start_cluster: Start) -> None:
    cluster = start_cluster()
    assert told(cluster, "settings", "get", "retry_times") == "3"
    told(cluster, "settings", "set", "retry_times", "0")
    assert told(cluster, "settings", "get", "retry_times") == "0"
    rows = {row["name"]: row for row in json.loads(told(cluster, "settings", "list", "--json"))}
    assert rows["retry_times"]["value"] == 0 and rows["retry_times"]["source"] == "cluster"
    assert rows["commit_after"]["value"] == 2
    for words in (["retry_times", "many"], ["colour", "red"], ["model_routes", '{"a": []}'], ["prices", "[]"]):
        assert run(cluster, "settings", "set", *words).returncode == 1
    told(cluster, "settings", "set", "prices", '{"prices": {"openai/gpt-4o": {"input": 1, "output": 2}}}')
    told(cluster, "settings", "unset", "retry_times")
    assert told(cluster, "settings", "get", "retry_times") == "3"
    assert run(cluster, "settings", "get", "colour").returncode == 1


def test_usage_is_told(start_cluster: Start) -> None:
    cluster = start_cluster()
    assert told(cluster, "usage").split()[:3] == ["model", "requests", "errors"]
    assert json.loads(told(cluster, "usage", "--by", "key", "--hours", "2", "--json")) == []


def test_what_is_wrongly_called_is_said(start_cluster: Start) -> None:
    cluster = start_cluster()
    for words in (
        ["keys"], ["keys", "make"], ["keys", "add"], ["keys", "add", "a", "--rpm"], ["keys", "add", "a", "--rpm", "x"],
        ["keys", "add", "a", "--budget", "10eur"], ["keys", "add", "a", "b"], ["keys", "add", "a", "--colour", "x"],
        ["keys", "list", "--rpm", "3"], ["keys", "update", "00", "--json"], ["keys", "add", "a", "--rpm", "1", "--rpm", "2"],
        ["accounts"], ["accounts", "nowhere", "list"], ["accounts", "openai"], ["accounts", "openai", "update", "x"],
        ["settings"], ["settings", "set", "retry_times"], ["usage", "--by", "colour"], ["usage", "more"],
    ):  # fmt: skip
        done = run(cluster, *words)
        assert done.returncode in (1, 64) and done.stderr.startswith("Worker: "), words
        assert done.returncode == 64 or words[:2] == ["keys", "update"], words
    assert run(cluster, "keys", "list", REDIS_URL="").returncode == 64
    assert run(cluster, "keys", "list", REDIS_URL="unix:///nowhere/redis.sock").returncode == 1
    assert "Worker accounts POOL add" in run(cluster, "--help").stdout
    assert fetch(cluster.worker, "/v1/models", key=KEY).status == 200
