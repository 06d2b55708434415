"""Puts what concurrent requests ask for into common batches. The arithmetic runs on one thread beside the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .bert import Array
from .encoder import Encoder, Tokens

# Inputs that are calculated before the loop looks again at who has come and who has left.
BATCH = 64


class Overloaded(Exception):
    """More is waiting than the engine takes in."""


@dataclass
class _Job:
    inputs: list[Tokens]
    vectors: list[Array]
    answer: asyncio.Future[list[Array]]


class Batcher:
    def __init__(self, encoder: Encoder, pool: ThreadPoolExecutor, limit: int) -> None:
        self.encoder = encoder
        self._pool = pool
        self._limit = limit
        self._waiting = 0
        self._jobs: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._runner = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        self._runner.cancel()
        await asyncio.gather(self._runner, return_exceptions=True)

    async def tokens(self, texts: list[str]) -> list[Tokens]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.encoder.tokens, texts)

    async def vectors(self, inputs: list[Tokens]) -> list[Array]:
        """Waits for the vectors; a caller that is cancelled takes its work out of the queue."""
        if self._waiting and self._waiting + len(inputs) > self._limit:
            raise Overloaded
        job = _Job(inputs, [], asyncio.get_running_loop().create_future())
        self._waiting += len(inputs)
        self._jobs.append(job)
        self._arrived.set()
        try:
            return await job.answer
        finally:
            self._waiting -= len(inputs)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            batch = self._next()
            if not batch:
                self._arrived.clear()
                continue
            inputs = [item for _, items in batch for item in items]
            try:
                vectors = iter(await loop.run_in_executor(self._pool, self.encoder.vectors, inputs))
            except Exception as error:  # noqa: BLE001 - what fails one batch must not end the engine
                for job, _ in batch:
                    if not job.answer.done():
                        job.answer.set_exception(error)
                continue
            for job, items in batch:
                job.vectors.extend(next(vectors) for _ in items)
                if len(job.vectors) == len(job.inputs) and not job.answer.done():
                    job.answer.set_result(job.vectors)

    def _next(self) -> list[tuple[_Job, list[Tokens]]]:
        """A fair share for each of those who wait, so that a large request does not hold up small ones."""
        jobs = [job for job in self._jobs if not job.answer.done()]
        batch: list[tuple[_Job, list[Tokens]]] = []
        unserved: list[_Job] = []
        served: list[_Job] = []
        room = BATCH
        for place, job in enumerate(jobs):
            if room == 0:
                unserved.append(job)
                continue
            share = max(1, room // (len(jobs) - place))
            start = len(job.vectors)
            items = job.inputs[start : start + share]
            batch.append((job, items))
            room -= len(items)
            if start + len(items) < len(job.inputs):
                served.append(job)
        # Who got nothing now comes first in the next.
        self._jobs = deque(unserved + served)
        return batch
