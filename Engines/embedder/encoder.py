"""A sentence encoder as sentence-transformers lays it out in a folder: tokenizer, BERT, pooling, norm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from .bert import Array, Bert, UnsupportedModel

# How many token places (with padding) go through the layers at once: bounds memory, and small enough for the caches.
PLACES_AT_ONCE = 4096


@dataclass(frozen=True)
class Tokens:
    ids: list[int]


class Encoder:
    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._bert = Bert(folder)
        self.size = self._bert.size
        self.limit, lower = self._lengths(folder)
        self._mode, self._normalises = self._modules(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if lower and self._tokenizer.normalizer is None:
            raise UnsupportedModel("it wants lower case, and its tokenizer.json has no normalizer")
        # The file may ask for padding to a fixed length; batches here are padded to their longest.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.limit)

    def _lengths(self, folder: Path) -> tuple[int, bool]:
        file = folder / "sentence_bert_config.json"
        config: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        limit = config.get("max_seq_length") or self._bert.positions
        return min(int(limit), self._bert.positions), bool(config.get("do_lower_case"))

    @staticmethod
    def _modules(folder: Path) -> tuple[str, bool]:
        file = folder / "modules.json"
        if not file.exists():
            return "mean", False
        mode, normalises = "mean", False
        for module in json.loads(file.read_text()):
            kind = str(module.get("type", "")).rpartition(".")[2]
            if kind == "Pooling":
                mode = Encoder._pooling(folder / module["path"] / "config.json")
            elif kind == "Normalize":
                normalises = True
            elif kind != "Transformer":
                raise UnsupportedModel(f"the module {kind} is not supported")
        return mode, normalises

    @staticmethod
    def _pooling(file: Path) -> str:
        config = json.loads(file.read_text())
        if "pooling_mode" in config:
            chosen = [config["pooling_mode"]]
        else:
            chosen = [name.removeprefix("pooling_mode_") for name, on in config.items() if on is True]
        names = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max"}
        modes = [names.get(name, name) for name in chosen if name != "include_prompt"]
        if len(modes) != 1 or modes[0] not in ("mean", "cls", "max"):
            raise UnsupportedModel(f"the pooling {modes} is not supported")
        return modes[0]

    def tokens(self, texts: list[str]) -> list[Tokens]:
        """Cut at the model's limit, as sentence-transformers does; the special tokens count."""
        return [Tokens(encoding.ids) for encoding in self._tokenizer.encode_batch(texts)]

    def vectors(self, inputs: list[Tokens]) -> list[Array]:
        """One vector an input, in order. Inputs of like length go together, so that little is padded."""
        order = sorted(range(len(inputs)), key=lambda place: len(inputs[place].ids))
        results: list[Array | None] = [None] * len(inputs)
        while order:
            longest = max(1, len(inputs[order[-1]].ids))
            group = order[-max(1, PLACES_AT_ONCE // longest) :]
            del order[-len(group) :]
            for place, vector in zip(group, self._forward([inputs[place] for place in group]), strict=True):
                results[place] = vector
        return [vector for vector in results if vector is not None]

    def _forward(self, group: list[Tokens]) -> Array:
        length = max(len(item.ids) for item in group)
        ids = np.zeros((len(group), length), dtype=np.int64)
        mask = np.zeros((len(group), length), dtype=np.float32)
        for row, item in enumerate(group):
            ids[row, : len(item.ids)] = item.ids
            mask[row, : len(item.ids)] = 1.0
        hidden = self._bert.forward(ids, mask)
        if self._mode == "cls":
            pooled = hidden[:, 0]
        elif self._mode == "max":
            pooled = np.where(mask[:, :, None] > 0, hidden, np.float32(-1e9)).max(axis=1)
        else:
            pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return unit(pooled) if self._normalises else pooled


def unit(vectors: Array) -> Array:
    """The same directions with length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-12))
