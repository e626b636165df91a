"""Headers of image files, looked at before ITK's readers are.

Those crash at a direction that is no number, take whatever memory a header claims, and print what they think of it.
Only what can be read safely is let through: NIfTI-1, NRRD and MetaImage, with a plausible grid and enough bytes.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import InputError

KINDS = "NIfTI, NRRD or MetaImage"
MOST_HEADER_BYTES = CHUNK_BYTES = 1 << 22
MOST_CHARACTERS = 500  # of a field; the NRRD library writes its complaints into a room of fixed size
MOST_DIMENSIONS = 4
MOST_VOXELS_ASIDE = 1 << 16
MOST_MM = 1e5  # of an origin
SPACINGS_MM = (1e-4, 1e4)
FLATTEST = 1e-3  # determinant of the unit axes
SAME_SPACING = 0.01  # relative, between two places of a header that give it
PACKED = 1100  # zlib makes at most 1032 bytes of one; bzip2 more, of nothing but zeros
PLAIN_FILE = re.compile(r"[^/\\:*?%]+")
NIFTI_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64, 128: 24, 32: 64}
NIFTI_COLOR = {128: 3, 32: 2}
NRRD_BYTES = {
    **dict.fromkeys(("char", "int8"), 1),
    **dict.fromkeys(("short", "int16"), 2),
    **dict.fromkeys(("int", "int32", "float"), 4),
    **dict.fromkeys(("longlong", "int64", "double"), 8),
}
NRRD_FIELDS = (
    "content number type blocksize dimension space spacedimension sizes spacings thicknesses axismins axismaxs "
    "spacedirections centers centerings kinds labels units min max oldmin oldmax endian encoding lineskip byteskip "
    "sampleunits spaceunits spaceorigin measurementframe datafile"
).split()
REPRESENTATIONS = {"Binary labelmap", "Fractional labelmap", "Closed surface", "Planar contour", "Ribbon model"}
META_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 8, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}


@dataclass(frozen=True)
class _Grid:
    """:param axes: (n, n), in mm, one voxel per row, of the dimensions of space."""

    sizes: tuple[int, ...]
    axes: np.ndarray
    origin: np.ndarray
    bytesPerVoxel: int


def checkImageHeader(path: Path, what: str = "Image", expected: str = KINDS) -> None:
    """:raises InputError: another kind of file; a header without sense; fewer bytes than the voxels it claims."""
    try:
        with open(path, "rb") as file:
            head = file.read(MOST_HEADER_BYTES)
        isPacked = head[:2] == b"\x1f\x8b"
        if isPacked:
            unpacker = zlib.decompressobj(wbits=31)
            head = unpacker.decompress(head, 352)
        with np.errstate(all="ignore"):
            _check(path, head, isPacked)
    except (_Implausible, ValueError, OverflowError, KeyError, zlib.error, struct.error) as error:
        found = f" ({error})" if isinstance(error, _Implausible) else ""
        raise InputError(
            f"{what} '{path}' cannot be read as an image{found}; expected {expected}; export it again."
        ) from error


class _Implausible(Exception):
    """What is wrong with a header."""


def _check(path: Path, head: bytes, isPacked: bool) -> None:
    nFile = path.stat().st_size
    order = next((mark for mark in "<>" if head[:4] == struct.pack(mark + "i", 348)), None)
    if order is not None and head[344:348] in (b"n+1\0", b"ni1\0"):
        grid, data, start = *_nifti(path, head, order), 0
    elif isPacked:
        raise _Implausible("its packed content is no NIfTI-1")
    elif head.startswith(b"NRRD000"):
        grid, data, isPacked, start = _nrrd(path, head)
    elif re.match(rb"\s*(ObjectType|Comment|NDims)\s*=", head):
        grid, data, isPacked, start = _metaImage(path, head)
    else:
        raise _Implausible("it is none of the kinds")
    _checkGrid(grid)
    nHeld = (data.stat().st_size if data != path else nFile) - start
    claimed = math.prod(grid.sizes) * grid.bytesPerVoxel
    if claimed > max(nHeld, 0) * (PACKED if isPacked else 1):
        raise _Implausible(f"it is broken off: voxels of {claimed} bytes, a file of {nHeld}")
    if isPacked and order is None:  # packed NIfTI is read through elsewhere
        _checkPacked(data, start, claimed)
    if claimed > _memoryBytes():
        raise _Implausible(f"its voxels of {claimed / 1e9:.0f} GB do not fit into memory")


def _checkPacked(data: Path, start: int, claimed: int) -> None:
    """Read packed voxels to their checksum, which the readers of ITK leave unread: a damaged bit is another voxel."""
    with open(data, "rb") as file:
        file.seek(start)
        block = file.read(CHUNK_BYTES)
        if not block.startswith((b"\x1f\x8b", b"\x78")):
            return  # bzip2, or nothing that will be read
        unpacker, nUnpacked = zlib.decompressobj(wbits=47), 0  # either header
        while block and not unpacker.eof and nUnpacked <= claimed:
            nUnpacked += len(unpacker.decompress(block, CHUNK_BYTES))
            block = unpacker.unconsumed_tail or file.read(CHUNK_BYTES)
    if nUnpacked != claimed or not unpacker.eof:
        raise _Implausible(f"it is broken off or damaged: voxels of {claimed} bytes, {nUnpacked} packed")


def _memoryBytes() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return math.inf


def _checkGrid(grid: _Grid) -> None:
    if not 2 <= len(grid.sizes) <= MOST_DIMENSIONS:
        return  # said by those who ask for 3
    if min(grid.sizes) < 1:
        raise _Implausible(f"its size is {_words(grid.sizes)}")
    spacings = np.linalg.norm(grid.axes, axis=1)
    if not np.isfinite(grid.axes).all() or (spacings < SPACINGS_MM[0]).any() or (spacings > SPACINGS_MM[1]).any():
        raise _Implausible(f"its voxels measure {_words(spacings)} mm")
    if abs(np.linalg.det(grid.axes / spacings[:, None])) < FLATTEST:
        raise _Implausible("its axes lie in one plane")
    if not (np.abs(grid.origin) <= MOST_MM).all():
        raise _Implausible(f"its origin is {_words(grid.origin)} mm")


def _words(numbers) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)


# NIfTI ----------------------------------------------------------------------------------------------------------


def _nifti(path: Path, head: bytes, order: str) -> tuple[_Grid, Path]:
    if len(head) < 348:
        raise _Implausible("its header is broken off")
    nDimensions, *sizes = struct.unpack(order + "8h", head[40:56])
    datatype, bits = struct.unpack(order + "2h", head[70:74])
    if not 1 <= nDimensions <= 7:
        raise _Implausible(f"it has {nDimensions} dimensions")
    if NIFTI_BITS.get(datatype) != bits:
        raise _Implausible(f"its voxels are of type {datatype} in {bits} bits")
    pixdim = np.array(struct.unpack(order + "8f", head[76:108]), dtype=float)
    (offset,) = struct.unpack(order + "f", head[108:112])
    isSingle = head[344:348] == b"n+1\0"
    if not (352 if isSingle else 0) <= offset <= MOST_HEADER_BYTES:
        raise _Implausible(f"its voxels begin at byte {offset:.4g}")
    qform, sform = struct.unpack(order + "2h", head[252:256])
    numbers = np.array(struct.unpack(order + "18f", head[256:328]), dtype=float)
    spacings = np.abs(pixdim[1:4])
    axes, origin = np.diag(spacings), np.zeros(3)
    if qform > 0:
        if not np.isfinite(numbers[:6]).all() or (numbers[:3] ** 2).sum() > 1 + 1e-3:
            raise _Implausible("its qform is no rotation")
        origin = numbers[3:6]
    if sform > 0:
        matrix = numbers[6:].reshape(3, 4)
        lengths, origin = np.linalg.norm(matrix[:, :3], axis=0), matrix[:, 3]
        # ITK takes the directions of the one and the spacing of the other.
        if not (np.abs(lengths - spacings) <= SAME_SPACING * spacings).all():
            raise _Implausible(f"its voxels measure {_words(spacings)} mm, but {_words(lengths)} mm in its sform")
        axes = matrix[:, :3].T
    data = path
    if not isSingle:
        data = _beside(path, path.name[: -len(".hdr")] + ".img") if path.name.lower().endswith(".hdr") else path
    return _Grid(tuple(sizes[:nDimensions]), axes, origin, bits // 8), data


# NRRD -----------------------------------------------------------------------------------------------------------


def _nrrd(path: Path, head: bytes) -> tuple[_Grid, Path, bool, int]:
    end = re.search(rb"\r?\n\r?\n", head)
    text = (head[: end.start()] if end else head).decode("utf-8", "replace")
    fields, own = {}, {}
    if re.search("[\\0-\\x08\\x0b\\x0c\\x0e-\\x1f]", text):
        raise _Implausible("its header is no text")  # the NRRD library takes a line to end at a zero
    for line in text.replace("\r\n", "\n").split("\n")[1:]:
        name, separator, value = line.partition(":")
        if line.startswith("#"):
            continue
        if value.startswith("=") and 0 < len(name) <= MOST_CHARACTERS:
            own[name.strip()] = value[1:]
            continue
        if not separator or re.sub(r"\s", "", name).lower() not in NRRD_FIELDS:
            raise _Implausible(f"its header has the line '{line[:40]}'")
        if len(value) > MOST_CHARACTERS:
            raise _Implausible(f"its {name.strip()[:40]} has {len(value)} characters")
        if name.strip().lower() in fields:
            raise _Implausible(f"it gives {name.strip()[:40]} twice")
        fields[name.strip().lower()] = value.strip()
    sizes = tuple(int(word) for word in fields["sizes"].split())
    if len(sizes) != int(fields["dimension"]):
        raise _Implausible(f"it has {fields['dimension'][:10]} dimensions and {len(sizes)} sizes")
    kind = re.sub(r"^(unsigned|signed)\s+|^u(?=int|char|short|long)|_t$", "", fields["type"].lower())
    kind = re.sub(r"long long( int)?", "longlong", kind).removesuffix(" int")
    encoding = fields["encoding"].lower()
    if encoding not in ("raw", "gzip", "gz", "bzip2", "bz2", "ascii", "text", "txt", "hex"):
        raise _Implausible(f"its encoding is {encoding[:20]}")
    if any(int(fields.get(name) or 0) not in (0, -1) for name in ("line skip", "lineskip", "byte skip", "byteskip")):
        raise _Implausible("its voxels do not begin where the header ends")
    _checkSegmentation(own, max(sizes, default=0))
    external = fields.get("data file", fields.get("datafile"))
    if not external and end is None:
        raise _Implausible("its header is broken off")
    data, start = (_beside(path, external), 0) if external else (path, end.end())
    bytesPerVoxel = 1 if encoding in ("ascii", "text", "txt", "hex") else NRRD_BYTES[kind]
    isPacked = encoding in ("gzip", "gz", "bzip2", "bz2")
    axes, origin = _nrrdSpace(fields, len(sizes))
    return _Grid(sizes, axes, origin, bytesPerVoxel), data, isPacked, start


def _checkSegmentation(own: dict, mostVoxels: int) -> None:
    """Representations, which Slicer's reader never ends to look for, and boxes, for which it takes the memory."""
    for name, value in own.items():
        if re.fullmatch(r"Segmentation_(ContainedRepresentationNames|(Master|Source)Representation)", name):
            if set(filter(None, value.strip().split("|"))) - REPRESENTATIONS:
                raise _Implausible(f"its {name} is '{value[:40]}'")
        if not re.fullmatch(r"Segment\d+_Extent|Segmentation_ReferenceImageExtentOffset", name):
            continue
        ends = [int(word) for word in value.split()]
        spans = [high - low for low, high in zip(ends[::2], ends[1::2], strict=False)] if len(ends) == 6 else []
        isOffset = len(ends) == 3 and not name.endswith("_Extent")
        if not (spans or isOffset) or max(map(abs, ends)) > MOST_VOXELS_ASIDE or max(spans, default=0) >= mostVoxels:
            raise _Implausible(f"its {name} is '{value[:40]}'")


def _nrrdSpace(fields: dict, nDimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Axes of space (n, n) and origin (n,)."""
    if "space directions" not in fields:
        words = [float(word) for word in fields.get("spacings", "").split()][:3]
        return np.diag([1.0 if math.isnan(word) else abs(word) for word in words] or [1.0]), np.zeros(1)
    words = re.findall(r"none|\([^()]*\)", fields["space directions"])
    if len(words) != nDimensions or re.sub(r"none|\([^()]*\)", "", fields["space directions"]).strip():
        raise _Implausible("its space directions are not one per dimension")
    vectors = [_vector(word) for word in words if word != "none"]
    nSpace = len(vectors[0]) if vectors else 0
    if not vectors or any(len(vector) != nSpace for vector in vectors) or len(vectors) != nSpace:
        raise _Implausible("its space directions are no axes")
    origin = _vector(fields["space origin"]) if "space origin" in fields else [0.0] * nSpace
    if len(origin) != nSpace:
        raise _Implausible("its origin has another number of dimensions")
    return np.array(vectors), np.array(origin)


def _vector(text: str) -> list[float]:
    return [float(word) for word in text.strip().removeprefix("(").removesuffix(")").split(",")]


# MetaImage ------------------------------------------------------------------------------------------------------


def _metaImage(path: Path, head: bytes) -> tuple[_Grid, Path, bool, int]:
    end = re.search(rb"ElementDataFile\s*=([^\n]*)\n", head)
    if end is None:
        raise _Implausible("its header is broken off")
    fields = {}
    for line in head[: end.start()].decode("utf-8", "replace").splitlines():
        name, _separator, value = line.partition("=")
        if name.strip() in fields:
            raise _Implausible(f"it gives {name.strip()[:40]} twice")
        fields[name.strip()] = value.strip()
    sizes = tuple(int(word) for word in fields["DimSize"].split())
    if len(sizes) != int(fields["NDims"]):
        raise _Implausible(f"it has {fields['NDims'][:10]} dimensions and {len(sizes)} sizes")
    nSpace = min(len(sizes), 3)
    kind = fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY").removeprefix("U")
    nChannels = int(fields.get("ElementNumberOfChannels") or 1)
    if not 1 <= nChannels <= MOST_VOXELS_ASIDE or fields.get("HeaderSize", "0") not in ("0", "-1"):
        raise _Implausible("its voxels do not begin where the header ends, or hold too many numbers")
    n = len(sizes)
    spacings = _numbers(fields, ("ElementSpacing", "ElementSize"), n, np.ones(n))
    turn = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), n * n, np.eye(n).ravel()).reshape(n, n)
    origin = _numbers(fields, ("Offset", "Origin", "Position"), n, np.zeros(n))
    axes = turn[:nSpace, :nSpace] * spacings[:nSpace, None]
    isPacked = fields.get("CompressedData", "False").lower() not in ("false", "f", "0")
    name = end[1].decode("utf-8", "replace").strip()
    data, start = (path, end.end()) if name.upper() == "LOCAL" else (_beside(path, name), 0)
    return _Grid(sizes, axes, origin[:nSpace], META_BYTES[kind] * nChannels), data, isPacked, start


def _numbers(fields: dict, names: Sequence[str], count: int, default: np.ndarray) -> np.ndarray:
    text = next((fields[name] for name in names if name in fields), None)
    if text is None:
        return default
    found = np.array([float(word) for word in text.split()])
    if len(found) != count or not np.isfinite(found).all():
        raise _Implausible(f"its {names[0]} is not {count} numbers")
    return found


def _beside(path: Path, name: str) -> Path:
    """The file of the voxels, in the same folder: a header leads nowhere else."""
    found = path.parent / name
    if not PLAIN_FILE.fullmatch(name) or name == "LIST" or not found.is_file() or found.is_symlink():
        raise _Implausible(f"its voxels are in '{name[:60]}', which is no file beside it")
    return found
