"""Connections of signals with Python functions, with the number of arguments that PythonQt passes."""

import inspect
import sys
import traceback
import types

import shiboken6
from PySide6 import QtCore

from . import conversion, tables

errors: list[str] = []  # tracebacks of slots; Slicer prints them and goes on
connections: dict[int, list["Connection"]] = {}

# Signals of Qt 5.15 that have another name in Qt 6
RENAMED = {
    "QButtonGroup.buttonClicked(int)": "idClicked(int)",
    "QButtonGroup.buttonPressed(int)": "idPressed(int)",
    "QButtonGroup.buttonReleased(int)": "idReleased(int)",
    "QButtonGroup.buttonToggled(int,bool)": "idToggled(int,bool)",
    "QComboBox.currentIndexChanged(QString)": "currentTextChanged(QString)",
    "QComboBox.activated(QString)": "textActivated(QString)",
    "QComboBox.highlighted(QString)": "textHighlighted(QString)",
    "QSpinBox.valueChanged(QString)": "textChanged(QString)",
    "QDoubleSpinBox.valueChanged(QString)": "textChanged(QString)",
}


def acceptedArguments(function) -> int | None:
    """How many arguments of a signal PythonQt passes: those that a Python function takes, else all."""
    plain, bound = (function.__func__, 1) if isinstance(function, types.MethodType) else (function, 0)
    if not isinstance(plain, types.FunctionType) or plain.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return plain.__code__.co_argcount - bound


def call(function, arguments: tuple):
    """Call a slot; what it raises is printed and kept, as Slicer prints it and goes on."""
    count = acceptedArguments(function)
    try:
        return function(*(arguments if count is None else arguments[:count]))
    except Exception:
        errors.append(traceback.format_exc())
        print(errors[-1], file=sys.stderr)


class Connection:
    """One connection; it keeps the function alive, as PythonQt does."""

    def __init__(self, raw, signal: str, function):
        self.signal, self.function = signal, function
        self.kinds = signal[signal.index("(") + 1 : -1].split(",")
        self.owner = tables.signalsOf(qtNameOf(raw))[signal]
        self.theirs = RENAMED.get(f"{self.owner}.{signal}", signal)
        self.isFacade = hasattr(raw, "standInName") and not self.owner.startswith("Q")
        if not self.isFacade:
            if raw.metaObject().indexOfSignal(self.theirs) < 0:
                raise NotImplementedError(f"{self.owner}.{signal} exists in Qt 5.15, but not in the stand-in's Qt 6")
            QtCore.QObject.connect(raw, QtCore.SIGNAL(self.theirs), self.receive)

    def receive(self, *arguments):
        call(self.function, tuple(conversion.fromQt(*pair) for pair in zip(arguments, self.kinds, strict=False)))

    def cut(self, raw):
        if not self.isFacade:
            QtCore.QObject.disconnect(raw, QtCore.SIGNAL(self.theirs), self.receive)


def qtNameOf(raw) -> str:
    """Name of the nearest class that PythonQt knows."""
    for cls in type(raw).__mro__:
        name = getattr(cls, "standInName", None) or cls.__name__
        if name in tables.table():
            return name
    return "QObject"


def signalOf(raw, signature: str) -> str:
    """Normalized signature of a signal that the class has; PythonQt prints an error and returns False else."""
    signal = tables.normalized(signature)
    if signal not in tables.signalsOf(qtNameOf(raw)):
        raise AttributeError(f"signal '{signature}' does not exist on {qtNameOf(raw)}")
    return signal


def connect(raw, signature: str, function) -> bool:
    pointer = shiboken6.getCppPointer(raw)[0]
    if pointer not in connections:
        connections[pointer] = []
        raw.destroyed.connect(lambda *_arguments: connections.pop(pointer, None))
    connections[pointer].append(Connection(raw, signalOf(raw, signature), function))
    return True


def disconnect(raw, signature: str, function=None) -> bool:
    signal = signalOf(raw, signature)
    own = connections.get(shiboken6.getCppPointer(raw)[0], [])
    found = [item for item in own if item.signal == signal and (function is None or item.function == function)]
    for item in found[:1] if function is not None else found:
        item.cut(raw)
        own.remove(item)
    return bool(found)


def emit(raw, signal: str, *arguments) -> None:
    """Emit a signal of a CTK or Slicer widget."""
    if not shiboken6.isValid(raw) or raw.signalsBlocked():
        return
    if signal not in tables.signalsOf(qtNameOf(raw)):
        raise AttributeError(f"signal '{signal}' does not exist on {qtNameOf(raw)}")
    for item in list(connections.get(shiboken6.getCppPointer(raw)[0], [])):
        if item.signal == signal:
            call(item.function, tuple(conversion.fromQt(argument) for argument in arguments))
