"""Writing files while the next ones are computed."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

THREADS = 4
"""Compressing and writing leave the interpreter to others; more threads would wait for it."""


class Writer(Generic[T]):
    """A few threads that do jobs, such as writing a file; their results keep the jobs' order.

    At most two batches of jobs are held: one being written, one being made.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "writer")
        self._pending: list[Future[T]] = []
        self._results: list[T] = []

    def __enter__(self) -> "Writer[T]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, jobs: Sequence[Callable[[], T]]) -> None:
        """Begin some jobs, after waiting for those before.

        Raises:
            OSError: Whatever one of those before raised.
        """
        self.finish()
        self._pending = [self._pool.submit(job) for job in jobs]

    def finish(self) -> list[T]:
        """Wait for all jobs; return the results of all since the beginning.

        Raises:
            OSError: Whatever one of them raised.
        """
        pending, self._pending = self._pending, []
        self._results += [job.result() for job in pending]
        return self._results
