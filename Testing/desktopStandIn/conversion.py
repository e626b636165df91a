"""
Values on their way from Python to Qt and back, as PythonQt converts them.

Where PythonQt would silently make something else of a value (2.7 -> 2, 5 -> "5", a node -> True) the stand-in refuses:
such a call is a mistake, whether or not it runs.
"""

import enum
import math
import numbers

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

from . import enums, tables

INTEGERS = {"int", "uint", "unsigned int", "long", "qint64", "quint64", "qlonglong", "qulonglong", "short", "qreal*"}
INTEGERS |= {"unsigned long", "long long", "unsigned short", "char", "uchar", "quint32", "qint32", "quint16", "qintptr"}
NUMBERS = {"double", "float", "qreal"}
STRINGS = {"QString", "char*", "QStringRef", "QString*", "QLatin1String", "QChar"}
LISTS = {"QStringList": "QString", "QVariantList": "QVariant", "QList<QVariant>": "QVariant", "QObjectList": "QObject*"}
# What PythonQt makes of another class by itself (handlePythonToQtAutoConversion)
CONVERTED = {"QBrush": ("QColor", "Qt::GlobalColor"), "QColor": ("Qt::GlobalColor",), "QPen": ("QColor", "QBrush")}
CONVERTED |= {"QIcon": ("QPixmap",), "QCursor": ("Qt::CursorShape",), "QKeySequence": (), "QFont": ()}


class WrongArgument(Exception):
    """The value does not fit the type."""


def plainKind(kind: str) -> str:
    """C++ type without PythonQt's marks of ownership."""
    kind = kind.rstrip("=").strip()
    while kind.startswith("PythonQt") and "<" in kind:
        kind = kind[kind.index("<") + 1 : kind.rindex(">")].strip()
    return kind


def pySideClass(name: str) -> type | None:
    for module in (QtWidgets, QtGui, QtCore):
        if hasattr(module, name):
            return getattr(module, name)
    return None


def toQt(value, kind: str, strict: bool = False, scope: str = ""):
    """
    The value as PySide wants it.

    :param kind: C++ type that is asked for.
    :param strict: as PythonQt tries overloads first: only the very type.
    :param scope: class in which the name of an enum is looked up.
    :raises WrongArgument: if PythonQt would refuse the value, or would change it silently.
    """
    kind = plainKind(kind)
    if kind == "PyObject*":
        return value
    if kind == "bool":
        return check(isinstance(value, bool) or (not strict and isInteger(value)), value, kind) and bool(value)
    if kind in INTEGERS:
        fits = isInteger(value) and not (strict and isinstance(value, (bool, enums.QtEnum)))
        return int(value) if check(fits and abs(int(value)) < 2**63, value, kind) or True else None
    if kind in NUMBERS:
        isNumber = isinstance(value, numbers.Real) and not isinstance(value, enums.QtEnum)
        return float(value) if check(isNumber and not (strict and not isinstance(value, float)), value, kind) else 0.0
    if kind in STRINGS:
        check(isinstance(value, str), value, kind)
        return value
    if kind == "QByteArray":
        check(isinstance(value, (str, bytes)) or isWrapper(value, "QByteArray"), value, kind)
        return rawOf(value) if isWrapper(value, "QByteArray") else value.encode() if isinstance(value, str) else value
    if kind == "QVariant":
        return toVariant(value)
    inner = LISTS.get(kind) or listed(kind)
    if inner:
        check(isinstance(value, (list, tuple)), value, kind)
        return [toQt(part, inner, strict, scope) for part in value]
    found = enums.enumOfType(kind, scope)
    if found:
        return toEnum(value, kind, strict, *found)
    if kind.startswith("vtk") and kind.endswith("*"):
        check(value is None or (hasattr(value, "IsA") and bool(value.IsA(kind[:-1]))), value, kind)
        return value
    return toObject(value, kind, strict)


def check(fits: bool, value, kind: str) -> bool:
    if not fits:
        raise WrongArgument(f"{value!r} ({type(value).__name__}) is no {kind}")
    return True


def isInteger(value) -> bool:
    return isinstance(value, numbers.Integral)


def listed(kind: str) -> str | None:
    """Type of the elements of QList<...> or QVector<...>."""
    for opening in ("QList<", "QVector<"):
        if kind.startswith(opening) and kind.endswith(">"):
            return kind[len(opening) : -1].strip()
    return None


def toEnum(value, kind: str, strict: bool, ours: type, theirs: type | None):
    if isinstance(value, enums.QtEnum):
        check(isinstance(value, ours), value, kind)
    else:  # values that were combined are plain numbers
        check(not strict and isInteger(value) and not isinstance(value, bool), value, kind)
    if theirs is None:
        return int(value)
    try:
        return theirs(int(value))
    except ValueError:
        raise WrongArgument(f"{value!r} is no value of {kind}") from None


def toObject(value, kind: str, strict: bool):
    pointer = kind.endswith("*")
    name = kind.rstrip("*").strip()
    if value is None:
        check(pointer, value, kind)
        return None
    if isWrapper(value, name):
        raw = rawOf(value)
        check(raw is not None, value, kind)
        return raw
    if not strict and not pointer:
        for other in CONVERTED.get(name, ()):
            if isWrapper(value, other) or isinstance(value, enums.QtEnum):
                return pySideClass(name)(toQt(value, other))
    if name not in tables.table() and not name.startswith(("Q", "ctk", "qMRML", "qSlicer")):
        raise NotImplementedError(f"the stand-in does not know the type {kind}")
    raise WrongArgument(f"{value!r} ({type(value).__name__}) is no {kind}")


def toVariant(value):
    if isinstance(value, (list, tuple)):
        return [toVariant(part) for part in value]
    if isinstance(value, dict):
        return {toQt(key, "QString"): toVariant(part) for key, part in value.items()}
    if isinstance(value, enums.QtEnum):
        return int(value)
    return rawOf(value) if isWrapper(value) else value


def isWrapper(value, name: str = "") -> bool:
    from .proxy import InstanceWrapper

    return isinstance(value, InstanceWrapper) and (not name or tables.inherits(type(value).qtName, name))


def rawOf(value):
    """PySide's object below a wrapper, None if it is destroyed."""
    raw = value.standInRaw
    return raw if raw is not None and shiboken6.isValid(raw) else None


def fromQt(value, kind: str = ""):
    """What PythonQt gives Python for a value of Qt; lists come as tuples."""
    if isinstance(value, enum.Enum):
        return enums.fromPySide(value)
    if kind and value is not None and isInteger(value) and not isinstance(value, bool):
        found = enums.enumOfType(plainKind(kind))
        return found[0](value) if found else int(value)
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(fromQt(part) for part in value)
    if isinstance(value, dict):
        return {key: fromQt(part) for key, part in value.items()}
    if isinstance(value, shiboken6.Object):
        from .proxy import wrap

        return wrap(value)
    return value


def finite(value: float) -> bool:
    return isinstance(value, float) and math.isfinite(value)
