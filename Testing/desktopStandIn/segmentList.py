"""A plain list of the segments of a segmentation, for the Segment Editor's and the segments table's stand-ins."""

from PySide6 import QtCore, QtGui, QtWidgets

from .nodeObserver import NodeObserver

IDENTIFIER = QtCore.Qt.ItemDataRole.UserRole


class SegmentList(QtWidgets.QListWidget):
    """Name and color of each segment; the selection is by identifier."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setMaximumHeight(120)
        self.observer = NodeObserver(self, ["ModifiedEvent"], self.refresh)
        self.inner = NodeObserver(self, ["SegmentAdded", "SegmentRemoved", "SegmentModified"], self.refresh)

    def setSegmentationNode(self, node):
        self.observer.observe(node)
        self.inner.observe(node.GetSegmentation() if node else None)
        self.refresh()

    def identifiers(self):
        return [self.item(row).data(IDENTIFIER) for row in range(self.count())]

    def selectedIDs(self):
        return [item.data(IDENTIFIER) for item in self.selectedItems()]

    def selectIDs(self, identifiers):
        for row in range(self.count()):
            self.item(row).setSelected(self.item(row).data(IDENTIFIER) in identifiers)

    def refresh(self):
        """List the segments anew, keep the selection."""
        selected = self.selectedIDs()
        node = self.observer.node
        segmentation = node.GetSegmentation() if node else None
        identifiers = list(segmentation.GetSegmentIDs()) if segmentation else []
        blocked = self.blockSignals(True)
        self.clear()
        for identifier in identifiers:
            segment = segmentation.GetSegment(identifier)
            swatch = QtGui.QPixmap(12, 12)
            swatch.fill(QtGui.QColor.fromRgbF(*segment.GetColor()))
            item = QtWidgets.QListWidgetItem(QtGui.QIcon(swatch), segment.GetName() or "")
            item.setData(IDENTIFIER, identifier)
            self.addItem(item)
            item.setSelected(identifier in selected)
        self.blockSignals(blocked)
