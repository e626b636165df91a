"""The same digits on every machine: sums that are split among threads are rounded otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def oneThread() -> Iterator[None]:
    """One thread for the linear algebra of numpy and scipy; inside Slicer, which lacks threadpoolctl, as it is."""
    import scipy.linalg  # noqa: F401  (its own copy of BLAS is only limited once it is loaded)

    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(1):
        yield
