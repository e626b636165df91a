"""The direction of imports: science knows no scene, and nothing imports back."""

import ast
import subprocess
import sys
import unittest
from pathlib import Path

import ALSCortexProfileLib
import ALSStudyLib
import PhaseShiftROILib

STUDY = Path(ALSStudyLib.__file__).parent
PROFILE = Path(ALSCortexProfileLib.__file__).parent
PHASE = Path(PhaseShiftROILib.__file__).parent
SCIENCE = {
    PROFILE: (
        "alignment", "bandModel", "bootstrap", "contour", "doubleSigmoid", "echoes", "hypointensity",
        "leastSquares", "logistic", "measurement", "references", "sampling", "settings",
        "singleProfiles", "targets", "tilt", "variants", "window",
    ),
    PHASE: (
        "angle", "closeUps", "encoding", "gaussianHighPass", "growth", "homodyne", "laplacian", "measurement",
        "parallel", "polarity", "preparation", "regions", "retention", "settings", "signFlips", "slices", "weighting",
    ),
}  # fmt: skip
SCENE = {
    PROFILE: ("mrml", "mrmlContours", "mrmlReferences", "mrmlResults"),
    PHASE: ("mrml", "mrmlDeclared", "mrmlPictures", "mrmlPlacing", "mrmlResults"),
}
ABOVE_SCIENCE = {PROFILE: ("figures", "profileTables"), PHASE: ("dicomFiles", "phaseFigures", "phaseTables", "sidecar")}
ALLOWED = {"numpy", "scipy", "vtk", "__future__", *(f"ALSStudyLib.{n}" for n in ("errors", "image", "storedSettings"))}


def imported(path: Path) -> set[str]:
    """Top-level modules a file imports; those of its own package with a leading dot."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            ours = "ALS" in module or "PhaseShift" in module
            names.add("." * node.level + module if node.level else module if ours else module.split(".")[0])
    return names - set(sys.stdlib_module_names)


class LayersTest(unittest.TestCase):
    def testEveryFileHasALayer(self):
        for library, science in SCIENCE.items():
            onDisk = {path.stem for path in library.glob("*.py") if not path.stem.startswith("panel")} - {"__init__"}
            self.assertEqual(onDisk, {*science, *SCENE[library], *ABOVE_SCIENCE[library]})

    def testScienceImportsNumpyScipyVtkOnly(self):
        for library, science in SCIENCE.items():
            for name in science:
                with self.subTest(library=library.name, file=name):
                    allowed = {*ALLOWED, *(f".{other}" for other in science)}
                    self.assertEqual(imported(library / f"{name}.py") - allowed, set())

    def testOnlyMrmlFilesKnowSlicerAndOnlyPanelsKnowQt(self):
        for folder in (PROFILE, PHASE, STUDY):
            for path in folder.glob("*.py"):
                known = {"panel": set(), "mrml": {"qt", "ctk"}}
                unknown = next((v for k, v in known.items() if path.stem.startswith(k)), {"slicer", "qt", "ctk"})
                with self.subTest(file=path.name):
                    self.assertEqual(imported(path) & unknown, set())

    def testOnlyPanelsImportPanels(self):
        for folder in (PROFILE, PHASE, STUDY):
            for path in folder.glob("*.py"):
                if not path.stem.startswith("panel"):
                    with self.subTest(file=path.name):
                        self.assertFalse([name for name in imported(path) if name.split(".")[-1].startswith("panel")])

    def testModulesDoNotKnowEachOther(self):
        for library, other in ((PROFILE, "PhaseShiftROILib"), (PHASE, "ALSCortexProfileLib")):
            for path in library.glob("*.py"):
                with self.subTest(file=path.name):
                    self.assertFalse([name for name in imported(path) if name.startswith(other)])

    def testScienceLoadsWithoutSlicer(self):
        for library in SCIENCE:
            code = f"import sys; import {library.name}.measurement; sys.exit('slicer' in sys.modules)"
            self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
