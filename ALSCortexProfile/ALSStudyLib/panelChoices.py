"""Choices of a panel's combo boxes: a name for scenes, a value for the library, words for the user."""

from __future__ import annotations

import enum


class Choice(enum.Enum):
    """A member is `name = value, words`: Slicer stores the name, the library takes the value, a user reads words."""

    def __new__(cls, value: str, words: str):
        member = object.__new__(cls)
        member._value_ = value
        member._words = words
        return member

    def label(self) -> str:
        """What the combo box shows: Slicer asks for it."""
        return self._words
