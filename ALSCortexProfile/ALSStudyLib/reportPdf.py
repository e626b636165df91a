"""A report page as a PDF of one A4 page, by reportlab (imported here only: Slicer does not ship it)."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, Spacer, Table

from . import reportLayout as layout
from .provenance import DISCLAIMER
from .report import SIGNATURE, ReportPage, ReportTable, Section
from .reportLayout import CELL, HEADING, LEADING, SMALL, SUBTITLE, TEXT, TITLE

INK, BLUE, GRAY, LIGHT, AMBER = map(HexColor, ("#16202b", "#12365c", "#4c5a68", "#c8d0d8", "#7a3b00"))
PICTURE_DPI = 300
_TOGETHER = 60  # characters of a fact that are not torn apart
FONT, BOLD = "ALSReport", "ALSReportBold"
MISSING_LETTERS = "This PDF's font lacks some letters of this page; the HTML report shows them."
# Regular and bold. DejaVu has Latin, Greek, Cyrillic; matplotlib brings it, Slicer has no matplotlib.
_SYSTEM_FONTS = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
    ("C:/Windows/Fonts/arial.ttf", "C:/Windows/Fonts/arialbd.ttf"),
    ("/System/Library/Fonts/Supplemental/Arial.ttf", "/System/Library/Fonts/Supplemental/Arial Bold.ttf"),
)
# For East Asian names: the first of these fonts that has the letter is embedded; if none, one that viewers bring along.
_ASIAN_FONTS = (
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simsun.ttc",
    "C:/Windows/Fonts/malgun.ttf",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
)
_VIEWER_FONTS = (
    ("HeiseiKakuGo-W5", "\u3040\u30ff"),
    ("HYGothic-Medium", "\uac00\ud7a3"),
    ("STSong-Light", "\u3000\u9fff"),
)


def drawPdf(page: ReportPage, path: Path) -> None:
    """Draw it; exactly one page, whatever the content.

    :raises InputError: a picture that cannot be read.
    """
    layout.aspects(page)  # a picture that cannot be read is found out first
    registerFonts()
    if lacksLetters(page):
        page = replace(page, footer=" ".join(filter(None, (page.footer, MISSING_LETTERS))))
    page, scale = layout.fitted(page, storyHeight)
    bare = storyHeight(page, scale, 0.0, 0)
    ratios = layout.aspects(page)
    grid = layout.bestGrid(page, ratios, lambda columns: layout.HEIGHT - bare - _aroundPictures(page, scale, columns))
    canvas = Canvas(str(path), pagesize=(layout.PAGE_WIDTH * mm, layout.PAGE_HEIGHT * mm), pageCompression=1)
    canvas.setTitle(f"{page.title} - {page.subtitle}")
    canvas.setSubject(DISCLAIMER)
    canvas.setCreator("ALSMotorCortex")
    top = layout.PAGE_HEIGHT - layout.MARGIN_TOP
    for flowable in _story(page, scale, grid):
        height = flowable.wrap(layout.WIDTH * mm, layout.PAGE_HEIGHT * mm)[1] / mm
        flowable.drawOn(canvas, layout.MARGIN_X * mm, (top - height) * mm)
        top -= height
    _drawFooter(canvas, page)
    canvas.showPage()
    canvas.save()


def storyHeight(page: ReportPage, scale: float, row: float, columns: int = 3) -> float:
    """mm above the footer with rows of pictures of that height; columns 0: without the pictures."""
    flowables = _story(page, scale, None)
    height = sum(flowable.wrap(layout.WIDTH * mm, layout.PAGE_HEIGHT * mm)[1] for flowable in flowables) / mm
    if columns and any(section.pictures for section in page.sections):
        height += layout.gridRows(page, columns) * row + _aroundPictures(page, scale, columns)
    return height


def _aroundPictures(page: ReportPage, scale: float, columns: int) -> float:
    """mm of captions and gaps of all pictures."""
    cell = (layout.WIDTH - layout.GAP * (columns - 1)) / columns
    total = 0.0
    for section in page.sections:
        captions = [_captionHeight(caption, cell, scale) for _path, caption in section.pictures]
        total += sum(max(captions[first : first + columns]) + 2.0 for first in range(0, len(captions), columns))
    return total


def _captionHeight(caption: str, width: float, scale: float) -> float:
    return _paragraph(caption, SMALL * scale, GRAY).wrap(width * mm, 1e4)[1] / mm if caption else 0.0


# Text


def _paragraph(text: str, points: float, color=INK, isBold=False, isCentered=False, facts=()) -> Paragraph:
    """:param facts: (label, text) pairs after the text, labels in gray."""
    style = ParagraphStyle(
        "",
        fontName=BOLD if isBold else FONT,
        fontSize=points,
        leading=points * LEADING,
        textColor=color,
        alignment=TA_CENTER if isCentered else 0,
        splitLongWords=1,
    )
    gray = GRAY.hexval().replace("0x", "#")
    pairs = [f'<font color="{gray}">{_marked(label)}:</font>\u00a0{_marked(fact)}' for label, fact in facts]
    return Paragraph(_marked(text) + ("\u00a0" * 3 + " ").join(pairs), style)


def _marked(text: str) -> str:
    """Escaped, with letters that the font lacks in the viewer's East Asian fonts; control characters as spaces."""
    parts, current = [], ""
    for character in text:
        wanted = "" if _has(character) else _asianFont(character)
        if unicodedata.category(character) == "Cc":
            character = " "
        if wanted != current:
            parts.append(("</font>" if current else "") + (f'<font name="{wanted}">' if wanted else ""))
            current = wanted
        parts.append(escape(character))
    return "".join(parts) + ("</font>" if current else "")


def _has(character: str, font: str = FONT) -> bool:
    return character.isspace() or ord(character) in pdfmetrics.getFont(font).face.charToGlyph


@lru_cache(maxsize=4096)
def _asianFont(character: str) -> str:
    """Name of a font for a letter that the report's own lacks; "" if there is none."""
    viewers = next((name for name, (low, high) in _VIEWER_FONTS if low <= character <= high), "")
    if not viewers:
        return ""
    embedded = next((name for name in _asianFonts() if _has(character, name)), "")
    if not embedded:
        pdfmetrics.registerFont(UnicodeCIDFont(viewers))
    return embedded or viewers


@lru_cache(maxsize=1)
def _asianFonts() -> list[str]:
    """Those of the known fonts that this computer has, registered."""
    found = []
    for path in _ASIAN_FONTS:
        try:
            pdfmetrics.registerFont(TTFont(f"ALSReport{Path(path).stem}", path))
            found.append(f"ALSReport{Path(path).stem}")
        except (TTFError, OSError):
            continue
    return found


def lacksLetters(page: ReportPage) -> bool:
    """Whether something is not shown as it is written: letters without a glyph, or text from right to left."""
    texts = [page.title, page.subtitle, page.footer]
    for section in page.sections:
        texts += [section.heading, *section.paragraphs, *(text for fact in section.facts for text in fact)]
        texts += [caption for _path, caption in section.pictures]
        if section.table is not None:
            texts += [section.table.note, *section.table.header, *(text for row in section.table.rows for text in row)]
    letters = {character for text in texts for character in text if unicodedata.category(character) != "Cc"}
    return any(
        unicodedata.bidirectional(letter) in ("R", "AL") or not (_has(letter) or _asianFont(letter))
        for letter in letters
    )


@lru_cache(maxsize=1)
def registerFonts() -> None:
    for regular, bold in _fontFiles():
        try:
            pdfmetrics.registerFont(TTFont(FONT, str(regular)))
            pdfmetrics.registerFont(TTFont(BOLD, str(bold)))
        except (TTFError, OSError):
            continue
        break


def _fontFiles():
    """Pairs of font files, the best first; the last, Vera, comes with reportlab and has Western letters only."""
    matplotlib = find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin:
        folder = Path(matplotlib.origin).parent / "mpl-data/fonts/ttf"
        yield folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"
    yield from _SYSTEM_FONTS
    yield "Vera.ttf", "VeraBd.ttf"


# Parts of the page


class _Framed(Flowable):
    """The disclaimer in a thin frame."""

    def __init__(self, points: float):
        super().__init__()
        self.points = points

    def wrap(self, _width, _height):
        return layout.WIDTH * mm, self.points * LEADING + 2.6 * mm

    def draw(self):
        width = pdfmetrics.stringWidth(DISCLAIMER, FONT, self.points)
        self.canv.setStrokeColor(HexColor("#c98a4b"))
        self.canv.setLineWidth(0.8)
        self.canv.rect(0.2 * mm, 1.6 * mm, width + 4 * mm, self.points * LEADING + 1.0 * mm)
        self.canv.setFillColor(AMBER)
        self.canv.setFont(FONT, self.points)
        self.canv.drawString(2.2 * mm, 2.1 * mm + 0.3 * self.points, DISCLAIMER)


class _Rule(Flowable):
    """A thin line under a heading."""

    def wrap(self, _width, _height):
        return layout.WIDTH * mm, 1.6 * mm

    def draw(self):
        self.canv.setStrokeColor(HexColor("#9db2c8"))
        self.canv.setLineWidth(0.8)
        self.canv.line(0, 1.1 * mm, layout.WIDTH * mm, 1.1 * mm)


def _story(page: ReportPage, scale: float, grid: layout.Grid | None) -> list[Flowable]:
    """Everything above the footer, from top to bottom; without pictures if there is no grid."""
    story: list[Flowable] = [_Framed(SMALL * scale), _paragraph(page.title, TITLE * scale, BLUE, isBold=True)]
    if page.subtitle:
        story.append(_paragraph(page.subtitle, SUBTITLE * scale, isBold=True))
    for section in page.sections:
        story.append(Spacer(1, layout.GAP * scale * mm))
        if section.heading:
            story += [_paragraph(section.heading, HEADING * scale, BLUE, isBold=True), _Rule()]
        if section.facts:
            story.append(_facts(section, scale))
        if section.table is not None:
            story += _table(section.table, scale)
        if section.pictures and grid is not None:
            story.append(_pictures(section, scale, grid))
        for text in section.paragraphs:
            story += [Spacer(1, 0.7 * mm), _paragraph(text, TEXT * scale)]
    return story


def _facts(section: Section, scale: float) -> Flowable:
    columns = layout.factColumns(section.facts)
    if not columns:
        # Words of a fact stay together, unless it is longer than a line.
        texts = [text.replace(" ", "\u00a0") if len(text) <= _TOGETHER else text for _label, text in section.facts]
        labels = [label.replace(" ", "\u00a0") for label, _text in section.facts]
        return _paragraph("", TEXT * scale, facts=tuple(zip(labels, texts, strict=True)))
    cells = [_paragraph("", TEXT * scale, facts=(fact,)) for fact in section.facts]
    cells += [""] * (-len(cells) % columns)
    rows = [cells[first : first + columns] for first in range(0, len(cells), columns)]
    table = Table(rows, colWidths=[layout.WIDTH * mm / columns] * columns)
    table.setStyle(_plain(layout.FACT_GAP, 0.4))
    return table


def _plain(paddingX: float, paddingY: float) -> list:
    """Paddings in mm, left and right (or above and below) together; no lines."""
    return [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), paddingX * mm),
        ("TOPPADDING", (0, 0), (-1, -1), 0.5 * paddingY * mm),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5 * paddingY * mm),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]


def _table(table: ReportTable, scale: float) -> list[Flowable]:
    columns = layout.tableColumns(table, scale, _width)
    points, head = CELL * columns.scale, SMALL * columns.scale
    cells = [[_paragraph(text, head, GRAY, isBold=True) for text in table.header]]
    cells += [[_paragraph(text, points, isBold=i in table.strong) for i, text in enumerate(row)] for row in table.rows]
    drawn = Table(cells, colWidths=[width * mm for width in columns.widths])
    drawn.setStyle(
        [
            *_plain(columns.padding, layout.CELL_PADDING_Y),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, GRAY),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, LIGHT),
        ]
    )
    note = [Spacer(1, 0.6 * mm), _paragraph(table.note, SMALL * scale, GRAY)] if table.note else []
    return [drawn, *note]


def _width(text: str, points: float, isBold: bool) -> float:
    """mm of a text, and a bit, so that rounding does not break it."""
    return pdfmetrics.stringWidth(text, BOLD if isBold else FONT, points) / mm + 0.4


def _pictures(section: Section, scale: float, grid: layout.Grid) -> Table:
    columns = grid.columns
    cells = []
    for path, caption in section.pictures:
        image = _image(path, grid)
        cells.append([image, _paragraph(caption, SMALL * scale, GRAY, isCentered=True)] if caption else [image])
    cells += [""] * (-len(cells) % columns)
    rows = [cells[first : first + columns] for first in range(0, len(cells), columns)]
    table = Table(rows, colWidths=[layout.WIDTH * mm / columns] * columns)
    style = _plain(0.0, 1.8)
    table.setStyle([*style, ("ALIGN", (0, 0), (-1, -1), "CENTER")])
    return table


def _image(path: Path, grid: layout.Grid) -> Image:
    """In its place, and not finer than a printer shows."""
    from PIL import Image as Pillow

    with Pillow.open(path) as opened:
        picture = Pillow.new("RGB", opened.size, "white")
        rgba = opened.convert("RGBA")
        picture.paste(rgba, mask=rgba.getchannel("A"))
    width = min(grid.cellWidth, grid.cellHeight * picture.width / picture.height)
    height = width * picture.height / picture.width
    pixels = round(width / 25.4 * PICTURE_DPI)
    if pixels < picture.width:
        picture = picture.resize((pixels, max(round(pixels * picture.height / picture.width), 1)), Pillow.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "PNG")
    data.seek(0)
    ImageReader(data)
    data.seek(0)
    return Image(data, width * mm, height * mm)


def _drawFooter(canvas: Canvas, page: ReportPage) -> None:
    """The line to sign on, the disclaimer again, and the footer's text."""
    y, x = (layout.MARGIN_BOTTOM + 6.5) * mm, layout.MARGIN_X * mm
    shares, gap = (1.0, 0.6, 1.0), 6.0 * mm
    width = (layout.WIDTH * mm - gap * (len(SIGNATURE) - 1)) / sum(shares)
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(0.7)
    for label, share in zip(SIGNATURE, shares, strict=True):
        canvas.setFillColor(INK)
        canvas.setFont(FONT, TEXT)
        canvas.drawString(x, y + 1.2 * mm, label)
        canvas.line(x, y, x + width * share, y)
        x += width * share + gap
    canvas.setFillColor(GRAY)
    canvas.setFont(BOLD, SMALL)
    canvas.drawString(layout.MARGIN_X * mm, layout.MARGIN_BOTTOM * mm, DISCLAIMER)
    left = pdfmetrics.stringWidth(DISCLAIMER, BOLD, SMALL) + gap
    footer = _paragraph(page.footer, SMALL, GRAY)
    footer.style.alignment = 2
    _width, height = footer.wrap(layout.WIDTH * mm - left, 1e4)
    footer.drawOn(canvas, layout.MARGIN_X * mm + left, layout.MARGIN_BOTTOM * mm - height + SMALL * LEADING - 1)
