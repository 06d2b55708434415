"""The README's table of providers and capabilities, made of what the scenarios have shown."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).resolve().parents[3] / "README.md"
BEGIN, END = "<!-- providers: made by scripts/provider-table -->\n", "<!-- end of providers -->\n"
COLUMNS = {
    "chat": ["plain", "multi_turn", "system"],
    "stream": ["stream", "cut_stream", "error_in_the_stream"],
    "images": ["image"],
    "tools": ["tool_call", "tool_call_in_pieces", "parallel_tools", "tool_choice", "tool_result_turn"],
    "JSON": ["json_object"],
    "schema": ["json_schema"],
    "reasoning": ["reasoning"],
    "refusals": ["refusal"],
    "embeddings": ["embeddings"],
}


def render(table: dict[str, dict[str, str]]) -> str:
    """Markdown, one line a provider; a capability is there when all of its scenarios passed."""
    lines = ["| provider | " + " | ".join(COLUMNS) + " |", "| --- |" + " --- |" * len(COLUMNS)]
    for provider, shown in table.items():
        cells = []
        for scenarios in COLUMNS.values():
            results = {shown.get(name, "-") for name in scenarios}
            cells.append("yes" if results == {"yes"} else "400" if "refused" in results else "–")
        lines.append(f"| `{provider}/` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def shown() -> str:
    """What the README says now."""
    text = README.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


def write(table: dict[str, dict[str, str]]) -> None:
    text = README.read_text()
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    README.write_text(text[:start] + render(table) + text[end:])
