"""A measurement as a row of the table of targets."""

from __future__ import annotations

from slicer.i18n import tr as _

from .panelTargets import HIDDEN, TargetRow
from .panelTexts import adviceText, flagText, intervalText, numberText, statusText


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
    :param isHidden: the reader has not scored it yet. problem: why the whole exam cannot be measured.
    """
    if waitingFor:
        return TargetRow(target, slices, status=waitingFor)
    if isHidden:
        return TargetRow(
            target, slices, HIDDEN, HIDDEN, HIDDEN, _("score it first"), _("Reading mode: see Visual reading below")
        )
    if problem:
        return TargetRow(target, slices, status=_("cannot be measured"), advice=problem)
    if measurement is None:
        return TargetRow(target, slices, status=_("measuring..."))
    status = _("drawing...") if isDrawing else statusText(measurement.status)
    remarks = [measurement.reason, adviceText(measurement.status), *map(flagText, measurement.flags)]
    advice = "\n".join(filter(None, remarks))
    if measurement.flags and measurement.status == "ok":
        remarks = (
            _("1 remark") if len(measurement.flags) == 1 else _("{count} remarks").format(count=len(measurement.flags))
        )
        status = f"{status}, {remarks}"
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
