"""The figures of the workers, and that dashboard, alerts and documentation speak of figures that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from conftest import upstream_environment
from support.cluster import KEY, ROOT, Cluster, RedisServer
from support.commands import made_key
from support.raw import Address, RawClient, chat, fetch, request_bytes, told
from support.simulator import Simulator
from support.waiting import wait_until

CHAT = "/v1/chat/completions"
DASHBOARD = ROOT / "deploy" / "grafana" / "millrace.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
OPERATIONS = ROOT / "docs" / "operations.md"
Start = Callable[..., Cluster]

# Labels that a query may use although no series of ours carries them in the text: buckets have the first one.
FOREIGN_LABELS = {"le"}
# Beyond those that clusters of single tests take.
DATABASE = 9


@dataclass
class Exposition:
    """One answer of /metrics."""

    kinds: dict[str, str] = field(default_factory=dict)
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)

    def sum(self, name: str, **labels: str) -> float:
        wanted = set(labels.items())
        return sum(value for (key, found), value in self.samples.items() if key == name and wanted <= found)


def parsed(text: str) -> Exposition:
    exposition = Exposition()
    for family in text_string_to_metric_families(text):
        # The parser drops the end of a counter's name.
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert name not in exposition.kinds, f"{name} is there twice"
        exposition.kinds[name] = family.type
        exposition.labels[name] = set()
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in exposition.samples, f"{key} is there twice"
            assert sample.name.startswith(name), f"{sample.name} is outside of its family"
            exposition.samples[key] = sample.value
            exposition.labels[name] |= set(sample.labels) - {"le"}
    return exposition


def metrics(address: Address, query: str = "") -> Exposition:
    answer = fetch(address, f"/metrics{query}")
    assert answer.status == 200
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    text = bytes(answer.body).decode()
    for word in ("HELP", "TYPE"):
        names = re.findall(rf"^# {word} (\S+)", text, re.MULTILINE)
        assert len(names) == len(set(names)), f"a second {word}"
    return parsed(text)


@pytest.fixture(scope="module")
def used(redis: RedisServer, simulator: Simulator) -> Iterator[Cluster]:
    """A cluster whose first worker has seen one request of every kind."""
    simulator.reset()
    redis.flush(DATABASE)
    settings = upstream_environment(simulator) | {"COOLDOWNS": "true"}
    cluster = Cluster(redis, 2, settings, edge=True, database=DATABASE)
    try:
        cluster.start()
        limited = made_key(cluster, "limited", "--rpm", 1)
        for body, key in (
            (chat("hello"), KEY),
            (chat("hello", stream=True), KEY),
            (chat("hello", model="echo/echo"), KEY),
            (chat(told({"fault": "status", "status": 500}), model="fast"), KEY),
            (chat(told({"fault": "status", "status": 429}), model="deepseek/deepseek-chat"), KEY),
            (chat("hello", model="no-such-model"), KEY),
            (chat("hello"), "wrong-key"),
            (chat("hello", model="echo/echo"), limited),
            (chat("hello", model="echo/echo"), limited),
        ):
            fetch(cluster.worker, CHAT, body, key)
        fetch(cluster.worker, "/health")
        yield cluster
    finally:
        cluster.stop()


def test_requests_are_counted_by_who_served_them(start_cluster: Start) -> None:
    cluster = start_cluster()
    address = cluster.worker
    for body in (
        chat("hello"),
        chat("hello", stream=True),
        chat(told({"fault": "status", "status": 500}), model="fast"),
    ):
        fetch(address, CHAT, body, KEY)
    fetch(address, CHAT, chat("hello"), "wrong-key")

    def settled() -> Exposition | None:
        figures = metrics(address)
        return figures if figures.sum("millrace_requests_total") == 4 else None

    figures = wait_until(settled, 5, what="four requests")
    good = {"provider": "openai", "model": "gpt-4o-mini", "status": "2xx"}
    assert figures.sum("millrace_requests_total", **good) == 2
    assert figures.sum("millrace_requests_total", status="5xx") == 1
    assert figures.sum("millrace_requests_total", provider="none", status="4xx") == 1
    assert figures.sum("millrace_ends_total", route="chat", reason="done") == 2
    assert figures.sum("millrace_ends_total", route="chat", reason="refused") == 1
    assert figures.sum("millrace_request_seconds_count", provider="openai") >= 2
    assert figures.sum("millrace_first_byte_seconds_count", provider="openai") == 2
    assert figures.sum("millrace_chunks_total") > 0
    assert figures.sum("millrace_tokens_total", kind="prompt") > 0
    assert figures.sum("millrace_tokens_total", kind="completion") > 0
    assert figures.sum("millrace_retries_total") >= 1
    assert figures.sum("millrace_upstream_failures_total", error="upstream_error") >= 2
    assert figures.sum("millrace_queue_seconds_count") >= 4
    assert figures.sum("millrace_open_requests") == 1, "the one that asks"
    assert figures.sum("millrace_open_streams") == 0
    assert figures.sum("millrace_open_connections") == 1
    assert figures.sum("millrace_redis_up") == 1
    assert figures.sum("millrace_redis_command_seconds_count") > 0


def test_open_streams_are_seen_while_they_are_open(start_cluster: Start) -> None:
    cluster = start_cluster()
    body = chat(told({"count": 3, "endless": True, "interval": 0.2}), stream=True)
    with RawClient(cluster.worker, request_bytes(CHAT, body, KEY)) as client:
        client.read_events(1)
        figures = metrics(cluster.worker)
        assert figures.sum("millrace_open_streams") == 1
        assert figures.sum("millrace_upstream_open_transfers") == 1
    wait_until(lambda: metrics(cluster.worker).sum("millrace_open_streams") == 0, 5, what="the stream's end")


def test_the_loop_is_watched_and_the_process_described(used: Cluster) -> None:
    figures = wait_until(
        lambda: (found := metrics(used.worker, "?scope=worker")).sum("millrace_loop_lag_seconds_count") > 0 and found,
        5,
        what="a sample of the loop's lag",
    )
    assert 0 <= figures.sum("millrace_loop_lag_peak_seconds") < 10
    assert 5e6 < figures.sum("millrace_process_resident_memory_bytes") < 1e9
    assert abs(figures.sum("millrace_process_resident_memory_bytes") - used.memory(0)) < 5e6
    assert figures.sum("millrace_process_cpu_seconds_total") > 0
    assert 5 < figures.sum("millrace_process_open_fds") < figures.sum("millrace_process_max_fds")
    assert figures.sum("millrace_build_info") == 1


def test_a_worker_can_be_asked_for_itself_alone(used: Cluster) -> None:
    names = {worker for w in used.workers for worker in _workers(metrics(w.address, "?scope=worker"))}
    assert len(names) == len(used.workers)
    own = _workers(metrics(used.worker, "?scope=worker"))
    assert len(own) == 1 and own <= _workers(metrics(used.worker))


def _workers(figures: Exposition) -> set[str]:
    return {dict(labels)["worker"] for _, labels in figures.samples}


def test_every_worker_tells_of_all(used: Cluster) -> None:
    own = {worker for w in used.workers for worker in _workers(metrics(w.address, "?scope=worker"))}
    assert len(own) == 2
    for worker in used.workers:
        wait_until(lambda w=worker: set(_workers(metrics(w.address))) == own, 10, what="the other's figures")
    here = metrics(used.worker)
    total = here.sum("millrace_requests_total", provider="openai")
    assert total >= 2
    wait_until(
        lambda: metrics(used.workers[1].address).sum("millrace_requests_total", provider="openai") >= total,
        10,
        what="what the first worker did, told by the second",
    )


def test_the_edge_passes_the_figures_on(used: Cluster) -> None:
    assert metrics(used.edge).sum("millrace_build_info") >= 1
    assert len(_workers(metrics(used.edge, "?scope=worker"))) == 1


# The metrics that others speak of


def _expressions() -> Iterator[tuple[str, str]]:
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}'", target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable '{variable['name']}'", variable["query"]["query"]
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]


def _family(name: str, kinds: dict[str, str]) -> str | None:
    """The family of a name in a query."""
    if name in kinds:
        return name if kinds[name] in ("counter", "gauge") else None
    for suffix, allowed in (
        ("_bucket", ("histogram",)),
        ("_sum", ("histogram", "summary")),
        ("_count", ("histogram", "summary")),
    ):
        base = name.removesuffix(suffix)
        if base != name and kinds.get(base) in allowed:
            return base
    return None


def _documented() -> dict[str, set[str]]:
    """The metrics of docs/operations.md with their labels."""
    found: dict[str, set[str]] = {}
    for line in OPERATIONS.read_text().splitlines():
        if line.startswith("| `millrace_"):
            for name, labels in re.findall(r"`(millrace_[a-z_]+)(?:\{([a-z_,]*)\})?`", line.split("|")[1]):
                assert name not in found, f"{name} is documented twice"
                found[name] = set(filter(None, labels.split(",")))
    return found


def test_what_dashboard_and_alerts_name_exists(used: Cluster) -> None:
    figures = metrics(used.worker)
    documented = _documented()
    seen: set[str] = set()
    for place, expression in _expressions():
        names = re.findall(r"\bmillrace_[a-z_]+", expression)
        assert names, f"{place} asks for nothing of ours"
        families = set()
        for name in names:
            family = _family(name, figures.kinds)
            assert family, f"{place} names {name}, which /metrics does not have"
            assert figures.labels[family], f"{family} has no series after use"
            families.add(family)
        seen |= families
        allowed = {"worker"} | FOREIGN_LABELS | {label for family in families for label in documented[family]}
        used_labels = set(re.findall(r"([a-z_]+)(?:=~|!~|!=|=)\"", expression))
        for clause in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            used_labels |= {label.strip() for label in clause.split(",")}
        assert used_labels <= allowed, f"{place} uses the labels {used_labels - allowed}"
        counters = [name for name in names if figures.kinds.get(name) == "counter"]
        for name in counters:
            assert re.search(rf"\b(?:rate|increase)\({name}\b", expression), f"{place} takes {name} as it stands"
    assert len(seen) > 30, "the expressions were not understood"


def test_the_documentation_knows_every_metric_and_its_labels(used: Cluster) -> None:
    figures = metrics(used.worker)
    documented = _documented()
    assert set(documented) == set(figures.kinds)
    for name, labels in figures.labels.items():
        if labels:
            assert labels == documented[name] | {"worker"}, name


def test_every_alert_has_its_runbook() -> None:
    headings = {
        line.lstrip("# ").strip().lower() for line in OPERATIONS.read_text().splitlines() if line.startswith("#")
    }
    names = []
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            names.append(rule["alert"])
            anchor = rule["annotations"]["runbook_url"]
            assert anchor == f"RUNBOOKS/docs/operations.md#{rule['alert'].lower()}"
            assert rule["alert"].lower() in headings, f"{rule['alert']} has no section"
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            assert re.fullmatch(r"\d+[mh]", rule["for"])
            assert rule["annotations"]["summary"] and rule["annotations"]["description"]
    assert len(names) == len(set(names)) >= 15


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "worker"]
    places = set()
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & places, f"'{panel['title']}' lies on another panel"
        places |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            for target in panel["targets"]:
                assert target["expr"].count("(") == target["expr"].count(")")
                assert "$worker" in target["expr"], f"'{panel['title']}' ignores the chosen workers"
