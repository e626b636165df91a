"""Slice, table and plot views of the application, as both panels use them; without a main window nothing happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
import slicer
import vtk
from slicer.util import VTKObservationMixin

from .errors import InputError

ALONG_AXES = 0.99999
VIEW_MARGIN = 0.12


def showImage(volumeNode) -> None:
    """Show a volume as background of all slice views, in its own planes."""
    if slicer.app.layoutManager() is None:
        return
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)
    alignWithVolume(volumeNode)


def shownImageId() -> str:
    """ID of the volume in the background of the slice views; "" if none."""
    nodes = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return (nodes[0].GetBackgroundVolumeID() or "") if nodes else ""


def alignWithVolume(volumeNode) -> None:
    """Turn the slice views into the planes of a volume that lies oblique in the world; else they stay as they are."""
    directions = np.zeros((3, 3))
    volumeNode.GetIJKToRASDirections(directions)
    if np.abs(directions).max(0).min() > ALONG_AXES:
        return
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        sliceNode.RotateToVolumePlane(volumeNode)


def jumpTo(position_RAS) -> None:
    """Move all slice views to a place; one that is zoomed in elsewhere is panned, too."""
    place_RAS = [float(value) for value in position_RAS]
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        sliceNode.JumpSliceByOffsetting(*place_RAS)
        toView = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(sliceNode.GetXYToRAS(), toView)
        place_XY, size_XY = toView.MultiplyPoint([*place_RAS, 1.0])[:2], sliceNode.GetDimensions()[:2]
        if not all(
            VIEW_MARGIN * size < at < (1.0 - VIEW_MARGIN) * size for at, size in zip(place_XY, size_XY, strict=True)
        ):
            sliceNode.JumpSliceByCentering(*place_RAS)


def axialSliceNode():
    """Node of the axial view; None without such a view."""
    return slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")


class AxialSliceFollower(VTKObservationMixin):
    """Calls back whenever the axial view has changed: scrolled, panned or zoomed. `follow` again in a new scene."""

    def __init__(self, onModified: Callable[[], None]):
        VTKObservationMixin.__init__(self)
        self._onModified, self._sliceNode = onModified, None

    def follow(self) -> None:
        node = axialSliceNode()
        if node is not self._sliceNode:
            self.letGo()
            self._sliceNode = node
            if node is not None:
                self.addObserver(node, vtk.vtkCommand.ModifiedEvent, lambda _caller, _event: self._onModified())

    def letGo(self) -> None:
        self.removeObservers()
        self._sliceNode = None


def shownSlice(image) -> int | None:
    """Index k of the image slice (an `ImageVolume`) that the axial view shows; None without such a view."""
    sliceNode = axialSliceNode()
    if sliceNode is None:
        return None
    toRAS = sliceNode.GetSliceToRAS()
    center_RAS = np.array([[toRAS.GetElement(row, 3) for row in range(3)]])
    return int(np.rint(image.rasToIJK(center_RAS)[0, 2]))


CAPTURE_FIELD_MM = 45.0  # a line, and what lies around it
RENDER_S = 0.15


class Pictures:
    """Takes pictures of large views, one place or chart each; layout and views are then as before."""

    def __init__(self):
        self._manager = slicer.app.layoutManager()

    def __enter__(self):
        layouts = slicer.vtkMRMLLayoutNode
        if self._manager is not None:
            self._layout = self._manager.layout
            self._chartId = slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID()
            self._manager.setLayout(layouts.SlicerLayoutOneUpRedSliceView)
            self._sliceNode = self._manager.sliceWidget("Red").mrmlSliceNode()
            self._sliceState = slicer.vtkMRMLSliceNode()
            self._sliceState.Copy(self._sliceNode)
        return self

    def __exit__(self, *_exception):
        if self._manager is not None:
            sliceNode, before = self._sliceNode, self._sliceState
            sliceNode.GetSliceToRAS().DeepCopy(before.GetSliceToRAS())
            sliceNode.SetXYZOrigin(before.GetXYZOrigin())
            self._manager.setLayout(self._layout)
            sliceNode.SetFieldOfView(*before.GetFieldOfView())
            sliceNode.SetOrientationMarkerType(before.GetOrientationMarkerType())
            sliceNode.SetRulerType(before.GetRulerType())
            sliceNode.UpdateMatrices()
            showChart(slicer.mrmlScene.GetNodeByID(self._chartId) if self._chartId else None)

    def slice(self, position_RAS, path) -> None:
        """The axial view around a place, with all that is drawn there, its directions and a ruler."""
        if self._manager is None:
            return
        self._manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        node = self._sliceNode
        across, up, through = node.GetFieldOfView()
        node.SetFieldOfView(CAPTURE_FIELD_MM, CAPTURE_FIELD_MM * up / across, through)
        node.JumpSliceByCentering(*(float(value) for value in position_RAS))
        node.SetOrientationMarkerType(node.OrientationMarkerTypeAxes)
        node.SetRulerType(node.RulerTypeThin)
        _save(self._manager.sliceWidget("Red").sliceView(), path)

    def chart(self, chartNode, path) -> None:
        """A chart."""
        if self._manager is None:
            return
        self._manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpPlotView)
        showChart(chartNode)
        _save(self._manager.plotWidget(0).plotView(), path)


def _save(view, path) -> None:
    # A view renders a moment after its content changed; until then it shows the picture before.
    end = time.monotonic() + RENDER_S
    while time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)
    if not view.grab().save(str(path)):
        raise InputError(f"Picture '{path}' could not be written; expected a writable folder with room; check it.")


def showTable(tableNode) -> None:
    """Show a table in the table view; the layout changes only if it has none."""
    layouts = slicer.vtkMRMLLayoutNode
    _showInLayout(
        "SetActiveTableID", "PropagateTableSelection", tableNode, "table", layouts.SlicerLayoutFourUpTableView
    )


def showChart(chartNode, mayChangeLayout: bool = False) -> None:
    """Show a chart in the plot view. Without one, the layout changes only if the user asked for the chart."""
    layouts = slicer.vtkMRMLLayoutNode
    wanted = layouts.SlicerLayoutFourUpPlotView if mayChangeLayout else None
    _showInLayout("SetActivePlotChartID", "PropagatePlotChartSelection", chartNode, "plot", wanted)


def _showInLayout(setter, propagate, node, kind, layout) -> None:
    manager, application = slicer.app.layoutManager(), slicer.app.applicationLogic()
    if manager is None or application is None:
        return
    count = manager.tableViewCount if kind == "table" else manager.plotViewCount
    views = [(manager.tableWidget if kind == "table" else manager.plotWidget)(index) for index in range(count)]
    if layout is not None and not any(view.visible for view in views):
        layoutNode = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layoutNode is not None:
            layoutNode.RemoveAllMaximizedViewNodes()  # a view that fills the window hides all others
        if not any(view.visible for view in views):
            manager.setLayout(layout)
    getattr(application.GetSelectionNode(), setter)(node.GetID() if node else None)
    getattr(application, propagate)()


def placeBeneath(parentNode, nodes: Iterable, folder: str = "") -> None:
    """Gather nodes beneath another one in the subject hierarchy, in a folder there if asked; one that the user has
    moved stays.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if hierarchy is None:
        return
    parentItem, sceneItem = hierarchy.GetItemByDataNode(parentNode), hierarchy.GetSceneItemID()
    if not parentItem:
        return
    items = [hierarchy.GetItemByDataNode(node) for node in nodes]
    items = [item for item in items if item and hierarchy.GetItemParent(item) == sceneItem]
    if folder and items:
        parentItem = hierarchy.GetItemChildWithName(parentItem, folder) or hierarchy.CreateFolderItem(
            parentItem, folder
        )
    for item in items:
        hierarchy.SetItemParent(item, parentItem)
