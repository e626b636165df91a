"""slicer.modules: the modules of the wheel with their own logics, and the scripted modules that were opened."""

import importlib
import importlib.util
import sys
from pathlib import Path

import slicer
from PySide6 import QtCore, QtWidgets

from . import conversion, proxy, signals
from .facade import Facade, facade
from .mrmlWidgets import SlicerWidget

# Loadable modules and the class of their logic in the wheel
LOGICS = {
    "annotations": "vtkSlicerAnnotationModuleLogic",
    "colors": "vtkMRMLColorLogic",
    "cropvolume": "vtkSlicerCropVolumeLogic",
    "data": "vtkSlicerDataModuleLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "models": "vtkSlicerModelsLogic",
    "plots": "vtkSlicerPlotsLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "tables": "vtkSlicerTablesLogic",
    "texts": "vtkSlicerTextsLogic",
    "transforms": "vtkSlicerTransformLogic",
    "units": "vtkSlicerUnitsLogic",
    "volumes": "vtkSlicerVolumesLogic",
}
TITLES = {"cropvolume": "CropVolume"}


@facade
class LoadableModule(Facade, QtCore.QObject):
    """A module of Slicer itself: it has a logic and no panel here."""

    standInName = "qSlicerLoadableModule"

    def __init__(self, name, logic):
        super().__init__()
        self.logicInside = logic
        self.plainValues().update(name=name, title=name, path="", hidden=False)

    def do_logic(self):
        return self.logicInside


@facade
class ScriptedModule(Facade, QtCore.QObject):
    """The `parent` of a scripted module's class."""

    standInName = "qSlicerScriptedLoadableModule"
    plain = {"title": "", "categories": [], "contributors": [], "associatedNodeTypes": [], "helpText": ""}
    plain |= {
        "acknowledgementText": "",
        "extensions": {},
        "icon": None,
        "hidden": False,
        "dependencies": [],
        "index": -1,
    }

    def __init__(self, name, path):
        super().__init__()
        self.plainValues().update(name=name, path=str(path))
        self.widgetInside = None

    def do_widgetRepresentation(self):
        if self.widgetInside is None:
            self.widgetInside = ScriptedModuleWidget(self.plainValues()["name"])
            self.widgetInside.moduleInside = self
        return self.widgetInside

    def do_logic(self):
        return None


@facade
class ScriptedModuleWidget(SlicerWidget):
    """The `parent` of a scripted module's widget class."""

    standInName = "qSlicerScriptedLoadableModuleWidget"

    def __init__(self, name):
        super().__init__()
        self.plainValues()["moduleName"] = name
        self.entered, self.python = False, None
        QtWidgets.QVBoxLayout(self)
        self.do_setMRMLScene(slicer.mrmlScene)

    def get_isEntered(self):
        return self.entered

    def do_enter(self):
        self.entered = True
        if hasattr(self.python, "enter"):
            signals.call(self.python.enter, ())

    def do_exit(self):
        self.entered = False
        if hasattr(self.python, "exit"):
            signals.call(self.python.exit, ())

    def do_reload(self):
        """Make the panel anew from the class that was reloaded; as in Slicer it is not entered again."""
        self.instantiate()
        self.python.setup()

    def instantiate(self):
        name = self.plainValues()["moduleName"]
        self.python = getattr(sys.modules[name], f"{name}Widget")(proxy.wrap(self))
        setattr(slicer.modules, f"{name}Widget", self.python)

    def do_module(self):
        return self.moduleInside

    def do_self(self):
        return self.python


class Modules:
    """slicer.modules; an unknown module is an AttributeError, as in Slicer."""


def addLoadable(modules: Modules, application) -> None:
    for name, className in LOGICS.items():
        if not hasattr(slicer, className):
            continue
        logic = getattr(slicer, className)()
        logic.SetMRMLApplicationLogic(application.logic)
        logic.SetMRMLScene(application.scene)
        application.logic.SetModuleLogic(TITLES.get(name, name.capitalize()), logic)
        setattr(modules, name, proxy.wrap(LoadableModule(TITLES.get(name, name.capitalize()), logic)))


def names() -> list[str]:
    return [module.name for key, module in vars(slicer.modules).items() if isinstance(module, proxy.InstanceWrapper)]


def addScripted(name: str, folder: Path) -> object:
    """Import a module's file and make its object, as Slicer's factory does when it starts."""
    path = folder / f"{name}.py"
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(name, path)
    python = importlib.util.module_from_spec(spec)
    sys.modules[name] = python
    spec.loader.exec_module(python)
    raw = ScriptedModule(name, path)
    module = proxy.wrap(raw)
    raw.keeper = module
    raw.python = getattr(python, name)(module)
    setattr(slicer.modules, name.lower(), module)
    setattr(slicer.modules, f"{name}Instance", raw.python)
    return module


def openWidget(name: str):
    """Make the panel as when the user opens the module for the first time, and enter it."""
    module = getattr(slicer.modules, name.lower())
    parent = module.widgetRepresentation()
    raw = conversion.rawOf(parent)
    if raw.python is None:
        raw.instantiate()
        raw.python.setup()
    parent.enter()
    return raw.python
