"""The documentation site, from the same Markdown files that the repository shows: `make docs`, into build/docs."""

import json
import re
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
ENTRY = json.loads((ROOT / "ALSMotorCortex.json").read_text(encoding="utf-8"))
SOURCE_URL = f"{ENTRY['scm_url'].removesuffix('.git')}/blob/{ENTRY['scm_revision']}/"
# By caption; what is not listed here is not on the site.
PAGES = {
    "In Slicer": ("Docs/ALSCortexProfile", "Docs/PhaseShiftROI", "Docs/Study"),
    "Reference": ("Docs/Methods", "Docs/Accuracy", "Docs/FileFormats", "Docs/ManyExams"),
    "Project": (
        "CONTRIBUTING",
        "CHANGELOG",
        "Docs/ExtensionsIndex",
        "Testing/Benchmarks/RESULTS",
        "Testing/Data/gre_epi_7t/README",
    ),
}

project = "ALS Motor Cortex"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["README.md", *(f"{page}.md" for pages in PAGES.values() for page in pages)]
html_theme = "furo"
html_title = project
html_logo = "../Resources/ALSMotorCortex.png"
html_show_copyright = False
myst_heading_anchors = 4  # as on GitHub, a link may end in #a-heading


def setup(app):
    app.connect("source-read", _prepare)
    app.connect("build-finished", _addIndex)


def _prepare(app, page, source):
    """Links to code lead to the repository, and the first page leads to all others."""
    source[0] = re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", lambda link: _toSource(page, link), source[0])
    if page == root_doc:
        for caption, pages in PAGES.items():
            first = ("Start and tutorial <self>",) if caption == "In Slicer" else ()
            names = "\n".join((*first, *(f"/{name}" for name in pages)))
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{names}\n```\n"


def _toSource(page: str, link: re.Match) -> str:
    text, target = link.groups()
    path = (ROOT / page).parent / target.partition("#")[0]
    if ":" in target or target.startswith("#") or not path.exists() or _name(path) in include_patterns:
        return link.group()
    return f"[{text}]({SOURCE_URL}{quote(_name(path))})"


def _name(path: Path) -> str:
    return path.resolve().relative_to(ROOT).as_posix()


def _addIndex(app, error):
    """Servers open index.html first."""
    if error is None and app.builder.name == "html":
        page = f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={root_doc}.html"><title>{project}</title>\n'
        (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")
