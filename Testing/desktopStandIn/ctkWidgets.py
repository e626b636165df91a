"""Stand-ins of CTK's widgets."""

import os

from PySide6 import QtCore, QtWidgets

from .facade import Facade, WidgetFacade, facade


@facade
class CollapsibleButton(Facade, QtWidgets.QAbstractButton):
    """Like the real one it is a button, checked while it is open."""

    standInName = "ctkCollapsibleButton"
    plain = {"collapsedHeight": 10, "flat": False, "contentsFrameShape": 0, "contentsFrameShadow": 16}
    plain |= {"contentsLineWidth": 1, "contentsMidLineWidth": 0, "buttonTextAlignment": 129, "indicatorAlignment": 129}

    def __init__(self, *arguments):
        text, parent = arguments if len(arguments) == 2 else ("", *arguments, None)[:2]
        if isinstance(parent, str):
            text, parent = parent, None
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self.showState)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Minimum)
        self.setContentsMargins(0, self.headerHeight(), 0, 0)

    def headerHeight(self):
        return self.fontMetrics().height() + 8

    def get_collapsed(self):
        return not self.isChecked()

    def set_collapsed(self, collapsed):
        self.setChecked(not collapsed)

    def showState(self, isOpen):
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            self.showChild(child, isOpen)
        self.setMaximumHeight(16777215 if isOpen else self.headerHeight())
        self.updateGeometry()
        self.emitSignal("contentsCollapsed(bool)", not isOpen)

    def showChild(self, child, isOpen):
        """Hide with the contents, and show again only what nobody had hidden."""
        if not isOpen:
            if child.property("standInHidden") is None:  # else it is hidden by this section already
                explicit = child.testAttribute(QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
                child.setProperty("standInHidden", explicit and child.isHidden())
            child.setVisible(False)
        elif child.property("standInHidden") is not None:
            child.setVisible(not child.property("standInHidden"))
            child.setProperty("standInHidden", None)

    def childEvent(self, event):
        """What is added to a closed section is hidden too."""
        if event.polished() and event.child().isWidgetType() and not self.isChecked():
            self.showChild(event.child(), False)

    def sizeHint(self):
        layout = self.layout()
        inner = layout.totalSizeHint() if layout and self.isChecked() else QtCore.QSize(0, 0)
        width = self.fontMetrics().horizontalAdvance(self.text()) + 40
        return QtCore.QSize(max(width, inner.width()), max(self.headerHeight(), inner.height()))

    minimumSizeHint = sizeHint

    def hitButton(self, position):
        return position.y() < self.headerHeight()

    def paintEvent(self, _event):
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), self.headerHeight())
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        element = QtWidgets.QStyle.PrimitiveElement
        option.rect = QtCore.QRect(6, self.headerHeight() // 2 - 5, 10, 10)
        painter.drawPrimitive(
            element.PE_IndicatorArrowDown if self.isChecked() else element.PE_IndicatorArrowRight, option
        )
        painter.drawText(22, 0, self.width() - 24, self.headerHeight(), 0x81, self.text())


class NumberFacade(WidgetFacade):
    """Shared by the widgets that show one number."""

    changedSignals: tuple[str, ...] = ("valueChanged(double)",)

    def makeSpinBox(self):
        self.spinBox = QtWidgets.QDoubleSpinBox(self)
        self.spinBox.setRange(0.0, 99.99)
        self.spinBox.valueChanged.connect(self.onValue)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.spinBox)
        return layout

    def onValue(self, value):
        for signal in self.changedSignals:
            self.emitSignal(signal, value)

    def get_value(self):
        return self.spinBox.value()

    def set_value(self, value):
        self.spinBox.setValue(value)

    def get_decimals(self):
        return self.spinBox.decimals()

    def set_decimals(self, decimals):
        if decimals != self.spinBox.decimals():
            self.spinBox.setDecimals(decimals)
            self.emitSignal("decimalsChanged(int)", decimals)


def forwarded(name: str) -> tuple:
    """Getter and setter of a property that the spin box has itself."""
    upper = name[0].upper() + name[1:]
    return (
        lambda self: getattr(self.spinBox, name)(),
        lambda self, value: getattr(self.spinBox, f"set{upper}")(value),
    )


for attribute in ("minimum", "maximum", "singleStep", "prefix", "suffix"):
    getter, setter = forwarded(attribute)
    setattr(NumberFacade, f"get_{attribute}", getter)
    setattr(NumberFacade, f"set_{attribute}", setter)


@facade
class DoubleSpinBox(NumberFacade):
    standInName = "ctkDoubleSpinBox"
    plain = {"setMode": 0, "decimalsOption": 0, "invertedControls": False, "alignment": 1, "frame": True}
    plain |= {"sizeHintPolicy": 0, "readOnly": False}

    def build(self):
        self.makeSpinBox()

    def get_cleanText(self):
        return self.spinBox.cleanText()

    def do_setValueIfDifferent(self, value):
        self.set_value(value)

    do_setValueAlways = do_setValueIfDifferent

    def do_stepUp(self):
        self.spinBox.stepUp()

    def do_stepDown(self):
        self.spinBox.stepDown()


@facade
class SliderWidget(NumberFacade):
    standInName = "ctkSliderWidget"
    plain = {"pageStep": 10.0, "tickInterval": 0.0, "tickPosition": 0, "synchronizeSiblings": 1, "tracking": True}
    plain |= {"spinBoxAlignment": 1, "popupSlider": False, "invertedAppearance": False, "invertedControls": False}
    steps = 1000
    changedSignals = ("valueIsChanging(double)", "valueChanged(double)")

    def build(self):
        layout = self.makeSpinBox()
        self.slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, self.steps)
        self.slider.valueChanged.connect(self.onSlider)
        layout.insertWidget(0, self.slider, 1)

    def onSlider(self, position):
        least, most = self.spinBox.minimum(), self.spinBox.maximum()
        self.spinBox.setValue(least + (most - least) * position / self.steps)

    def onValue(self, value):
        least, most = self.spinBox.minimum(), self.spinBox.maximum()
        self.slider.blockSignals(True)
        self.slider.setValue(round((value - least) / (most - least) * self.steps) if most > least else 0)
        self.slider.blockSignals(False)
        super().onValue(value)

    def get_spinBoxVisible(self):
        return not self.spinBox.isHidden()

    def set_spinBoxVisible(self, visible):
        self.spinBox.setVisible(visible)

    def do_reset(self):
        self.set_value(min(max(0.0, self.spinBox.minimum()), self.spinBox.maximum()))


@facade
class RangeWidget(WidgetFacade):
    standInName = "ctkRangeWidget"
    plain = {"tickInterval": 0.0, "spinBoxAlignment": 16, "tracking": True}
    plain |= {"symmetricMoves": False, "spinBoxTextAlignment": 1, "prefix": "", "suffix": ""}

    def build(self):
        self.boxes = [QtWidgets.QDoubleSpinBox(self) for _side in range(2)]
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for box in self.boxes:
            layout.addWidget(box)
        self.do_setRange(0.0, 99.0)
        self.boxes[1].setValue(99.0)
        self.boxes[0].valueChanged.connect(self.onMinimum)
        self.boxes[1].valueChanged.connect(self.onMaximum)

    def onMinimum(self, value):
        if value > self.boxes[1].value():
            self.boxes[1].setValue(value)
        self.emitSignal("minimumValueChanged(double)", value)
        self.emitSignal("valuesChanged(double,double)", value, self.boxes[1].value())

    def onMaximum(self, value):
        if value < self.boxes[0].value():
            self.boxes[0].setValue(value)
        self.emitSignal("maximumValueChanged(double)", value)
        self.emitSignal("valuesChanged(double,double)", self.boxes[0].value(), value)

    def get_minimum(self):
        return self.boxes[0].minimum()

    def set_minimum(self, value):
        self.do_setRange(value, max(value, self.get_maximum()))

    def get_maximum(self):
        return self.boxes[1].maximum()

    def set_maximum(self, value):
        self.do_setRange(min(value, self.get_minimum()), value)

    def get_minimumValue(self):
        return self.boxes[0].value()

    def set_minimumValue(self, value):
        self.boxes[0].setValue(value)

    def get_maximumValue(self):
        return self.boxes[1].value()

    def set_maximumValue(self, value):
        self.boxes[1].setValue(value)

    def do_setRange(self, least, most):
        for box in self.boxes:
            box.setRange(least, most)

    def do_setValues(self, least, most):
        self.boxes[1].setValue(max(most, self.boxes[0].value()))
        self.boxes[0].setValue(least)
        self.boxes[1].setValue(most)

    def get_decimals(self):
        return self.boxes[0].decimals()

    def set_decimals(self, decimals):
        for box in self.boxes:
            box.setDecimals(decimals)

    def get_singleStep(self):
        return self.boxes[0].singleStep()

    def set_singleStep(self, step):
        for box in self.boxes:
            box.setSingleStep(step)


@facade
class ComboBox(Facade, QtWidgets.QComboBox):
    standInName = "ctkComboBox"
    plain = {"forceDefault": False, "elideMode": 3, "scrollWheelEffect": 0}

    def get_defaultText(self):
        return self.placeholderText()

    def set_defaultText(self, text):
        self.setPlaceholderText(text)


@facade
class CheckBox(Facade, QtWidgets.QCheckBox):
    standInName = "ctkCheckBox"
    plain = {"indicatorIcon": None, "indicatorIconSize": None}


@facade
class DirectoryButton(WidgetFacade):
    standInName = "ctkDirectoryButton"
    plain = {"caption": "", "icon": None, "options": 1}
    plain |= {"acceptMode": 0, "elideMode": 0, "text": ""}

    def build(self):
        self.path = os.path.abspath(".")
        self.button = QtWidgets.QPushButton(self.path, self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        self.button.clicked.connect(self.do_browse)

    def get_directory(self):
        return self.path

    def set_directory(self, path):
        path = os.path.abspath(path)
        if path != self.path:
            self.path = path
            self.button.setText(path)
            self.emitSignal("directoryChanged(QString)", path)
        self.emitSignal("directorySelected(QString)", path)

    def do_browse(self):
        from . import statics

        chosen = statics.method("QFileDialog", "getExistingDirectory")(None, "", self.path)
        if chosen:
            self.set_directory(chosen)


@facade
class PathLineEdit(WidgetFacade):
    standInName = "ctkPathLineEdit"
    plain = {"label": "", "nameFilters": [], "filters": 1, "options": 0, "settingKey": "", "sizeAdjustPolicy": 0}
    plain |= {"minimumContentsLength": 0, "showHistoryButton": True, "showBrowseButton": True}

    def build(self):
        self.edit = QtWidgets.QLineEdit(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.edit)
        self.edit.textChanged.connect(lambda text: self.emitSignal("currentPathChanged(QString)", text))

    def get_currentPath(self):
        return self.edit.text()

    def set_currentPath(self, path):
        self.edit.setText(path)


@facade
class ExpandableWidget(WidgetFacade):
    standInName = "ctkExpandableWidget"
    plain = {"orientations": 2, "sizeGripInside": True}
