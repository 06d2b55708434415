"""Child processes whose output is kept, and which are stopped by their own pid."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
from pathlib import Path

from .waiting import wait_until

LIMIT_FILES = 20000


def raise_file_limit() -> None:
    """2,000 streams need more than the usual 1,024 descriptors; children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LIMIT_FILES if hard == resource.RLIM_INFINITY else min(hard, LIMIT_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One child with its log file."""

    def __init__(self, name: str, command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        self._out = log.open("ab")
        self.popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT, env=env
        )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        return self.popen.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 5.0) -> int | None:
        """Asks, waits, and insists; returns the exit status."""
        self.send(number)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(5)
        self._out.close()
        return self.popen.returncode

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.output().splitlines()[-lines:])

    def memory(self) -> int:
        """Resident bytes now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def until(self, condition: object, seconds: float, what: str) -> None:
        """Waits for the child to come up; tells what it wrote when it does not."""

        def ready() -> bool:
            if not self.is_running:
                raise AssertionError(f"{self.name} died with {self.popen.returncode}:\n{self.tail()}")
            return bool(condition())  # type: ignore[operator]

        try:
            wait_until(ready, seconds, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.name} wrote:\n{self.tail()}") from None
