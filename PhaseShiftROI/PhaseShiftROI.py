"""Phase Shift ROI: the place of the phase measurement, which is not in this version. The module is hidden."""

import qt

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import *


def notInThisVersion() -> str:
    """What a user who finds the module is told."""
    return _("The phase measurement is not in this version of the extension. This module does nothing yet.")


#
# PhaseShiftROI
#


class PhaseShiftROI(ScriptedLoadableModule):
    """Name, place and help of the module in Slicer."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Phase Shift ROI")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["ALSCortexProfile"]  # its folder holds the shared package ALSStudyLib
        self.parent.contributors = ["ALSMotorCortex contributors"]
        self.parent.helpText = notInThisVersion()
        self.parent.acknowledgementText = _("""
<p>Will follow M.-Y. Liu et al., Journal of International Medical Research 2021;49(2),
doi 10.1177/0300060521992222.</p>
""")
        self.parent.hidden = True


#
# PhaseShiftROIWidget
#


class PhaseShiftROIWidget(ScriptedLoadableModuleWidget):
    """A panel that says that there is nothing to do here yet."""

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        label = qt.QLabel(notInThisVersion())
        label.wordWrap = True
        self.layout.addWidget(label)
        self.layout.addStretch(1)


#
# PhaseShiftROITest
#


class PhaseShiftROITest(ScriptedLoadableModuleTest):
    """Self-test: the module stays out of the user's way, and finds the shared package."""

    def runTest(self):
        self.test_isHidden()
        self.test_findsSharedPackage()

    def test_isHidden(self):
        self.assertTrue(slicer.modules.phaseshiftroi.hidden)

    def test_findsSharedPackage(self):
        from ALSStudyLib.errors import InputError

        self.assertTrue(issubclass(InputError, ValueError))
