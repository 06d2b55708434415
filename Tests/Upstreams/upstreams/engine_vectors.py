"""Embeddings of each kind of engine, and the lists of models that they give."""

from __future__ import annotations

from typing import Any

from . import content
from .content import CREATED
from .engine_kinds import Kind
from .engine_rules import check_embeddings

SIZE = 384


def inputs_of(given: Any) -> list[Any]:
    """The texts, or lists of tokens, of a request; one of them may stand alone."""
    if isinstance(given, str) or (isinstance(given, list) and given and type(given[0]) is int):
        return [given]
    return given if isinstance(given, list) else []


def embed(kind: Kind, body: dict[str, Any], scenario: dict[str, Any]) -> dict[str, Any]:
    """The answer of OpenAI's route."""
    inputs = inputs_of(body.get("input"))
    check_embeddings(kind, inputs)
    size = body.get("dimensions") if kind.cuts else None
    wanted = body | {"input": inputs, "dimensions": size or scenario.get("dimensions", SIZE)}
    wanted.setdefault("model", "org/embed")
    answer = content.embeddings(wanted, {"floats_only": not kind.encodes})
    if kind.name == "llamacpp-py" and scenario.get("nested"):
        # A model without pooling: one vector for every token.
        for entry, given in zip(answer["data"], inputs, strict=True):
            entry["embedding"] = [content.vector(word, SIZE) for word in given.split()]
    if scenario.get("shuffled"):
        answer["data"].reverse()
    return answer


def extract(inputs: Any, scenario: dict[str, Any]) -> list[Any]:
    """The bare lists of TEI's own route and of the hosted pipeline."""
    texts = inputs_of(inputs)
    if scenario.get("token_level"):
        return [[content.vector(word, SIZE) for word in text.split()] for text in texts]
    return [content.vector(text, scenario.get("dimensions", SIZE)) for text in texts]


def models(kind: Kind, names: list[str]) -> dict[str, Any]:
    listed = {"object": "list", "data": [_model(kind, name) for name in names]}
    if kind.name == "llamacpp":
        listed = {"models": [{"name": n, "model": n, "capabilities": ["completion"]} for n in names]} | listed
    return listed


def _model(kind: Kind, name: str) -> dict[str, Any]:
    item: dict[str, Any] = {"id": name, "object": "model", "created": CREATED, "owned_by": kind.name}
    if kind.name == "vllm":
        return item | {"root": name, "parent": None, "max_model_len": 8192, "permission": []}
    if kind.name == "llamacpp":
        return item | {"meta": {"n_ctx_train": 8192, "n_params": 110000}}
    if kind.name == "llamacpp-py":
        return {"id": name, "object": "model", "owned_by": "me", "permissions": []}
    if kind.name == "infinity":
        return item | {"backend": "torch", "stats": {"queue_fraction": 0.0}, "capabilities": ["embed"]}
    if kind.name == "router":
        return item | {"owned_by": name.split("/")[0], "providers": [{"provider": "novita", "status": "live"}]}
    return item
