"""The local socket by which a command speaks with the gateway that runs on this machine.

One line of JSON each way: `{"ask": "status"}` → the answer. Only this user may connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.wire.model import Json

LONGEST = 100
"""Bytes of a socket's path; the kernel's limit is 108."""
ANSWER_WITHIN = 5.0

Answers = Mapping[str, Callable[[Json], Awaitable[Json]]]


def socket_path(journal: Path) -> Path:
    """Where the gateway of this journal listens."""
    beside = journal.absolute().with_name(journal.name + ".sock")
    if len(os.fsencode(beside)) <= LONGEST:
        return beside
    short = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kuaijian-{short}.sock"


@asynccontextmanager
async def answering(path: Path, answers: Answers) -> AsyncIterator[None]:
    """Answer on the local socket for as long as the block lasts."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            asked = json.loads(await reader.readline())
            answer = answers.get(str(asked["ask"])) if isinstance(asked, dict) else None
            found = await answer(asked) if answer else {"problem": f"unknown question {asked!r}"}
            writer.write(json.dumps(found, ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        writer.close()

    _unlink(path)
    before = os.umask(0o077)
    try:
        server = await asyncio.start_unix_server(serve, path)
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        _unlink(path)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def ask(path: Path, question: str, **more: str) -> Json | None:
    """Ask the running gateway; None where none runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(ANSWER_WITHIN)
        try:
            line.connect(str(path))
            line.sendall(json.dumps({"ask": question, **more}).encode() + b"\n")
            with line.makefile("rb") as answer:
                found = json.loads(answer.readline() or b"null")
        except (OSError, ValueError):
            return None
    return found if isinstance(found, dict) else None
