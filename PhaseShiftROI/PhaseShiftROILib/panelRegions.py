"""The section Regions: a row per region; place with a click, or paint."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from ALSStudyLib import panelViews
from ALSStudyLib.panelSegmentEditor import EmbeddedSegmentEditor
from slicer.i18n import tr as _

from .panelPhase import setLabel
from .panelPlacing import PointPlacer
from .panelRows import readoutText, regionRow
from .panelTables import RegionsTable
from .panelTexts import regionText


BRUSH_MM = 1.5  # a region has some twenty pixels of half a millimeter


class RegionsSection:
    """:param onPainted: called after a region has been placed. onSelected: called when another region is in hand."""

    def __init__(self, ui, logic, session, onPainted: Callable[[], None], onSelected: Callable[[], None]):
        self._ui, self._logic, self._session = ui, logic, session
        self.showExam = lambda: None  # set by the panel: shows an image of the exam
        self._onPainted, self._onSelected = onPainted, onSelected
        self._parameterNode = None
        self._painted: dict[str, dict[int, int]] = {}
        self._advice: dict[str, str] = {}  # of each row
        self._lastSlices: dict[str, int] = {}
        self._remark = ""
        self._viewedSlice = None  # where the user has scrolled to
        self._axialView = panelViews.AxialSliceFollower(self._onViewModified)
        self._isPlacing = False
        editorWidget = slicer.qMRMLSegmentEditorWidget()
        for label in (ui.readoutLabel, ui.slicesLabel, ui.statusLabel, ui.polarityChecksLabel):
            # A long remark wraps; it must not widen the panel.
            label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
        ui.editorCollapsibleButton.layout().addWidget(editorWidget)
        self.editor = EmbeddedSegmentEditor(editorWidget, logic.moduleName, BRUSH_MM)
        self.table = RegionsTable(ui.regionsTable, self.select)
        self.placer = PointPlacer(self.placeAt, self._placingEnded)
        editorWidget.connect("currentSegmentIDChanged(QString)", self._segmentChosen)
        ui.addRegionsButton.connect("clicked(bool)", self._addRegions)
        ui.placeButton.connect("clicked(bool)", self._place)
        ui.paintButton.connect("clicked(bool)", lambda _checked: self.paint("Paint"))
        ui.eraseButton.connect("clicked(bool)", lambda _checked: self.paint("Erase"))
        ui.undoButton.connect("clicked(bool)", self._undo)
        ui.addOwnRegionButton.connect("clicked(bool)", self._addOwnRegion)
        ui.ownRegionLineEdit.connect("textChanged(QString)", lambda _text: self._updateButtons())
        ui.ownRegionLineEdit.connect("returnPressed()", self._addOwnRegion)

    def setParameterNode(self, parameterNode) -> None:
        self._parameterNode = parameterNode
        if parameterNode is None:
            self.placer.stop()
            self._axialView.letGo()

    def letGo(self) -> None:
        """Before the scene closes."""
        self.placer.stop()
        self.editor.letGo()
        self._axialView.letGo()
        self._viewedSlice = None
        self._painted, self._lastSlices, self._advice, self._remark = {}, {}, {}, ""
        self.table.show([], "")
        self._ui.readoutLabel.text = ""

    def update(self) -> None:
        """Show every region as it is painted now."""
        parameterNode, states = self._parameterNode, self._session.states
        volume = self._logic.declaredVolume(parameterNode)
        usable = parameterNode.regions if volume is not None else None
        self.editor.show(usable, (self._session.corrected or volume) if usable else None)
        self._axialView.follow()
        self._followPainting()
        checks = {check.region: check for check in self._session.checks}
        if parameterNode.selectedRegion not in states and states:
            parameterNode.selectedRegion = next(iter(states))
        rows = [
            regionRow(state, [checks[slug]] if slug in checks else [], self._lastSlices.get(slug))
            for slug, state in states.items()
        ]
        self.table.show(rows, parameterNode.selectedRegion, self._colors())
        self._updateButtons()
        self._advice = {row.slug: row.advice for row in rows}
        self._showReadout()

    def select(self, slug: str) -> None:
        """Take a region in hand: jump to it, and paint and place for it."""
        from .mrml import regionSegments

        parameterNode = self._parameterNode
        if parameterNode is None or parameterNode.regions is None:
            return
        self.showExam()
        state = self._session.states.get(slug)
        previous = self._session.states.get(parameterNode.selectedRegion)
        isOther = slug != parameterNode.selectedRegion
        parameterNode.selectedRegion = slug
        if state is not None and isOther:
            self._remark = ""
            self._lastSlices.pop(slug, None)  # the views show what is kept, until it is painted again
            if previous is None or previous.region.structure != state.region.structure:
                self._presetPixels(state.rule)
        segmentId = regionSegments(parameterNode.regions).get(slug, "")
        if segmentId and self.editor.segmentId != segmentId:
            self.editor.choose(segmentId)
        if state is not None and state.values:
            self.jumpTo(state, self._shownSlice(state))
        self.update()
        self._onSelected()

    def jumpTo(self, state, slice: int) -> None:
        """Move the slice views to a region in one of its slices."""
        panelViews.jumpTo(state.centerOf_RAS(self._session.image, slice))

    def paint(self, effect: str) -> None:
        """Let the mouse paint or erase the region in hand."""
        from .mrml import regionSegments

        segmentId = regionSegments(self._parameterNode.regions).get(self._parameterNode.selectedRegion, "")
        if segmentId:
            self.showExam()
            self.placer.stop()
            self.editor.paint(segmentId, effect)

    def paintVein(self) -> None:
        """Add a segment for a vein, and paint it."""
        with slicer.util.tryWithErrorDisplay(_("The vein could not be added.")):
            slug = self._logic.addRegion(self._parameterNode, "vein")
            self._onPainted()
            self.select(slug)
            self.paint("Paint")

    def placeAt(self, point_RAS) -> None:
        """Grow the region in hand around a place of the slice views."""
        parameterNode = self._parameterNode
        if parameterNode is None:
            return
        self._isPlacing = True
        try:
            self._placeAt(point_RAS)
        finally:
            self._isPlacing = False

    def forgetRemark(self) -> None:
        """What was said of the last click holds no longer: something else has changed."""
        if not self._isPlacing:
            self._remark = ""

    def _placeAt(self, point_RAS) -> None:
        parameterNode = self._parameterNode
        with slicer.util.tryWithErrorDisplay(_("The region could not be placed.")):
            try:
                self.editor.saveForUndo()
                placed = self._logic.place(parameterNode, point_RAS)
            except ValueError as error:  # a click beside the image is no reason to interrupt
                self._remark = f"! {error}"
                self._showReadout()
                return
            self._lastSlices[parameterNode.selectedRegion] = placed.slice
            self._remark = self._placedText(placed)
            self._onPainted()

    def _colors(self) -> dict[str, str]:
        segmentation = self._parameterNode.regions
        if segmentation is None:
            return {}
        from .mrml import regionSegments

        return {
            slug: "#" + "".join(f"{round(255 * part):02x}" for part in _segment(segmentation, identifier).GetColor())
            for slug, identifier in regionSegments(segmentation).items()
        }

    # Inside ----------------------------------------------------------------------------------------------------

    def _shownSlice(self, state) -> int:
        """The slice that was painted last, else the most extreme one."""
        slice = self._lastSlices.get(state.region.slug)
        if slice is not None and state.valueIn(slice) is not None:
            return slice
        return (state.chosen or state.values)[0].slice

    def _onViewModified(self) -> None:
        """The line below the table speaks of the slice that is looked at."""
        if self._parameterNode is None or self._session.image is None:
            return
        shown = panelViews.shownSlice(self._session.image)
        if shown != self._viewedSlice:
            self._viewedSlice = shown
            self._showReadout()

    def _followPainting(self) -> None:
        """Find the slice in which a region has changed since."""
        for slug, state in self._session.states.items():
            counts = {value.slice: value.nPixels for value in state.values}
            before = self._painted.get(slug)
            if before is not None and before != counts:
                changed = [k for k in {*counts, *before} if counts.get(k) != before.get(k)]
                if len(changed) == 1:
                    self._viewedSlice = None  # a click or a stroke
                if self._lastSlices.get(slug) not in changed:
                    self._lastSlices[slug] = changed[-1]
                    self._remark = ""
            self._painted[slug] = counts

    def _showReadout(self) -> None:
        lines = []
        if self._session.problem:
            lines.append(f"! {self._session.problem}")
        slug = self._parameterNode.selectedRegion
        state = self._session.states.get(slug)
        if state is not None and state.values:
            slice = self._lastSlices.get(slug) if self._viewedSlice is None else self._viewedSlice
            lines.append(readoutText(state, self._shownSlice(state) if slice is None else slice))
        if self._remark:
            lines.append(self._remark)
        if slug in self._advice:
            lines.append(self._advice[slug])
        elif self._parameterNode.regions is None and not lines:
            lines.append(_("Press Prepare: it adds the ten regions of the paper, ready to be placed."))
        setLabel(self._ui.readoutLabel, "\n".join(filter(None, lines)))

    def _placedText(self, placed) -> str:
        from .regions import structureAndSide

        def name(segmentName):
            structure, side = structureAndSide(segmentName)
            return regionText(structure.slug, side)

        text = ""
        if placed.replaced:
            text = _("Replaced what was there in slice {slice}.").format(slice=placed.slice)
        if placed.overlaps:
            others = ", ".join(
                _("{region} ({n} pixels)").format(region=name(other), n=count) for other, count in placed.overlaps
            )
            text += " " + _("! Overlaps with {others}: these pixels count for both.").format(others=others)
        return text.strip()

    def _presetPixels(self, rule) -> None:
        if rule.minimum is not None and rule.maximum is not None:
            self._parameterNode.pixelsToPlace = (rule.minimum + rule.maximum) // 2

    def _updateButtons(self) -> None:
        ui, parameterNode = self._ui, self._parameterNode
        if parameterNode is None:
            return
        volume = self._logic.declaredVolume(parameterNode)
        ui.addRegionsButton.enabled = volume is not None
        ui.addRegionsButton.toolTip = (
            _("Add an empty segmentation of the ten regions on the grid of {volume}").format(volume=volume.GetName())
            if volume
            else _("Choose the phase image first")
        )
        reason = ""
        if volume is None:
            reason = _("Choose the phase image first")
        elif parameterNode.regions is None:
            reason = _("Press Prepare, or New, to have regions")
        elif parameterNode.selectedRegion not in self._session.states:
            reason = _("Click on a region's row first")
        for button, tip in (
            (
                ui.placeButton,
                _(
                    "Then click in a slice view: a compact region of the given number of pixels grows there, in place "
                    "of what the region had in this slice. Click in the next slice, or press Esc."
                ),
            ),
            (
                ui.paintButton,
                _("Paint the region in hand; Shift and the mouse wheel change its size, in mm; more below"),
            ),
            (
                ui.eraseButton,
                _("Erase pixels of the region in hand; Shift and the mouse wheel change the size of the brush, in mm"),
            ),
        ):
            button.enabled = not reason
            button.toolTip = reason or tip
        ui.undoButton.enabled = not reason
        ui.undoButton.toolTip = reason or _("Take back the last click or stroke")
        self._showPlacing()
        name = ui.ownRegionLineEdit.text.strip()
        ui.addOwnRegionButton.enabled = bool(name) and volume is not None
        ui.addOwnRegionButton.toolTip = (
            _("Choose the phase image first")
            if volume is None
            else _("Add a segment for this region")
            if name
            else _("Type its name first")
        )

    def _undo(self, _checked=False) -> None:
        self.editor.undo()
        self.forgetRemark()
        self.update()

    def _placingEnded(self) -> None:
        self.editor.resumeShortcuts()
        self._showPlacing()

    def _showPlacing(self) -> None:
        self._ui.placeButton.checked = self.placer.isActive
        self._ui.placeButton.text = _("Placing...") if self.placer.isActive else _("Place")

    def _place(self, checked: bool) -> None:
        if checked:
            self.showExam()
            self.editor.stop()
            self.editor.pauseShortcuts()
            self.placer.start()
        else:
            self.placer.stop()
        self._showPlacing()

    def _addRegions(self, _checked=False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The regions could not be added."), waitCursor=True):
            self._parameterNode.regions = self._logic.addRegions(self._logic.declaredVolume(self._parameterNode))

    def _addOwnRegion(self, _checked=False) -> None:
        name = self._ui.ownRegionLineEdit.text.strip()
        if not name or self._logic.declaredVolume(self._parameterNode) is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The region could not be added.")):
            slug = self._logic.addRegion(self._parameterNode, name)
            self._ui.ownRegionLineEdit.text = ""
            self._onPainted()
            self.select(slug)

    def _segmentChosen(self, segmentId: str) -> None:
        """The user chose a segment in the editor's own list."""
        from .mrml import regionSegments

        parameterNode = self._parameterNode
        if parameterNode is None or not segmentId or parameterNode.regions is None:
            return
        for slug, identifier in regionSegments(parameterNode.regions).items():
            if identifier == segmentId and slug != parameterNode.selectedRegion and slug in self._session.states:
                self.select(slug)


def _segment(segmentationNode, segmentId: str):
    return segmentationNode.GetSegmentation().GetSegment(segmentId)
