"""What the panel of ALS Cortex Profile keeps in the scene."""

from typing import Annotated

from ALSStudyLib.panelChoices import Choice
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSequenceNode, vtkMRMLTableNode

MAX_SEED = 99999999


class EchoCombination(Choice):
    """What one image is made of several echoes. Names are stored in scenes, values are those of the library."""

    mean = "mean", _("Mean of the echoes")
    rss = "rss", _("Root of the sum of squares")
    single = "single", _("A single echo")
    r2star = "r2star", _("R2* map")


class Interpolation(Choice):
    """How intensities between voxels are found."""

    cubic = "cubic", _("Cubic")
    linear = "linear", _("Linear")


class WindowPolicy(Choice):
    """Depths that the fit looks at."""

    superficial = "superficial", _("Band and the layers above it")
    zero_crossing = "zero_crossing", _("From the zero crossing above the band")
    whole = "whole", _("All depths")


@parameterNodeWrapper
class ALSCortexProfileParameterNode:
    """
    What the user chose; it is saved with the scene.

    image - T2*-weighted image in which the cortex is measured, or a sequence of its echoes.
    echoes - Other echoes of the same acquisition, one volume each.
    echoCombination - What one image is made of several echoes.
    singleEchoMs - Echo time of the single echo, ms.
    subject - Subject identifier in the tables.
    exam - Exam of the subject in the tables.
    references - Segmentation with the segments Splenium and White matter.
    ownTargets - Targets that the user added, separated by blanks.
    selectedTarget - Target in hand.
    showNormals - Draw the normals.
    showExcluded - Draw the normals that were left out.
    showEdges - Draw both edges of the band.
    readingMode - Hide numbers until the target is scored.
    reader - Who reads.
    session - First or second reading.
    seenTargets - Subject, exam and target of each number that was shown, as JSON.
    readingSeed - Seed of the shuffled order of reading.
    interpolation - How intensities between voxels are found.
    align - Align single profiles before averaging.
    voxelAware - Model the voxel inside the fit.
    windowPolicy - Depths that the fit looks at.
    fixedWindow - Fit only between the two depths that follow.
    windowStartMm - Start of the window, mm below the pial line.
    windowEndMm - End of the window, mm below the pial line.
    normalSpacingMm - Distance between normals, mm.
    resamples - Bootstrap resamples.
    seed - Seed of the bootstrap.
    resultsTable - Table of results.
    settings - All settings of the last measurement as JSON, also those that the panel does not show.
    shownSettings - The `settings` that the panel has taken over.
    """

    image: vtkMRMLScalarVolumeNode | vtkMRMLSequenceNode | None
    echoes: list[vtkMRMLScalarVolumeNode]
    echoCombination: EchoCombination = EchoCombination.mean
    singleEchoMs: Annotated[float, WithinRange(0, 999)] = 0
    subject: str
    exam: str
    references: vtkMRMLSegmentationNode | None
    ownTargets: str
    selectedTarget: str
    showNormals: bool = True
    showExcluded: bool = True
    showEdges: bool = True
    readingMode: bool = False
    reader: str
    session: Annotated[int, WithinRange(1, 2)] = 1
    seenTargets: str
    readingSeed: Annotated[int, WithinRange(0, 999999)] = 2018
    interpolation: Interpolation = Interpolation.cubic
    align: bool = True
    voxelAware: bool = True
    windowPolicy: WindowPolicy = WindowPolicy.superficial
    fixedWindow: bool = False
    windowStartMm: Annotated[float, WithinRange(-1, 6)] = 0
    windowEndMm: Annotated[float, WithinRange(-1, 6)] = 6
    normalSpacingMm: Annotated[float, WithinRange(0.1, 1)] = 0.25
    resamples: Annotated[int, WithinRange(0, 20000)] = 1000
    seed: Annotated[int, WithinRange(0, MAX_SEED)] = 20180163
    resultsTable: vtkMRMLTableNode | None
    settings: str
    shownSettings: str
