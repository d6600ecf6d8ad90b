"""Figures as tables, and what they say of a target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

MISSING = "–"


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def percentile(values: Sequence[float], part: float) -> float | None:
    """The smallest value that is not exceeded by `part` (0 to 1) of all: one that was measured, no mixture of two."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-part * len(ordered) // 1) - 1))] if ordered else None


def number(value: float | None, digits: int = 1) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """Prints a table; the first `left` columns are text, the others figures."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    print(f"\n{title}")
    for row in [head, *rows]:
        cells = [cell.ljust(width) if at < left else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())


class Verdicts:
    """One line a target: met, not met, or not measured, with the figure."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def judge(self, what: str, figure: float | None, limit: float, said: str, at_least: bool = False) -> None:
        """`said` is the figure with its unit, where it was worst, and what is allowed."""
        met = None if figure is None else (figure >= limit if at_least else figure <= limit)
        self.lines.append({"target": what, "met": met, "figure": figure, "limit": limit, "said": said})

    def show(self) -> None:
        print("\ntargets")
        for line in self.lines:
            word = {True: "met", False: "NOT MET", None: MISSING}[line["met"]]
            said = "not measured" if line["met"] is None else line["said"]
            print(f"  {word:8} {line['target']}: {said}")
