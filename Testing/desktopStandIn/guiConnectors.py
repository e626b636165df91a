"""Which widget shows which kind of parameter, and how; as slicer.parameterNodeWrapper.guiConnectors decides it."""

import enum
import types
import typing

import ctk
import qt
import slicer

from .parameterTypes import Choice, Decimals, Maximum, Minimum, SingleStep, WithinRange, splitAnnotated


class Connector:
    """Keeps one widget and one parameter the same."""

    signal = ""
    attribute = ""

    def __init__(self, widget, annotation):
        self.widget, self.annotation, self.callback = widget, annotation, None
        self.kind, self.extra = splitAnnotated(annotation)
        self.prepare()

    def prepare(self):
        """Give the widget the parameter's limits or choices."""

    def annotated(self, cls):
        return next((part for part in self.extra if isinstance(part, cls)), None)

    def onChanged(self, callback):
        if self.signal and (callback is None) != (self.callback is None):
            (self.widget.disconnect if callback is None else self.widget.connect)(self.signal, self.changed)
        self.callback = callback

    def changed(self):
        if self.callback:
            self.callback()

    def read(self):
        return getattr(self.widget, self.attribute)

    def write(self, value):
        setattr(self.widget, self.attribute, value)


class CheckConnector(Connector):
    signal, attribute = "stateChanged(int)", "checked"


class PushConnector(Connector):
    signal, attribute = "toggled(bool)", "checked"

    def prepare(self):
        if not self.widget.checkable:
            self.widget.checkable = True


class IntConnector(Connector):
    signal, attribute = "valueChanged(int)", "value"

    def prepare(self):
        inside = self.annotated(WithinRange)
        least, most = inside or self.annotated(Minimum), inside or self.annotated(Maximum)
        if type(self.widget) is qt.QSlider and not (least and most):
            raise RuntimeError("Cannot have a connection to QSlider where the int type is unbounded.")
        step = self.annotated(SingleStep)
        if step:
            self.widget.singleStep = step.value
        self.widget.setMinimum(least.minimum if least else -(2**31))
        self.widget.setMaximum(most.maximum if most else 2**31 - 1)


class FloatConnector(Connector):
    signal, attribute = "valueChanged(double)", "value"

    def prepare(self):
        decimals, step = self.annotated(Decimals), self.annotated(SingleStep)
        if self.kind is int:
            self.widget.decimals = 0
        elif decimals:
            self.widget.decimals = decimals.value
        if step:
            self.widget.singleStep = step.value
        inside = self.annotated(WithinRange)
        least, most = inside or self.annotated(Minimum), inside or self.annotated(Maximum)
        if type(self.widget) in (ctk.ctkSliderWidget, slicer.qMRMLSliderWidget) and not (least and most):
            raise RuntimeError("Cannot have a connection to ctkSliderWidget where the float types is unbounded.")
        self.widget.minimum = float(least.minimum) if least else float("-inf")
        self.widget.maximum = float(most.maximum) if most else float("inf")

    def read(self):
        return int(self.widget.value) if self.kind is int else self.widget.value

    def write(self, value):
        self.widget.value = value


class ChoiceConnector(Connector):
    """Combo box of the values that an annotation Choice lists."""

    signal = "currentIndexChanged(int)"

    def prepare(self):
        choice = self.annotated(Choice)
        if choice is None:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self.choices = list(choice.choices)
        self.fill([str(value) for value in self.choices])

    def fill(self, texts):
        self.widget.clear()
        for text in texts:
            self.widget.addItem(text)

    def read(self):
        return self.choices[self.widget.currentIndex]

    def write(self, value):
        if value not in self.choices:
            raise ValueError(f"Unable to find value {value} in choices {self.choices}")
        self.widget.currentIndex = self.choices.index(value)


class EnumConnector(ChoiceConnector):
    """Combo box of an enum's members; their texts are label(), or the name."""

    def prepare(self):
        self.choices = list(self.kind)
        label = getattr(self.kind, "label", lambda member: member.name)
        selected = self.read()
        self.fill([label(member) for member in self.choices])
        self.write(selected)


class LineEditConnector(Connector):
    signal, attribute = "textChanged(QString)", "text"

    def write(self, value):
        if value != self.widget.text:  # else the cursor would jump
            self.widget.text = value


class LabelConnector(Connector):
    attribute = "text"


class TextEditConnector(Connector):
    signal = "textChanged()"

    def read(self):
        return self.widget.toPlainText()

    def write(self, value):
        self.widget.setPlainText(value)


class NodeConnector(Connector):
    signal = "currentNodeChanged(vtkMRMLNode*)"

    def prepare(self):
        classes = [part for part in partsOf(self.kind) if part is not type(None)]
        self.widget.nodeTypes = tuple(cls().GetClassName() for cls in classes)

    def read(self):
        return self.widget.currentNode()

    def write(self, value):
        self.widget.setCurrentNode(value)


def partsOf(kind) -> tuple:
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def isNodes(kind) -> bool:
    return all(
        isinstance(part, type) and (part is type(None) or issubclass(part, slicer.vtkMRMLNode))
        for part in partsOf(kind)
    )


def createGuiConnector(widget, annotation) -> Connector:
    """The connector of a widget and a parameter; a RuntimeError if Slicer has none for the two."""
    kind = splitAnnotated(annotation)[0]
    isEnum = isinstance(kind, type) and issubclass(kind, enum.Enum)
    doubles = (qt.QDoubleSpinBox, ctk.ctkSliderWidget, slicer.qMRMLSliderWidget, ctk.ctkDoubleSlider)
    doubles += (ctk.ctkDoubleSpinBox, slicer.qMRMLSpinBox)
    rules = (
        (CheckConnector, (qt.QCheckBox, ctk.ctkCheckBox), kind is bool),
        (PushConnector, (qt.QPushButton,), kind is bool),
        (IntConnector, (qt.QSlider, qt.QSpinBox), kind is int),
        (FloatConnector, doubles, kind in (int, float)),
        (ChoiceConnector, (qt.QComboBox, ctk.ctkComboBox), kind in (int, float, str, bool)),
        (EnumConnector, (qt.QComboBox, ctk.ctkComboBox), isEnum),
        (LineEditConnector, (qt.QLineEdit,), kind is str),
        (LabelConnector, (qt.QLabel,), kind is str),
        (TextEditConnector, (qt.QTextEdit,), kind is str),
        (NodeConnector, (slicer.qMRMLNodeComboBox,), isNodes(kind)),
    )
    for connector, classes, fits in rules:
        if fits and type(widget) in classes:
            return connector(widget, annotation)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{annotation}' to widget type '{type(widget)}'.")
