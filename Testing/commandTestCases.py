"""What the tests of the command line share: a process of its own, and files by other writers than Slicer's."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, redirect_stderr, redirect_stdout

import numpy as np
import SimpleITK as sitk

LPS = np.diag([-1.0, -1.0, 1.0])


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "ALSStudyLib", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=cwd, check=False)


def call(*arguments):
    """As `run`, but in this process: much faster, for the many ways of being refused.

    What C++ code writes to the terminal is caught too.
    """
    from ALSStudyLib.commandLine import main

    texts = []
    with ExitStack() as stack:
        files = []
        for number, name in ((1, "stdout"), (2, "stderr")):
            getattr(sys, name).flush()
            file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape"))
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
            stack.enter_context((redirect_stdout if number == 1 else redirect_stderr)(file))
            files.append(file)
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            code = end.code
        for file in files:
            file.flush()
            file.seek(0)
            texts.append(file.read())
    return subprocess.CompletedProcess(arguments, code, *texts)


def writeImage(path, arrays_KJI, ijkToRAS):
    """A 3D, or 4D, file by SimpleITK: another writer than Slicer's."""
    arrays = [arrays_KJI] if isinstance(arrays_KJI, np.ndarray) else arrays_KJI
    spacing = np.linalg.norm(ijkToRAS[:3, :3], axis=0)
    volumes = []
    for array in arrays:
        volume = sitk.GetImageFromArray(array)
        volume.SetSpacing(spacing.tolist())
        volume.SetDirection((LPS @ (ijkToRAS[:3, :3] / spacing)).ravel().tolist())
        volume.SetOrigin((LPS @ ijkToRAS[:3, 3]).tolist())
        volumes.append(volume)
    sitk.WriteImage(volumes[0] if len(volumes) == 1 else sitk.JoinSeries(volumes), str(path))


def writeNode(scene, node, path):
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(str(path))
    assert node.GetStorageNode().WriteData(node)
