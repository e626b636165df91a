"""A measurement in words: the row of its target, and the message below the table."""

from __future__ import annotations

from slicer.i18n import tr as _

from .panelTargets import HIDDEN, TargetRow
from .panelTexts import adviceText, flagText, intervalText, numberText, statusText, targetText


def rowOf(
    target: str,
    measurement,
    waitingFor: str,
    slices: str,
    isDrawing: bool,
    isHidden: bool,
    isPreliminary: bool,
    problem: str,
) -> TargetRow:
    """
    :param measurement: `ProfileMeasurement`, or None before the first. waitingFor: what the user has still to do.
    :param isHidden: the reader has not scored it yet. problem: why it cannot be measured.
    """
    if waitingFor:
        return TargetRow(target, slices, status=_("drawing...") if isDrawing else waitingFor)
    if isHidden:
        return TargetRow(
            target, slices, HIDDEN, HIDDEN, HIDDEN, _("score it first"), _("Reading mode: see Visual reading below")
        )
    if problem:
        return TargetRow(target, slices, status=_("cannot be measured"), advice=problem)
    if measurement is None:
        return TargetRow(target, slices, status=_("measuring..."))
    advice = "\n".join(remarksOf(measurement))
    status = _("drawing...") if isDrawing else _statusWithRemarks(measurement)
    selected = measurement.selected
    if selected is None or measurement.status != "ok":
        return TargetRow(target, slices, status=status, advice=advice)
    interval = measurement.intervals.shThkPerMm
    ratio = "\n".join(filter(None, [numberText(selected.shThkPerMm, 3), intervalText(interval.low, interval.high, 3)]))
    return TargetRow(
        target,
        slices,
        numberText(selected.sh, 3),
        numberText(selected.thicknessMm, 2),
        ratio,
        status,
        advice,
        isPreliminary,
    )


def messageOf(target: str, measurement, isHidden: bool, problem: str, drawing: str | None) -> str:
    """What the user should know of the target in hand.

    :param drawing: None unless its line is being drawn; then what is wrong with it so far, or "".
    """
    if not target:
        return _("Click a target to begin.")
    name = targetText(target)
    if drawing is not None:
        instruction = _("click along the surface of the cortex; Esc or a right click ends.")
        return _("{target}: {text}").format(target=name, text=drawing or instruction)
    if problem:
        return _("{target}: {text}").format(target=name, text=problem)
    if measurement is None or isHidden:
        return ""
    remarks = "; ".join(remarksOf(measurement))
    return _("{target}: {text}").format(target=name, text=remarks) if remarks else ""


def remarksOf(measurement) -> list[str]:
    """Reason, advice and flags of a measurement, in words."""
    return [
        *filter(None, [measurement.reason, adviceText(measurement.status, measurement.flags)]),
        *map(flagText, measurement.flags),
    ]


def _statusWithRemarks(measurement) -> str:
    status, count = statusText(measurement.status), len(measurement.flags)
    if measurement.status != "ok" or not count:
        return status
    remarks = _("1 remark") if count == 1 else _("{count} remarks").format(count=count)
    return _("{status}, {remarks}").format(status=status, remarks=remarks)
