"""The references: painted in the panel's own Segment Editor, their area and mean shown while they grow."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from ALSStudyLib.panelSegmentEditor import EmbeddedSegmentEditor
from ALSStudyLib.panelTimer import Debounced
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .panelTexts import referenceText

UPDATE_MS = 60


class ReferencesSection(VTKObservationMixin):
    """The section References of the panel.

    :param logic: `ALSCortexProfileLogic`. onChanged: called when a reference was painted or another one chosen.
    """

    def __init__(self, ui, logic, onChanged: Callable[[], None]):
        VTKObservationMixin.__init__(self)
        self._ui, self._logic, self._onChanged = ui, logic, onChanged
        self._parameterNode = None
        self._segmentation = None
        editorWidget = slicer.qMRMLSegmentEditorWidget()
        ui.referencesCollapsibleButton.layout().addWidget(editorWidget)
        self.editor = EmbeddedSegmentEditor(editorWidget, logic.moduleName, onModified=self._showPainting)
        self._painted = Debounced(self._onPainted, UPDATE_MS)
        ui.paintSpleniumButton.connect("clicked(bool)", lambda checked: self._paint(checked, "Splenium"))
        ui.paintWhiteMatterButton.connect("clicked(bool)", lambda checked: self._paint(checked, "White matter"))
        ui.ownWhiteMatterCheckBox.connect("clicked(bool)", self._onOwnWhiteMatter)

    def update(self, parameterNode) -> None:
        """Follow the chosen segmentation, and show what is painted."""
        self._parameterNode = parameterNode
        segmentation = parameterNode.references if parameterNode else None
        self._observe(segmentation)
        hasImage = bool(parameterNode) and self._logic.hasVoxels(parameterNode)
        self.editor.show(segmentation, self._logic.firstVolume(parameterNode) if hasImage else None)
        for button in (self._ui.paintSpleniumButton, self._ui.paintWhiteMatterButton):
            button.enabled = hasImage
        self._ui.paintSpleniumButton.toolTip = (
            _("Paint the splenium of the corpus callosum, at least 5 mm2 in one slice")
            if hasImage
            else _("Choose the image first")
        )
        self._ui.paintWhiteMatterButton.toolTip = (
            _("Paint subcortical white matter below the cortex that is measured: it is the zero of the profile")
            if hasImage
            else _("Choose the image first")
        )
        target = parameterNode.selectedTarget if parameterNode else ""
        self._ui.ownWhiteMatterCheckBox.enabled = bool(target and segmentation)
        self._ui.ownWhiteMatterCheckBox.checked = bool(target and segmentation and self._hasOwn(target))
        self._showStates()

    @property
    def isPending(self) -> bool:
        return self._painted.isPending

    def cleanup(self) -> None:
        self._painted.cancel()
        self._observe(None)

    # Painting --------------------------------------------------------------------------------------------------

    def paint(self, name: str) -> str:
        """Make the references if there are none, choose a segment and the brush; returns the segment's ID."""
        from . import mrmlReferences

        parameterNode = self._parameterNode
        if not parameterNode.references:
            volume = self._logic.firstVolume(parameterNode)
            parameterNode.references = mrmlReferences.addReferencesNode(
                slicer.mrmlScene, volume, slicer.mrmlScene.GenerateUniqueName(mrmlReferences.REFERENCES_NAME)
            )
            self.update(parameterNode)
        target = parameterNode.selectedTarget
        if name == "White matter" and target and self._hasOwn(target):
            name = mrmlReferences.ownWhiteMatterName(target)
        identifier = mrmlReferences.segmentIdOf(parameterNode.references, name, create=True)
        self.editor.paint(identifier)
        return identifier

    def stop(self) -> None:
        """Put the brush away."""
        self.editor.stop()

    def _paint(self, checked: bool, name: str) -> None:
        if not checked:
            self.stop()
            return
        with slicer.util.tryWithErrorDisplay(_("The references could not be painted.")):
            self.paint(name)
        self._showPainting()

    def _showPainting(self) -> None:
        """The button of what the mouse paints is pressed, whoever chose or ended it: Esc, the arrow, another effect."""
        references = self._parameterNode.references if self._parameterNode else None
        segmentId = self.editor.segmentId if references and self.editor.effect == "Paint" else ""
        segment = references.GetSegmentation().GetSegment(segmentId) if segmentId else None
        name = segment.GetName().lower() if segment else ""
        self._ui.paintSpleniumButton.checked = name.startswith("splenium")
        self._ui.paintWhiteMatterButton.checked = name.startswith("white matter")

    def _onOwnWhiteMatter(self, checked: bool) -> None:
        from . import mrmlReferences

        target, references = self._parameterNode.selectedTarget, self._parameterNode.references
        name = mrmlReferences.ownWhiteMatterName(target)
        if checked:
            mrmlReferences.segmentIdOf(references, name, create=True)
            self.paint("White matter")
        else:
            self.editor.saveForUndo()
            references.GetSegmentation().RemoveSegment(mrmlReferences.segmentIdOf(references, name))
        self._onPainted()

    def _hasOwn(self, target: str) -> bool:
        from . import mrmlReferences

        name = mrmlReferences.ownWhiteMatterName(target)
        return bool(mrmlReferences.segmentIdOf(self._parameterNode.references, name))

    # Following -------------------------------------------------------------------------------------------------

    def _observe(self, segmentationNode) -> None:
        segmentation = segmentationNode.GetSegmentation() if segmentationNode else None
        if segmentation is self._segmentation:
            return
        self.removeObservers()
        self._segmentation = segmentation
        if segmentation is None:
            return
        kind = slicer.vtkSegmentation
        for event in (kind.SourceRepresentationModified, kind.SegmentAdded, kind.SegmentRemoved, kind.SegmentModified):
            self.addObserver(segmentation, event, self._onSegmentationEvent)
        self.addObserver(
            segmentationNode, slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._onSegmentationEvent
        )

    def _onSegmentationEvent(self, caller, event) -> None:
        self._painted.request()

    def _onPainted(self) -> None:
        if self._parameterNode:
            self._showStates()
            self._onChanged()

    def _showStates(self) -> None:
        from . import mrml, mrmlReferences

        labels = {mrml.SPLENIUM: self._ui.spleniumStateLabel, mrml.WHITE_MATTER: self._ui.whiteMatterStateLabel}
        parameterNode = self._parameterNode
        if not parameterNode or not self._logic.hasVoxels(parameterNode):
            for label in labels.values():
                label.text = ""
            return
        try:
            image, settings = self._logic.image(parameterNode), self._logic.settings(parameterNode)
        except ValueError as error:
            self._ui.spleniumStateLabel.text = str(error)
            return
        target = parameterNode.selectedTarget
        for name, label in labels.items():
            shown = name
            if name == mrml.WHITE_MATTER and target and parameterNode.references and self._hasOwn(target):
                shown = mrmlReferences.ownWhiteMatterName(target)
            state = mrmlReferences.referenceState(parameterNode.references, shown, image)
            label.text = referenceText(state, settings.minSpleniumMm2 if name == mrml.SPLENIUM else 0.0)
