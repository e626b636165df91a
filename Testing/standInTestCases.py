"""What the tests of the stand-in for Slicer's desktop share."""

import unittest

import desktopStandIn


class StandInTestCase(unittest.TestCase):
    """Starts with an empty scene, ends without popups and errors."""

    @classmethod
    def setUpClass(cls):
        desktopStandIn.start()

    def setUp(self):
        import ctk
        import qt
        import slicer

        self.qt, self.ctk, self.slicer = qt, ctk, slicer
        desktopStandIn.closeScene()
        desktopStandIn.popups()

    def tearDown(self):
        desktopStandIn.processEvents()
        self.assertEqual(desktopStandIn.popups(), [])
