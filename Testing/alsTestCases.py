"""What several tests share: small phantom cases, made once, and where the real images are."""

import html
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib import phantom

TESTING = Path(__file__).resolve().parent
DATA = TESTING / "Data"
QUICK = ProfileSettings(resamples=0)
BAND = phantom.Band.symmetric(0.25, 1.2)


def realData(name: str) -> Path:
    """A folder of the project's shared real images; it need not exist (outside users do not have them)."""
    shared = os.environ.get("ALS_SHARED_DATA", TESTING.parents[1] / "shared" / "data")
    return Path(shared) / "real" / name


def pageText(path) -> str:
    """The words of an HTML report, as one reads them."""
    text = re.sub(r"<(style|title)>.*?</\1>", "", Path(path).read_text(encoding="utf-8"), flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]*>", lambda tag: "" if "span" in tag[0] else " ", text))
    return " ".join(text.replace("\u2011", "-").split())


@cache
def _noiseFree(case):
    return phantom.noiseFreeImage(case)


def renderedArc(band=BAND, seed=1, **changes) -> phantom.RenderedCase:
    """`phantom.arcCase`, without noise unless `snr` is given; each geometry is rendered once."""
    case = phantom.arcCase(band, **{"snr": None, **changes})
    return phantom.render(replace(case, seed=seed), _noiseFree(replace(case, snr=None, jitterMm=0.0, seed=0)))


def arcInput(band=BAND, seed=1, **changes):
    """The one `ProfileInput` of an arc case."""
    return phantom.profileInputs(renderedArc(band, seed, **changes))[0]
