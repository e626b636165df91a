"""The wheel of the headless part: what is in it, what it says of itself, and that it measures without the source."""

import ast
import configparser
import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from email import message_from_string
from importlib.metadata import version
from pathlib import Path

from sourceTestCases import MODULES, ROOT, hasSource, packagesIn, readToml, trackedFiles
from testPackages import needs

needs("pip", "setuptools")
if int(version("setuptools").split(".")[0]) < 77:  # see [build-system] of pyproject.toml
    raise unittest.SkipTest("needs setuptools 77 or later")

from commandTestCases import CommandCase

# Import names of what the wheel depends on, where they are not the name of the package.
IMPORT_NAMES = {"slicer-core": "slicer", "pybids": "bids", "pillow": "PIL"}
OF_THE_DESKTOP = {"qt", "ctk", "slicer", "SampleData"}  # what the panels import: they run in Slicer only
# The command as its entry point starts it, from the folder of the wheel and site-packages alone.
COMMAND = """
import sys
sys.path[:0], sys.argv[1:] = sys.argv[1:2], sys.argv[2:]
count = int(sys.argv[1])
sys.path += sys.argv[2 : 2 + count]
del sys.argv[1 : 2 + count]
from importlib.metadata import entry_points
(entry,) = entry_points(group="console_scripts", name="als-motor-cortex")
command = entry.load()
assert sys.modules["ALSStudyLib"].__file__.startswith(sys.path[0]), sys.modules["ALSStudyLib"].__file__
sys.exit(command())
"""


def packageFiles() -> dict[str, Path]:
    """Every file of the packages, by its path in the wheel."""
    files = {}
    for module in MODULES:
        for package in packagesIn(ROOT / module):
            folder = ROOT / module / package.replace(".", "/")
            for path in folder.iterdir():
                if path.is_file():
                    files[f"{package.replace('.', '/')}/{path.name}"] = path
    return files


def copyOfSource(folder: Path) -> Path:
    """What a fresh clone holds; files that git does not know yet belong to it when CMake's lists name them."""
    for path in {*trackedFiles(), *(file.relative_to(ROOT).as_posix() for file in packageFiles().values())}:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    return folder


@hasSource
class WheelTest(CommandCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = tempfile.TemporaryDirectory(prefix="alsWheel")
        cls.addClassCleanup(made.cleanup)
        source = copyOfSource(Path(made.name) / "source")
        code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
        cls.execute([sys.executable, "-c", code, f"{made.name}/dist"], cwd=source)
        (cls.wheel,) = Path(made.name, "dist").glob("*.whl")
        cls.installed = Path(made.name).resolve() / "installed"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
        cls.execute([*pip, "--disable-pip-version-check", "--target", cls.installed, cls.wheel], cwd=made.name)
        with zipfile.ZipFile(cls.wheel) as archive:
            cls.files = {name: archive.read(name) for name in archive.namelist()}
        cls.project = readToml(ROOT / "pyproject.toml")["project"]
        cls.info = f"als_motor_cortex-{cls.project['version']}.dist-info"

    @staticmethod
    def execute(command, cwd):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=cwd, check=False)
        if done.returncode:
            raise AssertionError(f"{done.stdout}{done.stderr}")

    @classmethod
    def runner(cls, *arguments):
        """`als-motor-cortex` from an empty folder; no .pth file is read, so that no editable installation is found."""
        sites = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
        command = [sys.executable, "-I", "-S", "-B", "-c", COMMAND, cls.installed, len(sites), *sites, *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment["OMP_NUM_THREADS"] = "2"
        with tempfile.TemporaryDirectory(prefix="alsEmpty") as empty:
            return subprocess.run(
                [*map(str, command)],
                capture_output=True,
                text=True,
                cwd=empty,
                env=environment,
                timeout=300,
                check=False,
            )

    def testHoldsThePackagesAndNothingElse(self):
        expected = {name: path.read_bytes() for name, path in packageFiles().items()}
        held = {name: content for name, content in self.files.items() if not name.startswith(f"{self.info}/")}
        missing, unknown = sorted(set(expected) - set(held)), sorted(set(held) - set(expected))
        self.assertEqual((missing, unknown), ([], []), "(missing, unknown)")
        self.assertEqual([name for name in held if held[name] != expected[name]], [])
        self.assertGreater(len(held), 150)
        about = {name.removeprefix(f"{self.info}/") for name in self.files if name.startswith(f"{self.info}/")}
        expected = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt", "licenses/LICENSE.txt"}
        self.assertEqual(about, expected)

    def testRunsOnEverySystem(self):
        self.assertTrue(self.wheel.name.endswith("-py3-none-any.whl"), self.wheel.name)
        recorded = {row[0] for row in csv.reader(io.StringIO(self.text("RECORD")))}
        self.assertEqual(recorded, set(self.files))

    def testMetadata(self):
        about = message_from_string(self.text("METADATA"))
        self.assertEqual((about["Name"], about["Version"]), ("als-motor-cortex", self.project["version"]))
        self.assertEqual(set(about["Requires-Python"].split(",")), {">=3.10", "<3.14"})
        self.assertEqual((about["License-Expression"], about["License-File"]), ("Apache-2.0", "LICENSE.txt"))
        self.assertEqual(self.text("licenses/LICENSE.txt"), (ROOT / "LICENSE.txt").read_text(encoding="utf-8"))
        self.assertEqual(about["Description-Content-Type"], "text/markdown")
        self.assertEqual(about.get_payload().strip(), (ROOT / "README.md").read_text(encoding="utf-8").strip())
        for python in ("3.10", "3.13"):
            self.assertIn(f"Programming Language :: Python :: {python}", about.get_all("Classifier"))

    def testCommand(self):
        commands = configparser.ConfigParser()
        commands.read_string(self.text("entry_points.txt"))
        self.assertEqual(dict(commands["console_scripts"]), {"als-motor-cortex": "ALSStudyLib.commandLine:entry"})

    def testNamesEveryPackageThatItImports(self):
        needed = [re.match(r"[\w-]+", requirement).group() for requirement in self.project["dependencies"]]
        ours = {name.split("/")[0] for name in packageFiles()}
        allowed = {*sys.stdlib_module_names, *OF_THE_DESKTOP, *ours, *(IMPORT_NAMES.get(name, name) for name in needed)}
        for name, path in packageFiles().items():
            if path.suffix == ".py":
                with self.subTest(name):
                    self.assertEqual(importedBy(path) - allowed, set())

    def testHelpFromAnEmptyFolder(self):
        done = self.runner("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Supportive, not diagnostic", " ".join(done.stdout.split()))

    def testMeasuresFromAnEmptyFolder(self):
        done = self.profile("--subject", "P012", figures=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^P012 \| Hand knob, left: SH 0\.2\d\d, .* ok")
        for name in ("profile_measurements.tsv", "scene.mrb", "provenance.json", "figures"):
            self.assertTrue((self.output / name).exists(), name)

    def text(self, name: str) -> str:
        return self.files[f"{self.info}/{name}"].decode("utf-8")


def importedBy(path: Path) -> set[str]:
    """Top-level names of what a file imports anywhere, but not from its own package."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names


if __name__ == "__main__":
    unittest.main()
