"""The programs that serve models of Hugging Face, as data: they speak OpenAI's dialect, each with its own accent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OPENAI_MEMBERS = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
        "n", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "tools",
        "tool_choice", "parallel_tool_calls", "functions", "function_call", "response_format", "reasoning_effort",
        "user", "metadata", "store", "service_tier", "modalities", "audio", "prediction", "web_search_options",
        "verbosity", "safety_identifier", "prompt_cache_key", "generation_config",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What a kind of engine does, and how it spells it."""

    name: str
    chats: bool = True
    embeds: bool = False
    prefix: str = "/v1"
    # Where its health is asked for, and what a healthy one says; nothing is an empty body.
    health: dict[str, Any] = field(default_factory=dict)
    # Whether it looks at the name of the model; one that does not serves what it has.
    minds_names: bool = False
    # Members of a request beside which it accepts none; nothing accepts all.
    members: frozenset[str] | None = None
    # The words for the limit of an answer that it understands.
    limits: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
    stops: bool = True
    several: bool = False
    logprobs: bool = True
    sees: bool = True
    # The member that holds reasoning; without one it stays within the text.
    reasoning: str = "reasoning_content"
    # The forms that `response_format` may ask for.
    forms: frozenset[str] = frozenset({"text", "json_object", "json_schema"})

    # How it spells a stream
    identity: str = "chatcmpl-sim{number}"
    envelope: dict[str, Any] = field(default_factory=dict)
    # What it calls the model: by the name it was asked for, or by its own.
    names_model: str = "{model}"
    opening: dict[str, Any] | None = field(default_factory=lambda: {"role": "assistant", "content": ""})
    repeats_role: bool = False
    # Whether members that say nothing are written as null: the reason for an end that is not there yet, and logprobs.
    nulls: bool = True
    null_logprobs: bool = True
    done: bool = True
    # When usage is told: "asked" by a chunk of its own, "finish" with the reason for the end, "never".
    usage: str = "asked"
    line_end: str = "lf"
    # What it adds to a choice that has ended.
    choice_extra: dict[str, Any] = field(default_factory=dict)

    # Tools
    call_id: str = "call_{number}_{place}"
    calls_at_most: int = 100
    tool_finish: str = "tool_calls"

    # Embeddings
    batch: int = 0
    longest: int = 0
    takes_tokens: bool = True
    encodes: bool = True
    cuts: bool = True


KINDS = {
    kind.name: kind
    for kind in [
        Kind(
            "vllm",
            embeds=True,
            health={"/health": None, "/ping": None},
            minds_names=True,
            several=True,
            reasoning="reasoning",
            choice_extra={"stop_reason": None},
            call_id="chatcmpl-tool-{number}{place}",
        ),
        Kind(
            "sglang",
            embeds=True,
            health={"/health": None, "/health_generate": None},
            identity="{number:032x}",
            choice_extra={"matched_stop": None},
        ),
        Kind(
            "tgi",
            health={"/health": None, "/ping": None, "/info": {"model_id": "org/chat", "version": "3.3.6"}},
            limits=("max_tokens",),
            reasoning="",
            identity="",
            envelope={"system_fingerprint": "3.3.6"},
            names_model="{served}",
            opening=None,
            repeats_role=True,
            call_id="0",
            calls_at_most=1,
            tool_finish="stop",
        ),
        Kind(
            "llamacpp",
            embeds=True,
            health={"/health": {"status": "ok"}},
            envelope={"system_fingerprint": "b9310-0a1b2c3d"},
            names_model="{served}",
            null_logprobs=False,
            opening={"role": "assistant", "content": None},
            cuts=False,
        ),
        Kind(
            "llamacpp-py",
            embeds=True,
            limits=("max_tokens",),
            logprobs=False,
            sees=False,
            reasoning="",
            forms=frozenset({"text", "json_object"}),
            opening={"role": "assistant"},
            usage="never",
            line_end="crlf",
            call_id="call__{place}_{name}_cmpl-sim{number}",
            takes_tokens=False,
            encodes=False,
            cuts=False,
        ),
        Kind(
            "transformers",
            health={"/health": {"status": "ok"}},
            minds_names=True,
            members=OPENAI_MEMBERS,
            limits=("max_tokens",),
            stops=False,
            logprobs=False,
            sees=False,
            reasoning="",
            forms=frozenset(),
            identity="a{number}",
            envelope={"system_fingerprint": ""},
            names_model="{model}@main",
            opening={"role": "assistant"},
            nulls=False,
            null_logprobs=False,
            done=False,
            usage="finish",
            call_id="a{number}_tool_call_{place}",
        ),
        Kind(
            "tei",
            chats=False,
            embeds=True,
            health={"/health": None, "/info": {"model_id": "org/embed", "max_client_batch_size": 32}},
            batch=32,
            longest=512,
        ),
        Kind(
            "infinity",
            chats=False,
            embeds=True,
            prefix="",
            health={"/health": {"unix": 1794900001.5}},
            minds_names=True,
            batch=2048,
            takes_tokens=False,
        ),
        Kind(
            "router",
            minds_names=True,
            reasoning="",
            identity="{number}a-sim",
            envelope={"seed": 7, "prompt": [], "sla_metrics": {"ttft_ms": 9}},
            repeats_role=True,
            choice_extra={"text": "", "token_id": 11, "seed": 7},
        ),
    ]
}
