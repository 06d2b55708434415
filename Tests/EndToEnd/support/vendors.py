"""The vendors that the scenario table is run over: what each is called, how a worker is pointed at it, what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from upstreams.engine_kinds import KINDS

from .simulator import Simulator

Environment = Callable[[Simulator], dict[str, str]]
Engines = list[dict[str, Any]]


@dataclass(frozen=True)
class Vendor:
    """One provider with its simulator."""

    name: str
    model: str
    module: str
    environment: Environment = lambda _: {}
    engines: Callable[[Simulator], Engines] = lambda _: []
    options: tuple[str, ...] = ()
    # A model that reasons, where that is another one.
    thinker: str = ""
    # A model that embeds; a vendor without one refuses.
    embedder: str = ""
    # Whether its models' names alone can only be its own.
    has_bare_names: bool = True
    # Another model, whose name stays what it is in the answer.
    other: str = ""
    # Whether vectors can be had with fewer dimensions than they have.
    has_dimensions: bool = True
    # Scenarios that ask for what the vendor has not; they must be refused by name.
    refuses: dict[str, str] = field(default_factory=dict)
    # Scenarios that make no sense for it, with the reason.
    skips: dict[str, str] = field(default_factory=dict)
    # Scenarios in which the gateway does not put right yet what the vendor does; whoever mends it must say so here.
    owed: dict[str, str] = field(default_factory=dict)

    @property
    def reasoning_model(self) -> str:
        return self.thinker or self.model

    def __str__(self) -> str:
        return self.name


def _engines(sim: Simulator) -> Engines:
    """An engine that speaks OpenAI's dialect without an accent."""
    common = {"url": sim.url, "kind": "vllm", "key": "gpu"}
    return [
        common | {"model": "org/chat", "served": "gpt-4o"},
        common | {"model": "org/embed", "served": "text-embedding-3-small", "task": "embed"},
    ]


def _engine(kind: str, **rest: Any) -> Vendor:
    """An engine with the accent of its kind."""

    def engines(sim: Simulator) -> Engines:
        common = {"url": sim.url, "kind": kind, "key": "gpu"}
        chat = common | {"model": f"{kind}/chat", "served": "org/chat"}
        embed = common | {"model": f"{kind}/embed", "served": "org/embed", "task": "embed"}
        return [chat, embed] if KINDS[kind].embeds else [chat]

    return Vendor(
        kind,
        f"huggingface/{kind}/chat",
        "upstreams.engines",
        options=("--kind", kind),
        engines=engines,
        embedder=f"huggingface/{kind}/embed" if KINDS[kind].embeds else "",
        **rest,
    )


def environment_of(vendors: list[Vendor], simulators: dict[str, Simulator]) -> dict[str, str]:
    """What makes a worker know all of these vendors and their engines."""
    environment = {"ENGINE_KEYS": json.dumps({"gpu": "sim-key-1"})}
    engines: Engines = []
    for vendor in vendors:
        environment |= vendor.environment(simulators[vendor.name])
        engines += vendor.engines(simulators[vendor.name])
    return environment | {"ENGINES": json.dumps(engines)}


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
        other="deepseek/deepseek-v4-pro",
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
        lambda sim: {"MINMAX_API_KEY": "sim-key-1", "MINMAX_API_URL": sim.url, "MINMAX_GROUP_ID": "42"},
        embedder="minimax/embo-01",
        has_dimensions=False,
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
    Vendor(
        "huggingface",
        "huggingface/org/chat",
        "upstreams.openai",
        engines=_engines,
        embedder="huggingface/org/embed",
    ),
]

SILENT = {"refusal": "it has no refusals of its own"}
BLIND = {"image": "its models see nothing"}
CHATS_ONLY = {"embeddings": "it chats only"}
OUTSPOKEN = {"reasoning": "it leaves reasoning in the text"}
ENGINES = [
    _engine("vllm", skips=SILENT),
    _engine("sglang", skips=SILENT),
    _engine("tgi", skips=SILENT | OUTSPOKEN | CHATS_ONLY | {"parallel_tools": "it makes one call at most"}),
    _engine("llamacpp", skips=SILENT),
    _engine(
        "llamacpp-py",
        skips=SILENT | BLIND | OUTSPOKEN,
    ),
    _engine(
        "transformers",
        refuses={"json_schema": "response_format", "json_object": "response_format", "reasoning": "reasoning_effort"},
        skips=SILENT | BLIND | CHATS_ONLY,
    ),
    Vendor(
        "router",
        "huggingface/org/routed",
        "upstreams.engines",
        lambda sim: {
            "HF_TOKEN": "sim-key-1",
            "HUGGINGFACE_BASE_URL": sim.base_url,
            "HUGGINGFACE_EMBEDDINGS_URL": f"{sim.url}/hf-inference",
        },
        options=("--kind", "router", "--model", "org/routed", "--embedder", "org/routed-embed"),
        embedder="huggingface/org/routed-embed",
        skips=SILENT | OUTSPOKEN,
    ),
]
