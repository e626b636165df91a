"""Measurements as a DICOM structured report (TID 1500), for the archive beside the images.

Each row of a result table is a measurement group (TID 1501) with finding site and laterality, algorithm, status, and
numbers in coded units. An interval is given twice below its number: as DICOM's ranges of uncertainty (TID 310), and as
the limits themselves. What could not be measured has no number but DICOM's reason (CID 42) and the status.
The report needs images to refer to: the source series, or a picture, which becomes a secondary capture beside it.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from .errors import InputError
from .provenance import DISCLAIMER, VERSION
from .report import pictureSize
from .reportWords import number, text
from . import structuredCodes as sc

REPORT_NAME, CAPTURE_NAME = "structured_report.dcm", "secondary_capture.dcm"
MANUFACTURER = "ALSMotorCortex contributors"
SERIES_DESCRIPTION = "ALSMotorCortex: research use; supportive, not diagnostic"
_LONGEST_ID, _LONGEST_EXAM, _LONGEST_PARAMETER = 64, 16, 1000
_REPORT_SERIES, _CAPTURE_SERIES = 9801, 9802
_UTF8 = "ISO_IR 192"


def writeStructuredReport(
    folder: Path,
    kind: str,
    subject: str,
    exam: str,
    measurements: Sequence[Mapping],
    participant: Mapping | None = None,
    picture: Path | None = None,
    sourceDicom: Sequence[Path] = (),
    provenance: Mapping | None = None,
) -> list[Path]:
    """Write `structured_report.dcm`, and `secondary_capture.dcm` if there is a picture; returns their paths.

    :param kind: "profile" or "phase". measurements: rows of profile_measurements.tsv or phase_measurements.tsv.
    :param participant: sex, age_years; only for a report without source images, whose patient is taken over else.
    :param sourceDicom: files of the images measured, all of one study.
    :param provenance: content of provenance.json; its settings become the algorithm's parameters.
    :raises InputError: neither picture nor source images, or something that DICOM cannot hold.
    """
    _checkText(kind, subject, exam)
    if not measurements:
        raise InputError(f"The report of '{subject}' has no measurements; expected at least one; measure first.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom quotes values, such as names, that are none of their kind
        sources = _readSources(sourceDicom)
    if picture is None and not sources:
        raise InputError(
            "The structured report has no image to refer to; expected the source DICOM series or a picture; give one."
        )
    evidence = list(sources)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(person name|PersonName|VR of PN|single-component).*")
        warnings.filterwarnings("ignore", module="pydicom")
        capture = None
        if picture is not None:
            capture = _capture(Path(picture), subject, exam, participant or {}, sources[0] if sources else None)
            evidence.append(capture)
        report = _report(kind, subject, exam, measurements, evidence, capture, provenance or {})
        if not sources:
            _setAge(report, participant or {})
    folder = Path(folder)
    written = [(REPORT_NAME, report)] + ([(CAPTURE_NAME, capture)] if capture is not None else [])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, dataset in written:
            dataset.SpecificCharacterSet = _UTF8
            dataset.save_as(folder / name)
    except OSError as error:
        raise InputError(
            f"The structured report cannot be written to '{folder}' ({error.strerror or error}); expected a writable "
            "folder; choose another."
        ) from error
    return [folder / name for name, _dataset in written]


def _checkText(kind: str, subject: str, exam: str) -> None:
    if kind not in sc.QUANTITIES:
        raise InputError(f"The report's kind is '{kind}'; expected {' or '.join(sc.QUANTITIES)}; choose one.")
    for what, value, longest in (("subject", subject, _LONGEST_ID), ("exam", exam, _LONGEST_EXAM)):
        if (
            (what == "subject" and not (value or "").strip())
            or len(value) > longest
            or not set(value).isdisjoint("\\\n\r")
        ):
            raise InputError(
                f"The report's {what} is '{value}'; expected 1 to {longest} characters without a backslash, as DICOM "
                "can hold; correct it."
            )


# Evidence


def _readSources(paths: Sequence[Path]) -> list:
    """Headers of the source images, the text decoded so that it can be written again in another encoding."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    sources = []
    for path in paths:
        try:
            dataset = dcmread(path, stop_before_pixels=True)
            dataset.decode()
            needed = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Modality")
            missing = [name for name in needed if name not in dataset]
            if missing:
                raise InvalidDicomError(f"no {missing[0]}")
        except (InvalidDicomError, OSError, ValueError, LookupError) as error:
            raise InputError(
                f"File '{path}' is no DICOM image ({type(error).__name__}); expected the images measured; leave it out."
            ) from error
        for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
            if name not in dataset:  # required in any image, but some exports drop them
                setattr(dataset, name, "")
        for name in ("StudyDate", "StudyTime"):
            if name not in dataset:
                setattr(dataset, name, None)
        sources.append(dataset)
    studies = {(dataset.StudyInstanceUID, str(dataset.PatientID)) for dataset in sources}
    if len(studies) > 1:
        raise InputError(
            f"The source images are of {len(studies)} studies or patients; expected one exam of one; give those."
        )
    return list({dataset.SOPInstanceUID: dataset for dataset in sources}.values())


def _capture(picture: Path, subject: str, exam: str, participant: Mapping, source):
    """The picture as a secondary capture, in the study of the source images if there are any."""
    import highdicom as hd
    import numpy as np
    from PIL import Image

    pictureSize(picture)  # raises if it cannot be read
    with Image.open(picture) as opened:
        rgba = opened.convert("RGBA")
    flat = Image.new("RGB", rgba.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    now = datetime.now()
    who = {
        "patient_id": str(source.PatientID) if source is not None else subject,
        "patient_name": source.PatientName if source is not None else _personName(subject),
        "patient_birth_date": source.PatientBirthDate if source is not None else None,
        "patient_sex": (source.PatientSex or None) if source is not None else _sex(participant),
        "accession_number": source.AccessionNumber if source is not None else None,
        "study_id": source.StudyID if source is not None else exam,
        "study_date": source.StudyDate if source is not None else now.date(),
        "study_time": source.StudyTime if source is not None else now.time(),
        "referring_physician_name": source.get("ReferringPhysicianName") if source is not None else None,
    }
    capture = hd.sc.SCImage(
        pixel_array=np.asarray(flat),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),  # asked for by highdicom, taken out below
        study_instance_uid=source.StudyInstanceUID if source is not None else hd.UID(),
        series_instance_uid=hd.UID(),
        series_number=_CAPTURE_SERIES,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        **who,
    )
    # A drawn figure has no orientation in the patient: the attribute is there, and empty.
    capture.PatientOrientation = None
    capture.BodyPartExamined = "BRAIN"  # not one of a pair, so that there is no laterality
    capture.SeriesDescription = SERIES_DESCRIPTION
    capture.BurnedInAnnotation = "YES"  # figures name the subject
    if source is not None and "PatientAge" in source:
        capture.PatientAge = source.PatientAge
    elif source is None:
        _setAge(capture, participant)
    return capture


def _personName(subject: str) -> str:
    """The identifier as family name; the caret ends it, without which the form is an old one."""
    return (" ".join(subject.replace("^", " ").replace("=", " ").split()) or "Unknown") + "^"


def _sex(participant: Mapping) -> str | None:
    return {"f": "F", "m": "M", "o": "O"}.get(text(participant, "sex").lower()[:1])


def _setAge(dataset, participant: Mapping) -> None:
    age = number(participant, "age_years")
    if math.isfinite(age) and 0 <= age < 1000:
        dataset.PatientAge = f"{int(age):03d}Y"


# The report


def _report(kind, subject, exam, measurements, evidence, capture, provenance):
    import highdicom as hd
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=hd.UID(), name="ALSMotorCortex", manufacturer_name=MANUFACTURER, model_name=VERSION
        ),
    )
    algorithm = hd.sr.AlgorithmIdentification(
        f"ALSMotorCortex {kind}", str(provenance.get("version") or VERSION), _parameters(provenance) or None
    )
    groups = [_group(kind, subject, exam, row, capture, algorithm) for row in measurements]

    def content(images):
        return hd.sr.MeasurementReport(
            observation_context=hd.sr.ObservationContext(observer_device_context=device),
            procedure_reported=CodedConcept(*sc.PROCEDURE),
            imaging_measurements=groups,
            referenced_images=images,
        )

    try:
        root = content(evidence)
    except (AttributeError, KeyError):  # multi-frame images have their geometry elsewhere: no library of images
        root = content(None)
    report = hd.sr.ComprehensiveSR(
        evidence=evidence,
        content=root[0],
        series_instance_uid=hd.UID(),
        series_number=_REPORT_SERIES,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="ALSMotorCortex",
        software_versions=VERSION,
        device_serial_number="0",
        is_complete=True,
        series_description=SERIES_DESCRIPTION,
        coding_schemes=[
            CodingSchemeIdentificationItem(
                sc.OWN, name=sc.OWN_NAME, version=VERSION, responsible_organization=MANUFACTURER
            )
        ],
    )
    return report


def _parameters(provenance: Mapping) -> list[str]:
    """Settings as `name=value`, and what the numbers depend on besides."""
    phase = provenance.get("phase") or {}
    more = {name: provenance.get(name) for name in ("polarity", "filter", "echoes", "seed") if provenance.get(name)}
    more |= {name: phase[name] for name in ("encoding", "echo_time_ms", "field_strength_t") if phase.get(name)}
    settings = {**dict(provenance.get("settings") or {}), **more}
    parameters = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in settings.items()
    ]
    parameters += [
        f"input={Path(str(one.get('path'))).name} sha256={one.get('sha256')}" for one in provenance.get("inputs") or []
    ]
    return [parameter[:_LONGEST_PARAMETER] for parameter in parameters]


def _group(kind: str, subject: str, exam: str, row: Mapping, capture, algorithm):
    """TID 1501 of one row."""
    import highdicom as hd
    from highdicom.sr.coding import CodedConcept

    place, side = _place(kind, row)
    status = _status(kind, row)
    rank = text(row, "rank")
    name = " ".join(
        filter(None, (subject, f"exam {exam}" if exam else "", place, side, f"rank {rank}" if rank else ""))
    )
    quantities = [quantity for quantity in sc.QUANTITIES[kind] if math.isfinite(number(row, quantity.column))]
    measurements = [_measurement(quantity, row) for quantity in quantities]
    statusCode = sc.STATUSES.get(status) or (status[:16], sc.OWN, f"Status {status}"[:64])
    evaluations = [hd.sr.QualitativeEvaluation(CodedConcept(*sc.STATUS), CodedConcept(*statusCode))]
    if status != "ok":
        reason = CodedConcept(*sc.REASONS.get(status, sc.FAILURE))
        main = [quantity for quantity in sc.QUANTITIES[kind] if quantity.column in sc.MAIN[kind]]
        evaluations += [hd.sr.QualitativeEvaluation(CodedConcept(*quantity.concept), reason) for quantity in main]
    images = [hd.sr.SourceImageForMeasurementGroup(capture.SOPClassUID, capture.SOPInstanceUID)] if capture else None
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=hd.UID(), identifier=name),
        algorithm_id=algorithm,
        finding_sites=[_site(place, side)],
        measurements=measurements or None,
        qualitative_evaluations=evaluations,
        source_images=images,
    )
    remarks = "; ".join(filter(None, (text(row, "flags").replace(";", "; "), _whichSlices(row), DISCLAIMER)))
    group[0].ContentSequence.append(
        hd.sr.TextContentItem(CodedConcept(*sc.COMMENT), remarks, hd.sr.RelationshipTypeValues.CONTAINS)
    )
    return group


def _whichSlices(row: Mapping) -> str:
    parts = (("slices", text(row, "slices")), ("slice rule", text(row, "rule")))
    return "; ".join(f"{label} {value}" for label, value in parts if value)


def _place(kind: str, row: Mapping) -> tuple[str, str]:
    """Place and side; the side of a target without the column is read off its name."""
    place, side = text(row, "target" if kind == "profile" else "region"), text(row, "side")
    stem, _underscore, ending = place.rpartition("_")
    if ending in sc.LATERALITY:
        return stem, side or ending
    return place, side


def _status(kind: str, row: Mapping) -> str:
    if kind == "profile":
        return text(row, "status") or "invalid_input"
    return "ok" if math.isfinite(number(row, "phase_rad")) else "not_measured"


def _site(place: str, side: str):
    import highdicom as hd
    from highdicom.sr.coding import CodedConcept

    modifier = sc.MODIFIERS.get(place)
    if place not in sc.SITES:  # a place of the user's own
        modifier = (place[:16] or "unnamed", sc.OWN, place.replace("_", " ")[:64] or "unnamed")
    return hd.sr.FindingSite(
        anatomic_location=CodedConcept(*sc.SITES.get(place, sc.OTHER_SITE)),
        laterality=CodedConcept(*sc.LATERALITY[side]) if side in sc.LATERALITY else None,
        topographical_modifier=CodedConcept(*modifier) if modifier else None,
    )


def _measurement(quantity: sc.Quantity, row: Mapping):
    """TID 300: the number, and below it its interval."""
    import highdicom as hd
    from highdicom.sr.coding import CodedConcept

    value = number(row, quantity.column)
    unit = CodedConcept(*quantity.unit)
    measurement = hd.sr.Measurement(
        CodedConcept(*quantity.concept),
        value,
        unit,
        derivation=CodedConcept(*quantity.derivation) if quantity.derivation else None,
    )
    low, high = (number(row, f"{quantity.column}_ci_{end}") for end in ("low", "high"))
    if quantity.hasInterval and math.isfinite(low) and math.isfinite(high):
        below = ((sc.UPPER_RANGE, high - value), (sc.LOWER_RANGE, value - low), (sc.CI_LOW, low), (sc.CI_HIGH, high))
        items = [
            hd.sr.NumContentItem(CodedConcept(*concept), limit, unit, relationship_type="HAS PROPERTIES")
            for concept, limit in below
        ]
        if "ContentSequence" not in measurement[0]:
            measurement[0].ContentSequence = hd.sr.ContentSequence()
        measurement[0].ContentSequence.extend(items)
    return measurement
