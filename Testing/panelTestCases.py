"""What the tests of both panels in the stand-in share; call `desktopStandIn.start()` before anything of a module."""

import importlib
import unittest

from desktopStandIn import closeModule, closeScene, openModule, popups


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
