"""A list of exams to measure: one row each, as CSV that a person edits or `bids` writes."""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import InputError
from .subjectNames import plainExam, plainId
from .tables import MISSING

# Columns that hold files; the rest are names and settings.
FILES = ("scene", "image", "contours", "references", "phase", "real", "imaginary", "magnitude", "regions")
PATH_SEPARATOR = ";"  # between the echoes of an image, and between contours
SEVERAL = ("image", "contours")
DELIMITERS = ",\t;"
BLANK = ("", MISSING, "na", "nan", "none", "null")  # as spreadsheets and pandas write it
NONE_IS_A_VALUE = ("filter",)


@dataclass(frozen=True)
class Case:
    """One exam.

    :param values: column to text, blanks left out; paths are absolute, several in a cell joined by ';'.
    :param source: where it is listed, for messages. problem: why it cannot be measured, found while listing.
    :param place: of a BIDS dataset: folder and beginning of the names of its results, "sub-01/ses-1/anat/sub-01_ses-1".
    """

    subject: str
    exam: str
    values: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    problem: str = ""
    place: str = ""

    @property
    def name(self) -> str:
        return " ".join(f"{self.subject} {self.exam}".split()) or self.source

    def paths(self, column: str) -> list[Path]:
        """The files of a column, those of contours without their targets."""
        return [Path(path) for _, path in self.targetsAndPaths(column)]

    def targetsAndPaths(self, column: str) -> list[tuple[str, str]]:
        """(target, path) of each file in a cell; the target is "" where none is named."""
        return _targetsAndPaths(column, self.values.get(column, ""))


def _targetsAndPaths(column: str, cell: str) -> list[tuple[str, str]]:
    texts = [text.strip() for text in (cell.split(PATH_SEPARATOR) if column in SEVERAL else [cell]) if text.strip()]
    pairs = [text.partition("=") if column == "contours" and "=" in text else ("", "", text) for text in texts]
    return [(target.strip(), path.strip()) for target, _, path in pairs]


def _joined(pairs: Sequence[tuple[str, str]]) -> str:
    return PATH_SEPARATOR.join(f"{target}={path}" if target else path for target, path in pairs)


def readCases(path: Path, settings: Collection[str]) -> tuple[list[Case], list[str]]:
    """The cases of a CSV file, and columns in it that mean nothing here.

    Separated by commas, tabs or semicolons; paths are relative to the file.

    :param settings: names of the columns that are settings.
    :raises InputError: no table with one of the file columns, or a column whose name is nearly one that is known.
    """
    path = Path(path)
    if PATH_SEPARATOR in str(path.absolute().parent):
        raise InputError(
            f"Case list '{path}' lies in a folder with '{PATH_SEPARATOR}' in its name, which separates files; expected "
            "another name; rename the folder."
        )
    lines = _lines(path)
    header = [name.strip().casefold() for name in lines[0][1]]
    known = ("subject", "exam", "problem", *FILES, *settings)
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"Case list '{path}' has the column '{twice}' twice; expected once; remove one.")
    if not set(header) & {"scene", "image", "phase", "real"}:
        raise InputError(
            f"Case list '{path}' has the columns {', '.join(filter(None, header)) or 'none'}; expected subject, exam, "
            "and scene, or image, contours and references, or phase and regions; add them."
        )
    unknown = [name for name in header if name and name not in known]
    for name in unknown:
        alike = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if alike:
            raise InputError(
                f"Case list '{path}' has the column '{name}', which means nothing; expected '{alike[0]}'; rename it."
            )
    cases = [_case(path, header, number, cells) for number, cells in lines[1:]]
    if not cases:
        raise InputError(f"Case list '{path}' has no rows; expected one per exam; add them.")
    return withoutRepeats(cases), unknown


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank, the header first."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"Case list '{path}': found {found}; expected a CSV file; check the path.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeError as error:
        raise InputError(f"Case list '{path}' is no UTF-8 text; expected CSV; save it as UTF-8.") from error
    if "\0" in text:
        raise InputError(f"Case list '{path}' is no text; expected CSV; save it as UTF-8 text.")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(f"Case list '{path}' is broken ({error}); expected CSV; export it again.") from error
    if not lines:
        raise InputError(f"Case list '{path}' is empty; expected a header and a row per exam; fill it in.")
    return lines


def _case(path: Path, header: Sequence[str], number: int, cells: Sequence[str]) -> Case:
    source, folder = f"line {number}", path.absolute().parent
    values = {}
    for name, cell in zip(header, cells, strict=False):
        text = cell.strip() if name in FILES else " ".join(cell.split())
        if name in NONE_IS_A_VALUE and text.casefold() == "none":
            values[name] = "none"
        elif name and text.casefold() not in BLANK:
            values[name] = text
    for name in set(FILES) & set(values):
        pairs = _targetsAndPaths(name, values[name])
        values[name] = _joined([(target, os.path.abspath(folder / text)) for target, text in pairs])
    subject, exam, said = (values.pop(name, "") for name in ("subject", "exam", "problem"))
    tooMany = f"{source} has {len(cells)} cells, but there are {len(header)} columns; expected as many; correct it."
    nameless = f"{source} has no subject; expected an identifier; fill it in."
    isTooLong, isNameless = any(cell.strip() for cell in cells[len(header) :]), not subject and "scene" not in values
    problem = said or (tooMany if isTooLong else nameless if isNameless else "")
    return Case(subject, exam, values, source, problem)


def withoutRepeats(cases: Sequence[Case]) -> list[Case]:
    """A second row of the same exam and kind gets a problem: its numbers would be taken for a repeated measurement."""
    seen: dict[tuple, Case] = {}
    checked = []
    for case in cases:
        keys = [(plainId(case.subject), plainExam(case.exam), kind) for kind in _kindsOrScene(case)]
        if not case.subject:
            keys = [(case.values.get("scene", case.source),)]
        twice = next((seen[key] for key in keys if key in seen), None)
        if twice is not None and not case.problem:
            problem = (
                f"{case.source} is subject '{case.subject}' exam '{case.exam}' as {twice.source}; expected one row per "
                "exam; give it another exam, or remove it."
            )
            case = replace(case, problem=problem)
        for key in keys:
            seen.setdefault(key, case)
        checked.append(case)
    return checked


def _kindsOrScene(case: Case) -> list[str]:
    """A scene may hold both kinds."""
    profile = "scene" in case.values or "image" in case.values
    phase = not {"scene", "phase", "real"}.isdisjoint(case.values)
    return [kind for kind, isThere in (("profile", profile), ("phase", phase)) if isThere]


def writeCases(path: Path, cases: Sequence[Case]) -> None:
    """A case list that `readCases` reads; paths below the file's folder are written relative to it."""
    path = Path(path)
    used = {name for case in cases for name in case.values}
    columns = [name for name in FILES if name in used] + sorted(used - set(FILES))
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["subject", "exam", *columns, "problem"])
        for case in cases:
            cells = [_relative(case, name, path.absolute().parent) for name in columns]
            writer.writerow([case.subject, case.exam, *cells, case.problem])


def _relative(case: Case, name: str, folder: Path) -> str:
    if name not in FILES:
        return case.values.get(name, "")
    return _joined([(target, _below(Path(text), folder)) for target, text in case.targetsAndPaths(name)])


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
