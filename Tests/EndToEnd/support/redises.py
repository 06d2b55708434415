"""Redis servers that a test may freeze, kill, fill and move: alone, under sentinels, as a cluster."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .cluster import RedisServer
from .processes import Process, free_port
from .waiting import wait_until

SLOTS = 16384


class PrivateRedis(RedisServer):
    """One server, started again under the same port with what its append-only file holds."""

    def __init__(self, directory: Path, *arguments: str, append_only: bool = False) -> None:
        self.port = free_port()
        self.directory = directory / str(self.port)
        self.directory.mkdir()
        # Every answer is on the disk before it is given: what a killed server promised is kept.
        persistence = ["--appendonly", "yes", "--appendfsync", "always"] if append_only else ["--appendonly", "no"]
        self.arguments = [*persistence, *arguments]
        self.launch()

    def launch(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        command += [str(self.directory), *self.arguments]
        self.process = Process(f"redis {self.port}", command, self.directory / "redis.log")
        self.process.until(lambda: self.command("PING") == b"+PONG\r\n", 10, "Redis")

    def freeze(self) -> None:
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send(signal.SIGCONT)

    def kill(self) -> None:
        self.process.send(signal.SIGKILL)
        self.process.wait(5)

    def ask(self, *words: str) -> str:
        """One command with an answer of any length, as redis-cli shows it."""
        return ask(self.port, *words)


def ask(port: int, *words: str) -> str:
    """One command to whoever listens at a port."""
    command = ["redis-cli", "-p", str(port), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()


class SentinelRedis:
    """A master, its replica and three sentinels, two of which must agree."""

    def __init__(self, directory: Path) -> None:
        quick = ("--repl-diskless-sync-delay", "0")
        self.master = PrivateRedis(directory, *quick)
        self.replica = PrivateRedis(directory, "--replicaof", f"127.0.0.1 {self.master.port}", *quick)
        self.sentinels: list[tuple[int, Process]] = []
        wait_until(lambda: "master_link_status:up" in self.replica.ask("INFO", "replication"), 10, what="the replica")
        # Only now: a sentinel asks for replicas at its start and then every ten seconds.
        for _ in range(3):
            self.sentinels.append(self._sentinel(directory))
        for port, _ in self.sentinels:
            wait_until(
                lambda port=port: (
                    "status=ok" in (found := ask(port, "INFO", "sentinel")) and "slaves=1,sentinels=3" in found
                ),
                15,
                what="sentinels that know each other",
            )

    def _sentinel(self, directory: Path) -> tuple[int, Process]:
        port = free_port()
        file = directory / f"sentinel-{port}.conf"
        lines = [f"port {port}", "bind 127.0.0.1", f"dir {directory}"]
        lines += [f"sentinel monitor main 127.0.0.1 {self.master.port} 2"]
        lines += ["sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 2000"]
        file.write_text("\n".join(lines) + "\n")
        command = ["redis-server", str(file), "--sentinel"]
        return port, Process(f"sentinel {port}", command, directory / f"sentinel-{port}.log")

    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port, _ in self.sentinels) + "/main"

    def knows(self, port: int) -> bool:
        """Whether any sentinel names the server at this port as the master."""
        return any(
            str(port) in ask(sentinel, "SENTINEL", "get-master-addr-by-name", "main").split()
            for sentinel, _ in self.sentinels
        )

    def stop(self) -> None:
        for _, process in self.sentinels:
            process.stop()
        self.replica.stop()
        self.master.stop()


class ClusterRedis:
    """Three masters that share the slots evenly."""

    def __init__(self, directory: Path) -> None:
        self.nodes = [
            PrivateRedis(
                directory,
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "1000",
                "--cluster-port",
                str(free_port()),
            )
            for _ in range(3)
        ]
        for place, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(place + 1))
            first, last = SLOTS * place // 3, SLOTS * (place + 1) // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
        for node in self.nodes[1:]:
            bus = node.ask("CONFIG", "GET", "cluster-port").split()[-1]
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(node.port), bus)
        for node in self.nodes:
            wait_until(
                lambda node=node: (
                    "cluster_state:ok" in (found := node.ask("CLUSTER", "INFO")) and "cluster_known_nodes:3" in found
                ),
                20,
                every=0.05,
                what="nodes that find each other",
            )
        self.ids = [node.ask("CLUSTER", "MYID") for node in self.nodes]

    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def slot(self, key: str) -> int:
        return int(self.nodes[0].ask("CLUSTER", "KEYSLOT", key))

    def owner(self, slot: int) -> int:
        """The place of the node that has a slot."""
        for place, node in enumerate(self.nodes):
            line = next(line for line in node.ask("CLUSTER", "NODES").splitlines() if "myself" in line)
            for word in line.split()[8:]:
                first, _, last = word.partition("-")
                if first.isdigit() and int(first) <= slot <= int(last or first):
                    return place
        raise AssertionError(f"nobody has slot {slot}")

    def move(self, slot: int) -> int:
        """Moves a slot to the next node, key by key as a resharding does; returns how many keys went."""
        source = self.owner(slot)
        target = (source + 1) % 3
        giver, taker = self.nodes[source], self.nodes[target]
        taker.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", self.ids[source])
        giver.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", self.ids[target])
        moved = 0
        while keys := giver.ask("CLUSTER", "GETKEYSINSLOT", str(slot), "10").split():
            giver.ask("MIGRATE", "127.0.0.1", str(taker.port), "", "0", "1000", "KEYS", *keys)
            moved += len(keys)
        for place in (target, source, (source + 2) % 3):
            self.nodes[place].ask("CLUSTER", "SETSLOT", str(slot), "NODE", self.ids[target])
        return moved

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


def key_names(port: int, database: int = 0) -> Iterator[str]:
    """The names of all keys of one database."""
    command = ["redis-cli", "-p", str(port), "-n", str(database), "--scan"]
    yield from subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.split()
