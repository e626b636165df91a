"""Stand-in of qMRMLNodeComboBox: lists the nodes of a scene and follows it."""

import shiboken6
import vtk
from PySide6 import QtWidgets

from .facade import WidgetFacade, facade

NODE = 256  # role of the node's ID


class NodeCombo(QtWidgets.QComboBox):
    """The list that the user sees; items are nodes, None, and actions."""

    def minimumSizeHint(self):
        size = QtWidgets.QComboBox.minimumSizeHint(self)
        size.setWidth(min(size.width(), 80))
        return size


@facade
class NodeComboBox(WidgetFacade):
    standInName = "qMRMLNodeComboBox"
    plain = {"interactionNodeSingletonTag": "Singleton", "selectNodeUponCreation": True, "sizeAdjustPolicy": 1}
    plain |= {"addEnabled": True, "removeEnabled": True, "editEnabled": False, "renameEnabled": False}

    def build(self):
        self.scene, self.tags, self.nodeTags = None, [], {}
        self.types, self.baseNames, self.hiddenTypes, self.labels = [], {}, [], {}
        self.attributes = {}  # class name -> {attribute: value or None for any}
        self.hasNone, self.noneText, self.showsHidden, self.showsChildTypes = False, "None", False, True
        self.currentID = ""
        self.updating = False
        self.combo = NodeCombo(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo)
        self.combo.currentIndexChanged.connect(self.onIndex)
        self.combo.activated.connect(
            lambda _index: self.emitSignal("nodeActivated(vtkMRMLNode*)", self.do_currentNode())
        )
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)

    # scene

    def do_mrmlScene(self):
        return self.scene

    def do_setMRMLScene(self, scene):
        if scene is self.scene:
            return
        self.unobserve()
        self.scene = scene
        if scene is not None:
            for event in ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "NodeAboutToBeRemovedEvent"):
                self.tags.append((scene, scene.AddObserver(getattr(scene, event), self.makeHandler(event))))
        self.setEnabled(scene is not None)
        self.refresh()

    def makeHandler(self, event):
        @vtk.calldata_type(vtk.VTK_OBJECT)
        def handleNode(caller, name, node):
            self.onScene(event, node)

        def handle(caller, name):
            self.onScene(event, None)

        return handle if event == "EndBatchProcessEvent" else handleNode

    def onScene(self, event, node):
        if not shiboken6.isValid(self):
            self.unobserve()
            return
        if node is not None and not self.accepts(node):
            return
        if event == "NodeAboutToBeRemovedEvent":
            self.emitSignal("nodeAboutToBeRemoved(vtkMRMLNode*)", node)
            return
        if not self.scene.IsBatchProcessing():
            self.refresh()
        if event == "NodeAddedEvent":
            self.emitSignal("nodeAdded(vtkMRMLNode*)", node)

    def unobserve(self):
        for caller, tag in [*self.tags, *self.nodeTags.values()]:
            caller.RemoveObserver(tag)
        self.tags, self.nodeTags = [], {}

    # which nodes

    def accepts(self, node) -> bool:
        if node.GetHideFromEditors() and not self.showsHidden:
            return False
        for name in self.types:
            isType = node.IsA(name) if self.showsChildTypes else node.GetClassName() == name
            if isType and not any(node.IsA(hidden) for hidden in self.hiddenTypes if hidden != name):
                return all(
                    node.GetAttribute(attribute) is not None and value in (None, node.GetAttribute(attribute))
                    for attribute, value in self.attributes.get(name, {}).items()
                )
        return False

    def nodes(self):
        if self.scene is None:
            return []
        every = [self.scene.GetNthNode(index) for index in range(self.scene.GetNumberOfNodes())]
        return [node for node in every if self.accepts(node)]

    def refresh(self):
        """List the nodes anew; keep the current one, or choose as the real widget does."""
        nodes = self.nodes()
        identifiers = [node.GetID() for node in nodes]
        wanted = self.currentID if self.currentID in identifiers else ""
        if not wanted and not self.hasNone and identifiers:
            wanted = identifiers[0]
        self.updating = True
        self.combo.clear()
        if self.hasNone:
            self.combo.addItem(self.noneText, "")
        for node in nodes:
            self.combo.addItem(node.GetName() or "", node.GetID())
        self.combo.setCurrentIndex(self.combo.findData(wanted))
        self.updating = False
        self.observeNodes(nodes)
        self.setCurrent(wanted)

    def observeNodes(self, nodes):
        present = {node.GetID(): node for node in nodes}
        for identifier in [identifier for identifier in self.nodeTags if identifier not in present]:
            caller, tag = self.nodeTags.pop(identifier)
            caller.RemoveObserver(tag)
        for identifier, node in present.items():
            if identifier not in self.nodeTags:
                tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self.onNode(caller))
                self.nodeTags[identifier] = (node, tag)

    def onNode(self, node):
        if not shiboken6.isValid(self):
            self.unobserve()
            return
        index = self.combo.findData(node.GetID())
        if self.accepts(node) != (index >= 0):
            self.refresh()
        elif index >= 0 and self.combo.itemText(index) != (node.GetName() or ""):
            self.combo.setItemText(index, node.GetName() or "")
            if node.GetID() == self.currentID:
                self.emitSignal("currentNodeRenamed(QString)", node.GetName() or "")

    # current node

    def onIndex(self, index):
        if not self.updating:
            self.setCurrent(self.combo.itemData(index) or "")

    def setCurrent(self, identifier):
        if identifier == self.currentID:
            return
        self.currentID = identifier
        node = self.do_currentNode()
        self.emitSignal("currentNodeChanged(vtkMRMLNode*)", node)
        self.emitSignal("currentNodeChanged(bool)", node is not None)
        self.emitSignal("currentNodeIDChanged(QString)", identifier)

    def do_currentNode(self):
        return self.scene.GetNodeByID(self.currentID) if self.scene and self.currentID else None

    def do_setCurrentNode(self, node):
        self.set_currentNodeID((node if isinstance(node, str) else node.GetID()) if node else "")

    def get_currentNodeID(self):
        return self.currentID

    def set_currentNodeID(self, identifier):
        index = self.combo.findData(identifier or "")
        if index < 0 and not identifier:
            self.combo.setCurrentIndex(-1)
        elif index < 0:
            index = self.combo.findData("")
        self.combo.setCurrentIndex(index)

    get_currentNodeId = do_currentNodeId = get_currentNodeID
    set_currentNodeId = set_currentNodeID

    def do_setCurrentNodeIndex(self, index):
        nodes = self.nodes()
        self.do_setCurrentNode(nodes[index] if 0 <= index < len(nodes) else None)

    def do_nodeCount(self):
        return len(self.nodes())

    def do_nodeFromIndex(self, index):
        nodes = self.nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    # what the user may do

    def do_addNode(self, nodeType=None):
        nodeType = nodeType or (self.types[0] if self.types else "")
        if nodeType not in self.types:
            return None
        baseName = self.baseNames.get(nodeType) or self.scene.GetTagByClassName(nodeType)
        node = self.scene.CreateNodeByClass(nodeType)
        node.UnRegister(None)
        node.SetName(self.scene.GenerateUniqueName(baseName))
        for attribute, value in self.attributes.get(nodeType, {}).items():
            node.SetAttribute(attribute, value or "")
        self.scene.AddNode(node)
        if self.plainValues()["selectNodeUponCreation"]:
            self.do_setCurrentNode(node)
        self.emitSignal("nodeAddedByUser(vtkMRMLNode*)", node)
        return node

    def do_removeCurrentNode(self):
        if self.do_currentNode():
            self.scene.RemoveNode(self.do_currentNode())

    def do_addAttribute(self, nodeType, attribute, value=None):
        self.attributes.setdefault(nodeType, {})[attribute] = value
        self.refresh()

    def do_removeAttribute(self, nodeType, attribute):
        self.attributes.get(nodeType, {}).pop(attribute, None)
        self.refresh()

    def do_setNodeTypeLabel(self, label, nodeType):
        self.labels[nodeType] = label

    def do_nodeTypeLabel(self, nodeType):
        return self.labels.get(nodeType, "")

    # properties

    def get_nodeTypes(self):
        return self.types

    def set_nodeTypes(self, types):
        if list(types) != self.types:
            self.types = list(types)
            self.refresh()

    def get_noneEnabled(self):
        return self.hasNone

    def set_noneEnabled(self, enabled):
        self.hasNone = enabled
        self.refresh()

    def get_noneDisplay(self):
        return self.noneText

    def set_noneDisplay(self, text):
        self.noneText = text
        self.refresh()

    def get_showHidden(self):
        return self.showsHidden

    def set_showHidden(self, shows):
        self.showsHidden = shows
        self.refresh()

    def get_showChildNodeTypes(self):
        return self.showsChildTypes

    def set_showChildNodeTypes(self, shows):
        self.showsChildTypes = shows
        self.refresh()

    def get_hideChildNodeTypes(self):
        return self.hiddenTypes

    def set_hideChildNodeTypes(self, types):
        self.hiddenTypes = list(types)
        self.refresh()

    def get_baseName(self):
        return self.baseNames.get(self.types[0], "") if self.types else ""

    def set_baseName(self, name):
        self.baseNames = dict.fromkeys(self.types, name)
