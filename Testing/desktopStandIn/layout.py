"""Stand-ins of the layout manager and its views: no picture is drawn, their nodes and logics are Slicer's own."""

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .facade import Facade, WidgetFacade, facade
from .mrmlWidgets import TableView

SLICES = ("Red", "Yellow", "Green")
ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
COLORS = {"Red": (0.95, 0.29, 0.2), "Yellow": (0.93, 0.84, 0.3), "Green": (0.43, 0.69, 0.3)}


@facade
class SliceView(WidgetFacade):
    standInName = "qMRMLSliceView"

    def do_mrmlSliceNode(self):
        return self.parent().sliceNode

    def do_scheduleRender(self):
        """Nothing is drawn."""

    do_forceRender = do_scheduleRender


@facade
class SliceController(WidgetFacade):
    standInName = "qMRMLSliceControllerWidget"

    def do_fitSliceToBackground(self):
        self.parent().do_fitSliceToBackground()

    def do_mrmlSliceNode(self):
        return self.parent().sliceNode

    def do_setSliceOffsetValue(self, offset):
        self.parent().logic.SetSliceOffset(offset)


@facade
class SliceWidget(WidgetFacade):
    standInName = "qMRMLSliceWidget"
    logic = sliceNode = None

    def build(self):
        self.view, self.controller = SliceView(self), SliceController(self)

    def do_sliceLogic(self):
        return self.logic

    do_logic = do_sliceLogic

    def do_mrmlSliceNode(self):
        return self.sliceNode

    def do_mrmlSliceCompositeNode(self):
        return self.logic.GetSliceCompositeNode()

    def do_sliceView(self):
        return self.view

    def do_sliceController(self):
        return self.controller

    def do_fitSliceToBackground(self):
        self.logic.FitSliceToBackground()


@facade
class PlotView(WidgetFacade):
    standInName = "qMRMLPlotView"

    def do_fitToContent(self):
        """Nothing is drawn."""


@facade
class PlotWidget(WidgetFacade):
    standInName = "qMRMLPlotWidget"
    node = None

    def build(self):
        self.view = PlotView(self)

    def do_plotView(self):
        return self.view

    def do_mrmlPlotViewNode(self):
        return self.node


@facade
class TableWidget(WidgetFacade):
    standInName = "qMRMLTableWidget"
    node = None

    def build(self):
        self.view = TableView(self)

    def do_tableView(self):
        return self.view

    def do_mrmlTableViewNode(self):
        return self.node


@facade
class LayoutManager(Facade, QtCore.QObject):
    """Slice, plot and table views with nodes of the scene, which survive closing it because they are singletons."""

    standInName = "qSlicerLayoutManager"
    plain = {"enabled": True}

    def __init__(self, parent, scene, applicationLogic):
        super().__init__(parent)
        self.scene, self.applicationLogic = scene, applicationLogic
        self.holder = QtWidgets.QWidget()
        self.layoutLogic = slicer.vtkMRMLLayoutLogic()
        self.layoutLogic.SetMRMLScene(scene)
        self.sliceWidgets, self.plots, self.tables = {}, [], []
        self.sliceLogics = vtk.vtkCollection()
        applicationLogic.SetSliceLogics(self.sliceLogics)
        self.makeViews()
        self.tag = scene.AddObserver(scene.EndCloseEvent, lambda caller, event: self.makeViews())
        self.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def makeViews(self):
        """Slice, plot and table views; after the scene was closed with all singletons, anew."""
        for name in SLICES:
            widget = self.sliceWidgets.get(name) or SliceWidget(self.holder)
            if widget.sliceNode is None or widget.sliceNode.GetScene() is None:
                self.addSlice(name, widget)
            self.sliceWidgets[name] = widget
        self.plots = self.viewWidgets(self.plots, "vtkMRMLPlotViewNode", PlotWidget, "PlotView1")
        self.tables = self.viewWidgets(self.tables, "vtkMRMLTableViewNode", TableWidget, "TableView1")

    def addSlice(self, name, widget):
        node = self.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if node is None:
            node = slicer.vtkMRMLSliceNode()
            node.SetName(name)
            node.SetSingletonTag(name)
            node.SetLayoutName(name)
            node.SetLayoutLabel(name[0])
            node.SetLayoutColor(*COLORS[name])
            node.SetDefaultOrientation(ORIENTATIONS[name])
            self.scene.AddNode(node)
            slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene)
            node.SetOrientationToDefault()
            node.SetDimensions(256, 256, 1)
        composite = self.scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode")
        if composite is None:
            composite = slicer.vtkMRMLSliceCompositeNode()
            composite.SetName(f"{name} Composite")
            composite.SetSingletonTag(name)
            composite.SetLayoutName(name)
            self.scene.AddNode(composite)
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.applicationLogic)
        logic.SetMRMLScene(self.scene)
        logic.SetSliceNode(node)
        self.sliceLogics.AddItem(logic)
        widget.logic, widget.sliceNode = logic, node

    def viewWidgets(self, known, className, widgetClass, name):
        node = self.scene.GetSingletonNode(name, className) or self.scene.GetFirstNodeByClass(className)
        if node is None:
            node = self.scene.CreateNodeByClass(className)
            node.UnRegister(None)
            node.SetName(name)
            node.SetSingletonTag(name)
            node.SetLayoutName(name)
            self.scene.AddNode(node)
        widget = known[0] if known else widgetClass(self.holder)
        widget.node = node
        return [widget]

    def dispose(self):
        """Let go of nodes and logics before the scene goes."""
        self.scene.RemoveObserver(self.tag)
        self.applicationLogic.SetSliceLogics(None)
        for widget in self.sliceWidgets.values():
            widget.logic.SetMRMLScene(None)
            widget.logic = widget.sliceNode = None
        for widget in [*self.plots, *self.tables]:
            widget.node = None
        self.sliceLogics.RemoveAllItems()
        self.layoutLogic.SetMRMLScene(None)
        self.scene = self.applicationLogic = self.layoutLogic = self.sliceLogics = None

    def do_sliceViewNames(self):
        return list(SLICES)

    def do_sliceWidget(self, name):
        return self.sliceWidgets.get(name)

    def do_plotWidget(self, index):
        return self.plots[index] if 0 <= index < len(self.plots) else None

    def do_tableWidget(self, index):
        return self.tables[index] if 0 <= index < len(self.tables) else None

    def do_threeDWidget(self, _which):
        return None

    def do_mrmlSliceLogics(self):
        return self.sliceLogics

    def do_mrmlScene(self):
        return self.scene

    def do_layoutLogic(self):
        return self.layoutLogic

    def get_layout(self):
        return self.layoutLogic.GetLayoutNode().GetViewArrangement()

    def set_layout(self, layout):
        if layout != self.get_layout():
            self.layoutLogic.GetLayoutNode().SetViewArrangement(layout)
            self.emitSignal("layoutChanged(int)", layout)

    def get_plotViewCount(self):
        return len(self.plots)

    def get_tableViewCount(self):
        return len(self.tables)

    def get_threeDViewCount(self):
        return 0

    def do_resetSliceViews(self):
        for widget in self.sliceWidgets.values():
            widget.do_fitSliceToBackground()

    def do_resetThreeDViews(self):
        """There is none."""

    def do_setRenderPaused(self, paused):
        """Nothing is drawn."""

    do_pauseRender = do_resumeRender = do_resetThreeDViews
