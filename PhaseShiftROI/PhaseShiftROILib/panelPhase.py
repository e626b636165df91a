"""The section Phase: what is declared of the images, the polarity's check, Prepare, and which image is shown."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from ALSStudyLib import panelViews
from slicer.i18n import tr as _

from .panelParameters import PhaseFilter
from .panelTexts import flagTexts, polarityText, regionText


class PhaseSection:
    """:param onPrepared: called when the phase has been filtered. onVein: called to paint a vein."""

    def __init__(self, ui, logic, session, onPrepared: Callable[[], None], onVein: Callable[[], None]):
        self._ui, self._logic, self._session, self._onPrepared = ui, logic, session, onPrepared
        self._parameterNode = None
        self._shownNodes: list = []
        self._shownFor = self._preparedFor = None
        ui.prepareButton.connect("clicked(bool)", self._prepare)
        ui.veinButton.connect("clicked(bool)", lambda _checked: onVein())
        ui.shownComboBox.connect("activated(int)", self._showChosen)

    def setParameterNode(self, parameterNode) -> None:
        self._parameterNode = parameterNode

    def letGo(self) -> None:
        """Before the scene closes."""
        self._shownNodes, self._shownFor, self._preparedFor = [], None, None
        self._ui.shownComboBox.clear()
        self._ui.phaseCollapsibleButton.collapsed = False
        for name in ("statusLabel", "declaredLabel", "polarityChecksLabel"):
            getattr(self._ui, name).text = ""

    def update(self) -> None:
        """Show what is declared, and what is still missing."""
        parameterNode, ui = self._parameterNode, self._ui
        ui.kernelMmLabel.text = self._logic.kernelText(parameterNode)
        setLabel(ui.declaredLabel, self._logic.declaredText(parameterNode))
        isComplex = self._logic.isComplex(parameterNode)
        ui.encodingComboBox.enabled = not isComplex
        ui.filteredLinesSpinBox.enabled = parameterNode.alreadyFiltered
        ui.kernelLinesSpinBox.enabled = parameterNode.filter != PhaseFilter.none
        missing = self._logic.whatIsMissing(parameterNode)
        ui.prepareButton.enabled = not missing
        ui.prepareButton.toolTip = missing or _(
            "Filter the phase; make the corrected phase, the susceptibility-weighted image (SWI) and its minimum "
            "intensity projection, and show the corrected phase"
        )
        volume = self._logic.declaredVolume(parameterNode)
        ui.veinButton.enabled = volume is not None
        ui.veinButton.toolTip = (
            _("Paint a vein that runs along the field: it shows which sign iron has. Takes filtered phase.")
            if volume
            else _("Choose the phase image first")
        )
        self._showStatus(missing)
        setLabel(ui.polarityChecksLabel, self._checksText())
        self._listImages()

    def prepare(self) -> None:
        """
        Filter the phase, and show it.

        :raises ValueError: if the nodes cannot be used; the text says what to do.
        """
        self._session.prepare(self._parameterNode)
        self._logic.ensuredRegions(self._parameterNode)
        volume = self._logic.declaredVolume(self._parameterNode)
        if self._shownFor is volume:  # the user's zoom stays
            panelViewsShow(self._session.corrected)
        else:
            panelViews.showImage(self._session.corrected)
            self._shownFor = volume
        if self._preparedFor is not volume:
            self._preparedFor = volume
            self._ui.phaseCollapsibleButton.collapsed = True  # the regions are next, and have to be on the screen
        self._onPrepared()

    def _prepare(self, _checked=False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The phase could not be prepared."), waitCursor=True):
            self.prepare()

    def _showStatus(self, missing: str) -> None:
        session, parameterNode = self._session, self._parameterNode
        if missing:
            text = _("Next: {step}.").format(step=missing.rstrip("."))
        elif session.isPrepared(parameterNode):
            prepared = session.prepared
            lines = [_("Prepared: {filter}.").format(filter=prepared.filter.text)]
            for flag in prepared.flags:
                words, toDo = flagTexts(flag)
                lines.append(f"! {words[:1].upper()}{words[1:]}. {toDo}".strip())
            if session.weighted is None and parameterNode.magnitude is None:
                lines.append(_("No SWI without the magnitude image."))
            text = "\n".join(lines)
        elif session.prepared is not None:
            text = _("! Images or filter have changed since: press Prepare again to have values.")
        else:
            text = _("Next: press Prepare.")
        self._ui.statusLabel.text = text

    def _checksText(self) -> str:
        """What the painted regions say of the polarity: those that agree in one line, others with their reason."""
        from .regions import structureAndSide

        declared = self._parameterNode.polarity.value
        agreeing: dict[str, list[str]] = {}
        lines = []
        for check in self._session.checks:
            structure, side = structureAndSide(check.region)
            name = regionText(structure.slug, side)
            if check.suggests == "unknown":
                lines.append(_("{region}: undecided, {reason}.").format(region=name, reason=check.reason))
            else:
                agreeing.setdefault(check.suggests, []).append(name)
        for suggests, names in agreeing.items():
            contradicts = declared not in ("unknown", suggests)
            text = _("{sign}Suggests that {polarity}: {regions}.")
            sign = "! " if contradicts else ""
            lines.insert(0, text.format(sign=sign, polarity=polarityText(suggests), regions="; ".join(names)))
        return "\n".join(lines)

    # Images ----------------------------------------------------------------------------------------------------

    def _listImages(self) -> None:
        parameterNode, session, combo = self._parameterNode, self._session, self._ui.shownComboBox
        found = [
            (_("Corrected phase"), session.corrected),
            (_("SWI"), session.weighted),
            (_("SWI, minimum intensity projection"), session.projection),
            (_("Magnitude"), parameterNode.magnitude),
            (_("Phase as stored"), parameterNode.phase),
            (_("Real"), parameterNode.real),
            (_("Imaginary"), parameterNode.imaginary),
        ]
        found = [(title, node) for title, node in found if node is not None and node.GetScene() is not None]
        nodes = [node for _title, node in found]
        if nodes != self._shownNodes:
            wasBlocked = combo.blockSignals(True)
            combo.clear()
            combo.addItems([title for title, _node in found])
            combo.blockSignals(wasBlocked)
            self._shownNodes = nodes
        combo.enabled = bool(nodes)
        shownId = panelViews.shownImageId()
        combo.currentIndex = next((index for index, node in enumerate(nodes) if node.GetID() == shownId), -1)
        combo.toolTip = _("Image behind the regions in the slice views") if nodes else _("Choose an image first")

    def showExam(self) -> None:
        """Show an image of the exam, if the views show another one, as of another panel: nobody places blind."""
        nodes = [*self._shownNodes, *filter(None, [self._session.corrected])]
        if nodes and panelViews.shownImageId() not in [node.GetID() for node in nodes]:
            panelViews.showImage(self._session.corrected or self._logic.declaredVolume(self._parameterNode))
            self.update()

    def _showChosen(self, index: int) -> None:
        if 0 <= index < len(self._shownNodes):
            volume = self._logic.declaredVolume(self._parameterNode)
            if self._shownFor is volume:
                panelViewsShow(self._shownNodes[index])
            else:
                panelViews.showImage(self._shownNodes[index])
                self._shownFor = volume


def setLabel(label, text: str) -> None:
    """Show a text, and no empty line where there is none."""
    label.text = text
    label.setVisible(bool(text))


def panelViewsShow(volumeNode) -> None:
    """Show an image behind the regions as the views stand."""
    if slicer.app.layoutManager() is not None:
        slicer.util.setSliceViewerLayers(background=volumeNode)
