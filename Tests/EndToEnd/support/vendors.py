"""The vendors that the scenario table is run over: what each is called, how a worker is pointed at it, what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from .simulator import Simulator

Environment = Callable[[Simulator], dict[str, str]]


@dataclass(frozen=True)
class Vendor:
    """One provider with its simulator."""

    name: str
    model: str
    module: str
    environment: Environment
    options: tuple[str, ...] = ()
    # A model that reasons, where that is another one.
    thinker: str = ""
    # A model that embeds; a vendor without one refuses.
    embedder: str = ""
    # Whether its models' names alone can only be its own.
    has_bare_names: bool = True
    # Scenarios that ask for what the vendor has not; they must be refused by name.
    refuses: dict[str, str] = field(default_factory=dict)
    # Scenarios that make no sense for it, with the reason.
    skips: dict[str, str] = field(default_factory=dict)

    @property
    def reasoning_model(self) -> str:
        return self.thinker or self.model

    def __str__(self) -> str:
        return self.name


def _engines(sim: Simulator) -> dict[str, str]:
    """What vLLM puts on the wire is OpenAI's own, near enough to be played by the same simulator."""
    common = {"url": sim.url, "kind": "vllm", "key": "gpu"}
    engines = [
        common | {"model": "org/chat", "served": "gpt-4o"},
        common | {"model": "org/embed", "served": "text-embedding-3-small", "task": "embed"},
    ]
    return {"ENGINES": json.dumps(engines), "ENGINE_KEYS": json.dumps({"gpu": "sim-key-1"})}


VENDORS = [
    Vendor(
        "openai",
        "openai/gpt-4o",
        "upstreams.openai",
        lambda sim: {"OPENAI_API_KEY": "sim-key-1", "OPENAI_BASE_URL": sim.base_url},
        embedder="openai/text-embedding-3-small",
    ),
    Vendor(
        "deepseek",
        "deepseek/deepseek-chat",
        "upstreams.openai",
        lambda sim: {"DEEPSEEK_API_KEY": "sim-deep-1", "DEEPSEEK_API_URL": f"{sim.url}/deepseek"},
        thinker="deepseek/deepseek-reasoner",
        refuses={"json_schema": "response_format"},
        skips={"refusal": "it has no refusals of its own"},
    ),
    Vendor(
        "claude",
        "claude/claude-sonnet-4-5",
        "upstreams.anthropic",
        lambda sim: {"ANTHROPIC_API_KEY": "sim-key-1", "ANTHROPIC_BASE_URL": sim.url},
    ),
    Vendor(
        "gemini",
        "gemini/gemini-3-flash-preview",
        "upstreams.gemini",
        lambda sim: {"GOOGLE_API_KEY": "sim-key-1", "GEMINI_BASE_URL": sim.url},
        embedder="gemini/gemini-embedding-001",
    ),
    Vendor(
        "minmax",
        "minimax/MiniMax-M3",
        "upstreams.minimax",
        lambda sim: {"MINMAX_API_KEY": "sim-key-1", "MINMAX_API_URL": sim.url},
        refuses={"stop": "stop"},
    ),
    Vendor(
        "ollama",
        "ollama/llama3",
        "upstreams.ollama",
        lambda sim: {"OLLAMA_BASEURL": sim.url},
        thinker="ollama/qwen3:8b",
        embedder="ollama/all-minilm",
        has_bare_names=False,
        skips={"refusal": "it has no refusals of its own"},
    ),
    Vendor("huggingface", "huggingface/org/chat", "upstreams.openai", _engines, embedder="huggingface/org/embed"),
]
