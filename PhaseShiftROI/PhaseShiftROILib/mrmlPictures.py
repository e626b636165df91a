"""What an export holds beside tables: pictures of the regions, and the files that the case was read from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .closeUps import closeUp, writePng
from .measurement import PhaseMeasurement
from .mrml import COLORS, OWN_COLOR
from .mrmlDeclared import INSTANCES_ATTRIBUTE

LIMITS_RAD = (-0.4, 0.4)
WRAPPED_LIMITS_RAD = (-3.1416, 3.1416)
OTHER_COLOR = (0.75, 0.75, 0.75)


def writePictures(folder: Path, measurements: Sequence[PhaseMeasurement]) -> None:
    """A PNG of each region in each slice that is kept, on the corrected phase; other regions are gray."""
    for measurement in measurements:
        image, region = measurement.prepared.corrected, measurement.region
        limits = WRAPPED_LIMITS_RAD if measurement.prepared.isWrapped else LIMITS_RAD
        others = [(other.region.voxels_IJK, OTHER_COLOR) for other in measurements if other is not measurement]
        color = COLORS.get(region.structure.slug, OWN_COLOR)
        for rank, value in enumerate(measurement.chosen, start=1):
            picture = closeUp(image, value.slice, [(region.voxels_IJK, color), *others], limits)
            writePng(folder / f"{region.slug}_rank{rank}_slice{value.slice}.png", picture)


def inputFiles(caseNodes, dicomDatabase=None) -> list[Path]:
    """Files that hold what the nodes of a case hold: those they were loaded from and do not differ from since.

    :param dicomDatabase: Slicer's, to find the files of volumes loaded with the DICOM module.
    """
    found = []
    for node in (*caseNodes.byRole.values(), caseNodes.regions):
        if node is None or node.GetModifiedSinceRead():
            continue
        instances = (node.GetAttribute(INSTANCES_ATTRIBUTE) or "").split() if dicomDatabase is not None else []
        found += [dicomDatabase.fileForInstance(instance) for instance in instances]
        storage = node.GetStorageNode()
        if storage is not None:
            count = storage.GetNumberOfFileNames()
            found += [storage.GetFileName(), *(storage.GetNthFileName(index) for index in range(count))]
    paths = [Path(name) for name in dict.fromkeys(found) if name]
    return [path for path in paths if path.is_file()]
