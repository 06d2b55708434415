"""The forward pass of BERT in numpy, for inference on a CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

Array = np.ndarray[Any, np.dtype[np.float32]]


class UnsupportedModel(Exception):
    """A model folder that this engine cannot run, with the reason."""


def _erf(x: Array) -> Array:
    """Abramowitz and Stegun 7.1.26: within 1.5e-7 of the true value, which is what float32 can hold anyway."""
    size = np.abs(x)
    t = 1.0 / (1.0 + np.float32(0.3275911) * size)
    series = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series *= t
        series += np.float32(factor)
    series *= t
    size *= size
    series *= np.exp(-size)
    return np.copysign(1.0 - series, x)


def _gelu(x: Array) -> Array:
    result = _erf(x * np.float32(0.5**0.5))
    result += 1.0
    result *= x
    result *= np.float32(0.5)
    return result


class Bert:
    """One encoder. `forward` may be called from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        if config.get("model_type") != "bert":
            raise UnsupportedModel(f"model_type is {config.get('model_type')!r}; only 'bert' is supported")
        if config.get("hidden_act", "gelu") != "gelu":
            raise UnsupportedModel(f"hidden_act is {config['hidden_act']!r}; only 'gelu' is supported")
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise UnsupportedModel("only absolute positions are supported")
        if not (folder / "model.safetensors").exists():
            raise UnsupportedModel("there is no model.safetensors")
        self.size: int = config["hidden_size"]
        self.heads: int = config["num_attention_heads"]
        self.positions: int = config["max_position_embeddings"]
        self.vocabulary: int = config["vocab_size"]
        self._epsilon = np.float32(config.get("layer_norm_eps", 1e-12))
        weights = {
            name.removeprefix("bert."): value.astype(np.float32)
            for name, value in load_file(str(folder / "model.safetensors")).items()
            if value.dtype.kind == "f"
        }
        try:
            self._words = weights["embeddings.word_embeddings.weight"]
            self._places = weights["embeddings.position_embeddings.weight"]
            # Sentences have one segment.
            self._places = self._places + weights["embeddings.token_type_embeddings.weight"][0]
            self._norm = self._pair(weights, "embeddings.LayerNorm")
            self._layers = [
                self._layer(weights, f"encoder.layer.{number}.") for number in range(config["num_hidden_layers"])
            ]
        except KeyError as error:
            raise UnsupportedModel(f"the weights lack {error}") from error

    @staticmethod
    def _pair(weights: dict[str, Array], name: str) -> tuple[Array, Array]:
        # Checkpoints converted from TensorFlow call them gamma and beta.
        scale = weights[f"{name}.gamma" if f"{name}.gamma" in weights else f"{name}.weight"]
        return scale, weights[f"{name}.beta" if f"{name}.beta" in weights else f"{name}.bias"]

    def _layer(self, weights: dict[str, Array], prefix: str) -> dict[str, tuple[Array, Array]]:
        def linear(name: str) -> tuple[Array, Array]:
            return np.ascontiguousarray(weights[f"{prefix}{name}.weight"].T), weights[f"{prefix}{name}.bias"]

        query, key, value = (linear(f"attention.self.{name}") for name in ("query", "key", "value"))
        return {
            # One product instead of three.
            "qkv": (
                np.ascontiguousarray(np.concatenate([query[0], key[0], value[0]], axis=1)),
                np.concatenate([query[1], key[1], value[1]]),
            ),
            "attended": linear("attention.output.dense"),
            "attended_norm": self._pair(weights, f"{prefix}attention.output.LayerNorm"),
            "wide": linear("intermediate.dense"),
            "narrow": linear("output.dense"),
            "norm": self._pair(weights, f"{prefix}output.LayerNorm"),
        }

    def _normalise(self, x: Array, norm: tuple[Array, Array]) -> Array:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self._epsilon)
        x *= norm[0]
        x += norm[1]
        return x

    def forward(self, ids: np.ndarray[Any, Any], mask: Array) -> Array:
        """Hidden states `[batch, length, size]` for padded token ids and a mask of 1 where there is a token."""
        batch, length = ids.shape
        width = self.size // self.heads
        x = self._normalise(self._words[ids] + self._places[:length], self._norm)
        bias = ((1.0 - mask) * np.float32(-1e9))[:, None, None, :]
        for layer in self._layers:
            qkv = x @ layer["qkv"][0] + layer["qkv"][1]
            qkv = qkv.reshape(batch, length, 3, self.heads, width).transpose(2, 0, 3, 1, 4)
            scores = qkv[0] @ qkv[1].transpose(0, 1, 3, 2)
            scores *= np.float32(width**-0.5)
            scores += bias
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            attended = (scores @ qkv[2]).transpose(0, 2, 1, 3).reshape(batch, length, self.size)
            x = self._normalise(x + attended @ layer["attended"][0] + layer["attended"][1], layer["attended_norm"])
            wide = _gelu(x @ layer["wide"][0] + layer["wide"][1])
            x = self._normalise(x + wide @ layer["narrow"][0] + layer["narrow"][1], layer["norm"])
        return x
