"""Tab-separated files of a study as text tables, and their numbers, each checked: pandas does the reading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .studyProblems import REFUSED, Problem
from .tables import MISSING

_BLANK = {"", MISSING, "na", "nan", "none", "null", "-"}


def readText(path: Path) -> pd.DataFrame:
    """A TSV file as strings, "" where a value is missing.

    :raises InputError: no file, no text, or not tab-separated.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"File '{path}' was not found; expected a tab-separated table; check the name.")
    try:
        frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(
            f"File '{path.name}' cannot be read as a table ({reason}); expected tab-separated UTF-8 text with one "
            "header line; export it again."
        ) from error
    if frame.shape[1] == 1 and any(mark in frame.columns[0] for mark in ",;"):
        raise InputError(
            f"File '{path.name}' is separated by commas or semicolons; expected tabs; save it as tab-separated text."
        )
    frame.columns = [str(name).strip() for name in frame.columns]
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InputError(f"File '{path.name}' has column '{twice}' twice; expected once; remove one.")
    frame = frame.map(lambda text: " ".join(str(text).split()))
    return frame.map(lambda text: "" if text.casefold() in _BLANK else text)


def numbers(frame: pd.DataFrame, name: str, source: str, who: str = "subject") -> tuple[np.ndarray, list[Problem]]:
    """A column as floats, NaN where it is missing or no number; and one problem for each text in it."""
    values = pd.to_numeric(frame[name].replace("", np.nan), errors="coerce").to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    problems = []
    for row in np.flatnonzero(np.isnan(values) & (frame[name] != "").to_numpy()):
        text = frame[name].iloc[row]
        hint = " with a decimal point" if "," in text else ""
        problems.append(
            Problem(
                REFUSED,
                f"'{text}' in column {name} of {source}, line {row + 2}, is no number; expected a number{hint} or n/a; "
                "correct it: the value is left out.",
                subject=frame[who].iloc[row] if who in frame else "",
                exam=frame["exam"].iloc[row] if "exam" in frame else "",
            )
        )
    return values, problems


def column(table: pd.DataFrame, name: str, default: str) -> pd.Series:
    """A column of text, or the default in every row."""
    return table[name] if name in table else pd.Series(default, index=table.index, dtype=str)


def declaredUnit(path: Path, column: str) -> str:
    """Unit of a column in the data dictionary beside a table; "" if there is none."""
    try:
        return str(json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8"))[column]["Units"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def recordBeside(path: Path) -> dict:
    """provenance.json in the folder of a table; {} if there is none."""
    from .provenance import PROVENANCE_NAME

    try:
        record = json.loads((Path(path).parent / PROVENANCE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
