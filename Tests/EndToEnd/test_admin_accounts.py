"""Accounts through the administration: taken as people have them, tested at their upstreams, removed."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import KEY, WORKER, Cluster
from support.commands import ADMIN, SECRET
from support.raw import chat, fetch
from support.simulator import Simulator
from support.waiting import wait_until

ACCOUNTS = "pools/flowgpt/accounts"
Start = Callable[..., Cluster]


def admin(
    cluster: Cluster, method: str, path: str, body: Any = None, worker: int = 0, kind: str = ""
) -> tuple[int, Any]:
    """Status and JSON of a request below /admin/api."""
    secret = base64.b64encode(f"admin:{ADMIN}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"}
    if kind:
        headers |= {"Content-Type": kind}
    if body is None and method == "POST":
        headers |= {"Content-Length": "0"}
    answer = fetch(cluster.workers[worker].address, f"/admin/api/{path}", body, method=method, headers=headers)
    return answer.status, json.loads(bytes(answer.body))


def command(cluster: Cluster, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """The worker's own command line in the environment of the workers."""
    return subprocess.run(
        [WORKER, *words], env=cluster.environment, input=stdin, capture_output=True, text=True, timeout=20
    )


def ask(cluster: Cluster, worker: int) -> int:
    """How a request through one worker goes."""
    return fetch(cluster.workers[worker].address, "/v1/chat/completions", chat("hi", "flowgpt/default"), KEY).status


def rows_of(cluster: Cluster, worker: int = 0) -> dict[str, Any]:
    """The accounts by their notes."""
    status, told = admin(cluster, "GET", ACCOUNTS, worker=worker)
    assert status == 200
    return {row["note"]: row for row in told["data"]}


@pytest.fixture
def governed(start_cluster: Start, flowgpt_sim: Simulator) -> Cluster:
    return start_cluster(
        workers=2,
        FLOWGPT_BASE_URL=flowgpt_sim.url,
        FLOWGPT_SITE_URL=flowgpt_sim.url,
        FLOWGPT_DISCOVERY="false",
        FLOWGPT_SIGNATURE_MODE="auto",
        MILLRACE_SECRET=SECRET,
        ADMIN_PASSWORD=ADMIN,
        COOLDOWNS="true",
        REDIS_TIMEOUT_MS=5000,
    )


def paste(cluster: Cluster, text: str) -> Any:
    status, told = admin(cluster, "POST", ACCOUNTS, text.encode(), kind="text/plain")
    assert status == 200, told
    return told


def test_what_people_paste_is_taken_once(governed: Cluster) -> None:
    told = paste(
        governed,
        'tok-1----first\nBearer tok-1\n\n["tok-2----second", {"token": "tok-3", "name": "third", "tags": ["eu"]}, 7]\n'
        '{"paid": ["tok-4"]}\ntok-5,tok-6\n',
    )
    counts = {name: told[name] for name in ("added", "duplicates", "empty", "invalid")}
    assert counts == {"added": 6, "duplicates": 1, "empty": 1, "invalid": 1}
    assert [row["status"] for row in told["data"]].count("refused") == 2
    rows = rows_of(governed, worker=1)
    assert {"first", "second", "third"} <= set(rows) and rows["third"]["tags"] == ["eu"]
    assert "tok-" not in json.dumps(list(rows.values())), "credentials are masked"
    wait_until(lambda: ask(governed, worker=1) == 200, 5)


def test_accounts_are_tested_one_by_one(governed: Cluster, flowgpt_sim: Simulator) -> None:
    flowgpt_sim.control(settings={"signature": "device-concat", "nonce_once": True})
    paste(governed, "tok-1----good\ntok-401----bad\ntok-500----broken\n")
    rows = rows_of(governed)
    status, good = admin(governed, "POST", f"{ACCOUNTS}/{rows['good']['id']}/test")
    assert status == 200 and good["test"]["works"] is True
    status, bad = admin(governed, "POST", f"{ACCOUNTS}/{rows['bad']['id']}/test", worker=1)
    assert status == 200 and bad["test"]["works"] is False and "credentials" in bad["test"]["note"]
    status, broken = admin(governed, "POST", f"{ACCOUNTS}/{rows['broken']['id']}/test")
    assert status == 502 and broken["error"]["code"] == "upstream_error"
    rows = rows_of(governed, worker=1)
    assert rows["good"]["test"]["works"] is True and rows["good"]["test"]["at"] > 1_700_000_000
    assert rows["bad"]["test"]["works"] is False and rows["broken"]["test"] is None
    assert {row["state"] for row in rows.values()} == {"ready"}, "a test has no consequences"
    # What the test found out is used by whoever serves.
    before = flowgpt_sim.stats()["signatures"].get("auth-dash", 0)
    for name in ("bad", "broken"):
        assert admin(governed, "PATCH", f"{ACCOUNTS}/{rows[name]['id']}", {"enabled": False})[0] == 200
    wait_until(lambda: ask(governed, worker=1) == 200, 5)
    assert flowgpt_sim.stats()["signatures"].get("auth-dash", 0) == before


def test_a_whole_pool_is_tested_in_the_background(governed: Cluster) -> None:
    good = "".join(f"tok-{number}----good {number}\n" for number in range(5))
    paste(governed, good + "tok-401----bad\ntok-500----broken\n")
    assert admin(governed, "GET", "pools/flowgpt/test-all")[0] == 404
    status, begun = admin(governed, "POST", "pools/flowgpt/test-all")
    assert status == 202 and begun["running"] is True

    def ended() -> Any:
        told = admin(governed, "GET", "pools/flowgpt/test-all", worker=1)[1]
        return told if not told["running"] else None

    told = wait_until(ended, 15, what="the end of the test")
    assert {name: told[name] for name in ("total", "done", "working", "refused", "failed")} == {
        "total": 7, "done": 7, "working": 5, "refused": 1, "failed": 1,
    }  # fmt: skip
    assert told["ended"] >= told["began"]
    rows = rows_of(governed, worker=1)
    assert rows["broken"]["test"]["works"] is None and rows["broken"]["test"]["note"]


def test_the_command_line_does_the_same(governed: Cluster) -> None:
    added = command(governed, "accounts", "flowgpt", "add", stdin='["tok-1----good", "Bearer tok-1", "tok-401----bad"]')
    assert added.returncode == 1 and "2 added, 1 there already, 0 invalid, 0 empty" in added.stderr
    rows = rows_of(governed)
    good = command(governed, "accounts", "flowgpt", "test", rows["good"]["id"])
    assert (good.returncode, good.stdout.split()) == (0, [rows["good"]["id"], "works"])
    everyone = command(governed, "accounts", "flowgpt", "test")
    assert everyone.returncode == 1 and "1 of 2 accounts do not work" in everyone.stderr
    assert "refused" in everyone.stdout
    listed = command(governed, "accounts", "flowgpt", "list").stdout
    assert "works" in listed and "refused" in listed
    shown = json.loads(command(governed, "accounts", "flowgpt", "list", "--json").stdout)
    assert sorted(row["test"]["works"] for row in shown) == [False, True]
    assert command(governed, "accounts", "flowgpt", "test", "nobody").returncode == 1


def test_several_are_removed_and_rests_are_ended(governed: Cluster) -> None:
    paste(governed, "tok-429-bare----limited\ntok-1----one\ntok-2----two\n")
    rows = rows_of(governed)
    ids = [rows["one"]["id"], rows["two"]["id"], "nobody"]
    status, removed = admin(governed, "DELETE", ACCOUNTS, {"ids": ids})
    assert status == 200 and [row["deleted"] for row in removed["data"]] == [True, True, False]
    limited = rows["limited"]["id"]
    wait_until(lambda: ask(governed, worker=1) == 429, 5)

    def resting() -> Any:
        row = rows_of(governed)["limited"]
        return row if row["state"] == "cooling" else None

    [cooldown] = wait_until(resting, 5, what="the rest")["cooldowns"]
    assert cooldown["reason"] == "rate_limited" and cooldown["scope"] == "account" and cooldown["request_id"]
    assert [row["account"] for row in admin(governed, "GET", "cooldowns")[1]["data"]] == [limited]
    assert admin(governed, "POST", f"{ACCOUNTS}/{limited}/clear-cooldown", worker=1)[0] == 200
    assert rows_of(governed)["limited"]["state"] == "ready"


def test_keys_of_an_api_are_tested_by_their_models(start_cluster: Start, sim: Simulator) -> None:
    cluster = start_cluster(workers=1, ADMIN_PASSWORD=ADMIN, MILLRACE_SECRET=SECRET, OPENAI_API_KEY="sim-a,sim-b")
    sim.control(keys={"sim-b": {"fault": "status", "status": 401}})
    rows = wait_until(lambda: admin(cluster, "GET", "pools/openai/accounts")[1]["data"], 5, what="the accounts")
    verdicts = [admin(cluster, "POST", f"pools/openai/accounts/{row['id']}/test") for row in rows]
    assert [status for status, _ in verdicts] == [200, 200]
    assert sorted(told["test"]["works"] for _, told in verdicts) == [False, True]
    # The command line knows the environment's keys from its own environment.
    done = command(cluster, "accounts", "openai", "test", "--json")
    assert done.returncode == 1
    tested = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(row["test"]["works"] for row in tested) == [False, True]
    assert admin(cluster, "POST", "pools/openai/accounts/nobody/test")[0] == 404
