"""Puts the stand-in's modules where a scripted module of Slicer looks for them."""

import atexit
import gc
import logging
import sys
import types

import slicer
import slicer.util

from . import (
    application,
    checkableNodeComboBox,
    ctkWidgets,
    dialogs,
    layout,
    modules,
    mrmlWidgets,
    nodeComboBox,
    packaging,
    proxy,
    sampleData,
)
from . import segmentEditor, subjectHierarchy, tables

parts = (application, checkableNodeComboBox, ctkWidgets, layout, mrmlWidgets, nodeComboBox, segmentEditor)


class WrappedModule(types.ModuleType):
    """A module such as qt, whose classes are made when they are first asked for."""

    def __init__(self, name: str, prefixes: tuple[str, ...]):
        super().__init__(name)
        self.prefixes = prefixes

    def __getattr__(self, name: str):
        if name.startswith(self.prefixes) and name in tables.table():
            return proxy.classFor(name)
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' (or the stand-in lacks it)")


def install():
    """Make the application, its scene and the modules; returns the application."""
    app = application.Application()
    sys.modules["qt"] = WrappedModule("qt", ("Q",))
    sys.modules["ctk"] = WrappedModule("ctk", ("ctk",))
    for name in (name for name in tables.table() if name.startswith(("qMRML", "qSlicer"))):
        setattr(slicer, name, proxy.classFor(name))
    app.makeScene()
    slicer.app = proxy.wrap(app)
    slicer.mrmlScene = app.scene
    slicer.modules = modules.Modules()
    slicer.selfTests = {}
    app.sceneTags = subjectHierarchy.follow(app.scene)
    modules.addLoadable(slicer.modules, app)
    addSubmodules()
    addUtilities()
    atexit.register(close, app)
    return app


def addSubmodules() -> None:
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    i18n.translate = lambda context, text: text
    sys.modules["slicer.i18n"] = slicer.i18n = i18n
    from . import scriptedModule

    sys.modules["slicer.ScriptedLoadableModule"] = slicer.ScriptedLoadableModule = scriptedModule
    from . import parameterNodeWrapper

    sys.modules["slicer.parameterNodeWrapper"] = slicer.parameterNodeWrapper = parameterNodeWrapper
    sys.modules["slicer.packaging"] = slicer.packaging = packaging
    sys.modules["SampleData"] = sampleData
    for name in scriptedModule.__all__:
        setattr(slicer, name, getattr(scriptedModule, name))


def addUtilities() -> None:
    """Slicer's own slicer.util, which the wheel has; only what opens files, windows or dialogs is replaced."""
    from . import uiLoader

    util = slicer.util
    util.loadUI = lambda path: uiLoader.load(str(path))
    util._messageDisplay = recordMessage
    util.messageBox = lambda text, parent=None, **arguments: recordBox("messageBox", text)
    util.delayDisplay = recordDelay
    util.moduleNames = lambda: types.SimpleNamespace(**{name: name for name in modules.names()})
    util.selectModule = selectModule
    util.selectedModule = lambda: selected.get("name", "")


def recordMessage(logLevel, text, testingReturnValue, mainWindowNeeded=False, standardButtons=None, **arguments):
    """For errorDisplay, infoDisplay, confirm...: recorded, and answered as the user that the test plays."""
    logging.log(logLevel, text)
    dialogs.record(logging.getLevelName(logLevel).lower(), text)
    return dialogs.answer(standardButtons)


def recordBox(kind: str, text: str):
    dialogs.record(kind, text)
    return dialogs.answer()


def recordDelay(message, autoCloseMsec=1000, parent=None, **arguments):
    if not 0 <= autoCloseMsec < 400:
        dialogs.record("delayDisplay", message)
    slicer.app.processEvents()


selected: dict[str, str] = {}


def selectModule(module):
    name = module if isinstance(module, str) else module.name
    if not hasattr(slicer.modules, name.lower()):
        raise RuntimeError(f"no module is named {name}")
    selected["name"] = name


def close(app) -> None:
    """Undo everything in an order that leaves neither leaks nor a crash when Python ends."""
    from . import desktop, signals, statics

    desktop.closeAll()
    statics.timers.clear()
    app.layoutManagerInside.dispose()
    for widget in app.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    app.sendPostedEvents(None, 52)  # DeferredDelete
    signals.connections.clear()
    for name in list(vars(slicer.modules)):
        delattr(slicer.modules, name)
    for tag in app.sceneTags:
        app.scene.RemoveObserver(tag)
    app.scene.Clear(1)
    app.logic.SetMRMLScene(None)
    slicer.mrmlScene = slicer.app = None
    app.scene = app.logic = None
    gc.collect()
    app.close()


__all__ = ["install", "parts"]
