"""Measured exams of a BIDS dataset as a BIDS derivative: tables beside each other by subject and session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .bidsFiles import DESCRIPTION_NAME
from .errors import InputError
from .jsonText import parsedJson
from .examRecord import OK, columnsOf
from .provenance import DISCLAIMER, VERSION, writeJson
from .tables import Column, openTable, writeTable

BIDS_VERSION = "1.10.0"
NAME = "ALSMotorCortex"
CODE_URL = "https://github.com/ALSMotorCortex/SlicerALSMotorCortex"
SUFFIX = "measures"  # no table of the top folder ends so: its dictionary would be inherited
# BIDS's name: pybids takes a column `subject` in a data dictionary for the entity, and finds it contradicted.
SUBJECT, PARTICIPANT = "subject", Column("participant_id", "Subject identifier, as in participants.tsv", isText=True)
# By table: its `desc`, and what that means.
DESCS = {
    "profile_measurements": ("profile", "SH, thickness, SH/Thk and area of each target"),
    "profiles": ("profileDepths", "Mean profile of each target, by depth, with the fit"),
    "profile_variants": ("profileVariants", "Each target measured in other ways"),
    "phase_measurements": ("phase", "Phase shift of each region in the slices that are kept"),
    "phase_slices": ("phaseSlices", "Phase shift of each region in every slice"),
    "phase_regions": ("phaseRegions", "Mean and extreme of each region over its slices"),
    "phase_wide": ("phaseWide", "Phase shifts in one row, as R1, L1, ..."),
}
# BIDS has no name for tables of measurements of an image, nor for those that gather all exams.
_OTHER_FILES = ("cases.tsv", "cases.json", "provenance.json", "*.jsonl", "exams/")


def checkOutput(folder: Path) -> None:
    """:raises InputError: a folder that is a BIDS dataset already, and not an earlier result."""
    path = folder / DESCRIPTION_NAME
    try:
        generators = parsedJson(path.read_text(encoding="utf-8"))["GeneratedBy"]
        isOwn = generators[0]["Name"] == NAME
    except FileNotFoundError:
        return
    except (ValueError, LookupError, TypeError):
        isOwn = False
    if not isOwn:
        raise InputError(
            f"Output '{folder}' is a BIDS dataset itself; expected a folder of its own for the results; choose "
            "another, as DATASET/derivatives/als-motor-cortex."
        )


def writeDerivatives(folder: Path, records: Iterable[Mapping], dataset: Path) -> None:
    """A table of each kind, with its data dictionary, for every record that has a place and was measured.

    :param records: see `examRecord`. dataset: what was measured.
    """
    columnsByTable = {name: [_renamed(column) for column in columnsOf(name)] for name in DESCS}
    for record in records:
        if not record["place"] or record["status"] != OK:
            continue
        for name, rows in record["tables"].items():
            path = folder / f"{record['place']}_desc-{DESCS[name][0]}_{SUFFIX}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with openTable(path, columnsByTable[name]) as write:
                for subject, *cells in rows:
                    write([f"sub-{subject}", *cells])
    writeJson(folder / DESCRIPTION_NAME, _description(Path(dataset).absolute()))
    _writeDescriptions(folder)
    ignored = [f"{name}{ending}" for name in DESCS for ending in (".tsv", ".json")]
    ignored += [*_OTHER_FILES, f"*_{SUFFIX}.tsv", f"*_{SUFFIX}.json"]
    (folder / ".bidsignore").write_text("\n".join(ignored) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(), encoding="utf-8")


def _renamed(column: Column) -> Column:
    return PARTICIPANT if column.name == SUBJECT else column


def _description(dataset: Path) -> dict:
    raw = parsedJson((dataset / DESCRIPTION_NAME).read_text(encoding="utf-8"))
    generator = {"Name": NAME, "Version": VERSION, "CodeURL": CODE_URL, "Description": DISCLAIMER}
    source = {"URL": dataset.as_uri(), "DOI": raw.get("DatasetDOI"), "Version": raw.get("DatasetVersion")}
    name = str(raw.get("Name") or dataset.name)
    return {
        "Name": f"Motor cortex measurements of {name}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [generator],
        "SourceDatasets": [{key: str(text) for key, text in source.items() if text}],
    }


def _writeDescriptions(folder: Path) -> None:
    columns = (
        Column("desc_id", "Label of the entity desc in names of files", isText=True),
        Column("description", "What such a file holds", isText=True),
    )
    rows = [{"desc_id": f"desc-{desc}", "description": text} for desc, text in DESCS.values()]
    writeTable(folder / "descriptions.tsv", columns, rows)


def _readme() -> str:
    lines = [f"- `desc-{desc}`: {text}." for desc, text in DESCS.values()]
    return (
        "# Motor cortex measurements\n\n"
        f"Made by [ALSMotorCortex]({CODE_URL}) {VERSION}. {DISCLAIMER}\n\n"
        f"Tables of each exam are in its subject's and session's folder, as `..._desc-<label>_{SUFFIX}.tsv` with a "
        "data dictionary (`.json`) beside. `n/a` is a missing value.\n\n" + "\n".join(lines) + "\n\n"
        "The tables in the top folder gather all exams; `cases.tsv` lists every exam with its status and, if it could "
        "not be measured, why; `provenance.json` has the settings, the software and the inputs with their SHA-256. "
        "BIDS has no names for these tables yet, so `.bidsignore` lists them.\n"
    )
