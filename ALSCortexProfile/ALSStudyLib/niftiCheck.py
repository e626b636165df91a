"""What the NIfTI reader of ITK, and so Slicer, does not say.

Voxels that are no numbers become 0, missing ones too; and asked for `x.nii.gz`, it takes those of `x.nii` beside it.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from .errors import InputError

HEADER_BYTES = 348
FLOAT_TYPES = {16: "f4", 64: "f8"}
CHUNK_BYTES = 1 << 24


def checkNifti(path: Path) -> None:
    """Read a single-file NIfTI-1 through once; files of other kinds are left to their readers.

    :raises InputError: the file ends before its last voxel, holds voxels that are NaN or infinite, or lies beside one
        that the reader would take instead.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return
    isPacked = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path, "rb") if isPacked else open(path, "rb") as file:
            _checkVoxels(path, file)
        if isPacked:
            _checkNotReplaced(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"Image '{path}' is broken off or damaged; expected a whole file; copy it again.") from error


def _checkNotReplaced(path: Path) -> None:
    """ITK issue 2243: header of the packed file, voxels of the other. One that is the same, unpacked, does no harm."""
    other = path.with_suffix("")
    if not other.is_file():
        return
    with gzip.open(path, "rb") as packed, open(other, "rb") as plain:
        while (block := packed.read(CHUNK_BYTES)) == plain.read(CHUNK_BYTES):
            if not block:
                return
    raise InputError(
        f"Image '{path}' lies beside another image '{other.name}', whose voxels Slicer's reader takes instead; "
        "expected one of them in its folder; move the other away, or rename it."
    )


def _checkVoxels(path: Path, file) -> None:
    header = file.read(HEADER_BYTES)
    order = next((mark for mark in "<>" if header[:4] == struct.pack(mark + "i", HEADER_BYTES)), None)
    if len(header) < HEADER_BYTES or order is None:
        return  # not NIfTI-1: the reader knows, or refuses
    dimensions = struct.unpack(order + "8h", header[40:56])
    datatype, bitsPerVoxel = struct.unpack(order + "2h", header[70:74])
    (offset,) = struct.unpack(order + "f", header[108:112])
    nBytes = int(np.prod(dimensions[1 : 1 + dimensions[0]], dtype=np.int64)) * bitsPerVoxel // 8
    file.read(max(int(offset) - HEADER_BYTES, 0))
    nRead, nBad = 0, 0
    while nRead < nBytes:
        block = file.read(min(CHUNK_BYTES, nBytes - nRead))
        if not block:
            raise EOFError
        nRead += len(block)
        if datatype in FLOAT_TYPES:
            values = np.frombuffer(block, order + FLOAT_TYPES[datatype], count=len(block) * 8 // bitsPerVoxel)
            nBad += int((~np.isfinite(values)).sum())
    if nBad:
        raise InputError(
            f"Image '{path}' holds {nBad} voxels that are NaN or infinite, which Slicer reads as 0; expected numbers; "
            "mask or repair the image."
        )
