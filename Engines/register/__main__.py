"""Stands beside an engine and keeps it in the registry: `python -m register --kind vllm --url http://10.0.0.5:8000`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal

from .beat import Registration
from .probe import Finding, probe
from .record import INTERVAL, KINDS, Record

log = logging.getLogger("register")


def options() -> argparse.Namespace:
    environment = os.environ.get
    parser = argparse.ArgumentParser(prog="register", description="Keeps an engine in the cluster's registry.")
    parser.add_argument("--kind", choices=KINDS, default=environment("ENGINE_KIND"))
    parser.add_argument("--url", default=environment("ENGINE_URL"), help="where workers reach it, http://host:port")
    parser.add_argument("--probe-url", default=environment("ENGINE_PROBE_URL", ""), help="where this one does, if elsewhere")
    parser.add_argument(
        "--model",
        default=environment("ENGINE_MODEL", ""),
        help="what clients call the model, when the engine calls it something else",
    )
    parser.add_argument("--task", choices=("chat", "embed"), default=environment("ENGINE_TASK"))
    parser.add_argument("--max-in-flight", type=int, default=int(environment("ENGINE_MAX_IN_FLIGHT", "64")))
    parser.add_argument("--key", default=environment("ENGINE_KEY", ""), help="for the probe, if the engine wants one")
    parser.add_argument("--key-name", default=environment("ENGINE_KEY_NAME", ""), help="its name in ENGINE_KEYS")
    parser.add_argument("--redis", default=environment("REDIS_URL", "redis://127.0.0.1:6379/0"))
    chosen = parser.parse_args()
    if not chosen.kind or not chosen.url:
        parser.error("--kind and --url (ENGINE_KIND, ENGINE_URL) are needed")
    chosen.url = chosen.url.rstrip("/")
    chosen.task = chosen.task or ("embed" if chosen.kind in ("tei", "infinity", "embedder") else "chat")
    return chosen


class Watch:
    """What is known of the engine."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self._finding = Finding("down")
        #: The last models it told of: they stay entered, as loading or down, while it cannot say.
        self._models: tuple[str, ...] = ()

    async def look(self) -> bool:
        """Probes; whether anything is different from before."""
        chosen = self._chosen
        found = await asyncio.to_thread(probe, chosen.probe_url.rstrip("/") or chosen.url, chosen.kind, chosen.key)
        before = self.records()
        if found.state != self._finding.state:
            log.info("the engine is %s", found.state)
        self._finding = found
        self._models = found.models or self._models
        return self.records() != before

    def records(self) -> list[Record]:
        chosen, found = self._chosen, self._finding
        pairs = [(name, name) for name in self._models]
        if chosen.model:
            # Of several, the one that bears the name; else the only or the first one.
            served = next((name for name in self._models if name == chosen.model), next(iter(self._models), chosen.model))
            pairs = [(chosen.model, served)]
        return [
            Record(chosen.url, chosen.kind, model, served, chosen.task, chosen.max_in_flight, chosen.key_name, found.state)
            for model, served in pairs
        ]


async def run(chosen: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    watch = Watch(chosen)
    await watch.look()
    registration = Registration(chosen.redis, watch.records)
    registration.start()
    while not stopping.is_set():
        try:
            async with asyncio.timeout(INTERVAL / 2):
                await stopping.wait()
        except TimeoutError:
            if await watch.look():
                registration.beat_now()
    await registration.stop()


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "info").upper(), format="%(name)s: %(message)s")
    asyncio.run(run(options()))
