"""The administration over HTTP: log-ins, sessions on every worker, lock-out, keys, accounts, settings, and the edge."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import KEY, PATH, ROOT, Cluster
from support.raw import Address, Decoder, RawClient, chat, fetch
from support.waiting import wait_until

PASSWORD = "a password of the tests"
ECHO = chat("hello", model="echo/echo")
Start = Callable[..., Cluster]


def basic(password: str = PASSWORD, user: str = "admin") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def ask(
    address: Address, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, Decoder]:
    """Status, JSON and the whole answer of a request below /admin/api."""
    given = {"Content-Length": "0"} if body is None and method in ("POST", "PUT", "PATCH") else {}
    answer = fetch(address, f"/admin/api/{path}", body, method=method, headers=given | (headers or {}))
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-type") == "application/json"
    return answer.status, json.loads(bytes(answer.body)), answer


def admin(address: Address, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    status, value, _ = ask(address, method, path, body, basic())
    return status, value


def log_in(address: Address, password: str = PASSWORD, client: str = "192.0.2.1") -> tuple[int, Any, Decoder]:
    return ask(address, "POST", "session", {"username": "admin", "password": password}, {"X-Real-IP": client})


@pytest.fixture
def governed(start_cluster: Start) -> Cluster:
    """Two workers with an administrator, without an edge."""
    return start_cluster(workers=2, ADMIN_PASSWORD=PASSWORD, MILLRACE_SECRET="a secret of the tests")


def test_a_session_begun_on_one_worker_serves_on_another(governed: Cluster) -> None:
    here, there = (worker.address for worker in governed.workers)
    status, session, answer = log_in(here)
    assert status == 200
    cookie = {"Cookie": (answer.header("set-cookie") or "").split(";")[0]}
    assert ask(there, "GET", "keys", headers=cookie)[0] == 200
    assert ask(there, "POST", "keys", {"name": "a"}, cookie)[0] == 403, "no CSRF token"
    meant = cookie | {"X-CSRF-Token": session["csrf_token"]}
    status, key, _ = ask(there, "POST", "keys", {"name": "a"}, meant)
    assert status == 201 and key["key"].startswith("sk-")
    governed.kill_worker(0)
    assert ask(there, "GET", "session", headers=cookie)[1]["csrf_token"] == session["csrf_token"]
    assert ask(there, "DELETE", "session", headers=meant)[0] == 200
    governed.restart_worker(0)
    assert ask(here, "GET", "session", headers=cookie)[0] == 401
    logs = "".join(map(str, governed.log_lines()))
    assert PASSWORD not in logs and key["key"] not in logs and cookie["Cookie"].split("=")[1] not in logs


def test_failures_lock_the_address_out_on_every_worker(governed: Cluster) -> None:
    workers = [worker.address for worker in governed.workers]
    assert [log_in(workers[n % 2], "wrong", "192.0.2.9")[0] for n in range(5)] == [401] * 5
    for worker in workers:
        status, error, answer = log_in(worker, PASSWORD, "192.0.2.9")
        assert status == 429 and error["error"]["code"] == "rate_limit_exceeded"
        assert 1 <= int(answer.header("retry-after") or 0) <= 30
        assert ask(worker, "GET", "keys", headers=basic() | {"X-Real-IP": "192.0.2.9"})[0] == 429
    assert log_in(workers[0], PASSWORD, "192.0.2.10")[0] == 200
    failed = [line for line in governed.log_lines() if line["message"] == "admin log-in failed"]
    assert len(failed) == 9 and {line["client"] for line in failed} == {"192.0.2.9"}


def test_keys_and_passwords_do_not_open_each_others_doors(governed: Cluster) -> None:
    worker = governed.worker
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, basic(KEY), {"Authorization": "Bearer x"}):
        status, error, _ = ask(worker, "GET", "keys", headers=headers)
        assert status == 401 and error["error"]["code"] == "invalid_credentials"
    for headers in (basic(), {"Authorization": f"Bearer {PASSWORD}"}, {"X-API-Key": PASSWORD}):
        assert fetch(worker, "/v1/models", headers=headers).status == 401
    made = admin(worker, "POST", "keys", {"name": "a"})[1]["key"]
    assert ask(worker, "GET", "keys", headers={"Authorization": f"Bearer {made}"})[0] == 401


def test_a_key_changed_by_the_administration_changes_at_once_everywhere(governed: Cluster) -> None:
    here, there = (worker.address for worker in governed.workers)

    def status(address: Address) -> int:
        return fetch(address, "/v1/chat/completions", ECHO, key).status

    _, made = admin(here, "POST", "keys", {"name": "ci", "models": ["echo/*"]})
    key, path = made["key"], f"keys/{made['digest'][:12]}"
    assert [status(here), status(there)] == [200, 200]
    assert admin(there, "PATCH", path, {"enabled": False})[1]["usable"] is False
    assert status(there) == 401
    wait_until(lambda: status(here) == 401, 2, what="the revocation")
    assert admin(here, "PATCH", path, {"enabled": True, "models": ["openai/*"]})[0] == 200
    wait_until(lambda: status(there) == 403, 2, what="the other models")
    assert admin(here, "DELETE", path)[0] == 200
    wait_until(lambda: status(there) == 401, 2, what="the end of the key")


def test_accounts_are_shared_and_never_shown(governed: Cluster) -> None:
    here, there = (worker.address for worker in governed.workers)
    text = b"sk-test-credential-number-one----first\nsk-test-credential-number-two\n"
    head = ["POST /admin/api/pools/openai/accounts HTTP/1.1", "Host: a", "Content-Type: text/plain"]
    head += [f"Content-Length: {len(text)}", f"Authorization: {basic()['Authorization']}"]
    with RawClient(here, "\r\n".join(head).encode() + b"\r\n\r\n" + text) as client:
        pasted = json.loads(bytes(client.read_all().body))
    assert [row["status"] for row in pasted["data"]] == ["added", "added"]
    _, pool = admin(there, "GET", "pools")
    openai = next(row for row in pool["data"] if row["name"] == "openai")
    assert openai["stored"] == 2 and openai["environment"] == 2 and openai["ready"] == 4
    shown = json.dumps([admin(there, "GET", "pools/openai/accounts"), admin(there, "GET", "cooldowns"), pasted])
    assert "sk-test-credential" not in shown and "sim-key" not in shown
    account = pasted["data"][0]["id"]
    assert admin(there, "PATCH", f"pools/openai/accounts/{account}", {"enabled": False})[1]["state"] == "disabled"
    assert admin(here, "DELETE", f"pools/openai/accounts/{account}")[0] == 200
    assert admin(there, "GET", f"pools/openai/accounts/{account}")[0] == 404


def test_settings_workers_prices_usage_and_log_can_be_read(governed: Cluster) -> None:
    here, there = (worker.address for worker in governed.workers)
    assert admin(here, "PUT", "settings/retry_times", {"value": 1})[1]["source"] == "cluster"
    wait_until(lambda: admin(there, "GET", "settings/retry_times")[1]["value"] == 1, 2, what="the setting")
    assert admin(here, "PUT", "settings/model_routes", {"value": {"a": []}})[0] == 400
    wait_until(lambda: len(admin(here, "GET", "workers")[1]["data"]) == 2, 5, what="both workers")
    assert admin(here, "GET", "prices")[1]["prices"]["openai/gpt-4o"]["input"] > 0
    for path in ("usage", "usage?by=hour", "logs"):
        assert admin(here, "GET", path)[0] == 200


def test_the_edge_passes_the_administration_and_vouches_for_addresses(start_cluster: Start) -> None:
    cluster = start_cluster(workers=2, edge=True, ADMIN_PASSWORD=PASSWORD)
    # What a client claims about its address does not count: all these are one.
    for number in range(5):
        assert log_in(cluster.edge, "wrong", f"192.0.2.{number}")[0] == 401
    assert log_in(cluster.edge, PASSWORD, "192.0.2.77")[0] == 429
    assert ask(cluster.edge, "GET", "keys", headers=basic())[0] == 429


def test_without_a_password_there_is_no_administration(start_cluster: Start) -> None:
    cluster = start_cluster()
    status, error, _ = ask(cluster.worker, "GET", "keys", headers=basic())
    assert status == 404 and "ADMIN_PASSWORD" in error["error"]["message"]
    assert fetch(cluster.worker, "/admin", key=KEY).status == 404


def test_log_ins_do_not_hold_requests_up(governed: Cluster) -> None:
    """Derivations wait on a helper thread: on the loop, one request at most could pass between two of them. Each takes
    16 MiB, which are given back."""
    worker = governed.worker
    before = governed.memory(0)
    statuses: list[int] = []

    def guess(number: int) -> None:
        statuses.append(log_in(worker, "wrong", f"192.0.2.{number}")[0])

    threads = [threading.Thread(target=guess, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    served = 0
    while any(thread.is_alive() for thread in threads):
        assert fetch(worker, "/v1/chat/completions", ECHO, KEY).status == 200
        served += 1
    assert statuses == [401] * 12
    assert served > 40, "many requests for each derivation"
    wait_until(lambda: governed.memory(0) - before < 12 << 20, 10, what="the memory of the log-ins to be given back")


def test_the_examples_of_the_documentation_work(start_cluster: Start) -> None:
    cluster = start_cluster(workers=2, edge=True, ADMIN_PASSWORD=PASSWORD, MILLRACE_SECRET="a secret of the tests")
    page = (ROOT / "docs" / "admin-api.md").read_text()
    examples = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 5
    environment = {"PATH": PATH, "URL": f"http://127.0.0.1:{cluster.port}", "ADMIN_PASSWORD": PASSWORD}
    for example in examples:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example], env=environment, capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, f"{example}\n{done.stdout}{done.stderr}"
        assert '"object":' in done.stdout or '"name":"retry_times"' in done.stdout
