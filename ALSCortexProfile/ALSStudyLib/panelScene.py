"""What a panel does when the scene closes or a file is loaded, the same for both modules."""

from __future__ import annotations

import slicer
from slicer.util import VTKObservationMixin


class SceneFollower(VTKObservationMixin):
    """Tells a panel of the scene's events.

    The panel has `onSceneStartClose()`, `onSceneEndClose()`, `onSceneImported()` and `onNodesChanged()`.
    """

    def __init__(self, panel):
        VTKObservationMixin.__init__(self)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, lambda *_: panel.onSceneStartClose())
        self.addObserver(scene, scene.EndCloseEvent, lambda *_: panel.onSceneEndClose())
        self.addObserver(scene, scene.EndImportEvent, lambda *_: panel.onSceneImported())

        def nodesChanged(*_):
            if not (scene.IsBatchProcessing() or scene.IsClosing() or scene.IsImporting()):
                panel.onNodesChanged()

        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self.addObserver(scene, event, nodesChanged)
