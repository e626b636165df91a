"""A BIDS dataset as a case list: images of the dataset; contours and segmentations of its derivatives."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ALSCortexProfileLib.targets import STANDARD_TARGETS, target
from PhaseShiftROILib.sidecar import BIDS_UNITS

from .bidsFiles import CONTOUR, DatasetFile, DatasetFiles, readFiles
from .bidsMatching import SERIES, Drawn, Series, allSeries, matched
from .caseList import PATH_SEPARATOR, Case, withoutRepeats
from .errors import InputError
from .tables import formatNumber

logger = logging.getLogger("als-motor-cortex")

MAGNITUDE_SUFFIXES = ("MEGRE", "T2starw", "T2star", "GRE")
PHASE_SUFFIXES = (*MAGNITUDE_SUFFIXES, "swi", "SWI")  # without a part, `swi` is no magnitude
REFERENCES, REGIONS = "references", "regions"  # desc of a segmentation
_SIDES = {"L": "left", "R": "right"}
_SLUGS = [known.slug for known in STANDARD_TARGETS]
_PAIRED = {known.slug.removesuffix(f"_{known.side}") for known in STANDARD_TARGETS}
PREFERRED_ECHO_MS = 20.0  # the paper's is 19 ms at 3 T
_EXAMPLES = {
    "contours": "..._hemi-L_label-handKnob_contour.mrk.json",
    REFERENCES: "..._desc-references_dseg.seg.nrrd",
    REGIONS: "..._desc-regions_dseg.seg.nrrd",
}

_TAIL = (
    "[_acq-{acquisition}][_ce-{ceagent}][_rec-{reconstruction}][_dir-{direction}][_run-{run}][_echo-{echo}]"
    "[_flip-{flip}][_inv-{inv}][_mt-{mt}][_space-{space}][_chunk-{chunk}]"
)
_SOURCE = "sub-{subject}[/ses-{session}]"
_PLACE = "sub-{subject}[/ses-{session}]/anat/sub-{subject}[_ses-{session}]" + _TAIL
_EXAM = "{exam}" + _TAIL


@dataclass
class _Entry:
    """A case in the making."""

    drawn: Drawn
    values: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def readDataset(
    folder: Path,
    derivatives: Sequence[Path] = (),
    subjects: Collection[str] = (),
    sessions: Collection[str] = (),
    suffixes: Collection[str] = (),
) -> list[Case]:
    """Every exam with contours or regions: measurable, or with its problem. Images without any are counted in the log.

    :param derivatives: their folders; without any, all in the dataset's `derivatives`.
    :param subjects: labels; without any, all. Likewise sessions, and suffixes of images.
    :raises InputError: no BIDS dataset, a label that it has not, or nothing drawn.
    """
    subjects, sessions = ([re.sub("^(sub|ses)-", "", text) for text in texts] for texts in (subjects, sessions))
    files = readFiles(folder, derivatives, suffixes or PHASE_SUFFIXES, subjects)
    _checkLabels(folder, files, subjects, sessions)
    series = allSeries(files.images)
    profiles = matched(
        [file for file in files.drawings if _isContour(file) or _isNamed(file, REFERENCES)],
        [one for one in series if _magnitudes(one)],
        lambda file: None,
    )
    phases = matched(
        [file for file in files.drawings if _isNamed(file, REGIONS)],
        [one for one in series if one.ofPart("phase", "real", "imag")],
        lambda file: int(file.entities["echo"]) if "echo" in file.entities else None,
    )
    cases = []
    for found, fill in ((profiles, _fillProfile), (phases, _fillPhase)):
        wanted = [drawn for drawn in found if not sessions or drawn.entities.get("session") in sessions]
        cases += _cases([_filled(drawn, fill) for drawn in wanted])
    if not cases:
        raise InputError(_nothingDrawn(folder, files))
    drawnOn = {id(one) for drawn in (*profiles, *phases) for one in drawn.series}
    idle = sum(id(one) not in drawnOn for one in series)
    logger.info("exams with drawings: %d; images without: %d", len(cases), idle)
    return _inOrder(cases)


def _isContour(file: DatasetFile) -> bool:
    return (file.entities["suffix"], file.entities["extension"]) == CONTOUR


def _isNamed(file: DatasetFile, desc: str) -> bool:
    return not _isContour(file) and file.entities.get("desc") == desc


def _magnitudes(one: Series) -> list[DatasetFile]:
    isProcessed = one.files[0].entities["suffix"] in ("swi", "SWI")
    return one.ofPart("mag") or ([] if isProcessed else one.ofPart(None))


def _checkLabels(folder: Path, files: DatasetFiles, subjects: Collection[str], sessions: Collection[str]) -> None:
    for name, wanted, prefix in (("subject", subjects, "sub-"), ("session", sessions, "ses-")):
        known = {file.entities.get(name) for file in (*files.images, *files.drawings)}
        missing = next((label for label in wanted if label not in known), None)
        if missing is not None:
            raise InputError(
                f"Dataset '{folder}' has no images or drawings of {prefix}{missing}; expected a label that it has; "
                "correct it."
            )
    for path in files.skipped:
        logger.warning("'%s' has no dataset_description.json and was left out; add one if it holds drawings", path)


def _nothingDrawn(folder: Path, files: DatasetFiles) -> str:
    found = f"{len(files.images)} gradient-echo images, but no drawings of them" if files.images else "no images"
    skipped = f", and {len(files.skipped)} derivatives without dataset_description.json" if files.skipped else ""
    return (
        f"Dataset '{folder}' has {found}{skipped}; expected {', '.join(MAGNITUDE_SUFFIXES)} images, and derivatives "
        f"with {_EXAMPLES['contours']} and {_EXAMPLES[REFERENCES]}, or {_EXAMPLES[REGIONS]}; name them so, or give "
        "--derivatives."
    )


def _inOrder(cases: Sequence[Case]) -> list[Case]:
    from bids.utils import natural_sort

    return withoutRepeats(natural_sort(natural_sort(cases, "exam"), "subject"))


# Cases -----------------------------------------------------------------------------------------------------------


def _filled(drawn: Drawn, fill) -> _Entry:
    entry = _Entry(drawn)
    try:
        fill(entry.values, drawn)
    except InputError as error:
        entry.problem = str(error)
    return entry


def _cases(entries: Sequence[_Entry]) -> list[Case]:
    """The exam is the session's label, and what its images differ in where it has several."""
    from bids.layout.writing import build_path

    ofSession = defaultdict(list)
    for entry in entries:
        entities = entry.drawn.entities
        ofSession[entities["subject"], entities.get("session")].append(entities)
    cases = []
    for entry in entries:
        entities = entry.drawn.entities
        alike = ofSession[entities["subject"], entities.get("session")]
        differing = {
            name: entities[name]
            for name in (*SERIES, "echo")
            if name in entities and any(other.get(name) != entities[name] for other in alike)
        }
        exam = build_path({"exam": entities.get("session", "1"), **differing}, [_EXAM])
        source, place = (build_path(entities, [pattern]) for pattern in (_SOURCE, _PLACE))
        cases.append(Case(entities["subject"], exam, entry.values, source, entry.problem, place))
    return cases


def _theSeries(drawn: Drawn) -> Series:
    """The one image of drawings.

    :raises InputError: none or several.
    """
    drawing, series = drawn.vague[0] if drawn.vague else (drawn.drawings[0], drawn.series)
    if not series:
        raise InputError(
            f"'{drawing.relative}' is drawn, but the dataset has no image for it; expected one of its subject, "
            "session, acq and run; add the image, or correct the name."
        )
    if len(series) > 1:
        names = ", ".join(one.files[0].path.name for one in series[:3]) + (", ..." if len(series) > 3 else "")
        raise InputError(
            f"'{drawing.relative}' fits {len(series)} images ({names}); expected one; add acq or run to its name as "
            "the image has it, or choose with --image-suffix."
        )
    return series[0]


def _onlyOne(files: Sequence[DatasetFile], expected: str) -> DatasetFile:
    if len(files) > 1:
        raise InputError(
            f"'{files[0].path}' and '{files[1].path}' are both there; expected {expected}; join them or remove one, or "
            "choose with --derivatives."
        )
    return files[0]


def _checkUsable(files: Iterable[DatasetFile]) -> None:
    """:raises InputError: a link to nothing, a sidecar that cannot be read, a name that a case list cannot hold."""
    for file in files:
        if not file.isFetched:
            raise InputError(
                f"'{file.relative}' is not fetched, it is a link to nothing; expected the file itself; run datalad get."
            )
        if file.problem:
            raise InputError(file.problem)
        if PATH_SEPARATOR in str(file.path):
            raise InputError(f"'{file.path}' has '{PATH_SEPARATOR}' in its name; expected none; rename it.")


def _number(file: DatasetFile, name: str) -> float | None:
    """A field of the metadata.

    :raises InputError: what is no number.
    """
    value = file.metadata.get(name)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0):
        return value
    raise InputError(f"'{file.relative}' has {name} {value!r}; expected a number above 0; correct its sidecar.")


def _echoTimeMs(file: DatasetFile) -> float | None:
    echoTimeS = _number(file, "EchoTime")
    if echoTimeS is not None and echoTimeS > 1:
        raise InputError(
            f"'{file.relative}' has the EchoTime {echoTimeS:g}; expected seconds, as 0.019; correct its sidecar."
        )
    return None if echoTimeS is None else 1e3 * echoTimeS


def _echo(file: DatasetFile) -> int:
    return int(file.entities.get("echo", 0))


def _byEcho(files: Iterable[DatasetFile]) -> dict[int, DatasetFile]:
    """In order; 0 where no echo is named.

    :raises InputError: two files of one echo.
    """
    groups = defaultdict(list)
    for file in files:
        groups[_echo(file)].append(file)
    return {echo: _onlyOne(groups[echo], "one image of an echo") for echo in sorted(groups)}


# Profile ---------------------------------------------------------------------------------------------------------


def _fillProfile(values: dict[str, str], drawn: Drawn) -> None:
    contours = [file for file in drawn.drawings if _isContour(file)]
    references = [file for file in drawn.drawings if not _isContour(file)]
    if contours:
        values["contours"] = PATH_SEPARATOR.join(str(file.path) for file in contours)  # until their targets are known
        _checkUsable(contours)
        pairs = sorted(((_slug(file), file) for file in contours), key=_contourOrder)
        values["contours"] = PATH_SEPARATOR.join(f"{slug}={file.path}" for slug, file in pairs)
    if references:
        values["references"] = str(references[0].path)
    one = _theSeries(drawn)
    images = list(_byEcho(_magnitudes(one)).values())
    _checkUsable(images)
    values["image"] = PATH_SEPARATOR.join(str(file.path) for file in images)
    _fillEchoTimes(values, images)
    for files, what, other in ((contours, "contours", references), (references, REFERENCES, contours)):
        if not files:
            raise InputError(
                f"'{other[0].relative}' has no {what} beside it; expected {_EXAMPLES[what]} of its subject, session, "
                "acq and run; add them."
            )
    readers = {file.dataset: file for file in contours}
    _onlyOne(list(readers.values()), "the contours of an exam in one derivative")
    _checkUsable([_onlyOne(references, "one segmentation of references")])


def _contourOrder(pair: tuple[str, DatasetFile]):
    slug, file = pair
    return (_SLUGS.index(slug) if slug in _SLUGS else len(_SLUGS), slug, file.relative)


def _slug(contour: DatasetFile) -> str:
    """Target of a contour: `hemi-L_label-handKnob` is hand_knob_left."""
    label = str(contour.entities.get("label", ""))
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\+", "_", label).lower()
    side = _SIDES.get(str(contour.entities.get("hemi")), "")
    if not words or (words in _PAIRED and not side):
        raise InputError(
            f"'{contour.relative}' names no target; expected hemi and label, as {_EXAMPLES['contours']}; rename it."
        )
    return target(f"{words}_{side}" if side else words).slug


def _fillEchoTimes(values: dict[str, str], images: Sequence[DatasetFile]) -> None:
    several = images[0].metadata.get("EchoTime")
    if len(images) == 1 and isinstance(several, list):  # one 4D file
        times = [_echoTimeMs(replace(images[0], metadata={"EchoTime": time})) for time in several]
    else:
        times = [_echoTimeMs(file) for file in images]
    unknown = [file for file, time in zip(images, times, strict=False) if time is None]
    if unknown and len(images) > 1:
        raise InputError(
            f"'{unknown[0].relative}' has no EchoTime; expected one for each of {len(images)} echoes, s; add it to its "
            "sidecar."
        )
    if times and not unknown:
        values["echo_times_ms"] = " ".join(map(formatNumber, times))


# Phase -----------------------------------------------------------------------------------------------------------


def _fillPhase(values: dict[str, str], drawn: Drawn) -> None:
    values["regions"] = str(drawn.drawings[0].path)
    one = _theSeries(drawn)
    parts = {part: _byEcho(one.ofPart(part)) for part in ("phase", "real", "imag")}
    magnitudes = _byEcho(_magnitudes(one))
    images = parts["phase"] or {echo: file for echo, file in parts["real"].items() if echo in parts["imag"]}
    if not images:
        raise InputError(
            f"'{one.files[0].relative}' has real or imaginary images alone; expected part-phase, or part-real with "
            "part-imag; add them."
        )
    echo = _chosenEcho(images, drawn.echo)
    used = {"phase": images[echo]} if parts["phase"] else {"real": images[echo], "imaginary": parts["imag"][echo]}
    if echo in magnitudes:
        used["magnitude"] = magnitudes[echo]
    values.update({name: str(file.path) for name, file in used.items()})
    _checkUsable([*used.values(), _onlyOne(drawn.drawings, "one segmentation of regions, of both sides")])
    first = images[echo]
    # Not "bids": the command looks beside the image only, and the field may be inherited.
    encoding = BIDS_UNITS.get(str(first.metadata.get("Units")).lower())
    if parts["phase"] and encoding:
        values["encoding"] = encoding
    for name, value in (
        ("echo_time_ms", _echoTimeMs(first)),
        ("field_strength_t", _number(first, "MagneticFieldStrength")),
    ):
        if value is not None:
            values[name] = formatNumber(value)


def _chosenEcho(images: dict[int, DatasetFile], asked: int | None) -> int:
    if asked is not None:
        if asked not in images:
            known = ", ".join(str(echo) for echo in images if echo) or "none that is numbered"
            raise InputError(
                f"The regions are of echo {asked}, the phase images have {known}; expected one of these; rename the "
                "regions."
            )
        return asked
    if len(images) == 1:
        return next(iter(images))
    times = {echo: _echoTimeMs(file) for echo, file in images.items()}
    unknown = [images[echo] for echo, time in times.items() if time is None]
    if unknown:
        raise InputError(
            f"'{unknown[0].relative}' has no EchoTime; expected one to choose among {len(images)} echoes; add it to "
            "its sidecar, or echo to the name of the regions."
        )
    return min(times, key=lambda echo: abs(times[echo] - PREFERRED_ECHO_MS))
