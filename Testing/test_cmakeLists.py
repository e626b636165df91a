"""The lists of files, and what the extension says of itself, agree wherever they are written down."""

import re
import unittest

from ALSStudyLib.provenance import VERSION
from sourceTestCases import MODULES, ROOT, commandsNamed, filesToPackage, hasSource, packagesIn, readToml, variableOf


@hasSource
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


@hasSource
class MetadataTest(unittest.TestCase):
    """CMake, pyproject.toml and CITATION.cff tell one story; the entry of the index: test_extensionIndex.py."""

    @classmethod
    def setUpClass(cls):
        cls.cmake = ROOT / "CMakeLists.txt"
        cls.project = readToml(ROOT / "pyproject.toml")["project"]
        citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
        cls.citation = dict(re.findall(r'^([\w-]+): *"?(.*?)"?$', citation, re.MULTILINE))

    def testName(self):
        ((name,),) = commandsNamed(self.cmake, "project")
        self.assertEqual(name.lower(), self.project["name"].replace("-", ""))
        self.assertTrue(self.citation["title"].startswith(f"{name}:"))

    def testVersion(self):
        self.assertEqual(self.project["version"], self.citation["version"])
        self.assertRegex(self.project["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.project["version"], VERSION)

    def testLicense(self):
        self.assertEqual(self.project["license"], "Apache-2.0")
        self.assertEqual(self.citation["license"], "Apache-2.0")
        self.assertEqual(self.project["license-files"], ["LICENSE.txt"])

    def testHome(self):
        (home,) = variableOf(self.cmake, "EXTENSION_HOMEPAGE")
        self.assertEqual(self.project["urls"]["Homepage"], home)
        self.assertEqual(self.citation["repository-code"], home)

    def testRuffIsOfOneVersion(self):
        """What the hooks of pre-commit run is what `make lint` runs."""
        hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
        locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"ruff==[\d.]+", hooks), re.findall(r"^ruff==[\d.]+", locked, re.MULTILINE))

    def testContributors(self):
        self.assertEqual(variableOf(self.cmake, "EXTENSION_CONTRIBUTORS"), [self.project["authors"][0]["name"]])


if __name__ == "__main__":
    unittest.main()
