"""The folder that Slicer installs, put together by CMake from our own lists, holds everything that the modules need."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from sourceTestCases import MODULES, ROOT, filesToPackage, hasSource
from testPackages import needs

needs("cmake")

TESTING = Path(__file__).resolve().parent
INSTALLED = "lib/Slicer-5.12/qt-scripted-modules"
SKIPPED = 77  # as in flatFolder.py

# A stand-in for find_package(Slicer), which does with the files what Slicer's own macros do: they copy scripts and
# resources with their relative paths into one folder for all modules, refuse what is not there or not known,
# and package a license and a readme.
SLICER_CONFIG = """
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionCPack.cmake")
"""
USE_SLICER = """
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(PARSE_ARGV 0 MODULE "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES")
  if(MODULE_UNPARSED_ARGUMENTS OR NOT MODULE_NAME)
    message(FATAL_ERROR "slicerMacroBuildScriptedModule: NAME '${MODULE_NAME}', unknown '${MODULE_UNPARSED_ARGUMENTS}'")
  endif()
  foreach(path IN LISTS MODULE_SCRIPTS MODULE_RESOURCES)
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${path}")
      message(FATAL_ERROR "slicerMacroBuildScriptedModule: ${path} is listed, but it is not there")
    endif()
    configure_file("${CMAKE_CURRENT_SOURCE_DIR}/${path}" "${CMAKE_BINARY_DIR}/INSTALLED/${path}" COPYONLY)
  endforeach()
endfunction()

function(slicer_add_python_unittest)
  cmake_parse_arguments(PARSE_ARGV 0 TEST "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS")
  if(TEST_UNPARSED_ARGUMENTS OR NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${TEST_SCRIPT}")
    message(FATAL_ERROR "slicer_add_python_unittest: '${TEST_SCRIPT}' is not there, or '${TEST_UNPARSED_ARGUMENTS}'")
  endif()
endfunction()
""".replace("INSTALLED", INSTALLED)
EXTENSION_CPACK = """
foreach(name EXTENSION_LICENSE_FILE EXTENSION_README_FILE)
  if(NOT EXISTS "${${name}}")
    message(FATAL_ERROR "${name} points to no file: ${${name}}")
  endif()
endforeach()
foreach(name HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  file(APPEND "${CMAKE_BINARY_DIR}/description.txt" "${name} ${EXTENSION_${name}}\\n")
endforeach()
"""
# Nothing is compiled, so that no compiler is needed: CMake itself stands where project() wants one.
TOOLCHAIN = """
set(CMAKE_SYSTEM_NAME Generic)
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER "${CMAKE_COMMAND}")
  set(CMAKE_${language}_COMPILER_FORCED TRUE)
  set(CMAKE_${language}_COMPILER_ID_RUN TRUE)
endforeach()
"""


def cmakeProgram() -> str:
    import cmake

    return str(Path(cmake.CMAKE_BIN_DIR) / ("cmake.exe" if os.name == "nt" else "cmake"))


def sitePackages() -> list[str]:
    """Folders of installed packages, without what an editable installation adds to the path."""
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


@hasSource
class InstalledFolderTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="alsInstalled")
        cls.addClassCleanup(folder.cleanup)
        cls.build = Path(folder.name).resolve() / "build"
        cls.flat = cls.build / INSTALLED
        slicer = Path(folder.name) / "slicer"
        slicer.mkdir()
        for name, text in (
            ("SlicerConfig.cmake", SLICER_CONFIG),
            ("UseSlicer.cmake", USE_SLICER),
            ("GenerateConfig.cmake", ""),
            ("ExtensionCPack.cmake", EXTENSION_CPACK),
            ("toolchain.cmake", TOOLCHAIN),
        ):
            (slicer / name).write_text(text, encoding="utf-8")
        cls.standIn = Path(folder.name) / "standIn"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(TESTING / "desktopStandIn", cls.standIn / "desktopStandIn", ignore=ignored)
        cmake = cmakeProgram()
        command = [cmake, "-G", "Unix Makefiles", "-S", ROOT, "-B", cls.build, f"-DCMAKE_MAKE_PROGRAM={cmake}"]
        command += [f"-DSlicer_DIR={slicer}", f"-DCMAKE_TOOLCHAIN_FILE={slicer / 'toolchain.cmake'}"]
        done = subprocess.run([*command, "-DBUILD_TESTING=ON"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"CMake refuses the extension:\n{done.stderr}")

    def testEveryFileIsThereAndNoOther(self):
        installed = {path.relative_to(self.flat).as_posix() for path in self.flat.rglob("*") if path.is_file()}
        self.assertEqual(
            sorted(installed), sorted(path for module in MODULES for path in filesToPackage(ROOT / module))
        )
        for module in MODULES:
            for path in filesToPackage(ROOT / module):
                self.assertEqual((self.flat / path).read_bytes(), (ROOT / module / path).read_bytes(), path)

    def testSlicerFindsTheModulesAndNothingElse(self):
        """Slicer takes every Python file directly in the folder for a module, and its icon from Resources/Icons."""
        self.assertEqual(sorted(path.stem for path in self.flat.glob("*.py")), sorted(MODULES))
        for module in MODULES:
            self.assertIn(f"class {module}(ScriptedLoadableModule)", (self.flat / f"{module}.py").read_text("utf-8"))
            self.assertTrue((self.flat / f"Resources/Icons/{module}.png").is_file())
            self.assertTrue((self.flat / f"Resources/UI/{module}.ui").is_file())

    def testModulesWorkFromThereAlone(self):
        used = self.use("panels")
        if used.returncode == SKIPPED:
            reason, used = used.stdout.strip(), self.use("science")
            self.assertEqual((used.returncode, used.stderr), (0, ""))
            self.skipTest(f"all but the panels works: {reason}")
        self.assertEqual(used.returncode, 0, used.stderr)
        origins = json.loads(used.stdout.splitlines()[-1])
        self.assertGreater(len(origins), 150)
        for name, file in origins.items():
            self.assertTrue(Path(file).resolve().is_relative_to(self.flat), f"{name} came from {file}")

    def testDescriptionKeepsItsTexts(self):
        """CMake splits what is not quoted, and takes a semicolon for the end of an item."""
        described = dict(
            line.split(" ", 1) for line in (self.build / "description.txt").read_text("utf-8").splitlines()
        )
        self.assertEqual(described["DEPENDS"], "NA")
        for name, value in described.items():
            self.assertNotIn(";", value, name)
            self.assertTrue(value.strip(), name)

    def use(self, what: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-I", "-S", "-B", TESTING / "flatFolder.py", what, self.flat, self.standIn]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "2"}
        with tempfile.TemporaryDirectory(prefix="alsElsewhere") as elsewhere:
            return subprocess.run(
                [*map(str, command), *sitePackages()],
                capture_output=True,
                text=True,
                env=environment,
                cwd=elsewhere,
                timeout=300,
                check=False,
            )


if __name__ == "__main__":
    unittest.main()
