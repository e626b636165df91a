"""Damaged input: files of every format the commands read, ways to damage them, and what becomes of a command.

A crash of VTK or ITK ends the process, so commands run in children: one dead child is one finding.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import shutil
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

MEASURED, REFUSED = "measured", "refused"
CRASH, HANG, INTERNAL, UNCLEAR, MEMORY = "crash", "hang", "internal problem", "unclear", "memory"
GOOD = (MEASURED, REFUSED)
OUTCOMES = (*GOOD, CRASH, HANG, INTERNAL, UNCLEAR, MEMORY)
MOST_SECONDS, MOST_BYTES = 10, 2 << 30
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
STUDY = ("--resamples", 100, "--permutations", 100, "--no-figures", "--no-patients")


@dataclass(frozen=True)
class Original:
    """:param damaged: the file that is damaged, below the folder. arguments: "{}" stands for the folder."""

    format: str
    damaged: str
    arguments: tuple


@dataclass(frozen=True)
class Change:
    """:param kind: of KINDS. where: share of the file, 0 to 1. size: of what is cut or repeated, or which value."""

    kind: str
    where: float
    size: int


@dataclass(frozen=True)
class Job:
    folder: str  # of the originals
    original: Original
    changes: tuple[Change, ...] = ()
    content: bytes | None = None  # of the damaged file, instead of changes


# Originals ------------------------------------------------------------------------------------------------------


def makeOriginals(folder: Path) -> list[Original]:
    """Write a small exam of each kind, and a study, in every format."""
    folder = Path(folder)
    return [*_profileOriginals(folder), *_phaseOriginals(folder), *_studyOriginals(folder)]


def _profileOriginals(folder: Path) -> list[Original]:
    import SimpleITK as sitk
    from ALSCortexProfileLib import mrml
    from ALSStudyLib.mrmlFiles import HeadlessScene, saveScene
    from ALSStudyLib.mrmlNodes import addVolumeNode
    from ALSStudyLib.mrmlSegments import addSegmentationNode
    from ALSStudyLib.referenceRange import ReferenceRange
    from alsTestCases import BAND, QUICK, renderedArc
    from commandTestCases import writeImage, writeNode

    made = renderedArc(BAND, snr=60.0, radiusMm=9.0, arcMm=9.0, spacingMm=0.5)
    images = {"image.nii": np.int16, "image.nii.gz": np.float32, "image.nrrd": np.int16, "image.mha": np.int16}
    for name, kind in images.items():
        writeImage(folder / name, made.array_KJI.astype(kind), made.ijkToRAS)
    raw = sitk.ImageFileWriter()
    raw.SetFileName(str(folder / "raw.nrrd"))
    raw.Execute(sitk.ReadImage(str(folder / "image.nrrd")))
    headless = HeadlessScene()
    image = addVolumeNode(headless.scene, made.array_KJI, made.ijkToRAS, "image")
    line = mrml.addCurveNode(headless.scene, made.contours[0][2], "line", "hand_knob_left")
    writeNode(headless.scene, line, folder / "line.mrk.json")
    references = addSegmentationNode(headless.scene, made.referenceMasks, image, "References")
    writeNode(headless.scene, references, folder / "references.seg.nrrd")
    mrml.storeCase(headless.scene, mrml.CaseNodes((image,), (line,), references, "P1", "1", QUICK))
    saveScene(headless.scene, folder / "scene.mrb")
    with zipfile.ZipFile(folder / "scene.mrb") as bundle:
        bundle.extractall(folder / "unpacked")
    (scene,) = (folder / "unpacked").rglob("*.mrml")
    about = {"kind": "profile", "measure": "sh_thk_per_mm", "region": "hand_knob", "side": "left"}
    values = [0.02 + 0.002 * index for index in range(12)]
    found = ReferenceRange.fromControls(values, [40 + 3 * (7 * index % 12) for index in range(12)], 10, None, about)
    (folder / "ranges.json").write_text(json.dumps({"ranges": [found.toDict()]}), encoding="utf-8")
    (folder / "people.tsv").write_text("participant_id\tgroup\tage_years\tsex\nP1\tals\t61\tF\n", encoding="utf-8")

    def profile(format, damaged, image="image.nrrd", *more):
        files = ("--image", f"{{}}/{image}", "--contour", "hand_knob_left={}/line.mrk.json")
        files += ("--references", "{}/references.seg.nrrd", "--resamples", 0, "--no-figures", "--no-scene")
        return Original(format, damaged, ("profile", *files, "--subject", "P1", *more))

    ranges = ("--reference-ranges", "{}/ranges.json", "--participants", "{}/people.tsv")
    rerun = scene.relative_to(folder).as_posix()
    return [
        *(profile(format, name, name) for name, format in zip(images, ("nii", "nii.gz", "nrrd", "mha"), strict=True)),
        profile("seg.nrrd", "references.seg.nrrd"),
        profile("mrk.json", "line.mrk.json"),
        profile("reference_ranges.json", "ranges.json", "image.nrrd", *ranges),
        Original("mrb", "scene.mrb", ("rerun", "{}/scene.mrb", "--no-figures")),
        Original("mrml", rerun, ("rerun", f"{{}}/{rerun}", "--no-figures")),
    ]


def writeDicomExam(folder: Path, **changes) -> Path:
    """A folder `dicom` with three slices of phase, and Regions.seg.nrrd; changes: keywords of each slice."""
    import pydicom
    from ALSStudyLib.mrmlFiles import HeadlessScene
    from ALSStudyLib.mrmlNodes import addVolumeNode
    from commandTestCases import writeNode
    from dicomTestCases import sliceDataset
    from PhaseShiftROILib import mrml
    from PhaseShiftROILib.dicomFiles import readDicom

    stored_KJI = np.random.default_rng(3).integers(1900, 2100, (3, 24, 24)).astype(np.uint16)
    (folder / "dicom").mkdir()
    changes = {"MagneticFieldStrength": "3", "RescaleSlope": "2", "RescaleIntercept": "-4096", **changes}
    for k, stored_JI in enumerate(stored_KJI):
        pydicom.dcmwrite(folder / "dicom" / f"{k}.dcm", sliceDataset(stored_JI, k, **changes), enforce_file_format=True)
    (volume,) = readDicom(folder / "dicom")
    headless = HeadlessScene()
    grid = addVolumeNode(headless.scene, volume.values_KJI, volume.ijkToRAS, "grid")
    mask = np.zeros(stored_KJI.shape, bool)
    mask[1:, 8:13, 8:13] = True
    regions = mrml.addRegionsNode(headless.scene, {"putamen_left": mask}, grid)
    writeNode(headless.scene, regions, folder / "Regions.seg.nrrd")
    return folder / "dicom"


def _packDicom(source: Path, target: Path) -> None:
    """The same slices as lossless JPEG, which only GDCM reads."""
    import pydicom
    import SimpleITK as sitk

    target.mkdir()
    writer = sitk.ImageFileWriter()
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    for file in source.iterdir():
        dataset, packed = pydicom.dcmread(file), target / file.name
        writer.SetFileName(str(packed))
        writer.Execute(sitk.GetImageFromArray(dataset.pixel_array[None]))
        found = pydicom.dcmread(packed)
        dataset["PixelData"] = found["PixelData"]
        dataset.file_meta.TransferSyntaxUID = found.file_meta.TransferSyntaxUID
        pydicom.dcmwrite(packed, dataset, enforce_file_format=True)


def _phaseOriginals(folder: Path) -> list[Original]:
    from commandTestCases import writeImage
    from PhaseShiftROILib.dicomFiles import readDicom

    (volume,) = readDicom(writeDicomExam(folder))
    _packDicom(folder / "dicom", folder / "packed")
    writeImage(folder / "phase.nii", volume.values_KJI * np.float32(np.pi / 4096), volume.ijkToRAS)
    sidecar = {"Units": "rad", "EchoTime": 0.02, "MagneticFieldStrength": 3, "Manufacturer": "Siemens"}
    (folder / "phase.json").write_text(json.dumps(sidecar, indent=2), encoding="utf-8")

    def phase(format, damaged, *image):
        common = ("--filter", "none", "--polarity", "paramagnetic_negative", "--regions", "{}/Regions.seg.nrrd")
        return Original(format, damaged, ("phase", *image, *common, "--subject", "P1", "--no-figures", "--no-scene"))

    return [
        phase("sidecar json", "phase.json", "--phase", "{}/phase.nii", "--encoding", "bids"),
        phase("DICOM", "dicom/1.dcm", "--phase", "{}/dicom", "--encoding", "dicom"),
        phase("DICOM, JPEG", "packed/1.dcm", "--phase", "{}/packed", "--encoding", "dicom"),
    ]


def _studyOriginals(folder: Path) -> list[Original]:
    rng = np.random.default_rng(5)
    people = ["participant_id\tgroup\tage_years\tsex\tumn_arm_left\tumn_total"]
    measured = ["subject\texam\treader\ttarget\tside\tstatus\tsh_thk_per_mm\tthickness_mm"]
    read = ["subject\texam\treader\tsession\ttarget\treading\tscore"]
    for number in range(12):
        group, more = ("als", 0.08) if number % 2 else ("control", 0.0)
        people.append(f"sub-{number:02d}\t{group}\t{40 + 2 * number}\t{'FM'[number % 3 == 0]}\t{number % 8}\t{number}")
        for target in ("hand_knob", "leg_area"):
            value = 0.1 + more + 0.03 * rng.standard_normal()
            measured.append(f"sub-{number:02d}\t1\tA\t{target}\tleft\tok\t{value:.5g}\t{2 + 0.1 * number:.3g}")
            for reader in "AB":
                read.append(f"sub-{number:02d}\t1\t{reader}\t1\t{target}\t{'pathologic' if more else 'normal'}\t2")
    for name, lines in (("participants", people), ("measured", measured), ("readings", read)):
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = {"settings": {"interpolation": "cubic"}, "echoes": {"combination": "mean"}, "phase": {"echo_time_ms": 20}}
    (folder / "provenance.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    tables = ("--measurements", "{}/measured.tsv", "--participants", "{}/participants.tsv")
    arguments = ("study", *tables, "--readings", "{}/readings.tsv", *STUDY)
    return [
        *(Original("tsv", f"{name}.tsv", arguments) for name in ("participants", "measured", "readings")),
        Original("provenance.json", "provenance.json", arguments),
    ]


# Damage ---------------------------------------------------------------------------------------------------------

KINDS = ("truncate", "flip", "overwrite", "cut", "repeat", "move", "erase", "field", "field", "field", "head")
INSIDE = "inside "  # of what is compressed
NUMBERS = ("0", "-1", "1", "2", "7", "65535", "100000", "2147483648", "99999999999999999999", "1e308", "-1e308")
NUMBERS += ("1e999", "1e-320", "nan", "-inf", "NaN", "0.5", "0x10", "1,5", "--1", "")
VALUES = (*NUMBERS, "null", "true", "[]", "{}", '""', '"x"', "[[]]", '"../../x"', '"' + "x" * 5000 + '"', "[" * 3000)
VALUES += ("\ud7ff", "\0", "Infinity", "1e5000", "9" * 5000, "\n", "\t", '"', "=1+1")
TEXT_VALUES = {"json": rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null', "text": rb"-?\d[\d.eE+-]*|[A-Za-z_]{2,}"}
NIFTI_FIELDS = (
    *((40 + 2 * index, "h") for index in range(8)),
    *((offset, "h") for offset in (68, 70, 72, 74, 252, 254)),
    *((76 + 4 * index, "f") for index in range(8)),
    *((offset, "f") for offset in (108, 112, 116, 124, 128, 256, 260, 264, 268, 272, 276)),
    *((280 + 4 * index, "f") for index in range(12)),
    (0, "i"),
    (123, "b"),
    (344, "i"),
)
HOSTILE = {
    "h": (0, -1, 1, 2, 3, 4, 5, 7, 8, 16, 64, 128, 511, 1024, 1792, 32767, -32768),
    "i": (0, -1, 540, 2**31 - 1),
    "b": (0, -1, 127, 2),
    "f": (0.0, -1.0, 1e-40, 1e38, -1e38, float("nan"), float("inf"), 1e-6, 352.5, -0.0, 1e9),
}


def changed(content: bytes, changes: Iterable[Change], name: str) -> bytes:
    """The content of a file after some changes."""
    for change in changes:
        content = _changed(content, change, name)
    return content


def _changed(content: bytes, change: Change, name: str) -> bytes:
    if change.kind.startswith(INSIDE):
        return _inside(content, replace(change, kind=change.kind.removeprefix(INSIDE)), name)
    at, size = int(change.where * max(len(content) - 1, 0)), change.size
    few = 1 + size % 97
    if change.kind == "head":  # what says how to read the rest
        at = int(change.where * min(len(content) - 1, 700))
        return content[:at] + bytes([size % 256]) + content[at + 1 :]
    if change.kind == "truncate":
        return content[:at]
    if change.kind == "flip":
        return content[:at] + bytes(byte ^ (1 << size % 8) for byte in content[at : at + 1]) + content[at + 1 :]
    if change.kind == "overwrite":
        return content[:at] + random.Random(size).randbytes(few) + content[at + few :]
    if change.kind == "cut":
        return content[:at] + content[at + few :]
    if change.kind == "repeat":
        return content[: at + few] + content[at : at + few] * (1 + size % 3) + content[at + few :]
    if change.kind == "move":
        to = size % max(len(content), 1)
        return content[:to] + content[at : at + few] + content[to + few :]
    if change.kind == "erase":
        return content[:at] + bytes(len(content[at : at + few])) + content[at + few :]
    return _withField(content, change, name)


def _withField(content: bytes, change: Change, name: str) -> bytes:
    """Another value, perhaps an impossible one, in a field of the header or text."""
    if name.endswith(".nii"):
        offset, kind = NIFTI_FIELDS[int(change.where * (len(NIFTI_FIELDS) - 1))]
        value = struct.pack("<" + kind, HOSTILE[kind][change.size % len(HOSTILE[kind])])
        return content[:offset] + value + content[offset + len(value) :]
    if name.endswith(".dcm"):
        return _withElement(content, change)
    head, separator, rest = content, b"", b""
    if name.endswith(".nrrd"):
        head, separator, rest = content.partition(b"\n\n")
    elif name.endswith(".mha"):
        head, separator, rest = content.partition(b"LOCAL\n")
    found = list(re.finditer(TEXT_VALUES["json" if name.endswith("json") else "text"], head))
    if not found:
        return content
    one = found[int(change.where * (len(found) - 1))]
    value = VALUES[change.size % len(VALUES)].encode("utf-8", "surrogatepass")
    return head[: one.start()] + value + head[one.end() :] + separator + rest


def _withElement(content: bytes, change: Change) -> bytes:
    """A DICOM element (explicit, little endian) with other bytes, or with another length."""
    found, at = [], 132
    while at + 8 <= len(content):
        isLong = content[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        start = at + (12 if isLong else 8)
        (length,) = struct.unpack_from("<I" if isLong else "<H", content, at + (8 if isLong else 6))
        found.append((start, min(length, 64)))
        at = start + length
    if not found:
        return content
    start, length = found[int(change.where * (len(found) - 1))]
    choice = change.size % (len(NUMBERS) + 4)
    if choice >= len(NUMBERS):  # the length, or what kind of value it is
        at = start - (2 if choice % 2 else 4)
        return content[:at] + struct.pack("<H", (0, 65535, 0x5153, 7)[choice % 4]) + content[at + 2 :]
    value = NUMBERS[choice].encode()[:length].ljust(length) if change.size % 5 else bytes([change.size % 256]) * length
    return content[:start] + value + content[start + length :]


def _inside(content: bytes, change: Change, name: str) -> bytes:
    """A change of what a .gz, .mrb or compressed .nrrd holds."""
    try:
        if name.endswith(".gz"):
            return gzip.compress(_changed(gzip.decompress(content), change, name[:-3]), 1)
        if name.endswith(".mrb"):
            return _insideZip(content, change)
        if name.endswith(".nrrd") and b"encoding: gzip" in content[:2000]:
            head, separator, data = content.partition(b"\n\n")
            return head + separator + gzip.compress(_changed(gzip.decompress(data), change, "data"), 1)
    except (OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError, NotImplementedError, zlib.error):
        return content  # an earlier change broke it
    return _changed(content, change, name)


def _insideZip(content: bytes, change: Change) -> bytes:
    source = zipfile.ZipFile(io.BytesIO(content))
    names = [name for name in source.namelist() if name.endswith((".mrml", ".nrrd", ".json", ".tsv"))]
    if not names:
        return content
    names += [name for name in names if name.endswith(".mrml")] * 2
    chosen, target = names[change.size % len(names)], io.BytesIO()
    kind = INSIDE + change.kind if chosen.endswith(".nrrd") and change.size % 2 else change.kind
    with zipfile.ZipFile(target, "w") as written:
        for name in source.namelist():
            held = source.read(name)
            written.writestr(name, _changed(held, replace(change, kind=kind), name) if name == chosen else held)
    return target.getvalue()


def drawnChanges(rng: random.Random, name: str) -> tuple[Change, ...]:
    """One to three changes, more often of what decides how a file is read."""
    isPacked = name.endswith((".gz", ".mrb", ".nrrd"))
    changes = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        prefix = INSIDE if isPacked and rng.random() < 0.6 else ""
        changes.append(Change(prefix + rng.choice(KINDS), rng.random(), rng.randrange(1 << 20)))
    return tuple(changes)


# Outcomes -------------------------------------------------------------------------------------------------------


def _limitMemory() -> None:
    """A child may take 2 GB beyond what it has; what wants more fails there, instead of the machine."""
    from ALSStudyLib.mrmlFiles import HeadlessScene

    HeadlessScene()  # everything that is imported
    if sys.platform.startswith("linux"):
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (used + MOST_BYTES, used + MOST_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outcome(job: Job) -> tuple[str, str, float]:
    """What a command makes of a damaged file, in this process: outcome, what it printed on stderr, seconds."""
    from commandTestCases import call

    with _damagedCopy(job) as folder:
        arguments = [
            argument.format(folder) if isinstance(argument, str) else argument for argument in job.original.arguments
        ]
        began = time.process_time()  # a busy machine is no hang
        done = call(*arguments, "--output", folder / "out")
        seconds = time.process_time() - began
        written = (folder / "out").exists()
    return (_judged(done, written, seconds), done.stderr.replace(str(folder), "DIR"), seconds)


@contextmanager
def _damagedCopy(job: Job) -> Iterator[Path]:
    """A folder with the originals, one of them damaged."""
    name, source = job.original.damaged, Path(job.folder)
    with tempfile.TemporaryDirectory(prefix="alsDamaged", dir=IN_MEMORY) as made:
        folder = Path(made)
        wanted = {part for argument in job.original.arguments for part in re.findall(r"\{\}/([^/]+)", str(argument))}
        wanted.add(name.split("/")[0])
        if "phase.nii" in wanted:
            wanted.add("phase.json")
        if "measured.tsv" in wanted:
            wanted.add("provenance.json")
        for top in wanted:
            copy = shutil.copytree if (source / top).is_dir() else shutil.copyfile
            copy(source / top, folder / top)
        content = job.content
        if content is None:
            content = changed((source / name).read_bytes(), job.changes, name)
        (folder / name).write_bytes(content)
        yield folder


def _judged(done, written: bool, seconds: float) -> str:
    lines = done.stderr.strip().splitlines()
    if seconds > MOST_SECONDS:
        return HANG
    if done.returncode == 0:
        return MEASURED if written and not lines else UNCLEAR
    if "does not fit into memory" in done.stderr:
        return MEMORY
    if done.returncode == 2 and len(lines) == 1 and "expected" in lines[0] and not written:
        return REFUSED
    return INTERNAL if done.returncode == 1 else UNCLEAR


@contextmanager
def damagePool(workers: int = 2) -> Iterator[Callable[[Sequence[Job]], list[tuple[str, str]]]]:
    """A function to the outcome of each job, and what it said; a child that dies or does not end costs one job."""
    from pebble import ProcessPool

    with ProcessPool(workers, max_tasks=2000, initializer=_limitMemory, context=get_context("spawn")) as pool:
        yield lambda jobs: _outcomes(pool, jobs)
        pool.stop()


def _outcomes(pool, jobs: Sequence[Job]) -> list[tuple[str, str]]:
    from pebble import ProcessExpired

    # Starting a child takes its share of the time, and machines are busy.
    futures = [pool.schedule(outcome, args=[job], timeout=6 * MOST_SECONDS) for job in jobs]
    found = []
    for future in futures:
        try:
            found.append(future.result()[:2])
        except Late:
            found.append((HANG, ""))
        except ProcessExpired as error:
            found.append((CRASH, str(error)))
        except Exception as error:  # of the command, beyond its own last resort
            found.append((INTERNAL, f"{type(error).__name__}: {error}"))
    return found
