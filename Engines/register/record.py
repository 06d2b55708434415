"""What the registry holds of an engine: one record for each model that it serves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

# How long a record stays without a heartbeat, and how often there is one, in seconds.
LIFETIME = 15
INTERVAL = 4

SET = "millrace:{engines}"
CHANNEL = "millrace:engines"

KINDS = ("vllm", "sglang", "tgi", "llamacpp", "llamacpp-py", "transformers", "tei", "infinity", "embedder")


@dataclass(frozen=True)
class Record:
    #: Without the path that the kind adds, `http://host:port`.
    url: str
    kind: str
    #: What clients call the model: its id on the hub.
    model: str
    #: What the engine calls it.
    served: str
    #: `chat` or `embed`.
    task: str
    #: Calls that it takes at once.
    max_in_flight: int
    #: The name, in the workers' ENGINE_KEYS, of the key it wants; never the key.
    key: str
    #: `ready`, `loading` or `down`.
    state: str

    @property
    def id(self) -> str:
        return hashlib.sha256("\0".join((self.url, self.model, self.task)).encode()).hexdigest()[:16]

    @property
    def redis_key(self) -> str:
        return f"{SET}:{self.id}"

    def bytes(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()
