"""What fits on one A4 page: sizes in mm, ever tighter versions of a page, and a grid for the pictures.

The two writers differ in how they measure text (reportlab exactly, HTML by an estimate); what is tried in which order
is the same for both.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .report import ReportPage, ReportTable, Section, pictureSize
from .reportWords import counted

PAGE_WIDTH, PAGE_HEIGHT = 210.0, 297.0
MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 15.0, 12.0, 9.0
FOOTER_HEIGHT = 17.0  # signature line, disclaimer
WIDTH = PAGE_WIDTH - 2 * MARGIN_X
HEIGHT = PAGE_HEIGHT - MARGIN_TOP - MARGIN_BOTTOM - FOOTER_HEIGHT
POINT = 25.4 / 72.0

# Sizes in points at scale 1. Below 6.5 points nobody reads it on paper.
TITLE, SUBTITLE, HEADING, TEXT, CELL, SMALL = 16.0, 10.5, 10.5, 8.8, 8.6, 7.8
LEADING = 1.22
SCALES = (1.0, 0.95, 0.9, 0.86, 0.82, 0.79, 0.76)
SMALLEST_PICTURE = 34.0  # mm of height, in the first tries
CELL_PADDING_X, CELL_PADDING_Y = 2.2, 1.1  # mm, of both sides together
TIGHT_PADDING_X = 1.3  # where a table is too wide
GAP = 3.0  # mm between sections and between pictures
_ROW_LIMITS = (80, 60, 45, 35, 28, 22, 18, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1)
_FEW_ROWS = 3
_PICTURE_SHARES = (0.85, 0.7, 0.55)  # of the smallest picture, when room is short
_MOST_ROWS, _MOST_CELL = 90, 600
_MOST_TEXT = 3000  # characters of a text that no page could hold with anything else
_TEXT_LIMITS = (900, 600, 400, 260, 160, 100)
_CELL_LIMITS = (160, 90, 50)
_ESSENTIAL_CELL = 200  # characters of a cell of an essential table: a sentence
_FIRM, _SHORT = 40, 12  # characters of a number, and of a word, that are not torn apart
_FEW_FACTS, _FEW_PICTURES = 12, 6
MORE_TEXT = " ... (shortened)"
FACT_GAP = 5.0  # mm between facts that follow each other


@dataclass(frozen=True)
class Grid:
    """Places of all pictures of a page. :param columns: side by side; cell: width and height in mm without caption."""

    columns: int
    cellWidth: float
    cellHeight: float


def fitted(page: ReportPage, height: Callable[[ReportPage, float, float], float]) -> tuple[ReportPage, float]:
    """The first of ever tighter versions that fits, found by halving, and its scale; the tightest if none does.

    :param height: of (page, scale, height of a row of pictures), all of it, in mm.
    """
    candidates = list(_tighter(page))
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2 if high < len(candidates) - 1 else min(low + len(SCALES), high - 1)
        if height(*candidates[middle]) <= HEIGHT:
            high = middle
        else:
            low = middle + 1
    return candidates[high][0], candidates[high][1]


def _tighter(page: ReportPage) -> Iterator[tuple[ReportPage, float, float]]:
    """(page, scale, least height of a row of pictures): smaller print and pictures first, then shorter remarks, then
    fewer rows of tables that are not essential, then shorter cells, and only at last fewer rows of all.
    """
    page = replace(page, sections=tuple(filter(_isFilled, page.sections)))

    def version(remarks: int, rows: int, cells: int = _MOST_CELL, allRows: int = 0) -> ReportPage:
        everyLimit = min(allRows or most, most)
        fewer = _withRows(_withRows(page, everyLimit, True), min(rows, everyLimit), False)
        return _shortened(fewer, remarks, cells)

    counts = [len(section.table.rows) for section in page.sections if section.table]
    # More rows than this no page holds, so that they need not be measured.
    most = next((limit for limit in _ROW_LIMITS if sum(min(n, limit) for n in counts) <= _MOST_ROWS), _ROW_LIMITS[-1])
    high, scale = page.pictureHeight or SMALLEST_PICTURE, SCALES[-1]
    *shares, last = (1.0,) if page.pictureHeight else _PICTURE_SHARES
    low = last * high
    for one in SCALES[:-1]:
        yield version(_MOST_TEXT, most), one, high
    for share in shares:
        yield version(_MOST_TEXT, most), SCALES[-2], share * high
    for limit in _TEXT_LIMITS:
        yield version(limit, most), scale, (shares or [last])[-1] * high
    least = _TEXT_LIMITS[-1]
    longest = max([len(s.table.rows) for s in page.sections if s.table and not s.table.isEssential] or [0])
    for limit in [limit for limit in _ROW_LIMITS if _FEW_ROWS <= limit < longest]:
        yield version(least, limit), scale, low
    for share in _PICTURE_SHARES if page.pictureHeight else ():
        yield version(least, _FEW_ROWS), scale, share * high
    low = _PICTURE_SHARES[-1] * SMALLEST_PICTURE
    for limit in _CELL_LIMITS:
        yield version(least, _FEW_ROWS, limit), scale, low
    for limit in _ROW_LIMITS:
        tightest = version(least, _FEW_ROWS, _CELL_LIMITS[-1], limit)
        yield tightest, scale, 0.6 * low
    # No real report comes to this: whole sections and pictures go.
    for count in range(len(page.sections), 0, -1):
        yield _withSections(tightest, count), scale, 0.6 * low


def _isFilled(section: Section) -> bool:
    table = section.table is not None and bool(section.table.rows or section.table.note)
    return bool(section.facts or section.pictures or section.paragraphs or table)


def _withSections(page: ReportPage, count: int) -> ReportPage:
    sections = [replace(s, facts=s.facts[:_FEW_FACTS], pictures=s.pictures[:_FEW_PICTURES]) for s in page.sections]
    left = len(sections) - count
    more = [Section(paragraphs=(f"... {counted(left, 'more section')} (left out for room)",))] if left else []
    return replace(page, sections=(*sections[:count], *more))


def _withRows(page: ReportPage, limit: int, isEssential: bool) -> ReportPage:
    """Essential or other tables cut, with a note of how many rows are left out."""

    def cut(table: ReportTable | None):
        if table is None or len(table.rows) <= limit or table.isEssential != isEssential:
            return table
        left = len(table.rows) - limit
        more = f"... {counted(left, 'more row')}" + (f" in {table.source}" if table.source else "")
        return replace(table, rows=table.rows[:limit], note="; ".join(filter(None, (more, table.note))))

    return replace(page, sections=tuple(replace(s, table=cut(s.table)) for s in page.sections))


def _shortened(page: ReportPage, remarks: int, cells: int) -> ReportPage:
    """Paragraphs and captions of at most `remarks` characters, and fewer of them; other texts of at most `cells`."""

    def section(old: Section) -> Section:
        table = old.table
        if table is not None:
            limit = max(cells, _ESSENTIAL_CELL) if table.isEssential else cells
            rows = tuple(tuple(_short(text, limit) for text in row) for row in table.rows)
            note = _short(table.note, _MOST_CELL if table.isEssential else max(cells, 200))
            table = replace(table, rows=rows, note=note)
        return replace(
            old,
            heading=_short(old.heading, 100),
            facts=tuple((_short(label, 60), _short(text, min(cells, 300))) for label, text in old.facts),
            table=table,
            pictures=tuple((path, _short(caption, min(remarks, 300))) for path, caption in old.pictures),
            paragraphs=_fewer(tuple(_short(text, remarks) for text in old.paragraphs), remarks),
        )

    return replace(
        page,
        title=_short(page.title, 120),
        subtitle=_short(page.subtitle, 240),
        footer=_short(page.footer, 200),
        sections=tuple(map(section, page.sections)),
    )


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(MORE_TEXT)].rstrip() + MORE_TEXT


def _fewer(paragraphs: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Fewer of them where they have to be short."""
    most = max(limit // 60, 2)
    if len(paragraphs) <= most:
        return paragraphs
    left = counted(len(paragraphs) - most + 1, "more remark")
    return (*paragraphs[: most - 1], f"... {left} (left out for room)")


def aspects(page: ReportPage) -> list[float]:
    """Width over height of every picture, in order.

    :raises InputError: a picture that cannot be read.
    """
    sizes = [pictureSize(path) for section in page.sections for path, _caption in section.pictures]
    return [width / height for width, height in sizes]


def gridRows(page: ReportPage, columns: int) -> int:
    return sum(math.ceil(len(section.pictures) / columns) for section in page.sections)


def bestGrid(page: ReportPage, ratios: Sequence[float], room: Callable[[int], float]) -> Grid | None:
    """The grid that shows the pictures largest.

    :param room: mm of height left for pictures alone, captions taken off, when so many are side by side.
    """
    best, bestArea = None, -1.0
    for columns in range(1, min(4, max([len(s.pictures) for s in page.sections] or [0])) + 1):
        width = (WIDTH - GAP * (columns - 1)) / columns
        height = min(room(columns) / gridRows(page, columns), max(width / ratio for ratio in ratios))
        area = sum(min(width, height * ratio) ** 2 / ratio for ratio in ratios)
        if height > 0.0 and area > bestArea * 1.0001:
            best, bestArea = Grid(columns, width, height), area
    return best


@dataclass(frozen=True)
class Columns:
    """How a table is set.

    :param scale: of its print. widths: mm of the columns; padding: of these, between them. areFixed: not even the words
        fit beside each other, so that words which are no numbers are torn apart.
    """

    scale: float
    widths: tuple[float, ...]
    padding: float
    areFixed: bool


def tableColumns(table: ReportTable, scale: float, width: Callable[[str, float, bool], float]) -> Columns:
    """Columns in which no word is torn apart: where they are too many, in smaller print.

    :param width: mm of a text of so many points, bold or not.
    """
    tries = [(scale, CELL_PADDING_X), *((each, TIGHT_PADDING_X) for each in SCALES if each <= scale)]
    for each, padding in tries:
        natural, least, firm = _columnNeeds(table, each, width, padding)
        if sum(natural if padding == CELL_PADDING_X else least) <= WIDTH:
            break
    return Columns(each, tuple(columnWidths(natural, least, WIDTH, firm)), padding, sum(least) > WIDTH)


def _columnNeeds(
    table: ReportTable, scale: float, width, padding: float
) -> tuple[list[float], list[float], list[float]]:
    """mm of each column's longest text, longest word, and longest of the words that are never torn apart."""
    natural, least, firm = [], [], []
    for i, (name, *texts) in enumerate(zip(table.header, *table.rows, strict=True)):
        sized = [(name, SMALL * scale, True), *((text, CELL * scale, i in table.strong) for text in texts)]
        words = [(word, *look) for text, *look in sized for word in text.split(" ")]
        natural.append(max(width(*each) for each in sized) + padding)
        least.append(max(width(word[:_FIRM], *look) for word, *look in words) + padding)
        kept = [width(word, *look) for word, *look in words if isFirm(word)]
        firm.append(max(kept, default=0.0) + padding)
    return natural, least, firm


def isFirm(word: str) -> bool:
    """Whether a word is never torn apart: a number with its interval, or a short word such as a status."""
    return len(word) <= _SHORT or (len(word) <= _FIRM and any(map(str.isdigit, word)))


def columnWidths(
    natural: Sequence[float], least: Sequence[float], total: float, firm: Sequence[float] | None = None
) -> list[float]:
    """Widths of table columns: as wide as their texts if there is room, else room in proportion to what they lack.

    :param natural: width of the longest text; least: of the longest word; firm: of the longest word that is never torn
        apart. total: of the table. Any one unit.
    """
    if sum(natural) <= total:
        spare = (total - sum(natural)) / len(natural)
        return [width + spare for width in natural]
    least = [min(low, wide) for low, wide in zip(least, natural, strict=True)]
    if sum(least) <= total:
        return _between(least, natural, total)
    firm = [min(low, wide) for low, wide in zip(firm or [0.0] * len(least), least, strict=True)]
    if sum(firm) <= total:
        return _between(firm, least, total)
    return [low * total / sum(firm) for low in firm]


def _between(low: Sequence[float], high: Sequence[float], total: float) -> list[float]:
    """Widths of that sum, from low to high by one share for all."""
    share = (total - sum(low)) / ((sum(high) - sum(low)) or 1.0)
    return [a + share * (b - a) for a, b in zip(low, high, strict=True)]


def factColumns(facts: Sequence[tuple[str, str]]) -> int:
    """How many facts stand side by side in columns; 0: too long for columns, they follow each other as text."""
    longest = max(len(label) + len(text) for label, text in facts)
    columns = 4 if longest <= 20 else 3 if longest <= 30 else 0
    return 0 if len(facts) > columns and len(facts) != 2 * columns else columns


def textWidth(text: str, points: float) -> float:
    """mm, estimated for a wide sans-serif font (DejaVu Sans, Verdana), so that narrower ones fit too."""
    return sum(map(_em, text)) * points * POINT


def _em(character: str) -> float:
    if character in "iljI.,;:'|! \u00a0":
        return 0.33
    if character in "frt()[]-/":
        return 0.42
    if character in "+<=>\u00b1\u2212":
        return 0.84
    if character in "mwMW%@":
        return 0.95
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if unicodedata.combining(character):
        return 0.0
    return 0.72 if character.isupper() else 0.62
