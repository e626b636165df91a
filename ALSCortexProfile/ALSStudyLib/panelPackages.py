"""Packages that Slicer does not ship: asked for when a button needs them, never before."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from subprocess import CalledProcessError

from slicer.i18n import tr as _

REQUESTER = "ALS Motor Cortex"
STUDY_PACKAGES = ("pandas>=2.2", "statsmodels>=0.14", "reportlab>=4")
PDF_PACKAGES = ("reportlab>=4",)


def missingPackages(requirements: Sequence[str]) -> str:
    """Have the packages installed, if the user agrees; call it from a button's handler.

    :returns: what is missing in words, "" if everything is there.
    """
    import slicer.packaging

    reason = ""
    try:
        slicer.packaging.pip_ensure(list(requirements), requester=REQUESTER)
    except RuntimeError as error:  # declined, or another installation is running
        logging.info("Packages were not installed: %s", error)
        reason = _("the installation was declined")
    except CalledProcessError as error:  # Slicer has shown what pip said
        logging.info("Packages were not installed: %s", error)
        reason = _("the installation failed, see the error log")
    names = [requirement.partition(">")[0] for requirement in requirements]
    absent = [name for name in names if not _isThere(name)]
    if not absent:
        return ""
    reason = reason or _("they are not installed")
    return _("{names} missing: {reason}").format(names=", ".join(absent), reason=reason)


def wouldAsk(requirements: Sequence[str]) -> bool:
    """Whether the user would be asked to install something: a self-test must not."""
    import slicer.packaging

    return not (slicer.app.testingEnabled() or slicer.packaging.pip_check(list(requirements)))


def _isThere(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True
