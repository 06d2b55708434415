"""docs/redis-keys.md against the keys that a busy cluster leaves behind."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

from support.chatgpt_page import Page
from support.cluster import KEY, ROOT, Cluster
from support.commands import ADMIN, SECRET, admin_json, made_key, run_worker, worker_json
from support.raw import chat, fetch, told
from support.simulator import Simulator
from support.waiting import wait_until
from upstreams.chatgpt_tokens import mint

CHAT = "/v1/chat/completions"
PAGE = ROOT / "docs" / "redis-keys.md"
Start = Callable[..., Cluster]


def documented() -> list[tuple[re.Pattern[str], bool]]:
    """A pattern for each documented key, and whether it is said to have a TTL."""
    rows: list[tuple[re.Pattern[str], bool]] = []
    section = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 5 or not cells[0].startswith("`"):
            continue
        for name in re.findall(r"`([^`]+)`", cells[0]):
            full = f"millrace:{{pool:<provider>}}:{name}" if section == "## Accounts" else name
            choices = re.escape(full.replace("\\|", "|"))
            choices = choices.replace(r"\{limit:X\}", r"\{limit:[0-9a-f]{16}\}")
            choices = re.sub(r"<key\\\|model\\\|provider\\\|account>", "(key|model|provider|account)", choices)
            rows.append((re.compile(re.sub(r"<[^>]*>|…", ".+", choices)), "none" not in cells[2]))
    assert len(rows) > 35, "the tables were not understood"
    return rows


def test_every_key_is_documented_with_its_ttl(
    start_cluster: Start, sim: Simulator, chatgpt_sim: Simulator
) -> None:
    site = {"ENABLE_GATEWAY": "true", "CHATGPT_TOKENS": mint("at-ok-1"), "CHATGPT_BASE_URL": chatgpt_sim.url}
    cluster = start_cluster(workers=2, ADMIN_PASSWORD=ADMIN, MILLRACE_SECRET=SECRET, COOLDOWNS="true", **site)
    key = made_key(cluster, "limited", "--rpm", 10, "--tpm", 100_000, "--concurrent", 4, "--budget", "5usd/day")
    added = run_worker(cluster, "accounts", "openai", "add", "-", "--concurrency", 3, stdin="sim-stored\n")
    assert added.returncode == 0, added.stderr
    worker_json(cluster, "settings", "set", "retry_times", 2)
    admin_json(cluster, "keys")
    fetch(cluster.worker, "/admin/api/session", {"username": "admin", "password": ADMIN})
    fetch(cluster.worker, "/admin/api/session", {"username": "admin", "password": "wrong"})
    for place in range(8):
        fetch(cluster.workers[place % 2].address, CHAT, chat(f"hi {place}"), key)
    for status in (401, 402, 403, 429, 500):
        fetch(cluster.worker, CHAT, chat(told({"fault": "status", "status": status})), KEY)
    visitor = Page(cluster.worker, token=KEY)
    assert visitor.ask("hello").status == 200
    wait_until(lambda: visitor.value("conversations")["total"] == 1, 5, what="the seed's conversation")
    wait_until(lambda: len(admin_json(cluster, "logs")["data"]) >= 13, 5, what="the log's rows")
    command = ["redis-cli", "-p", str(cluster.redis.port), "-n", str(cluster.database)]
    names = subprocess.run([*command, "--scan"], capture_output=True, text=True, timeout=20).stdout.split()
    rows = documented()
    undocumented, immortal, met = [], [], set()
    for name in names:
        matching = [row for row in rows if row[0].fullmatch(name)]
        met |= {row[0].pattern for row in matching}
        if not matching:
            undocumented.append(name)
        elif all(mortal for _, mortal in matching):
            ttl = subprocess.run([*command, "PTTL", name], capture_output=True, text=True, timeout=20).stdout.strip()
            if ttl == "-1":
                immortal.append(name)
    assert not undocumented, f"not in {PAGE.name}: {undocumented}"
    assert not immortal, f"without the documented TTL: {immortal}"
    assert len(met) > 20, f"only {len(met)} kinds of keys were met"
