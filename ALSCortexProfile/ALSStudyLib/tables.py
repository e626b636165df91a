"""Result tables: columns with unit and description, written as TSV with a JSON data dictionary beside."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MISSING = "n/a"  # as in BIDS
SIGNIFICANT_DIGITS = 8
# Also the wide forms of East Asian keyboards, and what has been escaped already: reading takes off one apostrophe.
_FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


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
            return MISSING if value is None or str(value) == "" else asCell(" ".join(str(value).split()))
        return formatNumber(value)


def asCell(text: str) -> str:
    """Text as a cell of which no spreadsheet makes a formula: with an apostrophe before = + - @, as OWASP advises."""
    return f"'{text}" if _FORMULA.match(text) else text


def fromCell(cell: str) -> str:
    """What `asCell` was given; anything else as it is."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


def formatNumber(value) -> str:
    """A number without loss of meaning and without noise digits; `n/a` for what is missing or not finite."""
    if value is None or not math.isfinite(value):
        return MISSING
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{SIGNIFICANT_DIGITS}g}"


def asFlag(reason: str) -> str:
    """A sentence as one of the remarks that a cell separates by semicolons."""
    return reason.replace(";", ",")


def allRows(measurements: Iterable, rowsOf: Callable[..., list[dict]]) -> list[dict]:
    """The rows that `rowsOf` makes of each measurement, one after the other."""
    return [row for measurement in measurements for row in rowsOf(measurement)]


@contextmanager
def openTable(path: Path, columns: Sequence[Column]) -> Iterator[Callable[[Sequence[str]], None]]:
    """A function that writes one row of texts into `path` (.tsv, UTF-8, one header line).

    Its data dictionary is written beside, with the suffix .json.
    """
    dictionary = {
        column.name: {"Description": column.description, **({"Units": column.unit} if column.unit else {})}
        for column in columns
    }
    path.with_suffix(".json").write_text(json.dumps(dictionary, indent=2) + "\n", encoding="utf-8")
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow([column.name for column in columns])
        yield writer.writerow


def writeTable(path: Path, columns: Sequence[Column], rows: Sequence[dict]) -> None:
    """A table and its data dictionary, see `openTable`."""
    with openTable(path, columns) as writeRow:
        for row in rows:
            writeRow([column.text(row) for column in columns])


def readTable(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [{name: fromCell(cell) if cell else cell for name, cell in row.items()} for row in rows]
