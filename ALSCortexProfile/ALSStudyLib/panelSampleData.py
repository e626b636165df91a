"""Phantoms in the Sample Data module, made on the spot: nothing is downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable

from slicer.i18n import tr as _

CATEGORY = "ALSMotorCortex"


def registerPhantom(sampleName: str, moduleFile: str, addToScene: Callable) -> None:
    """Offer a phantom with the icon of its module.

    :param moduleFile: `__file__` of the module. addToScene: called with the source when the user clicks.
    """
    import SampleData

    name = os.path.splitext(os.path.basename(moduleFile))[0]
    SampleData.SampleDataLogic.registerCustomSampleDataCategory(CATEGORY, title=_("ALS Motor Cortex"))
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=sampleName,
        uris=[],  # nothing is downloaded
        fileNames=[],
        customDownloader=addToScene,
        thumbnailFileName=os.path.join(os.path.dirname(moduleFile), "Resources", "Icons", f"{name}.png"),
    )
