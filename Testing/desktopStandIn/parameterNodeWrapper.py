"""
Module `slicer.parameterNodeWrapper` of the stand-in: typed access to a parameter node, and its connection with a panel.

Written anew after the behavior of Slicer 5.12; what it does not support raises an error.
"""

import typing
import weakref

import slicer
import vtk

from .guiConnectors import createGuiConnector
from .parameterTypes import (
    Choice,
    Decimals,
    Default,
    Exclude,
    Maximum,
    Minimum,
    SingleStep,
    Validator,
    WithinRange,
    splitAnnotated,
    storeFor,
)

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "Maximum",
    "Minimum",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "Validator",
    "WithinRange",
    "findChildWidgetForParameter",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
SlicerParameterNamePropertyName = "SlicerParameterName"


class Parameter:
    """What a class says of one of its parameters."""

    def __init__(self, name: str, annotation, default):
        self.basename, self.unalteredType = name, annotation
        self.store = storeFor(annotation)
        self.default = default or Default(self.store.default)


class Value:
    """The cached value of one parameter of one node."""

    def __init__(self, parameter: Parameter, node, name: str):
        self.parameter, self.node, self.name = parameter, node, name
        self.isWriting = False
        self.cached = self.stored()
        reference = weakref.ref(self)
        self.tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: reference().onModified())

    def __del__(self):
        if hasattr(self, "tag"):
            self.node.RemoveObserver(self.tag)

    def stored(self):
        store = self.parameter.store
        if not store.isIn(self.node, self.name):
            store.write(self.node, self.name, self.parameter.default.value)
        return store.read(self.node, self.name)

    def onModified(self):
        if not self.isWriting:
            self.cached = self.stored()

    def read(self):
        return self.cached

    def write(self, value):
        self.isWriting = True
        try:
            with slicer.util.NodeModify(self.node):
                self.parameter.store.write(self.node, self.name, value)
                self.cached = self.stored()
        finally:
            self.isWriting = False


def isParameterNodeWrapper(classOrObject) -> bool:
    return getattr(classOrObject, "_is_parameter_node_wrapper", False)


def parameterNodeWrapper(cls=None):
    """Class decorator: the annotations of the class become parameters."""
    return wrapClass if cls is None else wrapClass(cls)


def wrapClass(cls):
    parameters = {}
    for name, annotation in typing.get_type_hints(cls, include_extras=True).items():
        _kind, extra = splitAnnotated(annotation)
        default = Default(getattr(cls, name)) if hasattr(cls, name) else None
        default = default or next((part for part in extra if isinstance(part, Default)), None)
        try:
            parameters[name] = Parameter(name, annotation, default)
        except Exception as error:
            raise Exception(f"Unable to create serializer for {cls} member {name}") from error
        setattr(cls, name, makeProperty(name))
    for name, member in MEMBERS.items():
        if hasattr(cls, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        setattr(cls, name, member)
    cls.allParameters = parameters
    cls._is_parameter_node_wrapper = True
    cls.dataType = staticmethod(lambda name: parameterNamed(cls, name).unalteredType)
    cls.__init__ = initialize
    return cls


def makeProperty(name: str):
    def write(self, value):
        self._values[name].write(value)

    return property(lambda self: self._values[name].read(), write)


def initialize(self, parameterNode, prefix=None):
    self.parameterNode = parameterNode
    self._values, self._connectors, self._tags = {}, {}, {}
    self._nextTag = 0
    self._updating = False
    for parameter in self.allParameters.values():
        name = f"{prefix or ''}{parameter.basename}"
        self._values[parameter.basename] = Value(parameter, parameterNode, name)


def parameterNamed(owner, name: str) -> Parameter:
    if name not in owner.allParameters:
        known = ", ".join(owner.allParameters)
        raise ValueError(f"Cannot find a param with the given name: {name}. Found parameters: {known}")
    return owner.allParameters[name]


def getValue(self, name):
    parameterNamed(self, name)
    return self._values[name].read()


def setValue(self, name, value):
    parameterNamed(self, name)
    self._values[name].write(value)


def isCached(self, name):
    parameterNamed(self, name)
    return True


def default(self, name):
    return parameterNamed(self, name).default


def connectGui(self, gui):
    """Connect every widget that has the property SlicerParameterName; `gui` is a widget or childWidgetVariables."""
    import qt

    widgets = gui.findChildren(qt.QWidget) if getattr(gui, "isWidgetType", lambda: False)() else gui.__dict__.values()
    mapping = {}
    for widget in widgets:
        name = widget.property(SlicerParameterNamePropertyName)
        if name:
            if name in mapping:
                raise ValueError(
                    f"two widgets have the SlicerParameterName '{name}'; Slicer would connect the last only"
                )
            mapping[name] = widget
    return connectParametersToGui(self, mapping)


def connectParametersToGui(self, mapping):
    for name in mapping:
        parameterNamed(self, name)
    connectors = {
        name: createGuiConnector(widget, self.allParameters[name].unalteredType) for name, widget in mapping.items()
    }
    tag = self._nextTag
    self._nextTag += 1
    self._connectors[tag] = connectors
    for name, connector in connectors.items():
        connector.write(getValue(self, name))
        connector.onChanged(makeCallback(self, name, connector))
    self._tags[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: updateGui(self))
    return tag


def makeCallback(self, name, connector):
    def callback():
        with slicer.util.NodeModify(self):
            if not self._updating:
                setValue(self, name, connector.read())

    return callback


def updateGui(self):
    if self._updating:
        return
    self._updating = True
    try:
        with slicer.util.NodeModify(self):
            for connectors in self._connectors.values():
                for name, connector in connectors.items():
                    connector.write(getValue(self, name))
    finally:
        self._updating = False


def disconnectGui(self, tag):
    for connector in self._connectors.pop(tag, {}).values():
        connector.onChanged(None)
    if tag in self._tags:
        self.RemoveObserver(self._tags.pop(tag))


def findChildWidgetForParameter(widget, parameter):
    import qt

    for child in widget.findChildren(qt.QWidget):
        if child.property(SlicerParameterNamePropertyName) == parameter:
            return child
    return None


MEMBERS = {
    "default": default,
    "isCached": isCached,
    "getValue": getValue,
    "setValue": setValue,
    "connectGui": connectGui,
    "connectParametersToGui": connectParametersToGui,
    "disconnectGui": disconnectGui,
    "StartModify": lambda self: self.parameterNode.StartModify(),
    "EndModify": lambda self, wasModified: self.parameterNode.EndModify(wasModified),
    "AddObserver": lambda self, event, callback, priority=0.0: self.parameterNode.AddObserver(
        event, callback, priority
    ),
    "RemoveObserver": lambda self, tag: self.parameterNode.RemoveObserver(tag),
    "Modified": lambda self: self.parameterNode.Modified(),
}
