"""What the tests of packaging share: this repository's lists of files, as CMake, setuptools and git keep them."""

import re
import shutil
import subprocess
import unittest
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("ALSCortexProfile", "PhaseShiftROI")
hasSource = unittest.skipUnless(
    (ROOT / "CMakeLists.txt").is_file(), "the CMake files of the source are not beside this test"
)


def readToml(path: Path) -> dict:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10, where pytest brings tomli
        import tomli as tomllib
    return tomllib.loads(path.read_text(encoding="utf-8"))


def readCMake(path: Path) -> list[tuple[str, list[str]]]:
    """Commands of a CMake file in order, as (name, arguments) with the variables set before put in."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'("(?:[^"\\]|\\.)*")|#[^\n]*', lambda match: match.group(1) or "", text)
    variables: dict[str, list[str]] = {}
    commands = []
    for name, body in re.findall(r'(\w+)\s*\(((?:"(?:[^"\\]|\\.)*"|[^()"])*)\)', text):
        arguments = []
        for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)', body):
            whole = re.fullmatch(r"\$\{(\w+)\}", bare)
            if whole:
                arguments += variables.get(whole.group(1), [bare])
            else:
                filled = re.sub(
                    r"\$\{(\w+)\}",
                    lambda match: ";".join(variables.get(match.group(1), [match.group()])),
                    quoted or bare,
                )
                arguments.append(filled)
        if name.lower() == "set":
            variables[arguments[0]] = arguments[1:]
        commands.append((name.lower(), arguments))
    return commands


def commandsNamed(path: Path, name: str) -> list[list[str]]:
    return [arguments for command, arguments in readCMake(path) if command == name.lower()]


def variableOf(path: Path, name: str) -> list[str]:
    """Value of the one `set(name ...)` of a CMake file."""
    values = [arguments[1:] for arguments in commandsNamed(path, "set") if arguments[0] == name]
    if len(values) != 1:
        raise AssertionError(f"{path.name}: set({name} ...) found {len(values)} times, expected once")
    return values[0]


def filesToPackage(folder: Path) -> set[str]:
    """Every file below a module's folder that a user needs, relative to it."""
    files = set()
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_dir() or any(part.startswith(".") or part == "__pycache__" for part in parts):
            continue
        if parts == ("CMakeLists.txt",) or path.suffix in (".md", ".pyc") or path.name.endswith("~"):
            continue
        files.add("/".join(parts))
    return files


def packagesIn(folder: Path) -> set[str]:
    """Python packages below a module's folder, with dots."""
    return {".".join(path.parent.relative_to(folder).parts) for path in folder.rglob("__init__.py")}


@cache
def trackedFiles() -> tuple[str, ...]:
    """Files that git keeps and that are there, relative to the root; unittest.SkipTest where git cannot say."""
    git = shutil.which("git")
    if not (git and (ROOT / ".git").exists()):
        raise unittest.SkipTest("the source is not a git repository, or git is not installed")
    listed = subprocess.run([git, "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode:
        raise unittest.SkipTest(f"git cannot read this repository: {listed.stderr.decode(errors='replace').strip()}")
    return tuple(path for path in sorted(listed.stdout.decode().split("\0")) if path and (ROOT / path).is_file())
