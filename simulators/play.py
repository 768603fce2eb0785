"""Playing a scenario: plug the analysers in, give them their tubes at the scenario's pace."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from simulators.benches import Bench
from simulators.kit.scenario import Pace
from simulators.market import pull_cables
from simulators.tubes import Tube, Tubes

BATCH = 8
"""Tubes that are prepared together, once the morning has begun."""

Prepare = Callable[[Sequence[Tube]], Awaitable[None]]
"""What is done before a batch is measured: a technician sends its run sheets."""
Told = Callable[[str, Bench], None]
"""Hears what happened to a bench's cable: "pulled" or "plugged"."""


@contextlib.asynccontextmanager
async def plugged_in(standing: Sequence[Bench]) -> AsyncIterator[None]:
    """Plug every analyser in and switch it on; at the end pull them all, so that no pty or port
    stays."""
    answering: list[asyncio.Task[None]] = []
    try:
        for bench in standing:
            await bench.place.plug()
            answering.append(asyncio.create_task(bench.answer()))
        yield
    finally:
        for task in answering:
            task.cancel()
        ended = await asyncio.gather(*answering, return_exceptions=True)
        for bench in standing:
            await bench.place.unplug()
    for one in ended:
        if one is not None and not isinstance(one, asyncio.CancelledError):
            raise one


async def play(
    standing: Mapping[str, Bench],
    tubes: Tubes,
    pace: Pace,
    seed: int | str,
    *,
    prepare: Prepare,
    delivered: Callable[[Bench, Tube], None],
    told: Told,
) -> None:
    """Give out every tube and wait until the last is done; for ever if they never end."""

    async def give_out() -> None:
        size, wait = pace.quick or BATCH, 0.0 if pace.quick else pace.every
        while batch := tubes.take(size):
            await prepare(batch)
            for tube in batch:
                await asyncio.sleep(wait)
                standing[tube.sample.instrument].waiting.put_nowait(tube)
            size, wait = BATCH, pace.every
        for bench in standing.values():
            await bench.waiting.join()

    at_work = [bench.work(delivered) for bench in standing.values()]
    await beside(give_out(), *at_work, pull_cables(list(standing.values()), pace, seed, told))


async def beside(leading: Coroutine[Any, Any, None], *others: Coroutine[Any, Any, None]) -> None:
    """Run the others beside the leading one and end them with it; raise what any of them raises."""
    first = asyncio.create_task(leading)
    tasks = {first, *(asyncio.create_task(other) for other in others)}
    waiting = set(tasks)
    try:
        while not first.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Stopped(Exception):
    """Somebody said stop: Ctrl-C, SIGTERM, or the terminal went away."""


def listen_for_stop() -> asyncio.Event:
    """Take SIGINT, SIGTERM and SIGHUP from here on; the event is set by the first of them.

    To be called before anything is started that has to be put away again.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    return told


async def until(told: asyncio.Event) -> None:
    """Raise Stopped when the event is set."""
    await told.wait()
    raise Stopped
