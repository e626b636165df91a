"""Static methods of Qt, such as qt.QTimer.singleShot; dialogs are recorded, not shown, and tests may replace them."""

from PySide6 import QtCore

from . import conversion, dialogs, signals, tables

replaced: dict[tuple[str, str], object] = {}
timers: list = []


def replace(name: str, attribute: str, function) -> None:
    """For tests: let qt.QFileDialog.getExistingDirectory and the like answer."""
    if not tables.methodsOf(name, attribute, "static"):
        raise AttributeError(f"type object '{name}' has no static method '{attribute}' to replace")
    replaced[name, attribute] = function


def restore(name: str, attribute: str) -> None:
    replaced.pop((name, attribute), None)


def method(name: str, attribute: str):
    """The static method as a function with the checks of an ordinary call."""

    def call(*arguments, **keywords):
        from . import proxy

        called = f"{name}.{attribute}"
        if keywords:
            raise ValueError(f"Called {called} with keyword arguments, but called slot does not support kwargs.")
        overloads = tables.methodsOf(name, attribute, "static")
        values = proxy.matched([overload for _owner, overload in overloads], arguments, name, called)
        if (name, attribute) in replaced:
            return replaced[name, attribute](*arguments)
        if called in ("QTimer.singleShot",):
            return singleShot(*arguments)
        if (name, attribute) in dialogs.STATIC_DIALOGS:
            return dialogs.staticDialog(name, attribute, arguments)
        cls = proxy.facades.get(name) or conversion.pySideClass(overloads[0][0])
        if not hasattr(cls, attribute):
            raise NotImplementedError(f"{called} exists in Qt 5.15, but not in the stand-in's Qt 6")
        return conversion.fromQt(getattr(cls, attribute)(*values))

    call.__name__ = attribute
    return call


def singleShot(msec: int, function, *others) -> None:
    if others or not callable(function):
        raise ValueError("the stand-in knows QTimer.singleShot(msec, function)")
    timer = QtCore.QTimer()
    timer.setSingleShot(True)

    def fire():
        timers.remove(timer)
        signals.call(function, ())

    timer.timeout.connect(fire)
    timers.append(timer)
    timer.start(msec)
