"""All cores for work that numpy and scipy do on one: they let other threads run while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def coreCount() -> int:
    """Cores this process may use, which on a shared machine are fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
