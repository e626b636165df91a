"""Tab-separated files of a study as text tables, and their numbers, each checked: pandas does the reading."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .jsonText import parsedJson
from .studyProblems import REFUSED, Problem
from .tables import MISSING, fromCell

MOST_SENTENCES = 3  # of one kind; more become one that counts
_BLANK = {"", MISSING, "na", "nan", "none", "null", "-"}


def readText(path: Path) -> pd.DataFrame:
    """A TSV file as strings, "" where a value is missing.

    Quotes are kept apart from text only around a whole cell, as Excel writes them: a stray one swallows no rows.

    :raises InputError: no file, no text, not tab-separated, or rows longer than the header.
    """
    path = Path(path)
    checkFile(path)
    lines = [line.split("\t") for line in _text(path).splitlines() if line.strip()]
    if not lines:
        raise InputError(f"File '{path.name}' is empty; expected a tab-separated table; export it again.")
    header = [_cell(name) for name in lines[0]]
    while header and not header[-1]:
        header.pop()
    if len(header) == 1 and any(mark in header[0] for mark in ",;"):
        raise InputError(
            f"File '{path.name}' is separated by commas or semicolons; expected tabs; save it as tab-separated text."
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"File '{path.name}' has column '{twice}' twice; expected once; remove one.")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if any(_cell(cell) for cell in line[len(header) :]):
            raise InputError(
                f"File '{path.name}' has {len(line)} cells in line {number}, but {len(header)} columns; expected as "
                "many; correct the line: the file is left out."
            )
        cells = [_cell(cell) for cell in line[: len(header)]]
        rows.append(cells + [""] * (len(header) - len(cells)))
    return pd.DataFrame(rows, columns=header, dtype=object)


def checkFile(path: Path) -> None:
    """:raises InputError: no such file."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "was not found"
        raise InputError(f"'{path}' {what}; expected a tab-separated table; check the name.")


def _text(path: Path) -> str:
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        raise InputError(
            f"File '{path.name}' is no text in UTF-8; expected a tab-separated table; save it as UTF-8 text."
        ) from error


def _cell(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"').strip()
    text = fromCell(text)
    return "" if text.casefold() in _BLANK else text


def numbers(frame: pd.DataFrame, name: str, source: str, who: str = "subject") -> tuple[np.ndarray, list[Problem]]:
    """A column as floats, NaN where it is missing or no number; and a problem for each text in it, or one for many."""
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    bad = np.flatnonzero(np.isnan(values) & (frame[name] != "").to_numpy())
    hint = " with a decimal point" if any("," in frame[name].iloc[row] for row in bad) else ""
    wanted = f"expected a number{hint} or n/a; correct it"
    if len(bad) > MOST_SENTENCES:
        first = f"the first is '{frame[name].iloc[bad[0]]}' in line {bad[0] + 2}"
        sentence = (
            f"{len(bad)} values in column {name} of {source} are no numbers, {first}; {wanted}: they are left out."
        )
        return values, [Problem(REFUSED, sentence)]
    return values, [
        Problem(
            REFUSED,
            f"'{frame[name].iloc[row]}' in column {name} of {source}, line {row + 2}, is no number; {wanted}: the "
            "value is left out.",
            subject=frame[who].iloc[row] if who in frame else "",
            exam=frame["exam"].iloc[row] if "exam" in frame else "",
        )
        for row in bad
    ]


def column(table: pd.DataFrame, name: str, default: str) -> pd.Series:
    """A column of text, or the default in every row."""
    return table[name] if name in table else pd.Series(default, index=table.index, dtype=str)


def declaredUnit(path: Path, column: str) -> str:
    """Unit of a column in the data dictionary beside a table; "" if there is none."""
    try:
        return str(parsedJson(Path(path).with_suffix(".json").read_text(encoding="utf-8"))[column]["Units"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def naturally(text: str) -> tuple:
    """Sort key under which exam 10 comes after exam 2, and no two names are alike."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    # Of numbers without leading zeros, the one with more digits is the larger.
    numbers = [part.lstrip("0") if part[0] in "0123456789" else None for part in parts]
    pairs = zip(parts, numbers, strict=True)
    return tuple((1, 0, part) if number is None else (0, len(number), number) for part, number in pairs), text


def places(names: Iterable[str]) -> dict[str, int]:
    """The place of each name in natural order."""
    return {name: place for place, name in enumerate(sorted(set(names), key=naturally))}


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names in words; of many, the first."""
    names = sorted(set(names), key=naturally)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
