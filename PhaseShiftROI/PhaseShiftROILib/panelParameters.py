"""What the panel of Phase Shift ROI keeps in the scene."""

from typing import Annotated

from ALSStudyLib.panelChoices import Choice
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

MAX_ECHO_TIME_MS, MAX_FIELD_STRENGTH_T, MIN_LINES, MAX_LINES, MAX_PIXELS = 999, 29, 4, 4096, 999
ECHO_TIME_DECIMALS, FIELD_STRENGTH_DECIMALS = 2, 2  # of the panel's fields


class PhaseEncoding(Choice):
    """How the scanner stored the phase. Names are stored in scenes, values are those of the library."""

    not_chosen = "", _("Choose...")
    radians = "radians", _("Radians")
    siemens = "siemens", _("Siemens: -4096 to 4095, or 0 to 4095")
    philips_mrad = "philips_mrad", _("Milliradians (Philips)")


class PhasePolarity(Choice):
    """Sign that iron has in the image. Names are stored in scenes, values are those of the library."""

    unknown = "unknown", _("Unknown")
    paramagnetic_negative = "paramagnetic_negative", _("Iron is negative")
    paramagnetic_positive = "paramagnetic_positive", _("Iron is positive")


class PhaseFilter(Choice):
    """High-pass that takes the background away. Names are stored in scenes, values are those of the library."""

    homodyne = "homodyne", _("Homodyne, slice by slice")
    laplacian = "laplacian", _("Laplacian unwrapping, then a Gaussian")
    none = "none", _("None")


class SliceRule(Choice):
    """Which slices of a region are kept. Names are stored in scenes, values are those of the library."""

    ranked = "ranked", _("Ranked: the most extreme slices")
    consecutive = "consecutive", _("Consecutive: the most extreme run of slices")


@parameterNodeWrapper
class PhaseShiftROIParameterNode:
    """
    What the user chose; it is saved with the scene.

    phase - Phase image in which the regions are measured.
    real - Real image, instead of the phase.
    imaginary - Imaginary image, beside the real one.
    magnitude - Magnitude image of the same acquisition; it weighs the filter, and makes the SWI.
    encoding - How the scanner stored the phase; there is no value before it is chosen.
    echoTimeMs - Echo time, ms; 0 is not known.
    fieldStrengthT - Field strength, T; 0 is not known.
    polarity - Sign that iron has in the image.
    alreadyFiltered - The scanner has high-pass filtered the phase.
    filteredLines - Central k-space lines of the scanner's filter; 0 is not known.
    correctSignFlips - Add pi to every second slice.
    filter - High-pass that takes the background away.
    kernelLines - Central k-space lines of the filter.
    sliceRule - Which slices of a region are kept.
    regions - Segmentation of the regions, on the grid of the phase.
    subject - Subject identifier in the tables.
    exam - Exam of the subject in the tables.
    selectedRegion - Region in hand.
    pixelsToPlace - Pixels of a region that is placed with a click.
    describedVolume - Volume whose own declaration the panel has taken over.
    settings - All settings of the last measurement as JSON, also those that the panel does not show.
    shownSettings - The `settings` that the panel has taken over.
    """

    phase: vtkMRMLScalarVolumeNode | None
    real: vtkMRMLScalarVolumeNode | None
    imaginary: vtkMRMLScalarVolumeNode | None
    magnitude: vtkMRMLScalarVolumeNode | None
    encoding: PhaseEncoding = PhaseEncoding.not_chosen
    echoTimeMs: Annotated[float, WithinRange(0, MAX_ECHO_TIME_MS)] = 0
    fieldStrengthT: Annotated[float, WithinRange(0, MAX_FIELD_STRENGTH_T)] = 0
    polarity: PhasePolarity = PhasePolarity.unknown
    alreadyFiltered: bool = False
    filteredLines: Annotated[int, WithinRange(0, MAX_LINES)] = 0
    correctSignFlips: bool = False
    filter: PhaseFilter = PhaseFilter.homodyne
    kernelLines: Annotated[int, WithinRange(MIN_LINES, MAX_LINES)] = 64
    sliceRule: SliceRule = SliceRule.ranked
    regions: vtkMRMLSegmentationNode | None
    subject: str
    exam: str
    selectedRegion: str
    pixelsToPlace: Annotated[int, WithinRange(1, MAX_PIXELS)] = 20
    describedVolume: vtkMRMLScalarVolumeNode | None
    settings: str
    shownSettings: str
