"""What the tests of the reports share: rows as the tables have them, and pages read back."""

import math
import shutil
import tempfile
import unittest
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from ALSStudyLib.patientReport import patientPage
from ALSStudyLib.referenceRange import ReferenceRange, change
from ALSStudyLib.report import ReportPage
from ALSStudyLib.reportWords import named
from ALSStudyLib.studyCharts import LimbRow
from PIL import Image

HAS_REPORTLAB = find_spec("reportlab") is not None
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def profileRow(target, status="ok", **more):
    row = {"subject": "P012", "exam": "1", "target": target, "side": target.rpartition("_")[2], "status": status}
    if status == "ok":
        row |= {"sh_thk_per_mm": 0.13715253, "sh_thk_per_mm_ci_low": 0.13277073, "sh_thk_per_mm_ci_high": 0.14125179}
        row |= {"sh": 0.25390629, "sh_ci_low": 0.24709426, "sh_ci_high": 0.26116116}
        row |= {"thickness_mm": 1.8512694, "thickness_mm_ci_low": 1.8083047, "thickness_mm_ci_high": 1.9077158}
    return {**row, **more}


def phaseRow(region, side, rank, value, **more):
    row = {"subject": "P012", "exam": "1", "region": region, "side": side, "rank": rank, "slice": 10 + rank}
    row |= {"phase_rad": value, "sd_rad": 0.02, "phase_hz": value / (2 * math.pi * 0.019), "phase_ppb": value * 65}
    return {**row, "retention": 0.85, "n_pixels": 21, "area_mm2": 6.0, "rule": "ranked", "flags": "n/a", **more}


def publishedRow(region, side, rank, value, name="phase_rad"):
    """As in a table of a paper: only where, and the value."""
    row = {"subject": "P012", "exam": "1", "region": region, "side": side, "rank": rank, "sex": "F", "age_years": 71}
    return {**row, name: value}


def fullPhasePage() -> ReportPage:
    """As many columns as a phase table can have."""
    rows = [
        phaseRow("precentral_gyrus", side, rank, -0.2 - 0.01 * rank, flags="sign_flips_corrected;few_pixels")
        for side in ("right", "left")
        for rank in (1, 2, 3)
    ]
    limbs = [
        LimbRow("P012", "1", "als", "precentral_gyrus", side, -0.2, "ok", f"arm_leg_{other}", 12.0)
        for side, other in (("left", "right"), ("right", "left"))
    ]
    reading = {"subject": "P012", "exam": "1", "reader": "MK", "session": 1, "target": "precentral_gyrus_left"}
    reading |= {"reading": "nonpathologic", "score": 1, "blind": "yes"}
    return patientPage("phase", "P012", "1", rows, limbs=limbs, readings=[reading])


def allText(page: ReportPage) -> str:
    parts = [page.title, page.subtitle, page.footer]
    for section in page.sections:
        parts += [section.heading, *section.paragraphs, *(text for fact in section.facts for text in fact)]
        if section.table is not None:
            parts += [*section.table.header, *(cell for row in section.table.rows for cell in row), section.table.note]
    return "\n".join(parts).replace("\u00a0", " ")


def table(page: ReportPage, heading: str) -> list[dict]:
    """Rows of a section's table by their headers."""
    found = next(section.table for section in page.sections if section.heading == heading)
    return [
        {name: cell.replace("\u00a0", " ") for name, cell in zip(found.header, row, strict=True)} for row in found.rows
    ]


class Tags(HTMLParser):
    """What an HTML file has in it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.shown = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.shown.append(data)


class ReportTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def picture(self, name="fit.png", size=(205, 110), mode="RGBA"):
        path = self.folder / name
        rng = np.random.default_rng(1)
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], len(mode)), np.uint8), mode).save(path)
        return path

    def fullest(self):
        """Six targets, six pictures, long remarks, and everything to compare with."""
        places = ("hand_knob_left", "hand_knob_right", "paracentral_left", "paracentral_right")
        rows = [profileRow(place) for place in (*places, "face_area_right")]
        rows.append(profileRow("my_own_place_left", "at_edge", flags="tilt_unknown;control_points_wider_than_3_mm"))
        ages = np.linspace(40, 75, 13)
        controls = ReferenceRange.fromControls(0.03 + 0.01 * np.sin(np.arange(13)), ages)
        readings = [
            {"subject": "P012", "exam": "1", "reader": reader, "session": 1, "target": place, "reading": "pathologic"}
            | {"score": 2, "blind": "yes"}
            for place in places
            for reader in ("MK", "AB")
        ]
        limbs = [LimbRow("P012", "1", "als", "hand_knob", "left", 0.1, "ok", "arm_right", 5.0)]
        value = 0.13715253
        comparisons = [(named(row["target"]), controls.compare(value, 63.0), controls) for row in rows]
        changes = [(named(place), "exam 0", change(0.12, value, 0.015)) for place in places]
        pictures = [(self.picture(f"{i}.png", (310, 120)), f"Figure {i}") for i in range(6)]
        inputs = [{"path": f"/data/line_{i}.mrk.json", "sha256": f"{i:064x}"} for i in range(12)]
        provenance = {"version": "0.1.0", "command": "profile", "inputs": inputs, "settings": {"resamples": 1000}}
        return patientPage(
            "profile",
            "P012",
            "1",
            rows,
            {"sex": "F", "age_years": "63"},
            comparisons,
            limbs,
            readings,
            changes,
            pictures,
            provenance,
            [f"Remark {i}: " + "the patient moved during the scan. " * 15 for i in range(4)],
        )
