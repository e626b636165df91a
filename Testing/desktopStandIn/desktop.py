"""What tests call: start the stand-in, open and use panels, and look at them."""

import os
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
opened: list[str] = []
state: dict = {}


class SlotError(AssertionError):
    """A function that a signal called raised an error; Slicer would print it and go on."""


def start():
    """Install the stand-in, once per process. Tests are skipped where PySide6 cannot be loaded."""
    if "application" in state:
        return
    import slicer

    if hasattr(slicer, "app") or "PythonQt" in sys.modules:
        raise unittest.SkipTest("this is Slicer itself: its desktop needs no stand-in")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from PySide6 import QtUiTools, QtWidgets  # noqa: F401
    except ImportError as error:
        raise unittest.SkipTest(f"the stand-in for Slicer's desktop needs PySide6 and its system libraries: {error}")
    from . import install

    state["application"] = install.install()


def openModule(name: str):
    """Load a module of this repository as Slicer does when it starts, open its panel; returns the module's widget."""
    import slicer

    from . import conversion, modules

    start()
    if not hasattr(slicer.modules, name.lower()):
        modules.addScripted(name, ROOT / name)
        conversion.rawOf(slicer.app).emitSignal("startupCompleted()")
    for other in opened:
        leave(other)
    if name not in opened:
        opened.append(name)
    widget = modules.openWidget(name)
    parent = conversion.rawOf(widget.parent)
    parent.resize(460, max(600, parent.sizeHint().height()))
    parent.show()
    processEvents()
    return widget


def leave(name: str) -> None:
    """The user opens another module."""
    import slicer

    parent = getattr(slicer.modules, name.lower()).widgetRepresentation()
    if parent.isEntered:
        parent.exit()
    raiseErrors()


def enter(name: str) -> None:
    """The user comes back to the module."""
    import slicer

    getattr(slicer.modules, name.lower()).widgetRepresentation().enter()
    processEvents()


def closeModule(name: str) -> None:
    """Unload a module: exit, cleanup, and its panel is deleted."""
    import shiboken6
    import slicer

    from . import conversion, signals

    leave(name)
    raw = conversion.rawOf(getattr(slicer.modules, name.lower()).widgetRepresentation())
    module = conversion.rawOf(getattr(slicer.modules, name.lower()))
    signals.emit(conversion.rawOf(slicer.app.moduleManager()), "moduleAboutToBeUnloaded(QString)", name)
    module.widgetInside, raw.python = None, None
    for attribute in (f"{name}Widget", f"{name}Instance", name.lower()):
        if hasattr(slicer.modules, attribute):
            delattr(slicer.modules, attribute)
    opened.remove(name)
    shiboken6.delete(raw)
    slicer.selfTests.pop(name, None)
    processEvents()


def closeAll() -> None:
    for name in list(opened):
        closeModule(name)


def reloadModule(name: str):
    """The button Reload of the developer section; returns the new widget."""
    import slicer

    slicer.util.reloadScriptedModule(name)
    processEvents()
    return getattr(slicer.modules, f"{name}Widget")


def runSelfTest(name: str) -> None:
    """The module's own test, as the button Reload and Test and ctest run it."""
    import slicer

    start()
    if not hasattr(slicer.modules, name.lower()):
        openModule(name)
    slicer.selfTests[name]()
    raiseErrors()


def processEvents(seconds: float = 0.0) -> None:
    """Let Qt work; errors of slots are raised here."""
    from PySide6 import QtCore

    application = state["application"]
    end = time.monotonic() + seconds
    while True:
        application.processEvents()
        application.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete.value)
        if time.monotonic() >= end:
            break
        time.sleep(0.005)
    raiseErrors()


def raiseErrors() -> None:
    from . import signals

    if signals.errors:
        found = "\n".join(signals.errors)
        signals.errors.clear()
        raise SlotError(found)


def closeScene() -> None:
    """File / Close Scene."""
    import slicer

    slicer.mrmlScene.Clear(0)
    processEvents()


def popups() -> list:
    """Everything that would have popped up since the last call; each has a kind and a text."""
    from .dialogs import recorded

    found = list(recorded)
    recorded.clear()
    return found


def answerNext(*buttons: str) -> None:
    """Names of the buttons, such as "Cancel", that the next dialogs are answered with; else the user agrees."""
    from .dialogs import answers

    answers.extend(buttons)


def usable(widget):
    """PySide's object of a widget, refused if a user could not use it."""
    from . import conversion

    raw = conversion.rawOf(widget)
    processEvents()
    if raw is None:
        raise AssertionError("the widget is destroyed")
    if not raw.isEnabled():
        raise AssertionError(f"{raw.objectName() or widget} is disabled: {raw.toolTip()}")
    if not raw.isVisibleTo(raw.window()):
        raise AssertionError(f"{raw.objectName() or widget} is hidden")
    return raw


def click(button) -> None:
    """Click a button, check box or section as a user; a disabled or hidden one is refused."""
    usable(button).click()
    processEvents()


def choose(combo, what) -> None:
    """Choose in a combo box as a user: a text, an index, or for a node selector a node, its name, or None."""
    raw = usable(combo)
    box = getattr(raw, "combo", raw)
    if hasattr(raw, "combo") and not isinstance(what, (str, int)):
        index = box.findData(what.GetID() if what is not None else "")
    else:
        index = what if isinstance(what, int) else box.findText(what)
    if not 0 <= index < box.count():
        listed = ", ".join(box.itemText(at) for at in range(box.count()))
        raise AssertionError(f"{what!r} is not offered by {raw.objectName()}, which offers: {listed}")
    box.setCurrentIndex(index)
    box.activated.emit(index)
    processEvents()


def enterText(edit, text: str) -> None:
    """Type a text over the old one, then leave the field."""
    raw = usable(edit)
    if raw.isReadOnly():
        raise AssertionError(f"{raw.objectName()} is read-only")
    raw.setText(text)
    raw.textEdited.emit(text)
    raw.editingFinished.emit()
    processEvents()


def enterValue(spinBox, value) -> None:
    """Type a number; one out of range is refused."""
    raw = usable(spinBox)
    inner = getattr(raw, "spinBox", raw)
    if not inner.minimum() <= value <= inner.maximum():
        raise AssertionError(f"{value} is not between {inner.minimum()} and {inner.maximum()}")
    inner.setValue(value)
    if hasattr(inner, "editingFinished"):
        inner.editingFinished.emit()
    processEvents()


def clickCell(table, row: int, column: int) -> None:
    """Click a cell of a table widget with the mouse."""
    from PySide6 import QtCore, QtTest

    raw = usable(table)
    center = raw.visualItemRect(raw.item(row, column)).center()
    QtTest.QTest.mouseClick(raw.viewport(), QtCore.Qt.MouseButton.LeftButton, pos=center)
    processEvents()


def renderPanel(widget, path, width: int = 460, theme: str = "light") -> Path:
    """Picture of a panel, in light or dark colors, with a line below that says what it is."""
    from . import rendering

    return rendering.render(widget, Path(path), width, theme)
