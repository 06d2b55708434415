"""Runs the engine: `python -m embedder`, from the folder above. Every option has an environment variable."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket

from register.beat import Registration
from register.record import Record

from . import sources
from .http import Server
from .service import Service


def options() -> argparse.Namespace:
    environment = os.environ.get
    parser = argparse.ArgumentParser(prog="embedder", description="Serves sentence encoders as OpenAI serves embeddings.")
    parser.add_argument("--host", default=environment("EMBEDDER_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(environment("EMBEDDER_PORT", "8790")), help="0 for any")
    parser.add_argument(
        "--models",
        default=environment("EMBEDDER_MODELS", sources.DEFAULT),
        help="names of the hub, or name=folder, separated by commas",
    )
    parser.add_argument("--queue", type=int, default=int(environment("EMBEDDER_QUEUE", "4096")), help="most inputs waiting")
    parser.add_argument("--max-body", type=int, default=int(environment("EMBEDDER_MAX_BODY_BYTES", str(8 << 20))))
    parser.add_argument("--key", default=environment("EMBEDDER_KEY", ""), help="what clients must send as Bearer token")
    parser.add_argument("--key-name", default=environment("EMBEDDER_KEY_NAME", ""), help="its name in ENGINE_KEYS")
    parser.add_argument("--url", default=environment("EMBEDDER_URL", ""), help="where workers reach this engine")
    parser.add_argument("--redis", default=environment("REDIS_URL", ""), help="where to register; nowhere when empty")
    return parser.parse_args()


def own_url(host: str, port: int) -> str:
    """Where others reach what listens on `host`; for all addresses, by the one that this machine's name stands for."""
    if host in ("0.0.0.0", "::", ""):
        host = socket.gethostbyname(socket.gethostname())
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run(chosen: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    service = Service(sources.parse(chosen.models), key=chosen.key, queue=chosen.queue)
    server = Server(service.answer, body_limit=chosen.max_body)
    port = await server.start(chosen.host, chosen.port)
    print(f"embedder: http://{chosen.host}:{port}", flush=True)
    loading = loop.create_task(service.load())
    registration = None
    if chosen.redis:
        url = chosen.url or own_url(chosen.host, port)

        def records() -> list[Record]:
            state = "loading" if service.is_loading else "ready"
            names = [name for name, _ in sources.parse(chosen.models)] if service.is_loading else service.models
            return [Record(url, "embedder", name, name, "embed", 64, chosen.key_name, state) for name in names]

        registration = Registration(chosen.redis, records)
        registration.start()
    await stopping.wait()
    if registration:
        # Before the door is closed, so that nobody comes to it.
        await registration.stop()
    loading.cancel()
    await server.stop(patience=10)
    await service.close()


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "info").upper(), format="%(name)s: %(message)s")
    asyncio.run(run(options()))
