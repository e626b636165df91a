"""What the tests of both panels in the stand-in share; call `desktopStandIn.start()` before anything of a module."""

import importlib
import os
import subprocess
import sys
import unittest

from desktopStandIn import closeModule, closeScene, openModule, popups


def importedByAnEmptyPanel(moduleName: str, packages: set[str]) -> str:
    """Which of these packages a panel that has just been opened has imported, or what went wrong; "" if neither."""
    code = (
        f"import sys; from desktopStandIn import start, openModule; start(); openModule('{moduleName}'); "
        f"sys.stderr.write(','.join({packages!r} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment)
    return ended.stderr.strip() or (f"ended with {ended.returncode}" if ended.returncode else "")


class SelfTestCase:
    """Runs each test of a module's own self-test, as Slicer's ctest does; mix it with `unittest.TestCase`."""

    moduleName = ""

    def testSelfTests(self):
        openModule(self.moduleName)
        testClass = getattr(importlib.import_module(self.moduleName), f"{self.moduleName}Test")
        popups()
        for name in unittest.defaultTestLoader.getTestCaseNames(testClass):
            with self.subTest(name):
                result = unittest.TestResult()
                testClass(name).run(result)
                self.assertEqual([text for _, text in (*result.errors, *result.failures)], [])
                self.assertEqual(popups(), [], "a popup on success")


class PanelCase(unittest.TestCase):
    """The panel of a module, opened on an empty scene."""

    moduleName = ""

    def setUp(self):
        closeScene()
        self.follow(openModule(self.moduleName))
        popups()

    def tearDown(self):
        closeModule(self.moduleName)
        closeScene()

    def follow(self, panel):
        """Use this panel, as after a reload."""
        self.panel, self.ui, self.exam = panel, panel.ui, panel.exam
