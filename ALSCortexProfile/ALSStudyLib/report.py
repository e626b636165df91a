"""A report of one A4 page: its content, and how it becomes HTML or PDF.

The content is plain text and pictures. Both writers show the same; what does not fit on one page is first set smaller,
then cut with a remark that says where the rest is (reportLayout.py). The disclaimer and the line for a signature are on
every page, whatever its content.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

SIGNATURE = ("Read by", "Date", "Signature")
PICTURE_FORMATS = ("PNG", "JPEG")


@dataclass(frozen=True)
class ReportTable:
    """:param header: names of the columns; rows: texts, as many per row as the header has.
    :param note: a line below the table. source: the file that holds all rows, named when rows are cut.
    :param strong: columns that are set bold: the numbers to be read first.
    :param isEssential: its rows are cut last of all, after remarks, pictures and other tables have become shorter, and
        its texts are not shortened before.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    source: str = ""
    strong: tuple[int, ...] = ()
    isEssential: bool = False

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.header):
                raise InputError(
                    f"A row of the report's table '{self.header[0] if self.header else ''}' has {len(row)} cells; "
                    f"expected {len(self.header)}; give one text per column."
                )


@dataclass(frozen=True)
class Section:
    """:param facts: (label, text) pairs; pictures: (file, caption) pairs. Shown: facts, table, pictures, text."""

    heading: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    table: ReportTable | None = None
    pictures: tuple[tuple[Path, str], ...] = ()
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportPage:
    """:param subtitle: who it is about. footer: a line beside the disclaimer, as the version.
    :param pictureHeight: mm; text is set smaller, and remarks and tables that are not essential become shorter, rather
        than that pictures become lower than this. 0: they may be small.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    footer: str = ""
    pictureHeight: float = 0.0


def pictureSize(path: Path) -> tuple[int, int]:
    """Width and height in pixels.

    :raises InputError: a file that is missing or no PNG or JPEG picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.format in PICTURE_FORMATS:
                image.load()  # a file that was cut off is found out here, not while a page is half drawn
                return image.size
            found = f"a {image.format} picture"
    except FileNotFoundError:
        found = "missing"
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        found = "not a readable picture"
    raise InputError(
        f"Picture '{path}' of the report is {found}; expected a PNG or JPEG file; export the figures again."
    )


def writeHtml(page: ReportPage, path: Path) -> Path:
    """One self-contained file: pictures inside, no scripts, nothing from the network; prints on one A4 page.

    :raises InputError: a picture that cannot be read, or a file that cannot be written.
    """
    from .reportHtml import htmlText

    text = htmlText(page)
    return _replaced(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def writePdf(page: ReportPage, path: Path) -> Path:
    """One A4 page by reportlab, with the font embedded.

    :raises InputError: a picture that cannot be read, a file that cannot be written, or no reportlab.
    """
    try:
        import reportlab  # noqa: F401  (Slicer does not ship it; the panel installs it before)
    except ImportError:
        raise InputError(
            "The package reportlab is missing; expected it for a PDF; install it, or write the HTML report instead."
        ) from None
    from .reportPdf import drawPdf

    return _replaced(path, lambda beside: drawPdf(page, beside))


def _replaced(path: Path, write: Callable[[Path], object]) -> Path:
    """Write beside and rename, so that a report is never half there."""
    path = Path(path)
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".als-", suffix=path.suffix)
        os.close(handle)
        beside = Path(name)
        write(beside)
        beside.chmod(0o644)
        os.replace(beside, path)
    except OSError as error:
        raise InputError(
            f"The report '{path}' cannot be written ({error.strerror or error}); expected a writable place; close it "
            "where it is open, or choose another name."
        ) from error
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)
    return path
