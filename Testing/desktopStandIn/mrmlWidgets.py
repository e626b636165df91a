"""Stand-ins of Slicer's widgets that show a node: qMRMLWidget, table view, checkable combo box, place widget."""

from PySide6 import QtCore, QtWidgets

from .facade import Facade, WidgetFacade, facade
from .nodeObserver import NodeObserver


@facade
class MRMLWidget(WidgetFacade):
    standInName = "qMRMLWidget"
    scene = None

    def __init__(self, parent=None, flags=None):
        super().__init__(parent)

    def do_mrmlScene(self):
        return self.scene

    def do_setMRMLScene(self, scene):
        if scene is not self.scene:
            self.scene = scene
            self.sceneChanged()
            self.emitSignal("mrmlSceneChanged(vtkMRMLScene*)", scene)

    def sceneChanged(self):
        """For subclasses."""


@facade
class SlicerWidget(MRMLWidget):
    standInName = "qSlicerWidget"


class TableModel(QtCore.QAbstractTableModel):
    """The columns of a vtkTable, read-only."""

    node = None

    def setNode(self, node):
        self.beginResetModel()
        self.node = node
        self.endResetModel()

    def table(self):
        return self.node.GetTable() if self.node else None

    def rowCount(self, parent=None):
        return self.table().GetNumberOfRows() if self.table() else 0

    def columnCount(self, parent=None):
        return self.table().GetNumberOfColumns() if self.table() else 0

    def data(self, index, role=QtCore.Qt.ItemDataRole.DisplayRole):
        if role == QtCore.Qt.ItemDataRole.DisplayRole:
            return self.table().GetValue(index.row(), index.column()).ToString()
        return None

    def headerData(self, section, orientation, role=QtCore.Qt.ItemDataRole.DisplayRole):
        if role != QtCore.Qt.ItemDataRole.DisplayRole or not self.table():
            return None
        if orientation == QtCore.Qt.Orientation.Horizontal:
            name = self.table().GetColumnName(section)
            return self.node.GetColumnTitle(name) or name
        return str(section + 1)


@facade
class TableView(Facade, QtWidgets.QTableView):
    standInName = "qMRMLTableView"
    scene = None

    def __init__(self, parent=None):
        super().__init__(parent)
        self.tableModelInside = TableModel(self)
        self.setModel(self.tableModelInside)
        self.observer = NodeObserver(self, ["ModifiedEvent"], self.showNode)
        self.destroyed.connect(self.observer.stop)

    def showNode(self, *_arguments):
        self.tableModelInside.setNode(self.observer.node)

    def do_mrmlScene(self):
        return self.scene

    def do_setMRMLScene(self, scene):
        self.scene = scene
        if scene is None:
            self.do_setMRMLTableNode(None)
        self.emitSignal("mrmlSceneChanged(vtkMRMLScene*)", scene)

    def do_mrmlTableNode(self):
        return self.observer.node

    def do_setMRMLTableNode(self, node):
        self.observer.observe(node if node is not None and node.IsA("vtkMRMLTableNode") else None)
        self.showNode()

    def get_transposed(self):
        return bool(self.observer.node and self.observer.node.GetTransposed())


@facade
class SegmentsTableView(MRMLWidget):
    standInName = "qMRMLSegmentsTableView"
    plain = {"selectionMode": 3, "headerVisible": True, "visibilityColumnVisible": True, "colorColumnVisible": True}
    plain |= {"opacityColumnVisible": True, "statusColumnVisible": False, "layerColumnVisible": False}
    plain |= {"readOnly": False, "filterBarVisible": False, "textFilter": "", "jumpToSelectedSegmentEnabled": False}

    def build(self):
        from .segmentList import SegmentList

        self.list = SegmentList(self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        self.list.itemSelectionChanged.connect(lambda: self.emitSignal(self.SELECTION, None, None))

    SELECTION = "selectionChanged(QItemSelection,QItemSelection)"

    def do_segmentationNode(self):
        return self.list.observer.node

    def do_setSegmentationNode(self, node):
        self.list.setSegmentationNode(node)

    def do_selectedSegmentIDs(self):
        return self.list.selectedIDs()

    def do_setSelectedSegmentIDs(self, identifiers):
        self.list.selectIDs(identifiers)

    def do_clearSelection(self):
        self.list.selectIDs([])

    def do_displayedSegmentIDs(self):
        return self.list.identifiers()

    def get_segmentCount(self):
        return len(self.list.identifiers())


@facade
class MarkupsPlaceWidget(SlicerWidget):
    """Places points through the scene's own interaction and selection nodes, as the real one does."""

    standInName = "qSlicerMarkupsPlaceWidget"
    plain = {"buttonsVisible": True, "deleteAllControlPointsOptionVisible": True, "nodeColor": None}
    plain |= {"unsetLastControlPointOptionVisible": True, "unsetAllControlPointsOptionVisible": True}
    plain |= {"placeMultipleMarkups": 0, "defaultNodeColor": None, "deleteAllMarkupsOptionVisible": True}

    def build(self):
        self.node = None
        self.wasPlacing = False
        self.button = QtWidgets.QToolButton(self)
        self.button.setText("+")
        self.button.setCheckable(True)
        self.button.clicked.connect(self.set_placeModeEnabled)
        self.trash = QtWidgets.QToolButton(self)
        self.trash.setText("x")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.trash)
        self.observers = [NodeObserver(self, ["ModifiedEvent"], self.showNode) for _node in range(2)]
        self.destroyed.connect(lambda: [observer.stop() for observer in self.observers])

    def do_interactionNode(self):
        return self.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton") if self.scene else None

    def do_selectionNode(self):
        return self.scene.GetNodeByID("vtkMRMLSelectionNodeSingleton") if self.scene else None

    def sceneChanged(self):
        self.observers[0].observe(self.do_interactionNode())
        self.observers[1].observe(self.do_selectionNode())
        self.showNode()

    def do_currentNode(self):
        return self.node

    do_currentMarkupsNode = do_currentNode

    def do_setCurrentNode(self, node):
        self.node = node
        self.showNode()

    def do_placeButton(self):
        return self.button

    def do_deleteButton(self):
        return self.trash

    def get_currentNodeActive(self):
        selection = self.do_selectionNode()
        return bool(self.node and selection and selection.GetActivePlaceNodeID() == self.node.GetID())

    def set_currentNodeActive(self, active):
        selection = self.do_selectionNode()
        if not selection or not self.node or active == self.get_currentNodeActive():
            return
        selection.SetReferenceActivePlaceNodeClassName(self.node.GetClassName() if active else "")
        selection.SetReferenceActivePlaceNodeID(self.node.GetID() if active else "")

    def get_placeModeEnabled(self):
        interaction = self.do_interactionNode()
        return bool(interaction and self.get_currentNodeActive() and interaction.GetCurrentInteractionMode() == 1)

    def set_placeModeEnabled(self, placing):
        interaction = self.do_interactionNode()
        if not interaction or placing == self.get_placeModeEnabled():
            return
        if placing:
            self.set_currentNodeActive(True)
            interaction.SetCurrentInteractionMode(interaction.Place)
        else:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    def get_placeModePersistency(self):
        interaction = self.do_interactionNode()
        return bool(interaction and interaction.GetPlaceModePersistence())

    def set_placeModePersistency(self, persistent):
        if self.do_interactionNode():
            self.do_interactionNode().SetPlaceModePersistence(int(persistent))

    def do_deleteLastPoint(self):
        if self.node and self.node.GetNumberOfControlPoints():
            self.node.RemoveNthControlPoint(self.node.GetNumberOfControlPoints() - 1)

    def do_deleteAllPoints(self):
        if self.node:
            self.node.RemoveAllControlPoints()

    def showNode(self, *_arguments):
        placing = self.get_placeModeEnabled()
        self.button.setEnabled(self.node is not None)
        self.button.setChecked(placing)
        if placing != self.wasPlacing:
            self.wasPlacing = placing
            self.emitSignal("activeMarkupsPlaceModeChanged(bool)", placing)
