"""Stand-in of qMRMLSegmentEditorWidget: keeps a real vtkMRMLSegmentEditorNode, and lists segments and effects."""

import slicer
from PySide6 import QtCore, QtWidgets

from .facade import Facade, facade
from .mrmlWidgets import MRMLWidget
from .nodeObserver import NodeObserver
from .segmentList import IDENTIFIER, SegmentList

EFFECTS = ("Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds", "Fill between slices", "Margin")
EFFECTS += ("Hollow", "Smoothing", "Scissors", "Islands", "Logical operators", "Mask volume")


@facade
class Effect(Facade, QtCore.QObject):
    """An effect's name and parameters, kept in the segment editor node as the real ones are; it paints nothing."""

    standInName = "qSlicerSegmentEditorAbstractEffect"

    def __init__(self, name, editor):
        super().__init__(editor)
        self.editor = editor
        self.plainValues()["name"] = name

    def key(self, name):
        return f"{self.plainValues()['name']}.{name}"

    def do_parameterSetNode(self):
        return self.editor.node

    def do_scene(self):
        return self.editor.scene

    def do_active(self):
        return self.editor.active is self

    def do_setParameter(self, name, value):
        if self.editor.node:
            self.editor.node.SetAttribute(self.key(name), number(value))

    def do_setCommonParameter(self, name, value):
        if self.editor.node:
            self.editor.node.SetAttribute(name, number(value))

    def do_setParameterDefault(self, name, value):
        if self.editor.node and self.editor.node.GetAttribute(self.key(name)) is None:
            self.do_setParameter(name, value)

    def do_setCommonParameterDefault(self, name, value):
        if self.editor.node and self.editor.node.GetAttribute(name) is None:
            self.do_setCommonParameter(name, value)

    def do_parameter(self, name):
        node = self.editor.node
        return (node and (node.GetAttribute(self.key(name)) or node.GetAttribute(name))) or ""

    def do_integerParameter(self, name):
        return int(float(self.do_parameter(name) or 0))

    def do_doubleParameter(self, name):
        return float(self.do_parameter(name) or 0)

    def do_parameterDefined(self, name):
        return bool(self.editor.node and self.editor.node.GetAttribute(self.key(name)) is not None)

    def do_commonParameterDefined(self, name):
        return bool(self.editor.node and self.editor.node.GetAttribute(name) is not None)

    def do_selectEffect(self, name):
        self.editor.do_setActiveEffectByName(name)

    def do_updateGUIFromMRML(self):
        """There are no options."""


def number(value) -> str:
    """As Qt writes a number into a text."""
    return f"{value:g}" if isinstance(value, float) else str(value)


@facade
class SegmentEditor(MRMLWidget):
    standInName = "qMRMLSegmentEditorWidget"
    plain = {"segmentationNodeSelectorVisible": True, "sourceVolumeNodeSelectorVisible": True}
    plain |= {"maskingSectionVisible": True, "specifyGeometryButtonVisible": True, "show3DButtonVisible": True}
    plain |= {"addRemoveSegmentButtonsVisible": True, "autoShowSourceVolumeNode": True, "undoEnabled": True}
    plain |= {"switchToSegmentationsButtonVisible": True, "maximumNumberOfUndoStates": 10, "readOnly": False}
    plain |= {"effectButtonStyle": 3, "effectColumnCount": 2, "unorderedEffectsVisible": True}
    plain |= {"defaultTerminologyEntrySettingsKey": "Segmentations/DefaultTerminologyEntry"}
    plain |= {"defaultTerminologyEntry": "", "jumpToSelectedSegmentEnabled": False}

    def build(self):
        self.node = self.active = None
        self.history = slicer.vtkSegmentationHistory()
        self.order, self.shortcuts, self.viewsObserved = [], False, False
        self.effects = {name: Effect(name, self) for name in EFFECTS}
        self.shown = (None, None, None, None)
        self.segments = SegmentList(self)
        self.segments.itemSelectionChanged.connect(self.onSegment)
        self.buttonBox = QtWidgets.QWidget(self)
        self.buttons = QtWidgets.QGridLayout(self.buttonBox)
        self.buttons.setContentsMargins(0, 0, 0, 0)
        self.buttonBar = QtWidgets.QHBoxLayout()
        self.addButton, self.removeButton = QtWidgets.QPushButton("+ Add"), QtWidgets.QPushButton("- Remove")
        self.addButton.clicked.connect(self.onAdd)
        self.removeButton.clicked.connect(self.onRemove)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in (self.addButton, self.removeButton):
            self.buttonBar.addWidget(button)
        layout.addLayout(self.buttonBar)
        layout.addWidget(self.segments)
        layout.addWidget(self.buttonBox)
        self.observer = NodeObserver(self, ["ModifiedEvent"], self.do_updateWidgetFromMRML)
        self.do_updateEffectList()

    # nodes

    def do_mrmlSegmentEditorNode(self):
        return self.node

    def do_setMRMLSegmentEditorNode(self, node):
        if node is self.node:
            return
        self.observer.observe(node)
        self.node = node
        self.do_updateWidgetFromMRML()

    def sceneChanged(self):
        self.do_updateWidgetFromMRML()

    def do_segmentationNode(self):
        return self.node.GetSegmentationNode() if self.node else None

    def do_segmentationNodeID(self):
        return identifierOf(self.do_segmentationNode())

    def do_sourceVolumeNode(self):
        return self.node.GetSourceVolumeNode() if self.node else None

    def do_sourceVolumeNodeID(self):
        return identifierOf(self.do_sourceVolumeNode())

    def do_setSegmentationNode(self, node):
        if self.node is None:
            return
        self.history.SetSegmentation(node.GetSegmentation() if node else None)
        with slicer.util.NodeModify(self.node):
            self.node.SetAndObserveSegmentationNode(node)
            if node:  # the real one makes what can be seen, and takes over the reference geometry
                if not node.GetDisplayNode():
                    node.CreateDefaultDisplayNodes()
                reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
                if reference and not self.node.GetSourceVolumeNode():
                    self.node.SetAndObserveSourceVolumeNode(reference)
        self.do_updateWidgetFromMRML()

    def do_setSegmentationNodeID(self, identifier):
        self.do_setSegmentationNode(self.scene.GetNodeByID(identifier) if self.scene and identifier else None)

    def do_setSourceVolumeNode(self, node):
        if self.node is None:
            return
        self.node.SetAndObserveSourceVolumeNode(node)
        segmentation = self.do_segmentationNode()
        if node and segmentation and not segmentation.GetNodeReference("referenceImageGeometryRef"):
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(node)
        self.do_updateWidgetFromMRML()

    def do_setSourceVolumeNodeID(self, identifier):
        self.do_setSourceVolumeNode(self.scene.GetNodeByID(identifier) if self.scene and identifier else None)

    # segments

    def do_currentSegmentID(self):
        return (self.node.GetSelectedSegmentID() or "") if self.node else ""

    def do_setCurrentSegmentID(self, identifier):
        if self.node is not None and identifier != self.do_currentSegmentID():
            self.node.SetSelectedSegmentID(identifier or None)
            self.do_updateWidgetFromMRML()

    def onSegment(self):
        items = self.segments.selectedItems()
        self.do_setCurrentSegmentID(items[0].data(IDENTIFIER) if items else "")

    def onAdd(self):
        if self.do_segmentationNode():
            self.do_setCurrentSegmentID(self.do_segmentationNode().GetSegmentation().AddEmptySegment())

    def onRemove(self):
        if self.do_segmentationNode() and self.do_currentSegmentID():
            self.do_segmentationNode().GetSegmentation().RemoveSegment(self.do_currentSegmentID())
            self.do_updateWidgetFromMRML()

    # effects

    def visibleEffects(self):
        listed = [name for name in self.order if name in self.effects]
        if self.plainValues()["unorderedEffectsVisible"]:
            listed += [name for name in EFFECTS if name not in listed]
        return listed

    def do_availableEffectNames(self):
        return list(EFFECTS)

    def do_setEffectNameOrder(self, names):
        self.order = list(names)
        self.do_updateEffectList()

    def do_effectNameOrder(self):
        return self.order

    def set_unorderedEffectsVisible(self, visible):
        self.plainValues()["unorderedEffectsVisible"] = visible
        self.do_updateEffectList()

    def set_effectColumnCount(self, count):
        self.plainValues()["effectColumnCount"] = count
        self.do_updateEffectList()

    def set_addRemoveSegmentButtonsVisible(self, visible):
        self.plainValues()["addRemoveSegmentButtonsVisible"] = visible
        self.addButton.setVisible(visible)
        self.removeButton.setVisible(visible)

    def do_effectCount(self):
        return len(self.visibleEffects())

    def do_effectByIndex(self, index):
        names = self.visibleEffects()
        return self.effects[names[index]] if 0 <= index < len(names) else None

    def do_effectByName(self, name):
        return self.effects.get(name)

    def do_updateEffectList(self):
        while self.buttons.count():
            self.buttons.takeAt(0).widget().deleteLater()
        self.effectButtons = {}
        columns = max(1, self.plainValues()["effectColumnCount"])
        for index, name in enumerate(["None", *self.visibleEffects()]):
            button = QtWidgets.QToolButton()
            button.setText(name)
            button.setCheckable(True)
            button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked, name=name: self.do_setActiveEffectByName(name))
            self.buttons.addWidget(button, index // columns, index % columns)
            self.effectButtons[name] = button
        self.do_updateWidgetFromMRML()

    def do_activeEffect(self):
        return self.active

    def do_setActiveEffect(self, effect):
        self.active = effect
        if self.node:
            self.node.SetActiveEffectName(effect.plainValues()["name"] if effect else "")
        self.do_updateWidgetFromMRML()

    def do_setActiveEffectByName(self, name):
        if name not in ("", "None") and not self.effects.get(name):
            return  # the real one logs an error
        self.do_setActiveEffect(self.effects.get(name))

    # what an embedding module calls on enter and exit

    def do_installKeyboardShortcuts(self, parent=None):
        self.shortcuts = True

    def do_uninstallKeyboardShortcuts(self):
        self.shortcuts = False

    def do_setupViewObservations(self):
        self.viewsObserved = True

    def do_removeViewObservations(self):
        self.viewsObserved = False

    def do_saveStateForUndo(self):
        if self.plainValues()["undoEnabled"] and self.history.GetSegmentation():
            self.history.SetMaximumNumberOfStates(self.plainValues()["maximumNumberOfUndoStates"])
            self.history.SaveState()

    def do_undo(self):
        self.history.RestorePreviousState()

    def do_redo(self):
        self.history.RestoreNextState()

    def do_hideLabelLayer(self):
        """Nothing is drawn."""

    def do_updateWidgetFromMRML(self):
        """Show the nodes, choose a segment if none is, and say what changed."""
        if self.__dict__.get("isUpdating"):
            return
        self.isUpdating = True
        segmentation, volume = self.do_segmentationNode(), self.do_sourceVolumeNode()
        identifiers = list(segmentation.GetSegmentation().GetSegmentIDs()) if segmentation else []
        current = self.do_currentSegmentID()
        if self.node and current not in identifiers:
            current = identifiers[0] if identifiers else ""
            self.node.SetSelectedSegmentID(current or None)
        if self.segments.observer.node is not segmentation:
            self.segments.setSegmentationNode(segmentation)
        blocked = self.segments.blockSignals(True)
        self.segments.selectIDs([current])
        self.segments.blockSignals(blocked)
        if self.node:
            self.active = self.effects.get(self.node.GetActiveEffectName() or "")
        for name, button in self.effectButtons.items():
            button.setChecked(self.effects.get(name) is self.active)
            button.setEnabled(bool(identifiers and volume) or name == "None")
        before, self.shown = self.shown, (segmentation, volume, current, self.active)
        self.isUpdating = False
        for index, signal in enumerate(SIGNALS):
            if self.shown[index] != before[index]:
                self.emitSignal(signal, self.shown[index])


SIGNALS = ("segmentationNodeChanged(vtkMRMLSegmentationNode*)", "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)")
SIGNALS += ("currentSegmentIDChanged(QString)",)


def identifierOf(node) -> str:
    return node.GetID() if node else ""
