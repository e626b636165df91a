"""What the panel's buttons do, without the panel: nodes in the scene, and what is declared of them."""

from __future__ import annotations

import slicer
from ALSStudyLib import panelViews
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .panelParameters import (
    ECHO_TIME_DECIMALS,
    FIELD_STRENGTH_DECIMALS,
    MAX_ECHO_TIME_MS,
    MAX_FIELD_STRENGTH_T,
    MAX_LINES,
    PhaseEncoding,
    PhaseFilter,
    PhasePolarity,
    PhaseShiftROIParameterNode,
    SliceRule,
)

OUTPUT_ATTRIBUTE = "PhaseShiftROI.Output"
COMPONENT_INPUTS = ("phase", "real", "imaginary", "magnitude")


class PhaseShiftROILogic(ScriptedLoadableModuleLogic):
    """Chooses, declares, prepares, measures and writes."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self._declarations: dict[tuple, object] = {}

    def getParameterNode(self) -> PhaseShiftROIParameterNode:
        return PhaseShiftROIParameterNode(super().getParameterNode())

    # Choosing --------------------------------------------------------------------------------------------------

    def chooseDefaults(self, parameterNode: PhaseShiftROIParameterNode) -> None:
        """Choose images by their role, and the regions by theirs or by name, where the scene has only one of them."""
        from ALSStudyLib.mrmlNodes import ROLE_ATTRIBUTE, scalarVolumeNodes

        segmentations = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if not (segmentations or scalarVolumeNodes(slicer.mrmlScene)):
            return  # an empty panel opens without the libraries that measuring takes

        from . import mrml

        def theOnly(nodes):
            return nodes[0] if len(nodes) == 1 else None

        def withRole(role):
            volumes = scalarVolumeNodes(slicer.mrmlScene)
            return theOnly([volume for volume in volumes if volume.GetAttribute(ROLE_ATTRIBUTE) == role])

        if not (parameterNode.phase or parameterNode.real or parameterNode.imaginary):
            parameterNode.phase = withRole(mrml.PHASE_ROLE)
            if not parameterNode.phase:
                parameterNode.real, parameterNode.imaginary = withRole(mrml.REAL_ROLE), withRole(mrml.IMAGINARY_ROLE)
            if self.declaredVolume(parameterNode) and not parameterNode.magnitude:
                parameterNode.magnitude = withRole(mrml.MAGNITUDE_ROLE)
        if not parameterNode.regions:
            named = [node for node in segmentations if node.GetName() == mrml.REGIONS_NAME]
            parameterNode.regions = theOnly(mrml.markedRegions(slicer.mrmlScene) or named)

    def chooseCase(self, caseNodes) -> None:
        """Choose the nodes of a `PhaseCaseNodes`, its subject and exam, and show what its phase declares."""
        parameterNode = self.getParameterNode()
        with slicer.util.NodeModify(parameterNode):
            for name in (*COMPONENT_INPUTS, "regions", "subject", "exam"):
                parameterNode.setValue(name, getattr(caseNodes, name))
            self.takeOver(parameterNode)

    def takeOver(self, parameterNode: PhaseShiftROIParameterNode) -> None:
        """
        Show what a newly chosen volume declares of itself, and the settings that a scene came with.

        What was declared of one volume does not hold for the next: what neither the new one nor its files say is
        asked again.

        :raises ValueError: if a volume's attributes or the scene's settings are not understood.
        """
        volume = self.declaredVolume(parameterNode)
        with slicer.util.NodeModify(parameterNode):
            if parameterNode.settings != parameterNode.shownSettings:
                parameterNode.shownSettings = parameterNode.settings
                self._showSettings(parameterNode)
            if volume is not parameterNode.describedVolume:
                parameterNode.describedVolume = volume
                if volume:
                    self._showAcquisition(parameterNode, volume)

    def _showSettings(self, parameterNode) -> None:
        settings = self._storedSettings(parameterNode)
        parameterNode.filter = PhaseFilter(settings.filter)
        parameterNode.kernelLines = _shownLines(settings)
        parameterNode.sliceRule = SliceRule(settings.sliceRule)
        parameterNode.correctSignFlips = settings.correctSignFlips

    def _showAcquisition(self, parameterNode, volume) -> None:
        from . import mrml

        def known(value, largest):
            return value if value and 0 < value <= largest else 0

        def choice(enumeration, value, otherwise):
            return next((member for member in enumeration if member.value == value), otherwise)

        def show(declared, said=None):
            encoding = declared.encoding or (said.encoding if said and not self.isComplex(parameterNode) else "")
            parameterNode.encoding = choice(PhaseEncoding, encoding, PhaseEncoding.not_chosen)
            echoTimeMs = declared.echoTimeMs or (said and said.echoTimeMs)
            parameterNode.echoTimeMs = known(echoTimeMs, MAX_ECHO_TIME_MS)
            fieldStrengthT = declared.fieldStrengthT or (said and said.fieldStrengthT)
            parameterNode.fieldStrengthT = known(fieldStrengthT, MAX_FIELD_STRENGTH_T)
            parameterNode.polarity = choice(PhasePolarity, declared.polarity, PhasePolarity.unknown)
            parameterNode.alreadyFiltered = declared.filter != mrml.UNFILTERED
            parameterNode.filteredLines = known(declared.filteredLines, MAX_LINES)

        show(mrml.Acquisition())  # nothing of the volume before stays, also if the attributes of this one are wrong
        show(mrml.declaredAcquisition(volume), self.fileDeclaration(volume))

    def fileDeclaration(self, volume):
        """What the files of a volume say of it, a `FileDeclaration`; None if nothing. They are read once."""
        from .mrmlDeclared import fileDeclaration, sourceKey

        key = (volume.GetID(), *sourceKey(volume))
        if key not in self._declarations:
            self._declarations[key] = fileDeclaration(volume, getattr(slicer, "dicomDatabase", None))
        return self._declarations[key]

    def declaredText(self, parameterNode: PhaseShiftROIParameterNode) -> str:
        """Where encoding, echo time and field come from, and what in the files differs; "" if no file says any."""
        volume = self.declaredVolume(parameterNode)
        said = self.fileDeclaration(volume) if volume else None
        if said is None:
            return ""
        source = _("DICOM") if said.source == "DICOM" else _("the sidecar")
        taken, differing = [], []
        for name, value, shown, decimals, text in (
            (_("stored as"), said.encoding, parameterNode.encoding.value, 0, said.encoding),
            (
                _("echo time"),
                said.echoTimeMs,
                parameterNode.echoTimeMs,
                ECHO_TIME_DECIMALS,
                _("{ms:g} ms").format(ms=said.echoTimeMs or 0),
            ),
            (
                _("field"),
                said.fieldStrengthT,
                parameterNode.fieldStrengthT,
                FIELD_STRENGTH_DECIMALS,
                _("{tesla:g} T").format(tesla=said.fieldStrengthT or 0),
            ),
        ):
            if value and not (name == _("stored as") and self.isComplex(parameterNode)):
                same = value == shown if isinstance(value, str) else _looksLike(value, shown, decimals)
                (taken if same else differing).append(name if same else f"{name} {text}")
        lines = []
        if taken:
            lines.append(_("From {source}: {names}.").format(source=source, names=", ".join(taken)))
        if differing:
            lines.append(_("! {source} says: {values}.").format(source=source, values=", ".join(differing)))
        if said.problem:
            lines.append(_("Not taken from {source}: {reason}").format(source=source, reason=said.problem))
        return "\n".join(lines)

    # What is missing -------------------------------------------------------------------------------------------

    def isComplex(self, parameterNode: PhaseShiftROIParameterNode) -> bool:
        """Whether the phase comes from a real and an imaginary image."""
        return not parameterNode.phase and bool(parameterNode.real or parameterNode.imaginary)

    def declaredVolume(self, parameterNode: PhaseShiftROIParameterNode):
        """The volume whose attributes say how the exam was acquired: the phase or the real image."""
        return parameterNode.phase or parameterNode.real

    def whatIsMissing(self, parameterNode: PhaseShiftROIParameterNode) -> str:
        """What the user has still to do before the phase can be prepared; empty if nothing."""
        if parameterNode.phase and (parameterNode.real or parameterNode.imaginary):
            return _("Choose either the phase image, or the real and the imaginary image")
        if not parameterNode.phase and not (parameterNode.real and parameterNode.imaginary):
            return _("Choose the phase image, or the real and the imaginary image")
        for component in COMPONENT_INPUTS:
            volume = parameterNode.getValue(component)
            if volume and volume.GetAttribute(OUTPUT_ATTRIBUTE):  # it would be overwritten by its own result
                return _("{volume} was made by this module: choose an image of the scanner").format(
                    volume=volume.GetName()
                )
            said = self.fileDeclaration(volume) if volume else None
            if said and said.component and said.component != component:
                return _("DICOM says that {volume} is {found}, not {expected}: choose another image").format(
                    volume=volume.GetName(), found=said.component, expected=component
                )
        if not self.isComplex(parameterNode) and parameterNode.encoding == PhaseEncoding.not_chosen:
            return _("Say how the scanner stored the phase: it is never guessed")
        if not parameterNode.echoTimeMs:
            return _("Give the echo time")
        if not parameterNode.fieldStrengthT:
            return _("Give the field strength")
        try:
            self._filterRecord(parameterNode)
        except ValueError as error:  # a kernel that the image has no lines for, or settings that are not understood
            return str(error)
        return ""

    def settings(self, parameterNode: PhaseShiftROIParameterNode):
        """
        `PhaseSettings` of the panel; what the panel does not show, or not in full, is as stored in the scene.

        :raises ValueError: if the stored settings are not understood.
        """
        stored = self._storedSettings(parameterNode)
        changes = {
            "filter": parameterNode.filter.value,
            "correctSignFlips": parameterNode.correctSignFlips,
            "sliceRule": parameterNode.sliceRule.value,
        }
        if parameterNode.kernelLines != _shownLines(stored):
            # a kernel in mm comes before the lines: it would make the user's choice void
            changes |= {"kernelLines": parameterNode.kernelLines, "kernelMm": None, "highPassSigmaMm": None}
        return stored.with_(**changes)

    def _storedSettings(self, parameterNode):
        from ALSStudyLib.storedSettings import settingsFromText

        from .settings import PhaseSettings

        return settingsFromText(PhaseSettings, parameterNode.settings, self.moduleName)

    def kernelText(self, parameterNode: PhaseShiftROIParameterNode) -> str:
        """The filter's kernel in mm on the chosen image; empty without image or filter, or if it does not fit."""
        try:
            record = self._filterRecord(parameterNode)
        except ValueError:
            return ""
        if record is None:
            return ""
        sizes = list(dict.fromkeys(f"{cutoffMm:.1f}" for cutoffMm in record.cutoffMm_IJ))
        return _("= {size} mm").format(size=" x ".join(sizes))

    def _filterRecord(self, parameterNode):
        volume = self.declaredVolume(parameterNode)
        if volume is None or parameterNode.filter == PhaseFilter.none:
            return None
        from ALSStudyLib.mrmlNodes import imageFromVolumeNode

        from .preparation import PhaseInput, filterRecord

        # only the image's grid matters here
        source = PhaseInput(imageFromVolumeNode(volume), None, (), 0, 0, PhasePolarity.unknown.value)
        return filterRecord(source, self.settings(parameterNode))

    # Regions ---------------------------------------------------------------------------------------------------

    def addRegions(self, volume):
        """Add a segmentation on the grid of a volume, with an empty segment for each structure and side."""
        from .mrmlPlacing import addEmptyRegions

        regions = addEmptyRegions(slicer.mrmlScene, volume)
        panelViews.placeBeneath(volume, [regions])
        return regions

    def addRegion(self, parameterNode: PhaseShiftROIParameterNode, name: str) -> str:
        """Add a region of the user's own, or a vein, to the regions. Returns its slug.

        :raises ValueError: if the name is none, or there is no image yet.
        """
        from .mrmlPlacing import addRegionSegment
        from .regions import structureAndSide

        structure, side = structureAndSide(name)
        addRegionSegment(self.ensuredRegions(parameterNode), name)
        return f"{structure.slug}_{side}" if side else structure.slug

    def ensuredRegions(self, parameterNode: PhaseShiftROIParameterNode):
        """The segmentation of the regions; empty ones are added if none is chosen.

        :raises ValueError: if no image is chosen.
        """
        if not parameterNode.regions:
            volume = self.declaredVolume(parameterNode)
            if volume is None:
                raise ValueError(_("No phase image is chosen: choose it first."))
            parameterNode.regions = self.addRegions(volume)
        return parameterNode.regions

    def place(self, parameterNode: PhaseShiftROIParameterNode, point_RAS):
        """Grow the region in hand around a point. Returns `PlacedRegion`.

        :raises ValueError: if no region is in hand, or the point is of no use.
        """
        from .mrml import regionSegments
        from .mrmlPlacing import placeRegion

        segmentId = regionSegments(self.ensuredRegions(parameterNode)).get(parameterNode.selectedRegion)
        if segmentId is None:
            raise ValueError(_("No region is in hand: click on its row first."))
        return placeRegion(
            parameterNode.regions,
            segmentId,
            self.declaredVolume(parameterNode),
            point_RAS,
            parameterNode.pixelsToPlace,
        )

    # Measuring -------------------------------------------------------------------------------------------------

    def declaredCase(self, parameterNode: PhaseShiftROIParameterNode):
        """
        The chosen nodes as `PhaseCaseNodes`, after writing what is declared of them into their attributes.

        :raises ValueError: if something is missing; the text says what to do.
        """
        from . import mrml

        missing = self.whatIsMissing(parameterNode)
        if missing:
            raise ValueError(missing)
        mrml.declareAcquisition(self.declaredVolume(parameterNode), self._acquisition(parameterNode))
        names = (*COMPONENT_INPUTS, "regions", "subject", "exam")
        nodes = {name: parameterNode.getValue(name) for name in names}
        return mrml.PhaseCaseNodes(**nodes, settings=self.settings(parameterNode))

    def _acquisition(self, parameterNode):
        """What the panel declares of the chosen volume; numbers that its fields round are as they were declared."""
        from . import mrml

        volume = self.declaredVolume(parameterNode)
        try:
            declared = mrml.declaredAcquisition(volume)
        except ValueError:  # the user has said it anew
            declared = mrml.Acquisition()
        said = self.fileDeclaration(volume)

        def exact(name, decimals):
            shown = getattr(parameterNode, name)
            known = getattr(declared, name) or (said and getattr(said, name))
            return known if known and _looksLike(known, shown, decimals) else shown

        earlierFilter = mrml.UNFILTERED
        if parameterNode.alreadyFiltered:
            stored = volume.GetAttribute(mrml.FILTER_ATTRIBUTE) or mrml.UNFILTERED
            earlierFilter = mrml.BY_SCANNER if stored == mrml.UNFILTERED else stored
        return mrml.Acquisition(
            encoding=mrml.COMPLEX if self.isComplex(parameterNode) else parameterNode.encoding.value,
            echoTimeMs=exact("echoTimeMs", ECHO_TIME_DECIMALS),
            fieldStrengthT=exact("fieldStrengthT", FIELD_STRENGTH_DECIMALS),
            polarity=parameterNode.polarity.value,
            filter=earlierFilter,
            filteredLines=(parameterNode.filteredLines or None) if parameterNode.alreadyFiltered else None,
        )

    def isAsStored(self, parameterNode: PhaseShiftROIParameterNode) -> bool:
        """Whether the panel shows the settings and the declaration of the last measurement, which the scene holds."""
        from . import mrml

        try:
            if self.settings(parameterNode) != self._storedSettings(parameterNode):
                return False
            return mrml.declaredAcquisition(self.declaredVolume(parameterNode)) == self._acquisition(parameterNode)
        except ValueError:
            return False

    def removeResults(self, volume, withVolumes: bool = False) -> None:
        """Take the tables and the chart of a phase image out of the scene, with what was prepared from it if asked."""
        scene = slicer.mrmlScene
        classes = ("PlotChart", "PlotSeries", "Table", *(("ScalarVolume",) if withVolumes else ()))
        roles = [f"{self.moduleName}.{role}" for role in ("Phase", "PhaseReal")]  # an empty panel imports no mrml
        found = [
            node
            for name in classes
            for node in slicer.util.getNodesByClass(f"vtkMRML{name}Node")
            if node.GetAttribute(OUTPUT_ATTRIBUTE) and volume.GetID() in map(node.GetNodeReferenceID, roles)
        ]
        if not found:
            return
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        charts = hierarchy.GetItemChildWithName(hierarchy.GetItemByDataNode(volume), _("Charts"))
        for node in found:
            if node.GetScene() is not None:  # it may have gone with another one
                scene.RemoveNode(node)
        if charts and not hierarchy.GetNumberOfItemChildren(charts):
            hierarchy.RemoveItem(charts)

    def wasPrepared(self, parameterNode: PhaseShiftROIParameterNode) -> bool:
        """Whether the scene holds corrected phase of the chosen image, as a loaded scene does."""
        from . import mrml

        volume = self.declaredVolume(parameterNode)
        role = f"{self.moduleName}.{mrml.PHASE_ROLE if parameterNode.phase else mrml.REAL_ROLE}"
        return volume is not None and any(
            node.GetAttribute(OUTPUT_ATTRIBUTE) == "corrected" and node.GetNodeReferenceID(role) == volume.GetID()
            for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        )

    def store(self, parameterNode: PhaseShiftROIParameterNode, caseNodes) -> None:
        """Write roles and settings of a case into the scene, so that the saved scene is the case."""
        from . import mrml

        with slicer.util.NodeModify(parameterNode):
            mrml.storePhaseCase(slicer.mrmlScene, caseNodes)
            parameterNode.shownSettings = parameterNode.parameterNode.GetParameter("settings")


def _shownLines(settings) -> int:
    """What the panel's field shows of stored settings: it ends where the field does."""
    return min(settings.kernelLines, MAX_LINES)


def _looksLike(value: float, shown: float, decimals: int) -> bool:
    """Whether a field with these decimals shows a value as it stands."""
    return abs(value - shown) <= 0.5001 * 10**-decimals
