"""What the panel's buttons do, without the panel."""

from __future__ import annotations

import json
import re
import unicodedata

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .panelLines import PialLines
from .panelParameters import (
    MAX_SEED,
    ALSCortexProfileParameterNode,
    EchoCombination,
    Interpolation,
    WindowPolicy,
)
from .panelTexts import targetText

MIN_POINTS = 4
MAX_NAME_LENGTH = 30


class ALSCortexProfileLogic(ScriptedLoadableModuleLogic):
    """Nodes and settings of the exam in the scene, and its measurement."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self.lines = PialLines(self)
        self.drawnCurve = None  # set while one is being drawn
        self._combinedEchoes = self._painted = None  # (state, what was found in it)

    def getParameterNode(self) -> ALSCortexProfileParameterNode:
        return ALSCortexProfileParameterNode(super().getParameterNode())

    # Choosing --------------------------------------------------------------------------------------------------

    def chooseDefaults(self, parameterNode: ALSCortexProfileParameterNode) -> None:
        """Choose the image and the references where the scene leaves no doubt."""
        from ALSStudyLib.mrmlNodes import ROLE_ATTRIBUTE, nodesOfClass, scalarVolumeNodes

        from . import mrml

        scene = slicer.mrmlScene
        if not parameterNode.image:
            volumes = [node for node in scalarVolumeNodes(scene) if node.GetImageData() is not None]
            volumes += nodesOfClass(scene, "vtkMRMLSequenceNode")
            marked = [node for node in volumes if node.GetAttribute(ROLE_ATTRIBUTE) == mrml.IMAGE_ROLE]
            found = marked or (volumes if len(volumes) == 1 else [])
            if found:
                parameterNode.image = found[0]
                parameterNode.echoes = [node for node in found[1:] if node.IsA("vtkMRMLScalarVolumeNode")]
        if not parameterNode.references:
            segmentations = nodesOfClass(scene, "vtkMRMLSegmentationNode")
            marked = [node for node in segmentations if node.GetAttribute(ROLE_ATTRIBUTE) == mrml.REFERENCES_ROLE]
            found = marked or [node for node in segmentations if mrml.isReferences(node)]
            parameterNode.references = found[0] if len(found) == 1 else None

    def chooseCase(self, caseNodes) -> None:
        """Choose the nodes of a `CaseNodes`, its subject and exam."""
        parameterNode = self.getParameterNode()
        with slicer.util.NodeModify(parameterNode):
            parameterNode.image, parameterNode.echoes = caseNodes.images[0], list(caseNodes.images[1:])
            parameterNode.references = caseNodes.references
            parameterNode.subject, parameterNode.exam = caseNodes.subject, caseNodes.exam

    def takeOver(self, parameterNode: ALSCortexProfileParameterNode) -> None:
        """
        Show the settings that a scene came with.

        :raises ValueError: if they are not understood.
        """
        if parameterNode.settings == parameterNode.shownSettings:
            return
        parameterNode.shownSettings = parameterNode.settings
        self.showSettings(parameterNode, self._storedSettings(parameterNode))

    def showSettings(self, parameterNode: ALSCortexProfileParameterNode, settings) -> None:
        """Put `ProfileSettings` into the panel's fields; what they do not show is stored beside them."""
        with slicer.util.NodeModify(parameterNode):
            parameterNode.settings = parameterNode.shownSettings = json.dumps(settings.toDict())
            for name, value in shownFields(settings).items():
                parameterNode.setValue(name, value)

    def settings(self, parameterNode: ALSCortexProfileParameterNode):
        """
        `ProfileSettings` of the panel; what the panel does not show is as stored in the scene.

        :raises ValueError: if they contradict each other, or the stored ones are not understood.
        """
        fixed = parameterNode.fixedWindow
        if fixed and parameterNode.windowEndMm - parameterNode.windowStartMm < 1:
            raise ValueError(
                _("The window is {start:g} to {end:g} mm; expected at least 1 mm; correct it under Advanced.").format(
                    start=parameterNode.windowStartMm, end=parameterNode.windowEndMm
                )
            )
        stored = self._storedSettings(parameterNode)
        shown = shownFields(stored)
        # A field that still shows a stored value, perhaps rounded or cut to its range, does not change it.
        changed = {name for name, value in shown.items() if parameterNode.getValue(name) != value}
        severalEchoes = self.hasEchoes(parameterNode)
        changes = {name: parameterNode.getValue(name) for name in changed & PLAIN_FIELDS}
        changes |= {name: parameterNode.getValue(name).value for name in changed & CHOICE_FIELDS}
        if not fixed:
            changes |= {"windowStartMm": None, "windowEndMm": None}
        elif changed & {"fixedWindow", "windowStartMm", "windowEndMm"}:
            changes |= {"windowStartMm": parameterNode.windowStartMm, "windowEndMm": parameterNode.windowEndMm}
        if "singleEchoMs" in changed:
            changes["singleEchoMs"] = parameterNode.singleEchoMs or None
        if not severalEchoes:
            changes |= {"echoCombination": "mean", "singleEchoMs": None}
        return stored.with_(**changes)

    def _storedSettings(self, parameterNode):
        from ALSStudyLib.storedSettings import settingsFromText

        from .settings import ProfileSettings

        return settingsFromText(ProfileSettings, parameterNode.settings, self.moduleName)

    # Echoes ----------------------------------------------------------------------------------------------------

    def images(self, parameterNode: ALSCortexProfileParameterNode) -> tuple:
        """The image, or all its echoes."""
        if not parameterNode.image:
            return ()
        if parameterNode.image.IsA("vtkMRMLSequenceNode"):
            return (parameterNode.image,)
        others = [node for node in parameterNode.echoes if node is not None and node is not parameterNode.image]
        return (parameterNode.image, *others)

    def firstVolume(self, parameterNode: ALSCortexProfileParameterNode):
        """The volume that the views show: the image, or the first echo of a sequence; None without one."""
        image = parameterNode.image
        if image is None or not image.IsA("vtkMRMLSequenceNode"):
            return image
        return image.GetNthDataNode(0) if image.GetNumberOfDataNodes() else None

    def hasVoxels(self, parameterNode: ALSCortexProfileParameterNode) -> bool:
        """Whether there is an image, and something in it."""
        volume = self.firstVolume(parameterNode)
        return volume is not None and volume.IsA("vtkMRMLVolumeNode") and volume.GetImageData() is not None

    def hasEchoes(self, parameterNode: ALSCortexProfileParameterNode) -> bool:
        images = self.images(parameterNode)
        return len(images) > 1 or (len(images) == 1 and images[0].IsA("vtkMRMLSequenceNode"))

    def mayHaveEchoes(self, parameterNode: ALSCortexProfileParameterNode) -> bool:
        """Whether the scene holds another volume of the image's size, which could be an echo of it."""
        from ALSStudyLib.mrmlNodes import scalarVolumeNodes

        def size(volume):
            return volume.GetImageData().GetDimensions() if volume.GetImageData() else None

        image = parameterNode.image
        if not image or not image.IsA("vtkMRMLScalarVolumeNode"):
            return False
        volumes = scalarVolumeNodes(slicer.mrmlScene)
        return any(volume is not image and size(volume) == size(image) for volume in volumes)

    def echoTimesText(self, parameterNode: ALSCortexProfileParameterNode) -> str:
        """Echo times in ms as the volumes or the sequence declare them."""
        from . import mrml

        try:
            times = mrml.echoTimesMs(self._nodes(parameterNode)) if self.hasEchoes(parameterNode) else []
        except ValueError:
            return ""
        return " ".join(f"{time:g}" for time in times)

    def declareEchoTimes(self, parameterNode: ALSCortexProfileParameterNode, text: str) -> None:
        """
        Write the echo times into the volumes.

        :raises ValueError: if it is not one number per echo.
        """
        from ALSStudyLib.mrmlNodes import ECHO_TIME_ATTRIBUTE

        images = self.images(parameterNode)
        words = re.split(r"[\s,;]+", text.strip()) if text.strip() else []
        try:
            times = [float(word) for word in words]
        except ValueError:
            times = []
        if len(times) != len(images) or not all(0 < time < 1000 for time in times):
            raise ValueError(
                _("The echo times are '{text}'; expected {count} numbers in ms, one per echo; correct them.").format(
                    text=text, count=len(images)
                )
            )
        for volume, time in zip(images, times, strict=True):
            volume.SetAttribute(ECHO_TIME_ATTRIBUTE, repr(time))

    # Targets ---------------------------------------------------------------------------------------------------

    def targets(self, parameterNode: ALSCortexProfileParameterNode) -> list[str]:
        """The paper's targets, then the user's own: those added here, and those of curves in the scene."""
        from ALSStudyLib.mrmlNodes import TARGET_ATTRIBUTE

        from .targets import STANDARD_TARGETS

        standard = [target.slug for target in STANDARD_TARGETS]
        drawn = [node.GetAttribute(TARGET_ATTRIBUTE) for node in self.contours()]
        return list(dict.fromkeys([*standard, *parameterNode.ownTargets.split(), *drawn]))

    def addTarget(self, parameterNode: ALSCortexProfileParameterNode, name: str) -> str:
        """
        Add a place of the user's own.

        :raises ValueError: if the name cannot be one.
        """
        from .targets import target

        # Accents and umlauts become plain letters: the name is one of files and columns, too.
        plain = unicodedata.normalize("NFKD", name.lower().replace("\u00df", "ss"))
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
        slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
        if not re.match("[a-z]", slug) or len(slug) > MAX_NAME_LENGTH:
            raise ValueError(
                _(
                    "'{name}' cannot be the name of a target; expected at most {most} letters and digits, a letter "
                    "first, as in tongue left."
                ).format(name=name, most=MAX_NAME_LENGTH)
            )
        slug = target(slug).slug
        if slug not in self.targets(parameterNode):
            parameterNode.ownTargets = " ".join([*parameterNode.ownTargets.split(), slug])
        return slug

    def removeTarget(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> None:
        """Take a target of the user's own out of the table; its lines stay in the scene."""
        own = [slug for slug in parameterNode.ownTargets.split() if slug != target]
        with slicer.util.NodeModify(parameterNode):
            parameterNode.ownTargets, parameterNode.selectedTarget = " ".join(own), ""

    def curveIds(self, target: str) -> tuple:
        """Node IDs of a target's lines."""
        return tuple(curve.GetID() for curve in self.contours(target))

    def contours(self, target: str | None = None) -> list:
        """Curves of the scene that have a target."""
        from . import mrml

        return mrml.contoursOf(slicer.mrmlScene, target)

    # Measuring -------------------------------------------------------------------------------------------------

    def waitingFor(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> str:
        """What the user has still to do before a target can be measured; empty if nothing."""
        from . import mrml, mrmlReferences

        if not parameterNode.image:
            return _("choose the image")
        if not self.hasVoxels(parameterNode):
            return _("the image holds no voxels")
        curves = self.contours(target)
        if not curves:
            return _("draw the line")
        points = min(len(mrml.readContour(curve).controlPoints_RAS) for curve in self._complete(curves))
        if points < MIN_POINTS:
            return _("line has {points} of at least {needed} points").format(points=points, needed=MIN_POINTS)
        painted, references = self._paintedNames(parameterNode), parameterNode.references
        if mrml.SPLENIUM.lower() not in painted:
            return _("paint the splenium")
        own = mrmlReferences.ownWhiteMatterName(target)
        name = own if mrmlReferences.segmentIdOf(references, own) else mrml.WHITE_MATTER
        return "" if name.lower() in painted else _("paint white matter")

    def _paintedNames(self, parameterNode):
        from . import mrmlReferences

        state = mrmlReferences.paintState(parameterNode.references)
        if self._painted is None or self._painted[0] != state:
            self._painted = (state, mrmlReferences.paintedNames(parameterNode.references))
        return self._painted[1]

    def image(self, parameterNode: ALSCortexProfileParameterNode):
        """
        The image to measure, as `ImageVolume`: the volume itself, or its echoes combined, once.

        :raises ValueError: if the echoes do not go together.
        """
        from . import mrml

        caseNodes = self._nodes(parameterNode)
        if not self.hasEchoes(parameterNode):
            return mrml.readImage(caseNodes, caseNodes.settings)
        key = mrml.echoKey(caseNodes)
        if self._combinedEchoes is None or self._combinedEchoes[0] != key:
            self._combinedEchoes = (key, mrml.readImage(caseNodes, caseNodes.settings))
        return self._combinedEchoes[1]

    def caseNodes(self, parameterNode: ALSCortexProfileParameterNode, targets=None):
        """
        The chosen nodes as `CaseNodes`, with the lines of some targets or of all.

        :raises ValueError: if settings contradict each other.
        """
        wanted = self.targets(parameterNode) if targets is None else targets
        lines = [curve for target in wanted for curve in self._complete(self.contours(target))]
        return self._nodes(parameterNode, tuple(lines))

    def _complete(self, curves) -> list:
        """A further line that is just being drawn does not take the number of the finished ones away."""
        from . import mrml

        drawn = self.drawnCurve
        if len(curves) > 1 and drawn in curves and len(mrml.readContour(drawn).controlPoints_RAS) < MIN_POINTS:
            return [curve for curve in curves if curve is not drawn]
        return list(curves)

    def _nodes(self, parameterNode, contours=()):
        from . import mrml

        return mrml.CaseNodes(
            self.images(parameterNode),
            contours,
            parameterNode.references,
            parameterNode.subject,
            parameterNode.exam,
            self.settings(parameterNode),
        )

    def readyTargets(self, parameterNode: ALSCortexProfileParameterNode) -> list[str]:
        """Targets that nothing is missing for."""
        return [target for target in self.targets(parameterNode) if not self.waitingFor(parameterNode, target)]

    def measure(self, parameterNode: ALSCortexProfileParameterNode, target: str, quick: bool = False, progress=None):
        """
        Measure one target.

        :param quick: without bootstrap and without the plain variants: for a line that is being dragged.
        :param progress: passed on to `measureProfile`.
        :return: `ProfileMeasurement`.
        :raises ValueError: if something is missing, or the exam cannot be measured; the text says what to do.
        """
        from . import mrml
        from .measurement import measureProfile

        ready = self.readyTargets(parameterNode)
        if target not in ready:
            missing = self.waitingFor(parameterNode, target)
            raise ValueError(_("{target}: {missing}").format(target=targetText(target), missing=missing))
        # Lines of the other side are read too: they tell whether left and right are exchanged.
        caseNodes = self.caseNodes(parameterNode, ready)
        inputs = mrml.readProfileInputs(caseNodes, image=self.image(parameterNode))
        found = next(profileInput for profileInput in inputs if profileInput.target.slug == target)
        settings = caseNodes.settings.with_(resamples=0) if quick else caseNodes.settings
        return measureProfile(found, settings, progress, allVariants=not quick)

    # Drawings --------------------------------------------------------------------------------------------------

    def draw(self, parameterNode: ALSCortexProfileParameterNode, measurement) -> None:
        """Write the chart and the overlay of one target; without a profile, take away those of an earlier line."""
        from . import mrmlResults

        target = measurement.input.target.slug
        if measurement.mean is None:
            self.removeDrawings(parameterNode, target)
            return
        caseNodes = self.caseNodes(parameterNode, [target])
        mrmlResults.writeChart(slicer.mrmlScene, caseNodes, measurement)
        mrmlResults.writeOverlays(slicer.mrmlScene, caseNodes, measurement)

    def removeDrawingsOf(self, imageNode) -> None:
        """Take the charts and overlays of an image out of the scene; its tables stay."""
        from . import mrmlResults

        for node in mrmlResults.drawings(slicer.mrmlScene, imageNode):
            slicer.mrmlScene.RemoveNode(node)

    def removeDrawings(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> None:
        """Take chart and overlay of a target out of the scene: what they show is no longer so."""
        for node in self._drawings(parameterNode, target):
            slicer.mrmlScene.RemoveNode(node)

    def chart(self, parameterNode: ALSCortexProfileParameterNode, target: str):
        """The chart of a target, or None."""
        drawings = self._drawings(parameterNode, target) if target else []
        return next((node for node in drawings if node.IsA("vtkMRMLPlotChartNode")), None)

    def showOverlays(self, parameterNode: ALSCortexProfileParameterNode) -> None:
        """Show and hide the lines on the slice as ticked."""
        from . import mrmlResults

        isShown = {
            "contour": parameterNode.showNormals,
            "normals": parameterNode.showNormals,
            "excluded": parameterNode.showExcluded,
            "edges": parameterNode.showEdges,
        }
        for target in self.targets(parameterNode):
            for node in self._drawings(parameterNode, target):
                kind = mrmlResults.overlayKind(node)
                if kind and node.GetDisplayNode() is not None:
                    node.GetDisplayNode().SetVisibility(isShown[kind])

    def _drawings(self, parameterNode, target) -> list:
        from . import mrmlResults

        images = self.images(parameterNode)
        return mrmlResults.targetResults(slicer.mrmlScene, images[0], target) if images else []

    # Results ---------------------------------------------------------------------------------------------------

    def store(self, parameterNode: ALSCortexProfileParameterNode, measurements) -> None:
        """Write the tables of measurements into the scene; they and what was drawn of them go beneath the image."""
        from ALSStudyLib import panelViews

        from . import mrml, mrmlResults

        caseNodes = self.caseNodes(parameterNode, [measurement.input.target.slug for measurement in measurements])
        mrml.storeCase(slicer.mrmlScene, caseNodes)
        parameterNode.shownSettings = parameterNode.settings
        results, profiles = mrmlResults.writeTables(slicer.mrmlScene, caseNodes, measurements)
        parameterNode.resultsTable = results
        image = caseNodes.images[0]
        panelViews.placeBeneath(image, [results, profiles, *caseNodes.contours, caseNodes.references])
        for measurement in measurements:
            target = measurement.input.target.slug
            panelViews.placeBeneath(image, self._drawings(parameterNode, target), _("Charts and overlays"))

    def noteSeen(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> None:
        """The number of a target has been shown: a reading that follows is not blind."""
        if not self.wasSeen(parameterNode, target):
            seen = json.loads(parameterNode.seenTargets or "[]")
            parameterNode.seenTargets = json.dumps([*seen, self._seenKey(parameterNode, target)])

    def wasSeen(self, parameterNode: ALSCortexProfileParameterNode, target: str) -> bool:
        """Whether the number of a target of this subject and exam has been shown in this scene."""
        return self._seenKey(parameterNode, target) in json.loads(parameterNode.seenTargets or "[]")

    @staticmethod
    def _seenKey(parameterNode, target):
        return [parameterNode.subject.strip(), parameterNode.exam.strip(), target]

    def removeResults(self, parameterNode: ALSCortexProfileParameterNode) -> None:
        """Take the tables of results out of the scene: nothing is measured, or may be seen."""
        from . import mrmlResults

        images = self.images(parameterNode)
        for node in mrmlResults.resultTables(slicer.mrmlScene, images[0]) if images else []:
            slicer.mrmlScene.RemoveNode(node)


PLAIN_FIELDS = {"align", "voxelAware", "normalSpacingMm", "resamples", "seed"}
CHOICE_FIELDS = {"echoCombination", "interpolation", "windowPolicy"}


def shownFields(settings) -> dict:
    """The panel's fields for `ProfileSettings`, each within its range and with as many decimals as the panel shows."""
    fixed = (settings.windowStartMm, settings.windowEndMm) != (None, None)
    return {
        "echoCombination": EchoCombination(settings.echoCombination),
        "singleEchoMs": round(settings.singleEchoMs or 0, 1),
        "interpolation": Interpolation(settings.interpolation),
        "windowPolicy": WindowPolicy(settings.windowPolicy),
        "align": settings.align,
        "voxelAware": settings.voxelAware,
        "fixedWindow": fixed,
        "windowStartMm": round(_within(settings.windowStartMm, -1, 6, otherwise=-1 if fixed else 0), 1),
        "windowEndMm": round(_within(settings.windowEndMm, -1, 6, otherwise=6), 1),
        "normalSpacingMm": round(_within(settings.normalSpacingMm, 0.1, 1), 2),
        "resamples": _within(settings.resamples, 0, 20000),
        "seed": _within(settings.seed, 0, MAX_SEED),
    }


def _within(value, low, high, otherwise=None):
    return min(max(otherwise if value is None else value, low), high)
