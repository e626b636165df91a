"""The direction of imports: science knows no scene, and nothing imports back."""

import ast
import subprocess
import sys
import unittest
from pathlib import Path

import ALSCortexProfileLib
import ALSStudyLib

LIBRARY = Path(ALSCortexProfileLib.__file__).parent
STUDY = Path(ALSStudyLib.__file__).parent
SCIENCE = (
    "alignment", "bandModel", "bootstrap", "contour", "doubleSigmoid", "echoes", "hypointensity", "image",
    "leastSquares", "logistic", "measurement", "references", "sampling", "settings",
    "singleProfiles", "targets", "tilt", "variants", "window",
)  # fmt: skip
SCENE = ("mrml", "mrmlResults")
ABOVE_SCENE = ("figures", "profileTables")


def imported(path: Path) -> set[str]:
    """Top-level modules a file imports; those of its own package with a leading dot."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names.add("." * node.level + module if node.level else module if "ALS" in module else module.split(".")[0])
    return names - set(sys.stdlib_module_names)


class LayersTest(unittest.TestCase):
    def testEveryFileHasALayer(self):
        onDisk = {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
        self.assertEqual(onDisk, {*SCIENCE, *SCENE, *ABOVE_SCENE})

    def testScienceImportsNumpyScipyVtkOnly(self):
        allowed = {"numpy", "scipy", "vtk", "ALSStudyLib.errors", "__future__", *(f".{name}" for name in SCIENCE)}
        for name in SCIENCE:
            with self.subTest(file=name):
                self.assertEqual(imported(LIBRARY / f"{name}.py") - allowed, set())

    def testOnlyMrmlFilesKnowSlicer(self):
        for folder in (LIBRARY, STUDY):
            for path in folder.glob("*.py"):
                if not path.stem.startswith("mrml"):
                    with self.subTest(file=path.name):
                        self.assertEqual(imported(path) & {"slicer", "qt", "ctk"}, set())

    def testScienceLoadsWithoutSlicer(self):
        code = "import sys; import ALSCortexProfileLib.measurement; sys.exit('slicer' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
