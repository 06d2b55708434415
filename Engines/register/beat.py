"""The heartbeat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from .record import CHANNEL, INTERVAL, LIFETIME, SET, Record
from .redis_url import connect

log = logging.getLogger("register")


class Registration:
    """Writes what `records` gives, every few seconds. Redis being away is waited out."""

    def __init__(self, url: str, records: Callable[[], list[Record]], interval: float = INTERVAL) -> None:
        self._redis = connect(url)
        self._records = records
        self._interval = interval
        self._written: dict[str, bytes] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    def beat_now(self) -> None:
        self._wake.set()

    async def stop(self) -> None:
        """Takes the records out at once, rather than after their lifetime."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(2):
                await self._write([])
        except Exception as error:  # noqa: BLE001 - they go by themselves
            log.warning("not taken out of the registry: %s", type(error).__name__)
        await self._redis.aclose()

    async def _run(self) -> None:
        reachable = True
        while True:
            try:
                async with asyncio.timeout(LIFETIME / 2):
                    await self._write(self._records())
                if not reachable:
                    log.warning("the registry is reachable again")
                reachable = True
            except Exception as error:  # noqa: BLE001 - whatever it is, the next beat tries again
                if reachable:
                    log.warning("the registry is not reachable: %s", type(error).__name__)
                reachable = False
            self._wake.clear()
            # What a model loading changes shall be seen soon.
            hurry = any(record.state != "ready" for record in self._records())
            try:
                async with asyncio.timeout(min(self._interval, 0.5) if hurry else self._interval):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _write(self, records: list[Record]) -> None:
        current = {record.redis_key: record.bytes() for record in records}
        gone = [key for key in self._written if key not in current]
        async with self._redis.pipeline(transaction=True) as pipe:
            for key, value in current.items():
                pipe.set(key, value, ex=LIFETIME)
                pipe.sadd(SET, key.rpartition(":")[2])
            if current:
                # Redis forgets the set when the last engine has gone; who reads it takes out what has no record.
                pipe.expire(SET, 4 * LIFETIME)
            for key in gone:
                pipe.delete(key)
                pipe.srem(SET, key.rpartition(":")[2])
            await pipe.execute()
        changed, self._written = current != self._written, current
        if changed:
            # Not in the transaction: in a cluster a channel belongs to no slot.
            await self._redis.execute_command("PUBLISH", CHANNEL, "changed")
