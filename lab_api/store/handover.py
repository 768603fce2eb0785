"""Work handed to the process that writes, over a socket in the store's folder (CUSTODY.md 25).

→ {"work": "key.add", "with": {…}}        one line of JSON each way, one work a connection
← {"done": {…}}  or  {"refused": "…"}
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from gateway.wire.model import Json

MOST = 64 * 1024
WITHIN = 10.0
"""Seconds in which a lab that is starting must listen, and a work be done."""
LONGEST_PATH = 100
"""Bytes that a socket's address takes on every system."""


class NotTaken(Exception):
    """The process that holds the store did not take the work, or refused it."""


def socket_file(store: Path) -> Path:
    """Where the writing process of a store listens."""
    return store.with_name(store.name + ".sock")


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """An address for a path of any length."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@asynccontextmanager
async def take_work(store: Path, do: Callable[[str, Json], Awaitable[Json]]) -> AsyncIterator[None]:
    """Listen beside `store` and do what is handed over; `do` raises ValueError to refuse."""
    path = socket_file(store)
    path.unlink(missing_ok=True)  # whoever holds the store's lock is alone
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        with _address(path) as address:
            listening.bind(address)
    finally:
        os.umask(before)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                writer.write(await _answer(await reader.readline(), do))
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            return  # whoever asked is gone, or never asked
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, sock=listening, limit=MOST)
    try:
        async with server:
            yield
    finally:
        path.unlink(missing_ok=True)


async def _answer(line: bytes, do: Callable[[str, Json], Awaitable[Json]]) -> bytes:
    try:
        asked = json.loads(line)
        answer: Json = {"done": await do(str(asked["work"]), dict(asked["with"]))}
    except (ValueError, KeyError, TypeError) as error:
        answer = {"refused": str(error)}
    return json.dumps(answer, ensure_ascii=False).encode() + b"\n"


def hand_over(store: Path, work: str, arguments: Json) -> Json:
    """Let the process that holds `store` do a work; raises NotTaken."""
    asked = json.dumps({"work": work, "with": arguments}, ensure_ascii=False).encode() + b"\n"
    with _connected(socket_file(store)) as connection, connection.makefile("rb") as answers:
        try:
            connection.sendall(asked)
            line = answers.readline(MOST)
        except OSError as error:
            raise NotTaken(f"{store}: an answer expected, {error} found") from error
    if not line:
        raise NotTaken(f"{store}: an answer of the running lab expected, none found")
    answer: Json = json.loads(line)
    if "refused" in answer:
        raise NotTaken(str(answer["refused"]))
    done: Json = answer["done"]
    return done


@contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    until = time.monotonic() + WITHIN
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(WITHIN)
        while True:
            try:
                with _address(path) as address:
                    connection.connect(address)
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise NotTaken(
                        f"{path}: a running lab that listens expected, {error} found"
                    ) from error
                time.sleep(0.1)
        yield connection
