"""The blind visual reading: the reader scores a target, and only then sees its number."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

from .panelTexts import targetText


class ReadingSection:
    """The section Visual reading of the panel.

    :param logic: `ALSCortexProfileLogic`. targets: function that returns the targets of the exam.
    :param onNext: called with the target to look at next.
    """

    def __init__(self, ui, logic, targets: Callable[[], list[str]], onNext: Callable[[str], None]):
        self._ui, self._logic, self._targets, self._onNext = ui, logic, targets, onNext
        self._verdicts = {"nonpathologic": ui.nonpathologicRadioButton, "pathologic": ui.pathologicRadioButton}
        self._scores = (ui.score0RadioButton, ui.score1RadioButton, ui.score2RadioButton)
        self._groups = [_exclusive(self._verdicts.values()), _exclusive(self._scores)]
        self._parameterNode = None
        for button in (*self._verdicts.values(), *self._scores):
            button.connect("toggled(bool)", self._updateButton)
        ui.saveReadingButton.connect("clicked(bool)", self._save)

    def update(self, parameterNode) -> None:
        """Show which target is read now, and what is missing."""
        self._parameterNode = parameterNode
        self._ui.readingTargetLabel.text = self._instruction()
        self._updateButton()

    @property
    def target(self) -> str:
        """The target to score now; "" outside reading mode, or when all are scored."""
        from ALSStudyLib.reading import nextTarget

        node = self._parameterNode
        if not node or not node.readingMode or not node.reader.strip() or not node.subject.strip():
            return ""
        return nextTarget(self._session(), self._targets(), self._stored())

    def isHidden(self, target: str) -> bool:
        """Whether the numbers of a target must not be seen yet."""
        if not self._parameterNode or not self._parameterNode.readingMode:
            return False
        session = self._session()
        return not any(reading.target == target and reading.isOf(session) for reading in self._stored())

    def score(self, verdict: str, score: int) -> None:
        """Tick a verdict and a score, as a reader does."""
        self._verdicts[verdict].checked = True
        self._scores[score].checked = True

    def _session(self):
        from ALSStudyLib.reading import ReadingSession

        node = self._parameterNode
        return ReadingSession(node.subject, node.exam, node.reader.strip(), node.session, node.readingSeed)

    @staticmethod
    def _stored():
        from ALSStudyLib.mrmlReadings import storedReadings

        return storedReadings(slicer.mrmlScene)

    def _chosen(self):
        verdict = next((name for name, button in self._verdicts.items() if button.checked), "")
        score = next((index for index, button in enumerate(self._scores) if button.checked), None)
        return verdict, score

    def _instruction(self) -> str:
        node = self._parameterNode
        if not node or not node.readingMode:
            return _("Tick Reading mode under Exam to score targets before their numbers are shown.")
        if not node.subject.strip():
            return _("Enter the subject under Exam: a reading belongs to one.")
        if not node.reader.strip():
            return _("Enter the reader's name or initials.")
        target = self.target
        if not target:
            return _("All targets are scored in session {session}.").format(session=node.session)
        order = self._session().order(self._targets())
        return _("Now look at: <b>{target}</b> ({position} of {count})").format(
            target=targetText(target), position=order.index(target) + 1, count=len(order)
        )

    def _whatIsMissing(self) -> str:
        if not self.target:
            return self._instruction()
        verdict, score = self._chosen()
        if not verdict:
            return _("Say whether the target looks pathologic")
        if score is None:
            return _("Choose a score of 0 to 2")
        return ""

    def _updateButton(self, _checked=False) -> None:
        missing = self._whatIsMissing()
        self._ui.saveReadingButton.enabled = not missing
        self._ui.saveReadingButton.toolTip = missing or _(
            "Store the reading; it cannot be changed once the number is shown"
        )
        for button in (*self._verdicts.values(), *self._scores):
            button.enabled = bool(self.target)

    def _save(self, _checked=False) -> None:
        from ALSStudyLib.mrmlReadings import addReading
        from ALSStudyLib.reading import newReading

        with slicer.util.tryWithErrorDisplay(_("The reading could not be stored.")):
            verdict, score = self._chosen()
            target = self.target
            isBlind = not self._logic.wasSeen(self._parameterNode, target)
            reading = newReading(self._session(), self._targets(), target, verdict, score, self._stored(), isBlind)
            addReading(slicer.mrmlScene, reading)
            for group, buttons in zip(self._groups, (self._verdicts.values(), self._scores), strict=True):
                _clear(group, buttons)
            self._onNext(reading.target)


def _exclusive(buttons):
    """Radio buttons of one panel exclude each other all, unless they are grouped."""
    import qt

    group = qt.QButtonGroup()
    for button in buttons:
        group.addButton(button)
    return group


def _clear(group, buttons) -> None:
    group.setExclusive(False)
    for button in buttons:
        button.checked = False
    group.setExclusive(True)
