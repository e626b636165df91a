"""The lists of files, and what the extension says of itself, agree wherever they are written down."""

import json
import re
import unittest
from pathlib import Path

from ALSStudyLib.provenance import VERSION

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("ALSCortexProfile", "PhaseShiftROI")
RAW_URL = "https://raw.githubusercontent.com/ALSMotorCortex/SlicerALSMotorCortex/main/"


def readToml(path: Path) -> dict:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10, where pytest brings tomli
        import tomli as tomllib
    return tomllib.loads(path.read_text(encoding="utf-8"))


def readCMake(path: Path) -> list[tuple[str, list[str]]]:
    """Commands of a CMake file in order, as (name, arguments) with the variables set before put in."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'("(?:[^"\\]|\\.)*")|#[^\n]*', lambda match: match.group(1) or "", text)
    variables: dict[str, list[str]] = {}
    commands = []
    for name, body in re.findall(r'(\w+)\s*\(((?:"(?:[^"\\]|\\.)*"|[^()"])*)\)', text):
        arguments = []
        for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)', body):
            whole = re.fullmatch(r"\$\{(\w+)\}", bare)
            if whole:
                arguments += variables.get(whole.group(1), [bare])
            else:
                filled = re.sub(
                    r"\$\{(\w+)\}",
                    lambda match: ";".join(variables.get(match.group(1), [match.group()])),
                    quoted or bare,
                )
                arguments.append(filled)
        if name.lower() == "set":
            variables[arguments[0]] = arguments[1:]
        commands.append((name.lower(), arguments))
    return commands


def commandsNamed(path: Path, name: str) -> list[list[str]]:
    return [arguments for command, arguments in readCMake(path) if command == name.lower()]


def variableOf(path: Path, name: str) -> list[str]:
    """Value of the one `set(name ...)` of a CMake file."""
    values = [arguments[1:] for arguments in commandsNamed(path, "set") if arguments[0] == name]
    if len(values) != 1:
        raise AssertionError(f"{path.name}: set({name} ...) found {len(values)} times, expected once")
    return values[0]


def filesToPackage(folder: Path) -> set[str]:
    """Every file below a module's folder that a user needs, relative to it."""
    files = set()
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.startswith(".") or part == "__pycache__" for part in parts):
            continue
        if parts == ("CMakeLists.txt",) or path.suffix in (".md", ".pyc") or path.name.endswith("~"):
            continue
        files.add("/".join(parts))
    return files


def packagesIn(folder: Path) -> set[str]:
    """Python packages below a module's folder, with dots."""
    return {".".join(path.parent.relative_to(folder).parts) for path in folder.rglob("__init__.py")}


@unittest.skipUnless((ROOT / "CMakeLists.txt").is_file(), "the CMake files of the source are not beside this test")
class CMakeListsTest(unittest.TestCase):
    """CMake's lists against the files on the disk, both ways: a file that is not listed is not packaged."""

    maxDiff = None

    def testModulesListTheirFiles(self):
        for module in MODULES:
            with self.subTest(module=module):
                cmake = ROOT / module / "CMakeLists.txt"
                listed = variableOf(cmake, "MODULE_PYTHON_SCRIPTS") + variableOf(cmake, "MODULE_PYTHON_RESOURCES")
                self.assertEqual(len(listed), len(set(listed)), "a file is listed twice")
                self.assertSame(set(listed), filesToPackage(ROOT / module), f"{module}/CMakeLists.txt")

    def testScriptsAndResourcesAreApart(self):
        for module in MODULES:
            with self.subTest(module=module):
                cmake = ROOT / module / "CMakeLists.txt"
                scripts = variableOf(cmake, "MODULE_PYTHON_SCRIPTS")
                self.assertEqual([path for path in scripts if not path.endswith(".py")], [])
                resources = variableOf(cmake, "MODULE_PYTHON_RESOURCES")
                self.assertEqual([path for path in resources if path.endswith(".py")], [])

    def testModulesAreBuiltFromTheirLists(self):
        for module in MODULES:
            with self.subTest(module=module):
                cmake = ROOT / module / "CMakeLists.txt"
                self.assertEqual(variableOf(cmake, "MODULE_NAME"), [module])
                (arguments,) = commandsNamed(cmake, "slicerMacroBuildScriptedModule")
                self.assertEqual(arguments[:3], ["NAME", module, "SCRIPTS"])
                for path in filesToPackage(ROOT / module):
                    self.assertIn(path, arguments)
                self.assertIn(["SCRIPT", f"{module}.py"], commandsNamed(cmake, "slicer_add_python_unittest"))

    def testFileNamesStayUniqueInTheFlatFolder(self):
        """All modules of an extension are installed into one folder."""
        paths = [path.lower() for module in MODULES for path in filesToPackage(ROOT / module)]
        self.assertEqual(len(paths), len(set(paths)))

    def testExtensionAddsItsFolders(self):
        added = [arguments[0] for arguments in commandsNamed(ROOT / "CMakeLists.txt", "add_subdirectory")]
        self.assertEqual(sorted(added), sorted([*MODULES, "Testing"]))

    def testTestsAreRegistered(self):
        registered = [
            arguments[1] for arguments in commandsNamed(ROOT / "Testing/CMakeLists.txt", "slicer_add_python_unittest")
        ]
        self.assertEqual(len(registered), len(set(registered)), "a test is registered twice")
        onDisk = {path.relative_to(ROOT / "Testing").as_posix() for path in (ROOT / "Testing").rglob("test_*.py")}
        self.assertSame(set(registered), onDisk, "Testing/CMakeLists.txt")

    def testPythonPackagesAreTheSame(self):
        setuptools = readToml(ROOT / "pyproject.toml")["tool"]["setuptools"]
        onDisk = {package: module for module in MODULES for package in packagesIn(ROOT / module)}
        self.assertSame(set(setuptools["packages"]), set(onDisk), "pyproject.toml")
        for package, module in onDisk.items():
            self.assertEqual(setuptools["package-dir"][package], f"{module}/{package.replace('.', '/')}")

    def assertSame(self, listed: set[str], onDisk: set[str], where: str) -> None:
        self.assertEqual(sorted(onDisk - listed), [], f"on the disk, but not in {where}")
        self.assertEqual(sorted(listed - onDisk), [], f"in {where}, but not on the disk")


@unittest.skipUnless((ROOT / "CMakeLists.txt").is_file(), "the CMake files of the source are not beside this test")
class MetadataTest(unittest.TestCase):
    """CMake, the entry for the Extensions Index, pyproject.toml and CITATION.cff tell one story."""

    @classmethod
    def setUpClass(cls):
        cls.cmake = ROOT / "CMakeLists.txt"
        cls.project = readToml(ROOT / "pyproject.toml")["project"]
        citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
        cls.citation = dict(re.findall(r'^([\w-]+): *"?(.*?)"?$', citation, re.MULTILINE))
        (project,) = commandsNamed(cls.cmake, "project")
        cls.name = project[0]
        cls.indexPath = ROOT / f"{cls.name}.json"
        cls.index = json.loads(cls.indexPath.read_text(encoding="utf-8"))

    def one(self, variable: str) -> str:
        """Value of a variable that has to be one quoted string."""
        (value,) = variableOf(self.cmake, variable)
        return value

    def testName(self):
        self.assertEqual(self.name.lower(), self.project["name"].replace("-", ""))
        self.assertTrue(self.citation["title"].startswith(f"{self.name}:"))

    def testVersion(self):
        self.assertEqual(self.project["version"], self.citation["version"])
        self.assertRegex(self.project["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.project["version"], VERSION)

    def testLicense(self):
        self.assertEqual(self.project["license"], "Apache-2.0")
        self.assertEqual(self.citation["license"], "Apache-2.0")
        self.assertEqual(self.project["license-files"], ["LICENSE.txt"])
        text = (ROOT / "LICENSE.txt").read_text(encoding="utf-8")
        self.assertRegex(text, r"^\s*Apache License\s+Version 2\.0, January 2004")
        for variable, name in (("EXTENSION_LICENSE_FILE", "LICENSE.txt"), ("EXTENSION_README_FILE", "README.md")):
            self.assertEqual(self.one(variable), f"${{CMAKE_CURRENT_SOURCE_DIR}}/{name}")
            self.assertTrue((ROOT / name).is_file(), f"{name} is missing")

    def testHome(self):
        home = self.one("EXTENSION_HOMEPAGE")
        self.assertEqual(home.rsplit("/", 1)[-1], f"Slicer{self.name}")
        self.assertEqual(self.index["scm_url"], f"{home}.git")
        self.assertEqual(self.project["urls"]["Homepage"], home)
        self.assertEqual(self.citation["repository-code"], home)

    def testDependencies(self):
        self.assertEqual(self.one("EXTENSION_DEPENDS"), "NA")
        self.assertEqual(self.index["build_dependencies"], [])

    def testCategory(self):
        for module in MODULES:
            text = (ROOT / module / f"{module}.py").read_text(encoding="utf-8")
            self.assertIn(f'[translate("qSlicerAbstractCoreModule", "{self.index["category"]}")]', text)

    def testContributors(self):
        self.assertEqual(self.one("EXTENSION_CONTRIBUTORS"), self.project["authors"][0]["name"])

    def testPicturesAreInTheRepository(self):
        pictures = [self.one("EXTENSION_ICONURL"), *self.one("EXTENSION_SCREENSHOTURLS").split()]
        for url in pictures:
            self.assertTrue(url.startswith(RAW_URL) and url.endswith(".png"), url)
            self.assertTrue((ROOT / url[len(RAW_URL) :]).is_file(), f"{url} points to no file")

    def testIndexEntryHasTheKeysOfItsSchema(self):
        self.assertRegex(self.index["$schema"], r"/slicer-extension-catalog-entry-schema-v1\.0\.1\.json#$")
        keys = {
            "$schema",
            "category",
            "scm_type",
            "scm_url",
            "scm_revision",
            "build_dependencies",
            "build_subdirectory",
        }
        self.assertEqual(set(self.index), keys | {"tier"})
        self.assertIn(self.index["tier"], range(1, 6))


if __name__ == "__main__":
    unittest.main()
