"""What deploy/ describes fits together: units, scripts and manifests, judged without a cluster to run them in."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.cluster import PATH, ROOT
from support.processes import Process, free_port
from support.raw import fetch

SYSTEMD = ROOT / "deploy" / "systemd"
KUBERNETES = ROOT / "deploy" / "kubernetes"
ROLLING = SYSTEMD / "rolling-restart"
KNOWN = set(re.findall(r"^#?([A-Z][A-Z_0-9]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


# systemd


def directives(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_drains_and_is_confined() -> None:
    unit = directives(SYSTEMD / "millrace-worker@.service")
    example = dict(line.split("=", 1) for line in environment_lines())
    assert unit["ExecStart"][0].endswith("Worker --listen 127.0.0.1:%i")
    assert unit["KillSignal"] == ["SIGTERM"]
    assert int(unit["TimeoutStopSec"][0]) >= int(example["DRAIN_TIMEOUT"]) + 5
    assert unit["Restart"] == ["always"]
    assert int(unit["LimitNOFILE"][0]) >= 65536
    for name, value in {"ProtectSystem": "strict", "NoNewPrivileges": "yes", "DynamicUser": "yes"}.items():
        assert unit[name] == [value]
    assert set(unit["RestrictAddressFamilies"][0].split()) == {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}
    assert unit["SystemCallFilter"][0] == "@system-service"
    assert unit["WantedBy"] == unit["PartOf"] == ["millrace.target"]


def environment_lines() -> list[str]:
    lines = (SYSTEMD / "worker.env.example").read_text().splitlines()
    return [line for line in lines if re.match(r"[A-Z]", line)]


def test_the_environment_file_names_real_settings_and_no_secret() -> None:
    text = (SYSTEMD / "worker.env.example").read_text()
    names = re.findall(r"^#?([A-Z][A-Z_0-9]+)=(.*)$", text, re.MULTILINE)
    assert {name for name, _ in names} <= KNOWN
    assert all(not value for name, value in names if name.endswith(("KEY", "SECRET")))


def test_systemd_itself_accepts_the_units(tmp_path: Path) -> None:
    """Where there is no systemd the directives above have to do."""
    if not (analyze := shutil.which("systemd-analyze")):
        return
    for name in ("millrace-worker@.service", "millrace.target"):
        text = (SYSTEMD / name).read_text().replace("/usr/local/lib/millrace/Worker", "/bin/true")
        (tmp_path / name).write_text(text)
    checked = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / "millrace-worker@.service"), str(tmp_path / "millrace.target")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    ours = [line for line in (checked.stdout + checked.stderr).splitlines() if "millrace" in line]
    assert checked.returncode == 0 and not ours, ours


class Readiness(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ready_ports() -> Iterator[list[int]]:
    """Two ports where something is ready."""
    servers = [socketserver.TCPServer(("127.0.0.1", 0), Readiness) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield [server.server_address[1] for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


def rolling(directory: Path, units: list[int], *words: str) -> tuple[int, list[str], str]:
    """Runs the script with a systemctl that only writes down what it is asked."""
    journal = directory / "journal"
    journal.write_text("")
    listing = "".join(f"millrace-worker@{port}.service loaded active running Millrace\n" for port in units)
    (directory / "units").write_text(listing)
    fake = directory / "systemctl"
    fake.write_text(
        f'#!/bin/sh\ncase $1 in list-units) cat "{directory}/units" ;; *) echo "$@" >>"{journal}" ;; esac\n'
    )
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh", str(ROLLING), *words],
        env={"PATH": f"{directory}:{PATH}", "READY_TIMEOUT": "0"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, journal.read_text().splitlines(), done.stdout + done.stderr


def test_a_rolling_restart_takes_one_worker_after_the_other(tmp_path: Path, ready_ports: list[int]) -> None:
    expected = [f"restart millrace-worker@{port}.service" for port in ready_ports]
    assert rolling(tmp_path, ready_ports)[:2] == (0, expected)
    assert rolling(tmp_path, ready_ports, str(ready_ports[1]))[:2] == (0, expected[1:])


def test_a_rolling_restart_stops_at_the_worker_that_does_not_come_back(tmp_path: Path, ready_ports: list[int]) -> None:
    silent = free_port()
    status, asked, words = rolling(tmp_path, [ready_ports[0], silent, ready_ports[1]])
    assert status == 1 and f"{silent} is not ready" in words
    assert asked == [f"restart millrace-worker@{port}.service" for port in (ready_ports[0], silent)]


@pytest.mark.parametrize("words", [["9001; reboot"], ["9001", ""], ["x"]])
def test_a_rolling_restart_takes_ports_only(tmp_path: Path, words: list[str]) -> None:
    assert rolling(tmp_path, [], *words)[:2] == (64, [])


def test_a_rolling_restart_of_nothing_fails(tmp_path: Path) -> None:
    assert rolling(tmp_path, [])[:2] == (1, [])


# Kubernetes


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


KUSTOMIZATION = documents(KUBERNETES / "kustomization.yaml")[0]
OBJECTS = [document for name in KUSTOMIZATION["resources"] for document in documents(KUBERNETES / name)]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [item for item in OBJECTS if item["kind"] in kinds]


def named(kind: str, name: str) -> dict[str, Any]:
    return next(item for item in of_kind(kind) if item["metadata"]["name"] == name)


WORKLOADS = of_kind("Deployment", "StatefulSet")


def label(item: dict[str, Any]) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def template_labels(workload: dict[str, Any]) -> dict[str, str]:
    return workload["spec"]["template"]["metadata"]["labels"]


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def container(workload: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod(workload)["containers"]
    return only


def chosen(selector: dict[str, str]) -> list[dict[str, Any]]:
    return [workload for workload in WORKLOADS if selector.items() <= template_labels(workload).items()]


def test_every_manifest_is_used_or_says_that_it_is_not() -> None:
    used = set(KUSTOMIZATION["resources"]) | {"kustomization.yaml"}
    for path in sorted(KUBERNETES.glob("*.yaml")):
        assert documents(path), path.name
        if path.name not in used:
            assert path.read_text().startswith("# Not part of the kustomization"), path.name
    for item in OBJECTS:
        assert item["apiVersion"] and item["kind"] and item["metadata"]["name"]
    names = [(item["kind"], item["metadata"]["name"]) for item in OBJECTS]
    assert len(names) == len(set(names))
    assert {kind for kind, _ in names} >= {
        "Namespace",
        "ConfigMap",
        "StatefulSet",
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    assert KUSTOMIZATION["namespace"] == named("Namespace", "millrace")["metadata"]["name"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=label)
def test_a_workload_is_confined_and_its_own(workload: dict[str, Any]) -> None:
    assert workload["spec"]["selector"]["matchLabels"] == template_labels(workload)
    assert len(chosen(template_labels(workload))) == 1, "another workload has the same labels"
    assert pod(workload)["automountServiceAccountToken"] is False
    context = pod(workload)["securityContext"]
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    only = container(workload)
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert re.fullmatch(r"[a-z0-9-]+:[a-z0-9.-]+", only["image"]), (
        "a registry belongs into the operator's kustomization"
    )
    assert only["resources"]["requests"].keys() == {"cpu", "memory"} and "memory" in only["resources"]["limits"]
    ports = {port["name"] for port in only["ports"]}
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        if get := only.get(probe, {}).get("httpGet"):
            assert get["port"] in ports and get["path"] in ("/ready", "/health")
    mounts = {mount["name"] for mount in only.get("volumeMounts", [])}
    claims = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    assert mounts == {volume["name"] for volume in pod(workload).get("volumes", [])} | claims


def test_services_lead_to_ports_that_are_there() -> None:
    for service in of_kind("Service"):
        (workload,) = chosen(service["spec"]["selector"])
        names = {port["name"] for port in container(workload)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    for name in ("worker", "redis"):
        assert named("Service", name)["spec"]["clusterIP"] == "None"
    assert named("StatefulSet", "redis")["spec"]["serviceName"] == "redis"


def test_policies_and_budgets_name_pods_and_ports_that_are_there() -> None:
    for budget in of_kind("PodDisruptionBudget"):
        assert len(chosen(budget["spec"]["selector"]["matchLabels"])) == 1
    listening = {port["containerPort"]: label(w) for w in WORKLOADS for port in container(w)["ports"]}
    covered = set()
    for policy in of_kind("NetworkPolicy"):
        selector = policy["spec"]["podSelector"].get("matchLabels")
        if selector is None:
            continue
        (target,) = chosen(selector)
        covered.add(label(target))
        for rule in policy["spec"]["ingress"]:
            assert [listening[port["port"]] for port in rule["ports"]] == [label(target)]
            for peer in rule.get("from", []):
                assert "podSelector" not in peer or len(chosen(peer["podSelector"]["matchLabels"])) == 1
        for rule in policy["spec"].get("egress", []):
            for peer in rule.get("to", []):
                (other,) = chosen(peer["podSelector"]["matchLabels"])
                assert [listening[port["port"]] for port in rule["ports"]] == [label(other)]
    assert covered == {label(workload) for workload in WORKLOADS}
    assert named("NetworkPolicy", "nothing")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_workers_are_replaced_without_a_gap() -> None:
    worker = named("Deployment", "worker")
    assert worker["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in worker["spec"], "the autoscaler decides"
    settings = named("ConfigMap", "settings")["data"]
    pause = int(container(worker)["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod(worker)["terminationGracePeriodSeconds"] >= pause + int(settings["DRAIN_TIMEOUT"]) + 5
    assert container(worker)["args"] == ["--listen", "0.0.0.0:9000"]
    scaler = named("HorizontalPodAutoscaler", "worker")["spec"]
    assert (scaler["scaleTargetRef"]["kind"], scaler["scaleTargetRef"]["name"]) == ("Deployment", "worker")
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    metric = scaler["metrics"][0]["pods"]["metric"]["name"]
    (rule,) = documents(KUBERNETES / "prometheus-adapter.yaml")[0]["rules"]["custom"]
    assert rule["name"]["as"] == metric and rule["seriesQuery"].startswith(metric + "{")


def test_settings_and_secrets_are_real_names_without_values() -> None:
    sources = container(named("Deployment", "worker"))["envFrom"]
    secret = documents(KUBERNETES / "secret.example.yaml")[0]
    assert sources == [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": secret["metadata"]["name"]}}]
    assert secret["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
    assert secret["stringData"].keys() | named("ConfigMap", "settings")["data"].keys() <= KNOWN
    assert not any(secret["stringData"].values())


def test_the_edge_starts_with_the_command_of_its_manifest(tmp_path: Path) -> None:
    edge = named("Deployment", "edge")
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    files = {Path(name).name: (KUBERNETES / name).resolve() for name in generated["files"]}
    config = next(volume["configMap"] for volume in pod(edge)["volumes"] if "configMap" in volume)
    assert config["name"] == generated["name"]
    mount = tmp_path / "mounted"
    for item in config["items"]:
        (mount / item["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[item["key"]], mount / item["path"])
    shell, option, script = container(edge)["command"]
    name = f"worker.{KUSTOMIZATION['namespace']}.svc.cluster.local:9000 resolve"
    assert name in script
    port = free_port()
    nginx = started_edge([shell, option, script.replace(name, f"127.0.0.1:{free_port()}")], port, mount, tmp_path)
    try:
        for path in ("/metrics", "/metrics?scope=worker"):
            assert fetch(("127.0.0.1", port), path).status == 404
        assert fetch(("127.0.0.1", port), "/ready").status == 502
    finally:
        nginx.stop()


def started_edge(command: list[str], port: int, mount: Path, directory: Path) -> Process:
    """Runs an edge's own command here. Its script names an address by now, as what it had only a cluster knows."""
    script = command[-1].replace("/tmp/millrace", str(directory / "run"))
    script = script.replace("/millrace/", f"{mount}/").replace("8088", f"127.0.0.1:{port}")
    nginx = Process("nginx", [*command[:-1], script], directory / "nginx.log", {"PATH": PATH, "HOME": str(directory)})

    def answers() -> bool:
        try:
            return fetch(("127.0.0.1", port), "/health").status == 200
        except OSError:
            return False

    try:
        nginx.until(answers, 10, "the edge")
    except BaseException:
        nginx.stop()
        raise
    return nginx


def test_scripts_are_sound_shell() -> None:
    subprocess.run(["sh", "-n", str(ROLLING)], check=True, timeout=5)
    assert os.access(ROLLING, os.X_OK)


# compose


def services(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())["services"]


def test_every_engine_of_compose_has_a_companion() -> None:
    from register.record import KINDS

    base, engines = services("docker-compose.yml"), services("docker-compose.engines.yml")
    companions = {name: service for name, service in engines.items() if name.endswith("-companion")}
    assert len(companions) * 2 == len(engines) == 6
    for name, companion in companions.items():
        engine = engines[name.removesuffix("-companion")]
        settings = companion["environment"]
        assert companion["profiles"] == engine["profiles"]
        assert settings["ENGINE_KIND"] in KINDS
        assert re.fullmatch(r"http://([a-z]+):\d+", settings["ENGINE_URL"])[1] == name.removesuffix("-companion")
        assert companion["build"] == base["embedder"]["build"] == "Engines"
        assert set(companion["networks"]) <= set(engine["networks"])
    assert base["embedder"]["networks"] == ["inside"], "it needs nobody but Redis and the workers"


def test_the_edge_of_compose_takes_an_operators_files(tmp_path: Path) -> None:
    edge = services("docker-compose.yml")["edge"]
    mount = tmp_path / "mounted"
    for volume in edge["volumes"]:
        here, there, _ = volume.split(":")
        copy = mount / Path(there).relative_to("/millrace")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / here, copy)
    (mount / "edge").mkdir()
    (mount / "edge" / "server-more.conf").write_text("location = /more { return 204; }\n")
    command = [word.replace("$$", "$").replace("worker:9000 resolve", "127.0.0.1:1") for word in edge["entrypoint"]]
    port = free_port()
    nginx = started_edge(command, port, mount, tmp_path)
    try:
        assert fetch(("127.0.0.1", port), "/more").status == 204
    finally:
        nginx.stop()
