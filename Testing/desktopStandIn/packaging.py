"""Module `slicer.packaging` of the stand-in: it asks as Slicer does, but never changes Python's packages.

A test says what is not installed with `withoutPackages("pandas", ...)`; if the user that it plays agrees to install, it
is there again. Installing anything that is really absent raises NotImplementedError.
"""

import contextlib
import importlib.metadata
import logging
import sys
from subprocess import CalledProcessError

import slicer
from packaging.requirements import Requirement
from packaging.version import Version

absent: dict[str, dict] = {}  # modules that were taken out of sys.modules, by package
failing: set[str] = set()  # packages whose installation fails


def pip_check(req) -> bool:
    """Whether everything is installed in a version that fits; names of packages are those of their modules here."""
    return all(_isInstalled(requirement) for requirement in _requirements(req))


def pip_ensure(
    requirements,
    constraints=None,
    skip_packages=None,
    prompt_install=True,
    prompt_restart=True,
    requester=None,
    skip_in_testing=True,
    show_progress=True,
):
    """As in Slicer 5.12: asks, then installs; a RuntimeError if the user declines, CalledProcessError if pip fails."""
    missing = [requirement for requirement in _requirements(requirements) if not _isInstalled(requirement)]
    if not missing:
        return
    if skip_in_testing and slicer.app.testingEnabled():
        logging.info("Testing mode is enabled: skipping pip_ensure")
        return
    title = f"{requester} - Install Python Packages" if requester else "Install Python Packages"
    message = f"{len(missing)} Python packages need to be installed."
    if prompt_install and not slicer.util.confirmOkCancelDisplay(message, title):
        raise RuntimeError("User declined package installation")
    for requirement in missing:
        if requirement.name in failing:
            slicer.util.errorDisplay("Package installation failed.")
            raise CalledProcessError(1, "pip install")
        if requirement.name not in absent:
            raise NotImplementedError(f"the stand-in installs nothing: {requirement} is really missing")
        _bringBack(requirement.name)


@contextlib.contextmanager
def withoutPackages(*names: str, installationFails: bool = False):
    """For tests: these packages cannot be imported, until the user agrees to install them."""
    for name in names:
        found = {key: module for key, module in sys.modules.items() if key == name or key.startswith(f"{name}.")}
        absent[name] = found
        for key in found:
            del sys.modules[key]
        sys.modules[name] = None  # the import raises ImportError
    failing.update(names if installationFails else ())
    try:
        yield
    finally:
        failing.difference_update(names)
        for name in [name for name in names if name in absent]:
            _bringBack(name)


def _bringBack(name: str) -> None:
    for key in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[key]
    sys.modules.update(absent.pop(name))


def _requirements(given) -> list:
    if isinstance(given, str):
        return [Requirement(part) for part in given.split()]
    if not isinstance(given, (list, Requirement)):
        raise TypeError(f"Expected str, Requirement, or list, got {type(given).__name__}")
    return [
        Requirement(part) if isinstance(part, str) else part
        for part in ([given] if not isinstance(given, list) else given)
    ]


def _isInstalled(requirement) -> bool:
    if requirement.name in absent:
        return False
    try:
        return Version(importlib.metadata.version(requirement.name)) in requirement.specifier
    except importlib.metadata.PackageNotFoundError:
        return False
