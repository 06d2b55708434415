"""The worker's own command line, as an operator uses it beside a running cluster."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

from .cluster import WORKER, Cluster
from .raw import fetch

SECRET = "test-secret-of-the-cluster"
ADMIN = "test-password-of-the-cluster"


def run_worker(cluster: Cluster, *words: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "MILLRACE_SECRET": SECRET} | {
        name: value for name, value in cluster.environment.items() if name.endswith(("_KEY", "_SECRET", "REDIS_URL"))
    }
    command = [WORKER, *map(str, words)]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, timeout=20)


def worker_json(cluster: Cluster, *words: object, stdin: str | None = None) -> Any:
    """Runs a command that must succeed and reads what it says to machines."""
    done = run_worker(cluster, *words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def made_key(cluster: Cluster, name: str, *options: object) -> str:
    done = run_worker(cluster, "keys", "add", name, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def admin_json(cluster: Cluster, path: str, worker: int = 0) -> Any:
    """What the administration answers; the cluster's password is ADMIN."""
    secret = base64.b64encode(f"admin:{ADMIN}".encode()).decode()
    answer = fetch(cluster.workers[worker].address, f"/admin/api/{path}", headers={"Authorization": f"Basic {secret}"})
    assert answer.status == 200, bytes(answer.body)
    return json.loads(answer.body)
