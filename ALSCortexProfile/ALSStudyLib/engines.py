"""Where the jobs of a batch run: processes of this machine (Pebble), or a Dask cluster by its address."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, TimeoutError, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from .errors import InputError, sentenceOf
from .examRecord import BROKEN, Job, measureJob, unmeasured
from .provenance import VERSION

# One thread per process: N processes are N times as fast, and no sum depends on how it is split.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VTK_SMP_MAX_THREADS",
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    ),
    "1",
)
CONNECT_S = 20
WORKERS_S = 60  # for the first worker of a cluster to come
LOOK_S = 5  # between looks whether an engine still runs
CLUSTER_WINDOW = 256  # jobs that a cluster is given ahead, at least
MOST_LOSSES = 3


@dataclass(frozen=True)
class Engine:
    """
    :param submit: starts a job. window: jobs under way or waiting at once, so that memory does not grow.
    :param isAlive: whether jobs under way can still end; where they cannot, they are submitted again.
    """

    submit: Callable[[Job], Future]
    window: int
    isAlive: Callable[[], bool]


def completed(jobs: Iterable[Job], engine: Engine) -> Iterator[tuple[Job, dict]]:
    """Jobs with their records, as they finish. A process that dies or hangs is the record of its job alone."""
    jobs, waiting, losses = iter(jobs), {}, Counter()
    while True:
        for job in islice(jobs, engine.window - len(waiting)):
            waiting[engine.submit(job)] = job
        if not waiting:
            return
        done, _ = wait(waiting, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        lost = [future for future in done if _isLost(future)]
        if not done and not engine.isAlive():
            lost = list(waiting)
        for future in done.difference(lost):
            job = waiting.pop(future)
            yield job, _recordOf(job, future)
        for job in [waiting.pop(future) for future in lost]:
            losses[job.key] += 1
            if losses[job.key] > MOST_LOSSES:
                reason = "The processes that measure ended; expected them running; run the same command again."
                yield job, unmeasured(job, BROKEN, reason)
            else:
                waiting[engine.submit(job)] = job


def _isLost(future: Future) -> bool:
    """Whether a job came to no end because its engine did, and not of itself."""
    return future.cancelled() or isinstance(future.exception(), BrokenExecutor)


def _recordOf(job: Job, future: Future) -> dict:
    error = future.exception()
    if error is None:
        record = future.result()
        if record["version"] == VERSION:
            return record
        reason = (
            f"A worker has als-motor-cortex {record['version']}; expected {VERSION}, for the same numbers; install it."
        )
    elif isinstance(error, TimeoutError):
        reason = "Not measured within the time limit; expected less; give it more (--time-limit-min) or look at it."
    elif type(error).__name__ in ("ProcessExpired", "KilledWorker"):
        reason = (
            f"The process that measured it ended ({_howItEnded(error)}); expected a result; is a file damaged, or the "
            "memory too small?"
        )
    else:
        reason = sentenceOf(error)[0]
    return unmeasured(job, BROKEN, reason)


def _howItEnded(error) -> str:
    code = getattr(error, "exitcode", None)
    if code is None:
        return "several times"
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"exit code {code}"


# This machine ---------------------------------------------------------------------------------------------------


@contextmanager
def localEngine(workers: int, limitS: float) -> Iterator[Engine]:
    """Processes of this machine."""
    with _environment(ONE_THREAD):
        pool = _RenewedPool(workers, limitS)
        try:
            yield Engine(pool.submit, 2 * workers, pool.isAlive)
        except BaseException:
            pool.stop()
            raise
        pool.close()


class _RenewedPool:
    """Pebble's processes; it gives up all of them when one dies between two jobs, so they are then started anew."""

    def __init__(self, workers: int, limitS: float):
        self._workers, self._limitS = workers, limitS
        self._pool = self._started()

    def _started(self):
        from pebble import ProcessPool

        pool = ProcessPool(self._workers, context=multiprocessing.get_context("spawn"))
        with _interruptIgnored(), suppress(Exception):  # Ctrl-C is for the parent, not for processes that start
            pool.schedule(_version).result()
        return pool

    def isAlive(self) -> bool:
        return self._pool.active

    def submit(self, job: Job) -> Future:
        for _attempt in range(MOST_LOSSES):
            try:
                return self._pool.schedule(measureJob, args=[job], timeout=self._limitS)
            except RuntimeError:
                self.stop()
                self._pool = self._started()
        raise InputError(
            "The processes that measure end as soon as they start; expected memory for them; use fewer (--workers) and "
            "run the same command again: what is measured is kept."
        )

    def close(self) -> None:
        self._pool.close()
        self._pool.join()

    def stop(self) -> None:
        self._pool.stop()
        self._pool.join()


@contextmanager
def _interruptIgnored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# A cluster ------------------------------------------------------------------------------------------------------


@contextmanager
def daskEngine(address: str) -> Iterator[Engine]:
    """A Dask cluster; its workers see the same files under the same paths, and have this package.

    :raises InputError: no scheduler at the address, or one that is lost; no worker, or workers of another version.
    """
    from distributed import Client

    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what they say of a lost connection is said here
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"Scheduler '{address}' does not answer ({type(error).__name__}); expected the address of a Dask "
            "scheduler, as tcp://host:8786; start it, or correct the address."
        ) from error
    with client:
        _checkWorkers(client)
        executor = client.get_executor(pure=False)

        def isAlive() -> bool:
            return client.status in ("running", "connecting")

        def submit(job: Job) -> Future:
            if client.status != "running":
                raise InputError(
                    f"Scheduler '{address}' was lost; expected it running; start it and run the same command again: "
                    "what is measured is kept."
                )
            return executor.submit(measureJob, job)

        yield Engine(submit, max(CLUSTER_WINDOW, 2 * sum(client.nthreads().values())), isAlive)


def _checkWorkers(client) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
        versions = client.run(_version)
    except TimeoutError as error:
        raise InputError("The cluster has no workers; expected at least one; start them.") from error
    except Exception as error:
        raise InputError(
            f"A worker of the cluster cannot load this package ({type(error).__name__}); expected als-motor-cortex "
            f"{VERSION} on every worker; install it there."
        ) from error
    other = {version for version in versions.values() if version != VERSION}
    if other:
        raise InputError(
            f"Workers of the cluster have als-motor-cortex {', '.join(sorted(other))}; expected {VERSION} on every "
            "worker, for the same numbers; install it there."
        )


def _version() -> str:
    return VERSION
