"""A Llama of two layers with random weights, made on the spot: what it says is noise, how it is served is real."""

from __future__ import annotations

import random
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 1024
ALIGNMENT = 32
TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message.role }}\n{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
UINT32, FLOAT32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
NORMAL, CONTROL = 1, 3


def letters() -> list[str]:
    """The letters that stand for the 256 bytes in vocabularies of byte pairs."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


VOCABULARY = [*letters(), "<|start|>", "<|end|>", "he", "ll"]


class Integers(list[int]):
    """A list that is written as 32-bit integers."""


def settings() -> dict[str, Any]:
    return {
        "general.architecture": "llama",
        "general.name": "toy",
        "general.alignment": ALIGNMENT,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": len(VOCABULARY),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": VOCABULARY,
        "tokenizer.ggml.token_type": Integers([NORMAL] * 256 + [CONTROL] * 2 + [NORMAL] * 2),
        "tokenizer.ggml.merges": ["h e", "l l"],
        "tokenizer.ggml.bos_token_id": 256,
        "tokenizer.ggml.eos_token_id": 257,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": TEMPLATE,
    }


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    words = len(VOCABULARY)
    yield "token_embd.weight", (words, WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", (WIDTH,)
        yield f"{block}.ffn_norm.weight", (WIDTH,)
        for name in ("q", "k", "v", "output"):
            yield f"{block}.attn_{name}.weight", (WIDTH, WIDTH)
        yield f"{block}.ffn_gate.weight", (INNER, WIDTH)
        yield f"{block}.ffn_up.weight", (INNER, WIDTH)
        yield f"{block}.ffn_down.weight", (WIDTH, INNER)
    yield "output_norm.weight", (WIDTH,)
    yield "output.weight", (words, WIDTH)


def write(path: Path) -> None:
    """The model as a file in the format GGUF, version 3; half a megabyte, and the same every time."""
    chance = random.Random(7)
    infos, data = bytearray(), bytearray()
    tensors = list(shapes())
    for name, shape in tensors:
        infos += _string(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", size) for size in reversed(shape)) + struct.pack("<IQ", 0, len(data))
        data += _weights(shape, chance).tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    pairs = b"".join(_string(key) + _typed(value) for key, value in settings().items())
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(settings())) + pairs + infos
    path.write_bytes(head + bytes(-len(head) % ALIGNMENT) + data)


def _weights(shape: tuple[int, ...], chance: random.Random) -> array[float]:
    if len(shape) == 1:
        return array("f", [1.0] * shape[0])
    return array("f", (chance.gauss(0, 0.3) for _ in range(shape[0] * shape[1])))


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _typed(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _string(value)
    if isinstance(value, Integers):
        return struct.pack("<IIQ", ARRAY, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
    return struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(_string(text) for text in value)
