"""Whom an identifier means: tables name a person with and without "sub-", an exam with and without zeros before it.

Safe file names of any identifier, too. Needs neither pandas nor the scene.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def plainId(subject: str) -> str:
    return subject.casefold().removeprefix("sub-")


def plainExam(exam: str) -> str:
    """Exam 01 is exam 1, and session ses-01."""
    plain = exam.casefold().removeprefix("ses-")
    return plain.lstrip("0") or "0" if plain.isdecimal() else plain


def knownAs(subject: str, names: Iterable[str]) -> str:
    """The name an identifier means: the very one, or the only one but for "sub-" and capitals; else itself."""
    names = list(names)
    if subject in names:
        return subject
    alike = [name for name in names if plainId(name) == plainId(subject)]
    return alike[0] if len(alike) == 1 else subject


def fileStem(name: str, otherwise: str, taken: set[str]) -> str:
    """A file name of its own, whatever signs a name has, added to those taken; not even by case like another."""
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._") or otherwise
    stem, number = safe, 2
    while stem.casefold() in taken:
        stem, number = f"{safe}_{number}", number + 1
    taken.add(stem.casefold())
    return stem
