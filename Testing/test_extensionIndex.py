"""What the Extensions Index checks of an extension, without a network; Docs/ExtensionsIndex.md has the list."""

import json
import re
import subprocess
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from sourceTestCases import MODULES, ROOT, commandsNamed, hasSource, trackedFiles, variableOf
from testPackages import needs

needs("PIL")

import numpy as np
from PIL import Image

HOME = "https://github.com/ALSMotorCortex/SlicerALSMotorCortex"
RAW_URL = "https://raw.githubusercontent.com/ALSMotorCortex/SlicerALSMotorCortex/main/"
SCHEMA_URL = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json#"
)
# Keys of an entry by that schema and their types; the first three are required, others are not allowed.
REQUIRED = {"$schema": str, "category": str, "scm_url": str}
OPTIONAL = {"scm_revision": str, "scm_type": str, "build_dependencies": list, "build_subdirectory": str}
OPTIONAL |= {"enabled": bool, "tier": int}
TIERS = (1, 3)  # 5 is for extensions that Slicer's own developers support; 2 and 4 are reserved
MODULE_TITLES = ("ALS Cortex Profile", "Phase Shift ROI")
MIB = 1 << 20
GENERATED = re.compile(
    r"(^|/)(__pycache__|build|dist|demo-output|_build|site|\.venv|\.pytest_cache|\.ruff_cache|\.hypothesis)/"
    r"|\.egg-info/|\.(py[cod]|so|dll|dylib|exe|whl|o|orig|rej|log|swp)$|~$|(^|/)\.DS_Store$"
)
# Paths of the machine of whoever wrote a file, and places to install from that are not the public ones.
FOREIGN = re.compile(
    r"(?<![\w./-])/(?:root|work|opt)/\w|/home/\w+/|/Users/\w+/|\b[A-Z]:\\{1,2}Users\\|/tmp/[a-z]{1,2}\d?/"
    r"|--(?:extra-)?index-url|--find-links|--trusted-host|pip\.conf|file:///(?:opt|work|home|root|tmp)"
)


def quoted(name: str) -> str:
    """Value of `set(name "...")` on one line, which is how the index's script looks for it."""
    found = re.findall(rf'^set\({name} "([^"\n]+)"\)', (ROOT / "CMakeLists.txt").read_text("utf-8"), re.MULTILINE)
    if len(found) != 1:
        raise AssertionError(f'set({name} "...") on one line: found {len(found)} times, expected once')
    return found[0]


def ownFile(url: str) -> str:
    """Path of a file that a raw URL of the repository's main branch points to."""
    if not url.startswith(RAW_URL):
        raise AssertionError(f"{url} is not a raw file of the main branch: expected {RAW_URL}...")
    return url[len(RAW_URL) :]


def gray(icon: Image.Image, size: int, background: int) -> np.ndarray:
    """An icon at that size on a gray background, (size, size), 0-255."""
    small = icon.convert("RGBA").resize((size, size), Image.Resampling.BOX)
    below = Image.new("RGBA", small.size, (background, background, background, 255))
    below.alpha_composite(small)
    return np.asarray(below.convert("L"), float)


class EntryCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ((cls.name,),) = commandsNamed(ROOT / "CMakeLists.txt", "project")
        cls.path = ROOT / f"{cls.name}.json"
        cls.entry = json.loads(cls.path.read_text(encoding="utf-8"))


@hasSource
class EntryTest(EntryCase):
    """The file that is copied into the index."""

    def testSchema(self):
        self.assertEqual(self.entry["$schema"], SCHEMA_URL)
        self.assertEqual(set(REQUIRED) - set(self.entry), set(), "required, but missing")
        self.assertEqual(set(self.entry) - set(REQUIRED | OPTIONAL), set(), "not known to the schema")
        for key, value in self.entry.items():
            self.assertIs(type(value), (REQUIRED | OPTIONAL)[key], key)
        self.assertEqual(self.entry["scm_type"], "git")
        self.assertTrue(all(isinstance(name, str) for name in self.entry["build_dependencies"]))
        self.assertIn(self.entry["tier"], TIERS)

    def testLinesEndAsInUnix(self):
        content = self.path.read_bytes()
        self.assertNotIn(b"\r", content)
        self.assertTrue(content.endswith(b"}\n"))

    def testAnEntryLiesWhereTheIndexExpectsIt(self):
        """One JSON file, named after the extension, which project() names too."""
        self.assertEqual([path.stem for path in ROOT.glob("*.json")], [self.name])

    def testNames(self):
        self.assertRegex(self.name, r"^(?i:(?!slicer))[A-Z][A-Za-z0-9]+$")
        address = urlsplit(self.entry["scm_url"])
        self.assertEqual((address.scheme, address.netloc), ("https", "github.com"))
        self.assertEqual(address.path.rsplit("/", 1)[1], f"Slicer{self.name}.git")

    def testRevisionIsABranch(self):
        """A hash would need a pull request to the index for every change."""
        self.assertEqual(self.entry["scm_revision"], "main")

    def testCategoryIsKnownAndThatOfTheModules(self):
        self.assertEqual(self.entry["category"], "Quantification")  # one of the index's own list
        for module in MODULES:
            text = (ROOT / module / f"{module}.py").read_text(encoding="utf-8")
            self.assertIn(f'[translate("qSlicerAbstractCoreModule", "{self.entry["category"]}")]', text)

    def testEntryAndCMakeAgree(self):
        self.assertEqual(quoted("EXTENSION_HOMEPAGE"), HOME)
        self.assertEqual(self.entry["scm_url"], f"{HOME}.git")
        self.assertEqual(variableOf(ROOT / "CMakeLists.txt", "EXTENSION_DEPENDS"), ["NA"])
        self.assertEqual(self.entry["build_dependencies"], [])
        self.assertEqual(self.entry["build_subdirectory"], ".")
        for name in ("CATEGORY", "TIER", "STATUS"):  # the build system takes them from the entry
            self.assertNotIn(f"EXTENSION_{name}", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))


@hasSource
class DescriptionTest(EntryCase):
    """What a user sees in the Extensions Manager."""

    def testDescriptionIsOneOrTwoSentencesForNonExperts(self):
        text = quoted("EXTENSION_DESCRIPTION")
        self.assertIn(len(re.findall(r"[.!?](?= |$)", text)), (1, 2))
        self.assertTrue(text.endswith("."))
        self.assertLess(len(text), 400)
        for words in ("motor cortex", "MRI", "amyotrophic lateral sclerosis (ALS)", "not diagnostic"):
            self.assertIn(words, text)

    def testPicturesAreRawFilesInGit(self):
        screenshots = quoted("EXTENSION_SCREENSHOTURLS").split()
        self.assertGreaterEqual(len(screenshots), 2)
        for url in (quoted("EXTENSION_ICONURL"), *screenshots):
            with self.subTest(url):
                path = ownFile(url)
                self.assertIn(path, trackedFiles())
                with Image.open(ROOT / path) as picture:
                    self.assertEqual(picture.format, "PNG")
                    picture.load()
                    if url in screenshots:
                        self.assertGreaterEqual(min(picture.size), 200)

    def testIconsAreOfOneSizeAndReadableWhenSmall(self):
        """128 x 128; of the contrast at least four fifths are left at 32 pixels, in the light and the dark theme."""
        icons = [ROOT / ownFile(quoted("EXTENSION_ICONURL"))]
        icons += [ROOT / module / f"Resources/Icons/{module}.png" for module in MODULES]
        for path in icons:
            with self.subTest(path.name), Image.open(path) as icon:
                self.assertEqual((icon.format, icon.size), ("PNG", (128, 128)))
                for background in (255, 50):
                    small = gray(icon, 32, background).std()
                    self.assertGreater(small, 30.0)
                    self.assertGreater(small / gray(icon, 128, background).std(), 0.8)

    def testLicense(self):
        for variable, name in (("EXTENSION_LICENSE_FILE", "LICENSE.txt"), ("EXTENSION_README_FILE", "README.md")):
            values = variableOf(ROOT / "CMakeLists.txt", variable)
            self.assertEqual(values, [f"${{CMAKE_CURRENT_SOURCE_DIR}}/{name}"])
            self.assertTrue((ROOT / name).is_file(), name)
        text = (ROOT / "LICENSE.txt").read_text(encoding="utf-8")
        self.assertRegex(text, r"^\s*Apache License\s+Version 2\.0, January 2004")


@hasSource
class HomepageTest(EntryCase):
    """README.md is the page that the catalog links to."""

    def setUp(self):
        self.text = (ROOT / "README.md").read_text(encoding="utf-8")

    def testNameAndShortDescriptionComeFirst(self):
        title, description = re.match(r"# (.+)\n+((?:\S.*\n)+)", self.text).groups()
        self.assertEqual(title.replace(" ", ""), self.name)
        sentences = re.findall(r"[.!?](?=\s)", description)
        self.assertIn(len(sentences), (1, 2, 3))
        self.assertIn("amyotrophic lateral sclerosis (ALS)", " ".join(description.split()))

    def testHasAPictureOfTheApplication(self):
        pictures = re.findall(r"!\[[^\]]{10,}\]\(([^)]+\.png)\)", self.text)
        self.assertTrue(pictures)
        for picture in pictures:
            self.assertTrue((ROOT / picture).is_file(), picture)
        self.assertIn(pictures[0].rsplit("/")[-1], quoted("EXTENSION_SCREENSHOTURLS"))

    def testSaysWhatEachModuleDoes(self):
        plain = " ".join(self.text.replace("*", "").split())
        for title in MODULE_TITLES:
            with self.subTest(title):
                self.assertRegex(plain, rf"{title}\W* (?:\| )?\w[^.|]{{30,}}")

    def testNamesPublicationsLicenseAndPrivacy(self):
        for url in ("https://www.ajnr.org/content/39/1/63", "https://doi.org/10.1177/0300060521992222"):
            self.assertIn(f"]({url})", self.text)
        self.assertRegex(self.text, r"\[Apache[^\]]*2\.0[^\]]*\]\(LICENSE\.txt\)")
        self.assertRegex(self.text, r"(?i)supportive, not diagnostic")
        self.assertRegex(" ".join(self.text.split()), r"(?i)(?:never leaves?|stays? on) (?:the|your) computer")


@hasSource
class RepositoryTest(unittest.TestCase):
    """What git keeps: small, made by hand, of no one's machine."""

    def testIsSmall(self):
        sizes = {path: (ROOT / path).stat().st_size for path in trackedFiles()}
        self.assertEqual([path for path, size in sizes.items() if size > 5 * MIB], [])
        packed = subprocess.run(
            ["git", "-C", str(ROOT), "pack-objects", "--all", "--stdout", "-q"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        self.assertLess(sum(sizes.values()) + len(packed.stdout), 20 * MIB, "files and history, as a clone has them")

    def testHoldsNothingGenerated(self):
        self.assertEqual([path for path in trackedFiles() if GENERATED.search(path)], [])

    def testNamesOfFilesWorkOnAllSystems(self):
        """Windows and macOS take names that differ in case only for the same."""
        paths = [path.lower() for path in trackedFiles()]
        self.assertEqual(len(paths), len(set(paths)))
        self.assertEqual([path for path in trackedFiles() if re.search(r'[<>:"|?*\\]|[ .](?:/|$)', path)], [])

    def testTextsNameNoMachineAndNoOtherRegistry(self):
        found = []
        for path in trackedFiles():
            content = (ROOT / path).read_bytes()
            if b"\0" in content or path == Path(__file__).resolve().relative_to(ROOT).as_posix():
                continue
            text = content.decode("utf-8")
            found += [f"{path}: {match.group()}" for match in FOREIGN.finditer(text)]
            self.assertNotIn("\r", text, path)
        self.assertEqual(found, [])

    def testLinuxBuildsOfTheIndexNeedNoCompiler(self):
        """With C++ files or dependencies the index's own packaging of Python extensions would be skipped."""
        self.assertEqual([path for path in trackedFiles() if path.endswith((".cxx", ".cpp", ".h", ".hxx"))], [])


if __name__ == "__main__":
    unittest.main()
