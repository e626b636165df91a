"""A report page as one self-contained HTML file that prints on one A4 page."""

from __future__ import annotations

import base64
import math
from html import escape
from pathlib import Path

from . import reportLayout as layout
from .provenance import DISCLAIMER
from .report import SIGNATURE, ReportPage, ReportTable, Section
from .reportLayout import CELL, HEADING, LEADING, POINT, SMALL, SUBTITLE, TEXT, TITLE

# Pictures shrink (flex) where a browser's font is wider than estimated, so that there is never a second page.
_STYLE = """
@page { size: A4; margin: 0; }
* { box-sizing: border-box; margin: 0; padding: 0; }
html { background: #d9dde2; }
body { font-family: "DejaVu Sans", Verdana, "Segoe UI", Arial, "Noto Sans", sans-serif; color: #16202b;
  line-height: LEADING; overflow-wrap: anywhere; }
.page { background: #fff; width: 210mm; height: 296.8mm; margin: 6mm auto; padding: 12mm 15mm 9mm;
  display: flex; flex-direction: column; overflow: hidden; }
@media print { html { background: #fff; } .page { margin: 0; } }
.research { align-self: flex-start; font-size: SMALLpt; color: #7a3b00; border: 0.3mm solid #c98a4b;
  padding: 0.5mm 2mm; }
h1 { font-size: TITLEpt; color: #12365c; margin-top: 1.5mm; }
.who { font-size: SUBTITLEpt; font-weight: bold; margin-top: 0.6mm; }
section { margin-top: GAPmm; flex: 0 0 auto; }
section.pictured { flex: 0 1 auto; min-height: 0; display: flex; flex-direction: column; }
h2 { font-size: HEADINGpt; color: #12365c; border-bottom: 0.3mm solid #9db2c8; margin-bottom: 1mm; }
dl { flex-wrap: wrap; column-gap: FACTGAPmm; font-size: TEXTpt; }
dl div { padding: 0.2mm 0; }
dt { display: inline; color: #4c5a68; }
dd { display: inline; }
table { width: 100%; border-collapse: collapse; font-size: CELLpt; }
th { text-align: left; vertical-align: bottom; color: #4c5a68; font-weight: bold; font-size: SMALLpt;
  border-bottom: 0.3mm solid #4c5a68; padding: 0.55mm 2.2mm 0.55mm 0; overflow-wrap: break-word; }
td { vertical-align: top; padding: 0.55mm 2.2mm 0.55mm 0; border-bottom: 0.15mm solid #c8d0d8;
  overflow-wrap: break-word; }
td.strong { font-weight: bold; }
.one { white-space: nowrap; }
.tight th, .tight td { padding-right: TIGHTmm; }
.note, figcaption { font-size: SMALLpt; color: #4c5a68; }
.note { margin-top: 0.6mm; }
p { font-size: TEXTpt; margin-top: 0.7mm; }
.pictures { flex: 0 1 auto; min-height: 0; display: grid; grid-auto-rows: minmax(0, 1fr); gap: 1.5mm 3mm;
  margin-top: 1mm; }
figure { min-height: 0; display: flex; flex-direction: column; align-items: center; }
figure img { min-height: 0; flex: 0 1 auto; max-width: 100%; object-fit: contain; }
figcaption { flex: 0 0 auto; text-align: center; }
footer { margin-top: auto; padding-top: 3mm; flex: 0 0 auto; font-size: SMALLPRINTpt; color: #4c5a68; }
.sign { display: flex; gap: 6mm; font-size: SIGNpt; color: #16202b; padding-bottom: 2.5mm; }
.sign span { flex: 1; border-bottom: 0.25mm solid #16202b; padding-bottom: 0.5mm; height: 8mm; display: flex;
  align-items: flex-end; }
.sign span:nth-child(2) { flex: 0.6; }
.last { display: flex; justify-content: space-between; gap: 6mm; }
"""


def htmlText(page: ReportPage) -> str:
    """The whole file.

    :raises InputError: a picture that cannot be read.
    """
    layout.aspects(page)  # a picture that cannot be read is found out first
    page, scale = layout.fitted(page, estimatedHeight)
    ratios = layout.aspects(page)
    room = layout.HEIGHT - estimatedHeight(page, scale, 0.0)
    grid = layout.bestGrid(
        page, ratios, lambda columns: room + _captions(page, scale, 3) - _captions(page, scale, columns)
    )
    style = _STYLE
    # Longer names first: SMALLPRINT holds SMALL, SUBTITLE holds TITLE.
    sizes = {
        "SMALLPRINT": SMALL,
        "SUBTITLE": SUBTITLE * scale,
        "SIGN": TEXT,
        "LEADING": LEADING,
        "HEADING": HEADING * scale,
    }
    sizes |= {"TITLE": TITLE * scale, "SMALL": SMALL * scale, "TEXT": TEXT * scale, "CELL": CELL * scale}
    sizes |= {"TIGHT": layout.TIGHT_PADDING_X, "FACTGAP": layout.FACT_GAP, "GAP": layout.GAP * scale}
    for name, size in sizes.items():
        style = style.replace(name, f"{size:.4g}")
    body = "\n".join(_section(section, scale, grid) for section in page.sections)
    sign = "".join(f"<span>{label}</span>" for label in SIGNATURE)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(page.title)} - {escape(page.subtitle)}</title>
<style>{style}</style>
</head>
<body>
<main class="page">
<div class="research">{DISCLAIMER}</div>
<h1>{escape(page.title)}</h1>
<div class="who" dir="auto">{escape(page.subtitle)}</div>
{body}
<footer>
<div class="sign">{sign}</div>
<div class="last"><strong>{DISCLAIMER}</strong><span>{escape(page.footer)}</span></div>
</footer>
</main>
</body>
</html>
"""


def _section(section: Section, scale: float, grid: layout.Grid | None) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"] if section.heading else []
    if section.facts:
        columns = layout.factColumns(section.facts)
        facts = "".join(
            f'<div><dt>{escape(label)}:</dt> <dd dir="auto">{escape(text)}</dd></div>' for label, text in section.facts
        )
        style = f"display: grid; grid-template-columns: repeat({columns}, 1fr)" if columns else "display: flex"
        parts.append(f'<dl style="{style}">{facts}</dl>')
    if section.table is not None:
        parts.append(_table(section.table, scale))
    style = ""
    if section.pictures and grid is not None:
        columns = min(grid.columns, len(section.pictures))
        figures = "".join(_figure(path, caption, grid) for path, caption in section.pictures)
        parts.append(f'<div class="pictures" style="grid-template-columns: repeat({columns}, 1fr)">{figures}</div>')
        style = ' class="pictured"'
    parts += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    return f"<section{style}>" + "\n".join(parts) + "</section>"


def _table(table: ReportTable, scale: float) -> str:
    chosen = layout.tableColumns(table, scale, _width)
    columns, style, head = "", "", ""
    if chosen.scale != scale:
        style, head = f"font-size: {CELL * chosen.scale:.4g}pt", f' style="font-size: {SMALL * chosen.scale:.4g}pt"'
    if chosen.areFixed:
        style += "; table-layout: fixed"
        columns = (
            "<colgroup>" + "".join(f'<col style="width: {width:.1f}mm">' for width in chosen.widths) + "</colgroup>"
        )
    style = f' style="{style}"' if style else ""
    style += ' class="tight"' if chosen.padding != layout.CELL_PADDING_X else ""
    header = "".join(f"<th{head}>{escape(name)}</th>" for name in table.header)
    rows = "".join(f"<tr>{_cells(row, table.strong)}</tr>\n" for row in table.rows)
    note = f'<div class="note">{escape(table.note)}</div>' if table.note else ""
    return f"<table{style}>{columns}<thead><tr>{header}</tr></thead><tbody>\n{rows}</tbody></table>{note}"


def _cells(row: tuple[str, ...], strong: tuple[int, ...]) -> str:
    cells = []
    for i, text in enumerate(row):
        kind = ' class="strong"' if i in strong else ""
        cells.append(f"<td{kind}>{' '.join(map(_word, text.split(' ')))}</td>")
    return "".join(cells)


def _word(word: str) -> str:
    """Kept on one line where it is a number with its interval or a short word; browsers break it at a dash."""
    isOne = layout.isFirm(word) and not word.isalpha()
    return f'<span class="one">{escape(word)}</span>' if isOne and word else escape(word)


def _figure(path: Path, caption: str, grid: layout.Grid) -> str:
    content = Path(path).read_bytes()
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(content).decode("ascii")
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    height = f"height: {grid.cellHeight:.1f}mm"
    alternative = escape(caption or Path(path).stem)
    image = f'<img style="{height}" src="data:image/{kind};base64,{data}" alt="{alternative}">'
    return f"<figure>{image}{text}</figure>"


_FULL = 1.001  # share of a line: the text that a column is made for fits into it

# What the text needs, estimated: HTML cannot be measured without a browser.


def estimatedHeight(page: ReportPage, scale: float, pictureRow: float) -> float:
    """mm of the page's content above the footer, with rows of pictures of that height, three side by side."""
    height = SMALL * scale * POINT * LEADING + 1.6 + 1.5  # the framed line
    height += _lines(page.title, TITLE * scale, layout.WIDTH) + _lines(
        page.subtitle, SUBTITLE * scale * 1.08, layout.WIDTH
    )
    return height + sum(_sectionHeight(s, scale, pictureRow) for s in page.sections)


def _sectionHeight(section: Section, scale: float, pictureRow: float) -> float:
    height = layout.GAP * scale
    if section.heading:
        height += HEADING * scale * POINT * LEADING + 1.4
    if section.facts:
        height += _factsHeight(section.facts, TEXT * scale)
    if section.table is not None:
        height += _tableHeight(section.table, scale)
    if section.pictures:
        rows = math.ceil(len(section.pictures) / min(3, len(section.pictures)))
        height += rows * (pictureRow + 1.5) + 1.0 + _sectionCaptions(section, scale, 3)
    return height + sum(_lines(text, TEXT * scale, layout.WIDTH) + 0.7 for text in section.paragraphs)


def _factsHeight(facts, points: float) -> float:
    columns = layout.factColumns(facts)
    texts = [f"{label}: {text}" for label, text in facts]
    if columns:
        each = [_lines(text, points, layout.WIDTH / columns - layout.FACT_GAP) + 0.4 for text in texts]
        return sum(max(each[first : first + columns]) for first in range(0, len(each), columns))
    # One after the other: a fact that does not fit into the rest of a line begins a new one.
    lines, used = 1, 0.0
    for text in texts:
        width = layout.textWidth(text, points) + layout.FACT_GAP
        if used and used + width > layout.WIDTH:
            lines, used = lines + 1, 0.0
        lines, used = lines + int(width // layout.WIDTH), used + width % layout.WIDTH
    return lines * (points * POINT * LEADING + 0.4)


def _width(text: str, points: float, isBold: bool) -> float:
    return (1.1 if isBold else 1.0) * layout.textWidth(text, points)


def _tableHeight(table: ReportTable, scale: float) -> float:
    columns = layout.tableColumns(table, scale, _width)
    points, head = CELL * columns.scale, SMALL * columns.scale * 1.1
    widths = [width - columns.padding for width in columns.widths]
    strong = [1.1 if i in table.strong else 1.0 for i in range(len(widths))]
    height = max(_lines(t, head, width) for t, width in zip(table.header, widths, strict=True)) + 1.4
    for row in table.rows:
        cells = zip(row, widths, strong, strict=True)
        height += max(_lines(t, points, width / s) for t, width, s in cells) + layout.CELL_PADDING_Y + 0.2
    return height + (_lines(table.note, SMALL * scale, layout.WIDTH) + 0.6 if table.note else 0.0)


def _sectionCaptions(section: Section, scale: float, columns: int) -> float:
    columns = min(columns, len(section.pictures)) or 1
    width = (layout.WIDTH - layout.GAP * (columns - 1)) / columns
    each = [_lines(caption, SMALL * scale, width) for _path, caption in section.pictures]
    return sum(max(each[first : first + columns]) for first in range(0, len(each), columns))


def _captions(page: ReportPage, scale: float, columns: int) -> float:
    return sum(_sectionCaptions(section, scale, columns) for section in page.sections)


def _lines(text: str, points: float, width: float) -> float:
    """mm that a text takes when it is wrapped; words do not fill several lines wholly, hence the 5 %."""
    share = layout.textWidth(text, points) / max(width, 1.0)
    lines = 0 if not text else 1 if share < _FULL else math.ceil(1.05 * share)
    return lines * points * POINT * LEADING
