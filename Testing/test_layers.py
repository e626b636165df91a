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
        "midline", "parallel", "polarity", "preparation", "regions", "retention", "settings", "signFlips", "slices",
        "weighting",
    ),
}  # fmt: skip
SCENE = {
    PROFILE: ("mrml", "mrmlContours", "mrmlReferences", "mrmlResults"),
    PHASE: ("mrml", "mrmlDeclared", "mrmlPictures", "mrmlPlacing", "mrmlResults"),
}
ABOVE_SCIENCE = {PROFILE: ("figures", "profileTables"), PHASE: ("dicomFiles", "phaseFigures", "phaseTables", "sidecar")}
# The statistics of a study: functions of plain arrays.
STATISTICS = (
    "agreement", "correlation", "estimate", "groupComparison", "referenceRange", "roc", "rocCutoff", "rocSubjects",
)  # fmt: skip
MODULES = (PROFILE.parent / "ALSCortexProfile.py", PHASE.parent / "PhaseShiftROI.py")
NOT_IN_SLICER = {"pandas", "statsmodels", "matplotlib", "reportlab", "tqdm", "lmfit", "nibabel", "PySide6"}
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


def importedAtOnce(path: Path) -> set[str]:
    """What loading a file imports, not what its functions import when they are called: full names."""
    package, names = path.parent.name, set()
    for node in ast.iter_child_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, (package if node.level else "", node.module)))
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


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

    def testStatisticsAreFunctionsOfArrays(self):
        allowed = {
            "numpy",
            "scipy",
            "statsmodels",
            "__future__",
            ".errors",
            ".studySettings",
            *(f".{name}" for name in STATISTICS),
        }
        for name in STATISTICS:
            with self.subTest(file=name):
                self.assertEqual(imported(STUDY / f"{name}.py") - allowed, set())

    def testSlicerStartsWithoutWhatItDoesNotShip(self):
        files = {
            f"{folder.name}.{path.stem}": path for folder in (PROFILE, PHASE, STUDY) for path in folder.glob("*.py")
        }
        # What opens with a panel, too: only a button may wait for an installation.
        panels = [path for path in files.values() if path.stem.startswith("panel")]
        waiting, seen = [*MODULES, *panels], set()
        while waiting:
            path = waiting.pop()
            seen.add(path)
            names = importedAtOnce(path)
            with self.subTest(file=path.name):
                self.assertEqual({name.split(".")[0] for name in names} & {*NOT_IN_SLICER, "highdicom"}, set())
            waiting += [files[name] for name in names if name in files and files[name] not in seen]
        self.assertGreater(len(seen), 20)  # the way through the files was found

    def testScienceLoadsWithoutSlicer(self):
        for library in SCIENCE:
            code = f"import sys; import {library.name}.measurement; sys.exit('slicer' in sys.modules)"
            self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
