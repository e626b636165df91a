"""Enums as PythonQt makes them: a class derived from int for each, whose values stand beside it, unscoped."""

import enum
import functools

from . import tables


class QtEnum(int):
    """A value of an enum; adding or combining values gives a plain int."""

    enumName = ""

    def __repr__(self) -> str:
        return f"{self.enumName}({int(self)})"

    __str__ = __repr__


@functools.cache
def enumClass(owner: str, name: str) -> type:
    return type(name, (QtEnum,), {"enumName": f"{owner}.{name}", "__module__": "qt"})


@functools.cache
def enumValue(owner: str, key: str) -> QtEnum | None:
    """Value such as Qt.AlignRight, or None."""
    found = tables.enumValueOf(owner, key)
    return enumClass(found[0], found[1])(found[2]) if found else None


def enumOfType(kind: str, scope: str = "") -> tuple[type, type | None] | None:
    """PythonQt's and PySide's class for a C++ type such as Qt::Alignment; None if it is no enum."""
    owner, _, name = kind.rpartition("::")
    found = tables.enumOf(owner or scope, name) if owner or scope else None
    if found is None:
        return None
    return enumClass(found[0], found[1]), pySideEnum(found[0], found[1])


@functools.cache
def pySideEnum(owner: str, name: str) -> type | None:
    from PySide6 import QtCore, QtGui, QtWidgets

    for module in (QtCore, QtGui, QtWidgets):
        if hasattr(module, owner):
            return getattr(getattr(module, owner), name, None)
    return None


def fromPySide(value: enum.Enum) -> int:
    """PythonQt's value for one of PySide's."""
    owner, _, name = type(value).__qualname__.rpartition(".")
    found = tables.enumOf(owner, name)
    number = int(value.value)
    return enumClass(found[0], found[1])(number) if found else number
