"""What the panel holds between two clicks: the filtered phase, and the regions measured on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import slicer
from ALSStudyLib import panelViews
from slicer.i18n import tr as _

# What does not touch the filter is not here: echo time, field, polarity and the slice rule are followed at once.
FILTER_SETTINGS = ("filter", "kernelLines", "kernelMm", "window", "highPassSigmaMm", "correctSignFlips")


@dataclass(frozen=True)
class RegionState:
    """One region as it is painted now.

    :param region: `PhaseRegion`. rule: its `PixelRule`. values: a `SliceValue` per slice; NaN where not measured.
    :param ranks: slice to its rank, 1 is the most extreme, of the slices that are kept.
    :param flags: remarks on the region, without those of its slices and of the exam.
    """

    region: object
    rule: object
    values: tuple
    ranks: dict[int, int]
    flags: tuple[str, ...]

    @property
    def chosen(self) -> list:
        """Values of the slices that are kept, the most extreme first."""
        return sorted((value for value in self.values if value.slice in self.ranks), key=self._rank)

    def _rank(self, value) -> int:
        return self.ranks[value.slice]

    def valueIn(self, slice: int):
        """The `SliceValue` of a slice; None if the region has no pixel there."""
        return next((value for value in self.values if value.slice == slice), None)

    def centerOf_RAS(self, image, slice: int):
        """Middle of the region in a slice, (3,) in the world."""
        voxels = self.region.voxels_IJK
        return image.ijkToWorld(voxels[voxels[:, 2] == slice]).mean(0)


class PhaseSession:
    """One exam in work. It is forgotten when the scene closes; the scene holds all that is needed to make it anew."""

    def __init__(self, logic):
        self._logic = logic
        self.clear()

    def clear(self) -> None:
        self.prepared = self.corrected = self.weighted = self.projection = None
        self.caseNodes = None
        self.measurements: Sequence = ()
        self.checks: Sequence = ()
        self.states: dict[str, RegionState] = {}
        self.tables: Sequence = ()
        self.image = None
        self.problem = ""
        self._key = None
        self._measuredVolume = None

    def isPrepared(self, parameterNode) -> bool:
        """Whether the filtered phase is still that of the chosen images and settings."""
        return self.prepared is not None and self._key == self.keyOf(parameterNode)

    def prepare(self, parameterNode) -> None:
        """
        Filter the phase; corrected phase, SWI and projection go into the scene.

        :raises ValueError: if the nodes cannot be used; the text says what to do.
        """
        from . import mrml

        caseNodes = self._logic.declaredCase(parameterNode)
        self.clear()
        self.prepared = mrml.preparePhaseCase(replace(caseNodes, regions=None))
        self._key = self.keyOf(parameterNode)
        self._logic.store(parameterNode, caseNodes)
        self._writeVolumes(caseNodes)

    def measure(self, parameterNode) -> None:
        """
        Look at every region as it is painted now; with filtered phase, tables of the values go into the scene.

        Regions that cannot be used leave no value behind, nor tables in the scene; `problem` says why.
        """
        self.measurements, self.checks, self.states, self.tables = (), (), {}, ()
        self.problem = ""
        try:
            if self.isPrepared(parameterNode) and not self._logic.whatIsMissing(parameterNode):
                self._measure(parameterNode)
            else:
                self._count(parameterNode)
        except ValueError as error:
            self.problem = str(error)
        self._removeOutdated(parameterNode)

    def chosenState(self, parameterNode) -> RegionState | None:
        return self.states.get(parameterNode.selectedRegion)

    def measurementOf(self, slug: str):
        """The `PhaseMeasurement` of a region; None if it has none."""
        return next((one for one in self.measurements if one.region.slug == slug), None)

    def chart(self, slug: str):
        """Chart of the values per slice of a region, with the slices that are kept; None without any value."""
        from .mrmlResults import writeSlicesChart

        measurement = self.measurementOf(slug)
        if measurement is None or not measurement.candidates:
            return None
        chart, nodes = writeSlicesChart(slicer.mrmlScene, self.caseNodes, measurement)
        panelViews.placeBeneath(self.caseNodes.declared, nodes, _("Charts"))
        return chart

    # Inside ----------------------------------------------------------------------------------------------------

    def keyOf(self, parameterNode) -> tuple:
        """Changes when the phase has to be filtered again."""
        if self._logic.declaredVolume(parameterNode) is None:
            return ()
        from ALSStudyLib.mrmlNodes import imageFromVolumeNode

        nodes = []
        for name in ("phase", "real", "imaginary", "magnitude"):
            volume = parameterNode.getValue(name)
            if volume is None or volume.GetImageData() is None:
                nodes.append(None)
                continue
            parent = volume.GetParentTransformNode()
            warp = parent.GetTransformToWorldMTime() if parent and not parent.IsTransformToWorldLinear() else 0
            matrix = imageFromVolumeNode(volume).ijkToRAS.tobytes()
            nodes.append((volume.GetID(), volume.GetImageData().GetMTime(), matrix, warp))
        try:
            settings = self._logic.settings(parameterNode)
        except ValueError:
            return (None,)
        declared = (parameterNode.encoding, parameterNode.alreadyFiltered, parameterNode.filteredLines)
        return (*nodes, *declared, *(getattr(settings, name) for name in FILTER_SETTINGS))

    def _measure(self, parameterNode) -> None:
        from . import mrml, mrmlResults
        from .measurement import measurePhaseShift, polarityChecks

        caseNodes = self._logic.declaredCase(parameterNode)
        polarity = self.prepared.source.polarity
        prepared = mrml.redeclared(self.prepared, mrml.declaredAcquisition(caseNodes.declared), caseNodes)
        self.caseNodes = caseNodes
        self.image = prepared.corrected
        self._logic.store(parameterNode, caseNodes)
        self.measurements = measurePhaseShift(prepared.source, caseNodes.settings, prepared)
        self.checks = polarityChecks(prepared, prepared.source.regions)
        measured = {measurement.region.slug: measurement for measurement in self.measurements}
        self.states = {
            region.slug: self._stateOf(region, caseNodes.settings, measured.get(region.slug))
            for region in prepared.source.regions
        }
        self.prepared = prepared
        if prepared.source.polarity != polarity:  # the SWI darkens the sign of iron only
            self._writeVolumes(caseNodes)
        if self.measurements:
            self.tables = mrmlResults.writePhaseTables(slicer.mrmlScene, caseNodes, self.measurements)
            panelViews.placeBeneath(caseNodes.declared, self.tables)

    def _removeOutdated(self, parameterNode) -> None:
        """Without measurements no table of earlier ones stays; those of another image of the scene hold still."""
        volume = self._logic.declaredVolume(parameterNode)
        if self.measurements:
            self._measuredVolume = volume
        elif volume is not None and (volume is self._measuredVolume or self.isPrepared(parameterNode)):
            self._logic.removeResults(volume)

    def _count(self, parameterNode) -> None:
        """Pixels without values: before the phase is prepared."""
        volume, regions = self._logic.declaredVolume(parameterNode), parameterNode.regions
        if volume is None or volume.GetImageData() is None or regions is None:
            return
        from ALSStudyLib.mrmlNodes import imageFromVolumeNode

        from . import mrml

        settings = self._logic.settings(parameterNode)
        self.image = imageFromVolumeNode(volume)
        self.states = {
            region.slug: self._stateOf(region, settings, None)
            for region in mrml.readRegions(regions, self.image, settings.resampleRegions)
        }

    def _stateOf(self, region, settings, measurement) -> RegionState:
        from .regions import parsePixelRules

        rule = parsePixelRules(settings.pixelRules).get(region.structure.slug, region.structure.rule)
        if measurement is None:
            return RegionState(region, rule, self._counts(region, rule), {}, region.flags)
        ranks = {value.slice: rank for rank, value in enumerate(measurement.chosen, start=1)}
        ofExam = set(measurement.prepared.flags)
        flags = tuple(flag for flag in measurement.flags if flag not in ofExam)
        return RegionState(region, rule, measurement.candidates, ranks, flags)

    def _counts(self, region, rule) -> tuple:
        import numpy as np

        from .measurement import SliceValue

        nan, edges = float("nan"), self.image.ijkToRAS[:3, :2]
        pixelMm2 = float(np.linalg.norm(np.cross(edges[:, 0], edges[:, 1])))
        slices, counts = np.unique(region.voxels_IJK[:, 2], return_counts=True)
        return tuple(
            SliceValue(
                slice=int(k),
                phaseRad=nan,
                sdRad=nan,
                phaseHz=nan,
                phasePpb=nan,
                retention=nan,
                nPixels=int(count),
                areaMm2=int(count) * pixelMm2,
                flags=() if rule.allows(int(count)) else (f"{count}_pixels_outside_{rule.text}",),
            )
            for k, count in zip(slices, counts, strict=True)
        )

    def _writeVolumes(self, caseNodes) -> None:
        from . import mrmlResults

        volumes = mrmlResults.writePreparedPhase(slicer.mrmlScene, caseNodes, self.prepared)
        self.corrected, self.weighted, self.projection = volumes
        panelViews.placeBeneath(caseNodes.declared, [volume for volume in volumes if volume is not None])
