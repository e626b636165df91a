"""Result tables: columns with unit and description, written as TSV with a JSON data dictionary beside."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MISSING = "n/a"  # as in BIDS
SIGNIFICANT_DIGITS = 8


@dataclass(frozen=True)
class Column:
    """:param unit: "" for counts and text. digits: significant digits written."""

    name: str
    description: str
    unit: str = ""
    isText: bool = False

    def number(self, row: dict) -> float:
        value = row.get(self.name)
        return math.nan if value is None else float(value)

    def text(self, row: dict) -> str:
        value = row.get(self.name)
        if self.isText:
            return MISSING if value is None or str(value) == "" else " ".join(str(value).split())
        return formatNumber(value)


def formatNumber(value) -> str:
    """A number without loss of meaning and without noise digits; `n/a` for what is missing or not finite."""
    if value is None or not math.isfinite(value):
        return MISSING
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{SIGNIFICANT_DIGITS}g}"


def allRows(measurements: Iterable, rowsOf: Callable[..., list[dict]]) -> list[dict]:
    """The rows that `rowsOf` makes of each measurement, one after the other."""
    return [row for measurement in measurements for row in rowsOf(measurement)]


def writeTable(path: Path, columns: Sequence[Column], rows: Sequence[dict]) -> None:
    """`path` (.tsv, UTF-8, one header line) and its data dictionary `path` with the suffix .json."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for row in rows:
            writer.writerow([column.text(row) for column in columns])
    dictionary = {
        column.name: {"Description": column.description, **({"Units": column.unit} if column.unit else {})}
        for column in columns
    }
    path.with_suffix(".json").write_text(json.dumps(dictionary, indent=2) + "\n", encoding="utf-8")


def readTable(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
