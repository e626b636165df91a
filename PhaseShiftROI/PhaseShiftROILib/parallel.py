"""All cores for work that numpy and scipy do on one: they let other threads run while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def coreCount() -> int:
    """Cores this process may use: fewer than there are on a shared machine, or where OMP_NUM_THREADS says so."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(asked)) if asked.isdigit() and int(asked) > 0 else available


def forEach(function: Callable[[int], None], indices: Iterable[int]) -> None:
    """Call `function` for every index, on all cores; its first error is raised."""
    with ThreadPoolExecutor(coreCount()) as pool:
        for _ in pool.map(function, indices):
            pass


def forEachSlab(function: Callable[[int, int], None], count: int) -> None:
    """Call `function(first, end)` for consecutive parts of `range(count)`, one or more per core."""
    nSlabs = min(4 * coreCount(), count)
    edges = [count * index // nSlabs for index in range(nSlabs + 1)]
    forEach(lambda index: function(edges[index], edges[index + 1]), range(nSlabs))
