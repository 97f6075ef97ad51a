"""Where shards are embedded: in this process, in several, or on a Dask cluster; the results are alike."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from typing import Any, Final

from sarvlm_app.core.archive.embed import EncoderProvider, Manifest, ShardProgress, embed_shard
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import StorageError

LOOK_S: Final = 0.2
CONNECT_S: Final = 15
WORKER_DIED: Final = 1


def here(
    manifests: Sequence[Manifest],
    provide: EncoderProvider,
    ctx: JobContext,
    told: Callable[[ShardProgress], None] | None = None,
) -> Iterator[bytes]:
    """Embed one shard after the other in this process; `told` hears how far the present one is."""
    for manifest in manifests:
        yield embed_shard(manifest, provide, _Silent(ctx, told))


class _Silent(JobContext):
    """Is held and cancelled with another context, and leaves its progress as it is; `told` hears of the shard's."""

    def __init__(self, ctx: JobContext, told: Callable[[ShardProgress], None] | None = None) -> None:
        super().__init__()
        self._ctx, self._told = ctx, told
        self._now = ShardProgress()

    def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
        self._ctx.hold()
        if total:
            self.partial(replace(self._now, share=done / total))

    def partial(self, value: object) -> None:
        if isinstance(value, ShardProgress):
            self._now = value
            if self._told is not None:
                self._told(value)


def in_processes(
    manifests: Sequence[Manifest], provide: EncoderProvider, ctx: JobContext, workers: int
) -> Iterator[bytes]:
    """Embed in processes of this machine; they end with this one, however it ends.

    Raises
    ------
    StorageError
        A worker died.
    """
    context = get_context("spawn")
    stop_here, stop_there = context.Pipe(duplex=False)
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(stop_here, threads))
    finished = False
    try:
        yield from _in_order(pool, manifests, provide, ctx, 2 * workers)
        finished = True
    except BrokenProcessPool as error:
        raise StorageError(
            "A worker process ended without a word, perhaps for want of memory; run the same again with fewer "
            "--workers: what was finished is kept."
        ) from error
    finally:
        if not finished:
            stop_there.close()  # every worker sees its end and leaves at once
        pool.shutdown(wait=True, cancel_futures=True)
        stop_here.close()
        stop_there.close()


def _start_worker(stop: Any, threads: int) -> None:
    """In a new worker: leave with the parent, let it handle Ctrl-C, and share the cores."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    parent = parent_process()
    watched = [stop] if parent is None else [stop, parent.sentinel]

    def watch() -> None:
        connection.wait(watched)
        os._exit(WORKER_DIED)

    threading.Thread(target=watch, name="archive-parent", daemon=True).start()


def _in_order(
    pool: Any, manifests: Sequence[Manifest], provide: EncoderProvider, ctx: JobContext, ahead: int, **options: Any
) -> Iterator[bytes]:
    """Results in the order of the manifests, a few being worked on ahead."""
    todo = iter(manifests)
    waiting: list[Any] = []
    for manifest in islice(todo, ahead):
        waiting.append(pool.submit(embed_shard, manifest, provide, **options))
    while waiting:
        yield _result(waiting.pop(0), ctx)
        waiting += [
            pool.submit(embed_shard, manifest, provide, **options) for _, manifest in zip(range(1), todo, strict=False)
        ]


def _result(future: Future[bytes], ctx: JobContext) -> bytes:
    silent = _Silent(ctx)
    while True:
        silent.step()
        try:
            return future.result(timeout=LOOK_S)
        except (FutureTimeoutError, TimeoutError):
            continue


def over_dask(
    manifests: Sequence[Manifest], provide: EncoderProvider, ctx: JobContext, address: str
) -> Iterator[bytes]:
    """Embed on a Dask cluster, which must see the files under the same paths.

    Where workers declare the resource GPU (``dask worker --resources "GPU=1"``), each shard takes one.

    Raises
    ------
    StorageError
        The library is not installed, or the cluster cannot be reached or fails.
    """
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise StorageError(
            "--dask needs the library distributed, which is not installed; run pip install 'sarvlm-desktop[scale]'."
        ) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise StorageError(
            f"The Dask scheduler at {address} does not answer; start it or check its address, such as tcp://host:8786."
        ) from error
    with client:
        known = client.scheduler_info(n_workers=-1)["workers"].values()
        threads = sum(int(worker["nthreads"]) for worker in known)
        gpu = {"resources": {"GPU": 1}} if any("GPU" in worker.get("resources", {}) for worker in known) else {}
        try:
            yield from _in_order(client, manifests, provide, ctx, max(2, 2 * threads), pure=False, retries=2, **gpu)
        except (KilledWorker, OSError) as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                f"The Dask cluster at {address} failed ({error}); run the same again: what was finished is kept."
            ) from error
