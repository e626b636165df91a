"""Records of measured cases on disk: one line of JSON each, safe at once, so that a batch resumes where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import InputError
from .folderSwap import tryLock
from .jsonText import parsedJson

RECORDS_NAME = "records.jsonl"
BEGINNING = b'{"key": "'


def recordLine(record: dict) -> bytes:
    """A record as it is written, its key first.

    :raises ValueError: a number that is not finite, or no JSON value.
    """
    key = record["key"]
    return json.dumps({"key": key, **record}, allow_nan=False).encode("ascii") + b"\n"


class RecordFile:
    """Appended to by one batch at a time: a last line that a kill or a full disk broke off is cut away at the start.

    Only the places of the records are kept in memory; of a key that is there twice, the later one counts.

    :raises InputError: a file of something else, or one that another batch writes.
    """

    def __init__(self, path: Path):
        self._path = Path(path)
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        self._file = open(self._path, "a+b")
        try:
            if not tryLock(self._file.fileno()):
                raise InputError(
                    f"Output '{self._path.parent}' is being written by another batch; expected one at a time; wait for "
                    "it, or choose another."
                )
            self._scan()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._file.close()

    def _scan(self) -> None:
        self._file.seek(0)
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n") and (line.startswith(BEGINNING[: len(line)]) or not line.strip(b"\0")):
                break
            try:
                key = parsedJson(line)["key"]
                self._places[key] = (self._end, len(line))
            except (ValueError, TypeError, KeyError) as error:
                raise InputError(
                    f"'{self._path}' has something else than a record in line {number}; expected what batch wrote; "
                    "move the file away to measure anew, or remove that line."
                ) from error
            self._end += len(line)
        self._file.truncate(self._end)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def line(self, key: str) -> bytes:
        """A record as it is on the disk."""
        start, length = self._places[key]
        self._file.seek(start)
        return self._file.read(length)

    def read(self, key: str) -> dict:
        return json.loads(self.line(key))

    def append(self, record: dict) -> None:
        """Add a record; it is on the disk when this returns.

        :raises InputError: no space, or another failure of the disk; the earlier records are whole.
        """
        line = recordLine(record)
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._forgetBrokenOff()
            raise InputError(
                f"Records '{self._path}' could not be written ({error.strerror}); expected a disk with space; make "
                f"some and run the same command again: {len(self)} exams are kept."
            ) from error
        self._places[record["key"]] = (self._end, len(line))
        self._end += len(line)

    def _forgetBrokenOff(self) -> None:
        """Drop what was half written, also from the buffer: it must not come after the next record."""
        descriptor = os.dup(self._file.fileno())
        try:
            self._file.close()
        except OSError:
            pass  # the buffer's rest has no place on the disk
        os.ftruncate(descriptor, self._end)
        self._file = os.fdopen(descriptor, "a+b")
