"""Packages that tests need and Slicer does not ship: without them a file of tests is skipped."""

import unittest
from importlib.util import find_spec


def needs(*names):
    """To be called before they are imported."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise unittest.SkipTest(f"needs {', '.join(missing)}")
