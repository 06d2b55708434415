"""Many conversations with the simulated Grok web app at once, from a process that stands for one worker.

`python -m support.grok_load PORT FIRST STEP COUNT TURNS` holds the conversations FIRST, FIRST + STEP, ... below COUNT,
each on a connection of its own, 32 at a time, and prints how many answers were not what the conversation came to.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .grok import APP, GrokSimulator
from .raw import Decoder, request_bytes

AT_ONCE = 32
ACCOUNTS = 20


class Talk:
    """One conversation on one connection."""

    def __init__(self, port: int, number: int) -> None:
        self.port, self.number = port, number
        self.sso = f"sim-grok-heavy-{number % ACCOUNTS}"
        self.said: list[str] = []
        self.conversation = self.parent = ""

    async def hold(self, turns: int) -> int:
        """Says so much, and tells how many answers were wrong."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return sum([not await self._turn(turn) for turn in range(1, turns + 1)])
        finally:
            self.writer.transport.abort()

    async def _turn(self, turn: int) -> bool:
        text = f"conversation {self.number} says number {turn} with some more words in it"
        body: dict[str, Any] = {"message": text, "modeId": "fast", "temporary": True, "sendFinalMetadata": True}
        path = f"{APP}/conversations/new"
        if self.conversation:
            path = f"{APP}/conversations/{self.conversation}/responses"
            body["parentResponseId"] = self.parent
        results = [json.loads(line)["result"] for line in (await self._ask(path, body)).splitlines()]
        if not self.conversation:
            self.conversation = results[0]["conversation"]["conversationId"]
        inner = [result.get("response", result) for result in results]
        (answer,) = [frame["modelResponse"] for frame in inner if "modelResponse" in frame]
        expected = f"turn={turn}; history={'|'.join(self.said)}; got={text}"
        self.parent = answer["responseId"]
        self.said.append(text)
        return answer["message"] == expected == "".join(frame.get("token", "") for frame in inner)

    async def _ask(self, path: str, body: Any) -> bytes:
        self.writer.write(request_bytes(path, body, headers={"Cookie": f"sso={self.sso}"}))
        decoder = Decoder()
        while not decoder.clean:
            piece = await self.reader.read(65536)
            if not piece:
                raise ConnectionError("the simulator hung up")
            decoder.feed(piece)
        return bytes(decoder.body)


async def _worker(port: int, numbers: range, turns: int) -> int:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> int:
        async with places:
            return await Talk(port, number).hold(turns)

    return sum(await asyncio.gather(*(one(number) for number in numbers)))


@dataclass
class Held:
    """How it went."""

    turns: int
    wrong: int
    seconds: float
    # Of the simulator's process.
    processor_seconds: float

    def __str__(self) -> str:
        rate = self.turns / self.processor_seconds
        return (
            f"grok: {self.turns} turns in {self.seconds:.1f} s, {rate:.0f} for each second of the simulator's processor"
        )


def hold(sim: GrokSimulator, conversations: int, turns: int, workers: int = 4) -> Held:
    """Conversations from so many processes."""
    window = {"fast": {"total": conversations * turns}}
    sim.accounts(*({"sso": f"sim-grok-heavy-{n}", "windows": window, "inFlightLimit": 0} for n in range(ACCOUNTS)))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    before, began = _processor_seconds(sim), time.monotonic()
    started = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, *map(str, (sim.port, first, workers, conversations, turns))],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for first in range(workers)
    ]
    try:
        wrong = sum(int(process.communicate()[0]) for process in started)
    finally:
        for process in started:
            process.kill()
            process.wait()
    return Held(conversations * turns, wrong, time.monotonic() - began, _processor_seconds(sim) - before)


def _processor_seconds(sim: GrokSimulator) -> float:
    fields = Path(f"/proc/{sim.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    port, first, step, count, turns = map(int, sys.argv[1:])
    print(asyncio.run(_worker(port, range(first, count, step), turns)))
