"""What the documents say is there: files, anchors, pictures, commands, buttons; and the site is built from them."""

import ast
import contextlib
import html
import importlib.util
import io
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from itertools import pairwise
from pathlib import Path

from testPackages import needs

needs("markdown_it", "mdit_py_plugins")

from ALSStudyLib.commandLine import PROGRAM, _parser
from ALSStudyLib.provenance import DISCLAIMER
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("ALSCortexProfile", "PhaseShiftROI")
REPOSITORY = "https://github.com/ALSMotorCortex/SlicerALSMotorCortex"
IN_REPOSITORY = re.compile(re.escape(REPOSITORY) + r"/(?:blob|raw|tree)/main/([^\s\"'<>)#]+)")
# Where words in italics are labels of the panels, and those that are Slicer's own.
ON_LABELS = ("README.md", "Docs/ALSCortexProfile.md", "Docs/PhaseShiftROI.md", "Docs/Study.md")
OF_SLICER = {
    "Additional module paths", "Application Settings", "DICOM", "Developer mode", "Edit", "Extensions Manager", "File",
    "Install", "Install Extensions", "Line Profile", "Modules", "Quantification", "Reload", "Reload and Test",
    "Sample Data", "Save Data", "Segment Editor", "Segment Statistics", "View",
    "Code", "Download ZIP",  # of GitHub
}  # fmt: skip


def pages() -> list[Path]:
    """All documents of the repository."""
    found = (*ROOT.glob("*.md"), *(ROOT / "Docs").glob("*.md"), *(ROOT / "Testing").rglob("*.md"))
    return sorted(found)


def tokensOf(page: Path) -> list:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def inlineTokens(page: Path) -> list:
    return [child for token in tokensOf(page) if token.type == "inline" for child in token.children]


def anchorsOf(page: Path) -> list[str]:
    tokens = tokensOf(page)
    titles = [tokens[index + 1] for index, token in enumerate(tokens) if token.type == "heading_open"]
    return [slugify("".join(part.content for part in title.children)) for title in titles]


def emphasized(page: Path) -> set[str]:
    texts, parts = set(), None
    for token in inlineTokens(page):
        if token.type == "em_open":
            parts = []
        elif token.type == "em_close":
            texts.add("".join(parts))
            parts = None
        elif parts is not None:
            parts.append(" " if token.type == "softbreak" else token.content)
    return texts


def blocksOf(page: Path) -> list[str]:
    """The code blocks of a page, their continued lines joined."""
    return [token.content.replace("\\\n", " ") for token in tokensOf(page) if token.type == "fence"]


def linesOf(page: Path) -> list[str]:
    return [line.partition("  #")[0].strip() for block in blocksOf(page) for line in block.splitlines()]


def labels() -> set[str]:
    """What the panels can show: texts of their .ui files and of `_()` in their code."""
    found = set()
    for module in MODULES:
        for path in (ROOT / module).rglob("*.ui"):
            found |= set(map(html.unescape, re.findall(r"<string>([^<]*)</string>", path.read_text(encoding="utf-8"))))
        for path in (ROOT / module).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                    found |= {text.value for text in node.args if isinstance(text, ast.Constant)}
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("SAMPLE_NAME", "CATEGORY"):
                    found.add(getattr(node.value, "value", ""))
    return {text.rstrip(":") for text in found}


@unittest.skipUnless((ROOT / "README.md").is_file(), "the documents are not beside this test")
class LinksTest(unittest.TestCase):
    def testLinksLeadSomewhere(self):
        for page in pages():
            for token in inlineTokens(page):
                target = token.attrGet("href") if token.type == "link_open" else None
                if target is None:
                    continue
                with self.subTest(page=page.name, target=target):
                    if re.match(r"\w+:", target):
                        self.assertRegex(target, r"^(https://[\w.-]+\.\w+(/|$)|tcp://|mailto:)")
                        continue
                    name, _, anchor = target.partition("#")
                    path = (page.parent / name).resolve() if name else page
                    self.assertTrue(path.is_relative_to(ROOT) and path.exists(), "leads nowhere")
                    if anchor:
                        self.assertIn(anchor, anchorsOf(path))

    def testLinksIntoTheRepositoryLeadToItsFiles(self):
        folders = [ROOT, *(ROOT / name for name in ("Docs", "Testing", *MODULES))]
        endings = {".py", ".md", ".txt", ".toml", ".ui", ".cff", ".json"}
        found = 0
        for folder in folders:
            for path in folder.glob("*") if folder == ROOT else folder.rglob("*"):
                if path.suffix not in endings or not path.is_file():
                    continue
                for name in IN_REPOSITORY.findall(path.read_text(encoding="utf-8")):
                    found += 1
                    self.assertTrue((ROOT / name).exists(), f"{path.name} links to {name}")
        self.assertGreater(found, 4)

    def testEachModuleLinksToItsPageAndTheMethods(self):
        for module in MODULES:
            linked = IN_REPOSITORY.findall((ROOT / module / f"{module}.py").read_text(encoding="utf-8"))
            self.assertLessEqual({f"Docs/{module}.md", "Docs/Methods.md"}, set(linked))

    def testAPageHasOneTitleAndSkipsNoLevel(self):
        for page in pages():
            with self.subTest(page.name):
                levels = [int(token.tag[1]) for token in tokensOf(page) if token.type == "heading_open"]
                self.assertEqual((levels[0], levels.count(1)), (1, 1))
                for above, level in pairwise(levels):
                    self.assertLessEqual(level, above + 1)


@unittest.skipUnless((ROOT / "README.md").is_file(), "the documents are not beside this test")
class PicturesTest(unittest.TestCase):
    def testPicturesExistAndAreDescribed(self):
        for page in pages():
            for token in inlineTokens(page):
                if token.type == "image":
                    with self.subTest(page=page.name, picture=token.attrGet("src")):
                        self.assertTrue((page.parent / token.attrGet("src")).is_file())
                        self.assertGreater(len(token.content), 15, "says too little to whom does not see it")

    def testNoPictureIsLeftOver(self):
        shown = {
            (page.parent / token.attrGet("src")).resolve()
            for page in pages()
            for token in inlineTokens(page)
            if token.type == "image"
        }
        listed = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        for path in (ROOT / "Resources/Screenshots").rglob("*.png"):
            self.assertTrue(path in shown or path.name in listed, f"{path.name} is shown nowhere")


@unittest.skipUnless((ROOT / "README.md").is_file(), "the documents are not beside this test")
class InstructionsTest(unittest.TestCase):
    def testCommandsAreUnderstood(self):
        commands = [line for page in pages() for line in linesOf(page) if line.split(" ")[0].endswith(PROGRAM)]
        self.assertGreater(len(commands), 10)
        for command in commands:
            if "..." in command or "[" in command:
                continue
            with self.subTest(command), contextlib.redirect_stderr(io.StringIO()) as said:
                try:
                    _parser().parse_args(shlex.split(command, comments=True)[1:])
                except SystemExit as ended:
                    self.assertIn(ended.code, (0, None), said.getvalue())

    def testTargetsOfMakeExist(self):
        targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        named = {
            line.split()[1]
            for page in pages()
            for line in linesOf(page)
            if line.startswith("make ") and "=" not in line.split()[1]
        }
        self.assertLessEqual(named, targets)
        self.assertLessEqual({"demo", "test"}, named)

    def testWordsInItalicsAreLabelsOfThePanels(self):
        known = labels() | OF_SLICER
        for page in ON_LABELS:
            for text in emphasized(ROOT / page):
                for label in text.split(" / "):
                    with self.subTest(page=page, label=label):
                        self.assertTrue(
                            label in known or any(each.startswith(f"{label} (") for each in known),
                            "no button, field or section is called so",
                        )

    def testResearchUseIsSaid(self):
        for page in ON_LABELS:
            self.assertIn("Research use. Supportive, not diagnostic.", (ROOT / page).read_text(encoding="utf-8"))
        self.assertIn("supportive, not diagnostic", DISCLAIMER.casefold())

    def testAccuracyIsOfTheLastBenchmark(self):
        results = (ROOT / "Testing/Benchmarks/RESULTS.md").read_text(encoding="utf-8")
        (day,) = re.findall(r"Written by `make benchmark` on (\S+),", results)
        self.assertIn(day, (ROOT / "Docs/Accuracy.md").read_text(encoding="utf-8"))


@unittest.skipUnless((ROOT / "Docs/conf.py").is_file(), "the documents are not beside this test")
class SiteTest(unittest.TestCase):
    def setUp(self):
        needs("sphinx", "myst_parser", "furo")
        spec = importlib.util.spec_from_file_location("conf", ROOT / "Docs/conf.py")
        self.conf = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.conf)

    def testSiteIsBuiltWithoutWarnings(self):
        with tempfile.TemporaryDirectory() as folder:
            site = Path(folder) / "site"
            command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", str(ROOT / "Docs")]
            command += ["-d", str(Path(folder) / "doctrees"), str(ROOT), str(site)]
            ended = subprocess.run(command, check=False, capture_output=True, text=True)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            first = (site / "README.html").read_text(encoding="utf-8")
            for page in (name for names in self.conf.PAGES.values() for name in names):
                self.assertIn(f'href="{page}.html"', first)
            self.assertIn("README.html", (site / "index.html").read_text(encoding="utf-8"))
            # A link to a file of the code leads to the repository, not to a copy.
            linked = "".join(path.read_text(encoding="utf-8") for path in (site / "Docs").glob("*.html"))
            self.assertIn(f"{REPOSITORY}/blob/main/ALSCortexProfile/ALSCortexProfileLib/doubleSigmoid.py", linked)

    def testNoPageIsMissingOnTheSite(self):
        listed = {"README", *(name for names in self.conf.PAGES.values() for name in names)}
        self.assertEqual({page.relative_to(ROOT).with_suffix("").as_posix() for page in pages()}, listed)


if __name__ == "__main__":
    unittest.main()
