"""Whom an identifier means: tables name a person with and without "sub-"; needs neither pandas nor the scene."""

from __future__ import annotations

from collections.abc import Iterable


def plainId(subject: str) -> str:
    return subject.casefold().removeprefix("sub-")


def knownAs(subject: str, names: Iterable[str]) -> str:
    """The name an identifier means: the very one, or the only one but for "sub-" and capitals; else itself."""
    names = list(names)
    if subject in names:
        return subject
    alike = [name for name in names if plainId(name) == plainId(subject)]
    return alike[0] if len(alike) == 1 else subject
