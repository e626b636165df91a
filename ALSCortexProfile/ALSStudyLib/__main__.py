"""`python -m ALSStudyLib`: the same as `als-motor-cortex`."""

import sys

from .commandLine import entry

sys.exit(entry())
