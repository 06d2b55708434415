"""A handle on a simulated upstream that runs in its own process."""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
from pathlib import Path
from typing import Any

from .processes import Process
from .waiting import wait_until

UPSTREAMS = Path(__file__).resolve().parents[2] / "Upstreams"


class Recorded(dict[str, Any]):
    """One request as the upstream received it, with the fate of its answer."""

    @property
    def body(self) -> bytes:
        return base64.b64decode(self["body"])

    @property
    def is_listing(self) -> bool:
        """Whether it asks which models there are: the cluster does so by itself, whenever it likes."""
        return self["method"] == "GET" and self["path"].endswith(("/models", "/api/tags", ".getPrompts"))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return (self.header("authorization") or "").removeprefix("Bearer ")

    def header(self, name: str) -> str | None:
        return next((value for key, value in self["headers"] if key.lower() == name.lower()), None)


class Simulator:
    """Starts a simulated vendor, steers it and reads its journal."""

    def __init__(
        self,
        directory: Path,
        module: str = "upstreams.openai",
        *options: str,
        certificate: str | None = None,
        send_buffer: int | None = None,
    ) -> None:
        self.options = options
        command = [sys.executable, "-m", module, *options]
        if certificate:
            command += ["--certificate", certificate, "--key", certificate]
        if send_buffer:
            command += ["--send-buffer", str(send_buffer)]
        environment = os.environ | {"PYTHONPATH": str(UPSTREAMS), "PYTHONUNBUFFERED": "1"}
        label = "-".join([module, *options]).replace("/", "_")
        self.process = Process(module, command, directory / f"{label}.log", environment)
        self.process.until(lambda: self.process.output().endswith("\n"), 10, "the simulator's ports")
        ports = [int(port) for port in self.process.output().split()]
        self.port = ports[0]
        self.tls_port = ports[-1]

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}/v1"

    @property
    def deepseek_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/deepseek"

    def stop(self) -> None:
        self.process.stop()

    # Steering

    def control(self, **order: Any) -> None:
        """Sets `default`, `models` or `keys` scenarios."""
        self._ask("POST", "/_control", order)

    def next(self, *scenarios: dict[str, Any]) -> None:
        """Scenarios for the next requests, one each."""
        self.control(next=list(scenarios))

    def reset(self) -> None:
        """Forgets all scenarios and records."""
        self._ask("DELETE", "/_requests")

    # Journal

    def requests(self, path: str | None = None) -> list[Recorded]:
        """What clients caused; listings are left out unless a path asks for them."""
        found = [Recorded(entry) for entry in self._ask("GET", "/_requests")]
        return [e for e in found if (not e.is_listing if path is None else e["path"].endswith(path))]

    def take(self) -> list[Recorded]:
        """The requests that have ended since the last call, which are forgotten with it."""
        return [e for e in map(Recorded, self._ask("POST", "/_take")) if not e.is_listing]

    def last(self) -> Recorded:
        return self.requests()[-1]

    def wait_requests(self, count: int, seconds: float = 5.0) -> list[Recorded]:
        return wait_until(
            lambda: r if len(r := self.requests()) >= count else None, seconds, what=f"{count} upstream requests"
        )

    def wait_gone(self, seconds: float = 1.0) -> Recorded:
        """Waits until the gateway has left the last request; a second is what the contract gives it."""
        return wait_until(
            lambda: r if (r := self.last())["state"] == "gone" else None, seconds, what="a cancel upstream"
        )

    def open(self) -> dict[str, int]:
        """Counts of answers still being written and of connections, and the bytes the kernel took for them."""
        return self._ask("GET", "/_open")

    def stats(self) -> dict[str, Any]:
        """The books of a simulated web site: its accounts, what they did at once, and against which rules."""
        return self._ask("GET", "/_stats")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
