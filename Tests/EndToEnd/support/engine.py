"""The programs under Engines, run as children."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .cluster import ROOT
from .processes import Process, free_port
from .raw import fetch

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# The beginning of the vector of "hello world", as sentence-transformers calculates it.
HELLO = [-0.0344772, 0.0310232, 0.0067350, 0.0261090]


def start_engine(directory: Path, module: str, *options: str, **settings: object) -> Process:
    """Runs `embedder` or `register` with variables in capitals."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "Engines")}
    environment |= {name: str(value) for name, value in settings.items()}
    log = directory / f"{module}-{free_port()}.log"
    return Process(module, [sys.executable, "-m", module, *options], log, environment)


def health(port: int) -> int:
    """The status of the engine's health; 0 where nothing answers."""
    try:
        return fetch(("127.0.0.1", port), "/health").status
    except OSError:
        return 0
