"""What PythonQt shows of Qt 5.15, CTK and Slicer 5.12: lists of names and types, made by `makeTables.py`."""

import functools
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What was reserved in Python has a second name
RESERVED = {"exec_": "exec", "print_": "print", "raise_": "raise", "None_": "None"}
# Decorators that PythonQt (PythonQtStdDecorators) adds to every QObject
DECORATORS = {
    "parent": [""],
    "setParent": ["QObject*"],
    "children": [""],
    "findChild": ["PyObject*,QString="],
    "findChildren": ["PyObject*,QString="],
    "setProperty": ["char*,QVariant"],
    "property": ["char*"],
    "connect": ["char*,PyObject*", "char*,QObject*,char*", "QObject*,char*,char*"],
    "disconnect": ["char*,PyObject*=", "char*,QObject*,char*"],
    "tr": ["QString,QString=,int="],
}
# ... and qSlicerBase...PythonQtDecorators to Slicer's classes
SLICER_DECORATORS = {
    "qSlicerAbstractModule": {"widgetRepresentation": [""], "createNewWidgetRepresentation": [""]},
    "qSlicerAbstractModuleWidget": {"module": [""]},
    "qSlicerCoreApplication": {"sendEvent": ["QObject*,QEvent*"], "processEvents": [""]},
}
SLICER_STATICS = {"qSlicerCoreApplication": {"testingEnabled": [""]}}


@functools.cache
def table() -> dict[str, dict]:
    """Entry of every class: bases, properties, signals, methods, static methods, constructors, enums, flags."""
    entries = {}
    for name in ("qtTable.json", "slicerTable.json"):
        entries |= json.loads((HERE / name).read_text(encoding="utf-8"))
    entries["QObject"]["methods"] |= DECORATORS
    entries["QTimer"]["static"].setdefault("singleShot", []).append("int,PyObject*")
    entries["QObject"]["bases"] = []
    entries["ctkVTKOpenGLNativeWidget"] = entries["qMRMLWidget"] | {"bases": ["QWidget"], "methods": {}, "signals": []}
    for name, methods in SLICER_DECORATORS.items():
        entries[name]["methods"] |= methods
    for name, methods in SLICER_STATICS.items():
        entries[name]["static"] |= methods
    return entries


@functools.cache
def lineage(name: str) -> tuple[str, ...]:
    """The class and all its base classes, nearest first."""
    entry = table().get(name)
    if entry is None:
        return ()
    found = [name]
    for base in entry.get("bases", ()):
        found += [other for other in lineage(base) if other not in found]
    return tuple(found)


def inherits(name: str, base: str) -> bool:
    return base in lineage(name)


def isQObject(name: str) -> bool:
    return "QObject" in lineage(name)


@functools.cache
def propertyOf(name: str, attribute: str) -> tuple[str, str, str, bool] | None:
    """(class that has it, its name, its type, writable); properties come before methods of the same name."""
    if attribute == "singleShot" and name == "QTimer":
        return None  # PythonQt leaves this name to the static method
    for spelled in (attribute, "objectName") if attribute == "name" else (attribute,):
        for owner in lineage(name):
            found = table()[owner].get("properties", {}).get(spelled)
            if found:
                return owner, spelled, found[0], bool(found[1])
    return None


@functools.cache
def methodsOf(name: str, attribute: str, kind: str = "methods") -> tuple[tuple[str, str], ...]:
    """Overloads as (class that has it, types of its arguments), nearest class first."""
    attribute = RESERVED.get(attribute, attribute)
    return tuple(
        (owner, overload) for owner in lineage(name) for overload in table()[owner].get(kind, {}).get(attribute, ())
    )


@functools.cache
def signalsOf(name: str) -> dict[str, str]:
    """Class that declares each signal, by normalized signature."""
    return {signal: owner for owner in reversed(lineage(name)) for signal in table()[owner].get("signals", ())}


@functools.cache
def enumOf(name: str, enumName: str) -> tuple[str, str, dict[str, int]] | None:
    """(class, name, values) of an enum, or of the enum that flags are made of."""
    for owner in lineage(name) or ((name,) if name in table() else ()):
        entry = table()[owner]
        plain = entry.get("flags", {}).get(enumName, enumName)
        if plain in entry["enums"]:
            return owner, plain, entry["enums"][plain]
    return None


@functools.cache
def enumValueOf(name: str, key: str) -> tuple[str, str, int] | None:
    """(class, enum, value) of an unscoped value such as Qt.AlignRight."""
    key = RESERVED.get(key, key)
    for owner in lineage(name):
        for enumName, values in table()[owner]["enums"].items():
            if key in values:
                return owner, enumName, values[key]
    return None


@functools.cache
def virtualsOf(name: str) -> frozenset[str]:
    """Methods that a Python class may reimplement."""
    return frozenset(method for owner in lineage(name) for method in table()[owner].get("virtual", ()))


def normalized(signature: str) -> str:
    """Signature as Qt's QMetaObject::normalizedSignature makes it, for what modules write."""
    from PySide6.QtCore import QMetaObject

    text = QMetaObject.normalizedSignature(signature.lstrip("12"))
    return text.data().decode() if hasattr(text, "data") else str(text)
