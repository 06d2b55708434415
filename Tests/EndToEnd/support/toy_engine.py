"""The server of llama.cpp itself with the toy model: `python -m support.toy_engine FILE` prints two ports, for chat and
for embeddings, and serves until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import xllamacpp

from .toy_model import CONTEXT, write


def server(path: Path, embeds: bool) -> xllamacpp.Server:
    options = xllamacpp.CommonParams()
    options.model.path = str(path)
    options.model_alias = {"toy"}
    options.n_ctx = CONTEXT
    options.n_parallel = 1
    options.warmup = False
    options.use_jinja = True
    options.cpuparams.n_threads = 1
    if embeds:
        options.embedding = True
        options.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return xllamacpp.Server(options)


def main() -> None:
    path = Path(sys.argv[1])
    write(path)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    servers = [server(path, embeds) for embeds in (False, True)]
    print("ports", *(each.listening_address.rpartition(":")[2] for each in servers), flush=True)
    while not stopped.wait(1):
        pass


if __name__ == "__main__":
    main()
