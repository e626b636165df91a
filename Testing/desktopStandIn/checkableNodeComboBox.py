"""Stand-in of qMRMLCheckableNodeComboBox: a node selector whose nodes have check boxes."""

from PySide6 import QtCore, QtGui, QtWidgets

from .facade import facade
from .nodeComboBox import NodeComboBox

CHECKED, UNCHECKED = QtCore.Qt.CheckState.Checked, QtCore.Qt.CheckState.Unchecked


@facade
class CheckableNodeComboBox(NodeComboBox):
    """The check of a node is kept by its identifier; a new node starts unchecked."""

    standInName = "qMRMLCheckableNodeComboBox"

    def build(self):
        super().build()
        self.checkedIDs = []
        self.combo.setModel(QtGui.QStandardItemModel(self.combo))
        self.combo.setItemDelegate(QtWidgets.QStyledItemDelegate(self.combo))
        self.combo.model().itemChanged.connect(self.onItem)

    def refresh(self):
        super().refresh()
        present = [node.GetID() for node in self.nodes()]
        before, self.checkedIDs = self.checkedIDs, [name for name in present if name in self.checkedIDs]
        blocked = self.combo.model().blockSignals(True)
        for row in range(self.combo.count()):
            item = self.combo.model().item(row)
            if item.data(QtCore.Qt.ItemDataRole.UserRole):
                item.setCheckable(True)
                isChecked = item.data(QtCore.Qt.ItemDataRole.UserRole) in self.checkedIDs
                item.setCheckState(CHECKED if isChecked else UNCHECKED)
        self.combo.model().blockSignals(blocked)
        if before != self.checkedIDs:
            self.emitSignal("checkedNodesChanged()")

    def onItem(self, item):
        identifier = item.data(QtCore.Qt.ItemDataRole.UserRole)
        if identifier and not self.updating:
            self.setChecked(identifier, item.checkState() == CHECKED)

    def setChecked(self, identifier, checked):
        if (identifier in self.checkedIDs) == checked:
            return
        present = [node.GetID() for node in self.nodes()]
        wanted = {*self.checkedIDs, identifier} if checked else {*self.checkedIDs} - {identifier}
        self.checkedIDs = [name for name in present if name in wanted]
        row = self.combo.findData(identifier)
        if row >= 0:
            self.combo.model().item(row).setCheckState(CHECKED if checked else UNCHECKED)
        self.emitSignal("checkedNodesChanged()")

    def do_checkedNodes(self):
        return [node for node in self.nodes() if node.GetID() in self.checkedIDs]

    def do_uncheckedNodes(self):
        return [node for node in self.nodes() if node.GetID() not in self.checkedIDs]

    def do_allChecked(self):
        return not self.do_uncheckedNodes()

    def do_noneChecked(self):
        return not self.do_checkedNodes()

    def do_checkState(self, node):
        return CHECKED if node is not None and node.GetID() in self.checkedIDs else UNCHECKED

    def do_setCheckState(self, node, state):
        if node is not None:
            self.setChecked(node.GetID(), state == CHECKED)

    def do_check(self, node):
        self.do_setCheckState(node, CHECKED)

    def do_uncheck(self, node):
        self.do_setCheckState(node, UNCHECKED)
