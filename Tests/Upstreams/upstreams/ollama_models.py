"""The models on a simulated machine, with what each can do, as Ollama lists them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

CREATED = "2026-11-20T03:00:00.100000000Z"


@dataclass(frozen=True)
class Model:
    name: str
    capabilities: tuple[str, ...]
    family: str = "llama"
    # The most that it reads, in words; a request may ask for less.
    context: int = 8192
    # Whether it thinks no matter whether it is told to.
    always_thinks: bool = False

    def can(self, capability: str) -> bool:
        return capability in self.capabilities

    @property
    def details(self) -> dict[str, Any]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": "8.0B",
            "quantization_level": "Q4_K_M",
        }

    def listed(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        known = {"name": self.name, "model": self.name, "modified_at": CREATED, "size": 4661224676, "digest": digest}
        return known | {"details": self.details, "capabilities": list(self.capabilities)}

    def shown(self) -> dict[str, Any]:
        return {
            "modelfile": f"FROM {self.name}",
            "parameters": 'stop "<|eot_id|>"',
            "template": "{{ .Prompt }}",
            "details": self.details,
            "model_info": {"general.architecture": self.family, f"{self.family}.context_length": self.context},
            "capabilities": list(self.capabilities),
            "modified_at": CREATED,
        }

    def loaded(self) -> dict[str, Any]:
        known = {k: v for k, v in self.listed().items() if k in ("name", "model", "size", "digest", "details")}
        return known | {"expires_at": "2026-11-20T03:05:00Z", "size_vram": 4661224676, "context_length": 4096}


MODELS = {
    model.name: model
    for model in [
        Model("llama3:latest", ("completion", "tools", "vision")),
        Model("qwen3:8b", ("completion", "tools", "thinking"), "qwen3"),
        Model("gpt-oss:20b", ("completion", "tools", "thinking"), "gptoss", always_thinks=True),
        Model("gemma:2b", ("completion",), "gemma"),
        Model("hf.co/org/model:Q4", ("completion", "tools")),
        Model("all-minilm:latest", ("embedding",), "bert", context=256),
    ]
}


def find(name: str) -> Model | None:
    """A name without a tag means the latest."""
    return MODELS.get(name if ":" in name.rpartition("/")[2] else f"{name}:latest")
