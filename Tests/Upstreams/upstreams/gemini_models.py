"""The models of the simulated Gemini, and what each of them can do and refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CHAT = ("generateContent", "streamGenerateContent", "countTokens")
EMBEDDING = ("embedContent", "batchEmbedContents", "countTokens")


@dataclass(frozen=True)
class Model:
    """One model, as far as requests and answers depend on it."""

    name: str
    generation: int
    methods: tuple[str, ...] = CHAT
    # Thinking is told by a budget (2.5) or by a level (3 and later); nothing is said to a model that does not think.
    budgets: range | None = None
    levels: tuple[str, ...] = ()
    # A budget of 0 where thinking can be switched off.
    can_be_thoughtless: bool = False
    several: bool = True
    penalties: bool = True
    logprobs: bool = True
    dimensions: int = 0

    @property
    def thinks(self) -> bool:
        return self.budgets is not None or bool(self.levels)

    @property
    def wants_signatures(self) -> bool:
        return self.generation >= 3

    @property
    def has_call_ids(self) -> bool:
        return self.generation >= 3

    @property
    def knows_json_schema(self) -> bool:
        return self.generation >= 2

    def listed(self) -> dict[str, Any]:
        """The model as `GET /models` shows it."""
        entry: dict[str, Any] = {
            "name": f"models/{self.name}",
            "version": "001",
            "displayName": self.name.replace("-", " ").title(),
            "description": f"The simulated {self.name}",
            "inputTokenLimit": 2048 if self.dimensions else 1048576,
            "outputTokenLimit": 1 if self.dimensions else 65536 if self.thinks else 8192,
            "supportedGenerationMethods": list(self.methods),
        }
        if not self.dimensions:
            entry |= {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2}
        return entry | ({"thinking": True} if self.thinks else {})


MODELS = {
    model.name: model
    for model in (
        Model("gemini-1.5-pro-latest", 1),
        Model("gemini-2.0-flash", 2),
        Model("gemini-2.5-flash", 2, budgets=range(1, 24577), can_be_thoughtless=True),
        Model("gemini-2.5-pro", 2, budgets=range(128, 32769), penalties=False),
        Model(
            "gemini-3-pro-preview", 3, levels=("LOW", "HIGH"), several=False, penalties=False, logprobs=False
        ),
        Model(
            "gemini-3-flash-preview",
            3,
            levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
            several=False,
            penalties=False,
            logprobs=False,
        ),
        Model("gemini-embedding-001", 2, EMBEDDING, dimensions=3072),
    )
}
