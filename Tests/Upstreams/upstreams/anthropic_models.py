"""Anthropic's models and what each of them can do and refuses, told from its name: family and version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

NAME = re.compile(
    r"^claude-(?P<family>opus|sonnet|haiku|fable|mythos)-(?P<major>\d)(?:-(?P<minor>\d{1,2}))?(?:-\d{8})?$"
)
OLD_NAME = re.compile(r"^claude-(?P<major>3)(?:-(?P<minor>\d))?-(?P<family>opus|sonnet|haiku)(?:-\d{8}|-latest)?$")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
NEVER = (99, 0)


@dataclass(frozen=True)
class Model:
    """One model. A family learns most things at some version and keeps them."""

    name: str
    family: str
    version: tuple[int, int]

    def _since(self, **first: tuple[int, int]) -> bool:
        """Whether the version is at least the one given for its family; families that are not given never can."""
        return self.version >= first.get(self.family, NEVER)

    @property
    def has_no_sampling(self) -> bool:
        """Neither `temperature` and its like nor a budget of thinking: the newest decide by themselves."""
        return self._since(opus=(4, 7), sonnet=(5, 0), haiku=(5, 5), fable=(5, 0), mythos=(5, 0))

    @property
    def thinks_adaptively(self) -> bool:
        return self.has_no_sampling or self._since(opus=(4, 6), sonnet=(4, 6))

    @property
    def thinks_by_budget(self) -> bool:
        return self.version >= (3, 7) and not self.has_no_sampling

    @property
    def thinks_unasked(self) -> bool:
        return self.has_no_sampling and self.version >= (5, 0)

    @property
    def switches_off(self) -> str | None:
        """The kind of thinking that is none, where there is one."""
        if self.family in ("fable", "mythos") or (self.family, self.version) == ("opus", (5, 5)):
            return None
        return "between_tools" if (self.family, self.version) == ("sonnet", (5, 5)) else "disabled"

    @property
    def efforts(self) -> tuple[str, ...]:
        if not (self.has_no_sampling or self._since(opus=(4, 5), sonnet=(4, 6))):
            return ()
        usual = EFFORTS if self.has_no_sampling else ("low", "medium", "high", "max")
        return usual[:3] if (self.family, self.version) == ("opus", (4, 5)) else usual

    @property
    def cannot_be_forced(self) -> bool:
        return self._since(opus=(5, 5), sonnet=(5, 5), fable=(5, 1), mythos=(5, 1))

    @property
    def takes_no_prefill(self) -> bool:
        return self.has_no_sampling or self._since(opus=(4, 6))

    @property
    def takes_schemas(self) -> bool:
        return self.version >= (5, 0) or self._since(opus=(4, 1), sonnet=(4, 5), haiku=(4, 5))

    @property
    def takes_one_of_temperature_and_top_p(self) -> bool:
        return self.version >= (4, 1)

    @property
    def takes_system_turns(self) -> bool:
        return self._since(opus=(4, 8), fable=(5, 0), mythos=(5, 0))

    @property
    def ignores_system_turns(self) -> bool:
        return self._since(sonnet=(5, 0))

    @property
    def hides_thoughts(self) -> bool:
        """Shows no text of its thoughts unless asked for a summary."""
        return self.has_no_sampling

    @property
    def binds_thoughts(self) -> bool:
        """Takes a thought back only behind the very conversation it was had in."""
        return self._since(opus=(5, 5), sonnet=(5, 5), haiku=(5, 5), fable=(5, 1), mythos=(5, 2))

    @property
    def longest_tool_name(self) -> int:
        return 128 if self.version >= (4, 0) else 64

    @property
    def most_tokens(self) -> int:
        steps = [((4, 6), 128_000), ((4, 5), 64_000), ((3, 7), 32_000), ((3, 5), 8_192)]
        return next((most for version, most in steps if self.version >= version), 4_096)

    def listed(self) -> dict[str, Any]:
        """The model as `GET /v1/models` shows it."""

        def can(what: bool) -> dict[str, bool]:
            return {"supported": what}

        thinking = {"types": {"enabled": can(self.thinks_by_budget), "adaptive": can(self.thinks_adaptively)}}
        effort = can(bool(self.efforts)) | {name: can(name in self.efforts) for name in EFFORTS}
        return {
            "id": self.name,
            "type": "model",
            "display_name": self.name.replace("-", " ").title(),
            "created_at": "2025-09-29T00:00:00Z",
            "max_input_tokens": 200_000,
            "max_tokens": self.most_tokens,
            "capabilities": {
                "batch": can(True),
                "citations": can(True),
                "image_input": can(True),
                "pdf_input": can(True),
                "structured_outputs": can(self.takes_schemas),
                "effort": effort,
                "thinking": can(self.thinks_by_budget or self.thinks_adaptively) | thinking,
            },
        }


def model_named(name: str) -> Model | None:
    found = NAME.match(name) or OLD_NAME.match(name)
    if found is None:
        return None
    return Model(name, found["family"], (int(found["major"]), int(found["minor"] or 0)))


LISTED = [
    model
    for name in (
        "claude-opus-5-5",
        "claude-sonnet-5",
        "claude-opus-4-7",
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5",
        "claude-3-haiku-20240307",
    )
    if (model := model_named(name)) is not None
]
