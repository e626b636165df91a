"""
Items of the subject hierarchy, which Slicer makes with Qt plugins that the wheel lacks.

The node and its tree are Slicer's own. Here a node of a kind that some plugin of Slicer would claim gets an item below
the scene when it is added, and loses it when it goes.
"""

import slicer
import vtk

CLAIMED = ("vtkMRMLVolumeNode", "vtkMRMLMarkupsNode", "vtkMRMLSegmentationNode", "vtkMRMLModelNode", "vtkMRMLTableNode")
CLAIMED += ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTransformNode", "vtkMRMLTextNode")


def follow(scene) -> list[int]:
    """Observe the scene; returns the tags."""

    def hierarchy():
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onAdded(caller, event, node):
        isShown = node is not None and not node.GetHideFromEditors() and any(node.IsA(name) for name in CLAIMED)
        if isShown and not scene.IsImporting() and not hierarchy().GetItemByDataNode(node):
            hierarchy().CreateItem(hierarchy().GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onRemoved(caller, event, node):
        if node is not None and not scene.IsClosing() and any(node.IsA(name) for name in CLAIMED):
            item = hierarchy().GetItemByDataNode(node)
            if item:
                hierarchy().RemoveItem(item, False, False)

    def onImported(caller, event):
        for index in range(scene.GetNumberOfNodes()):
            onAdded(caller, event, scene.GetNthNode(index))

    tags = [scene.AddObserver(scene.NodeAddedEvent, onAdded)]
    tags.append(scene.AddObserver(scene.NodeAboutToBeRemovedEvent, onRemoved))
    tags.append(scene.AddObserver(scene.EndImportEvent, onImported))
    hierarchy()
    return tags
