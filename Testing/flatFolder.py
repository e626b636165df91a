"""Works with the installed folder and nothing of the source, in a process that test_packaging.py starts.

    python -I -S -B flatFolder.py panels FLAT STAND_IN SITE_PACKAGES...    all files and both panels
    python -I -S -B flatFolder.py science FLAT STAND_IN SITE_PACKAGES...   what needs no desktop, where there is none

FLAT is the folder that Slicer would install; STAND_IN holds a copy of the package desktopStandIn. Because of -S no .pth
file is read, so that an editable installation of this repository stays out of sight.
"""

import importlib
import json
import sys
import unittest
from dataclasses import replace
from pathlib import Path

SKIPPED = 77
PACKAGES = ("ALSCortexProfileLib", "ALSStudyLib", "PhaseShiftROILib")
MODULES = ("ALSCortexProfile", "PhaseShiftROI")


def namesIn(flat: Path) -> list[str]:
    """Every Python file of the folder as the name of a module, but not `__main__`, which runs when it is imported."""
    paths = [path.relative_to(flat).with_suffix("") for path in flat.rglob("*.py")]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__"]
    return sorted(names)


def useScience(flat: Path) -> None:
    for name in namesIn(flat):
        if name not in MODULES and not name.rpartition(".")[2].startswith("panel"):
            importlib.import_module(name)
    measureProfile()
    measurePhase()


def measureProfile() -> None:
    from ALSCortexProfileLib.measurement import measureProfile
    from ALSStudyLib import phantom

    band = phantom.Band.symmetric(0.25, 1.2)
    found = measureProfile(phantom.profileInputs(phantom.render(phantom.arcCase(band, snr=None)))[0])
    assert found.status == "ok", found.status
    assert abs(found.selected.sh / band.sh - 1.0) < 0.05, found.selected


def measurePhase() -> None:
    import numpy as np
    from ALSStudyLib import phasePhantom
    from ALSStudyLib.image import ImageVolume
    from PhaseShiftROILib.measurement import measurePhaseShift
    from PhaseShiftROILib.preparation import PhaseInput
    from PhaseShiftROILib.regions import PhaseRegion, structureAndSide
    from PhaseShiftROILib.settings import PhaseSettings

    case = replace(phasePhantom.alsLikePhase(), shape_IJK=(160, 144, 14), backgroundTurns=1.0)
    made = phasePhantom.renderPhase(case)
    regions = [PhaseRegion(*structureAndSide(key), np.argwhere(mask)[:, ::-1]) for key, mask in made.masks_KJI.items()]
    exam = PhaseInput(
        phase=ImageVolume(made.phaseRad_KJI, case.ijkToRAS, name="phase"),
        magnitude_KJI=made.magnitude_KJI,
        regions=tuple(regions),
        echoTimeMs=case.echoTimeMs,
        fieldStrengthT=case.fieldStrengthT,
        polarity=case.polarity,
        subject="P1",
        exam="1",
    )
    for found in measurePhaseShift(exam, PhaseSettings(kernelMm=7.5)):
        for value in found.chosen:
            true = made.truthRad[found.region.slug][value.slice]
            assert abs(value.phaseRad - true * value.retention) < 0.05, (found.region.slug, value)


def usePanels(flat: Path) -> None:
    try:
        import desktopStandIn

        desktopStandIn.start()
    except unittest.SkipTest as skipped:
        print(skipped)
        sys.exit(SKIPPED)
    import slicer
    from desktopStandIn import conversion, modules

    for name in MODULES:
        modules.addScripted(name, flat)
    conversion.rawOf(slicer.app).emitSignal("startupCompleted()")
    for name in namesIn(flat):
        importlib.import_module(name)
    for name in MODULES:
        icon = getattr(slicer.modules, name.lower()).icon
        assert icon is not None and not icon.isNull(), f"{name} has no icon"
        panel = desktopStandIn.openModule(name)
        assert len(vars(panel.ui)) > 20, f"the .ui file of {name} is not the panel's"
        measureInPanel(name)
        desktopStandIn.closeScene()


def measureInPanel(name: str) -> None:
    """The part of the module's self-test that works the panel from the image to the number."""
    testClass = getattr(sys.modules[name], f"{name}Test")
    (test,) = [each for each in dir(testClass) if each.startswith("test_fourActions")]
    result = unittest.TestResult()
    testClass(test).run(result)
    assert result.testsRun == 1 and result.wasSuccessful(), [text for _, text in (*result.errors, *result.failures)]


def main(what: str, flat: str, standIn: str, *sitePackages: str) -> None:
    sys.path[:] = [flat, *sys.path, *sitePackages, standIn]
    {"science": useScience, "panels": usePanels}[what](Path(flat))
    ours = {
        name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in (*MODULES, *PACKAGES)
    }
    print(json.dumps(ours))


if __name__ == "__main__":
    main(*sys.argv[1:])
