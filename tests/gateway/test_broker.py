"""Decision 17: the broker beside us; a held port is said before anything starts on it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.broker import BrokerError, command_for, iotcore_settings, keep_broker
from gateway.wire.mqtt import Broker, Inbound, Pipe
from tests.services.ports import free_port


async def test_a_broker_takes_messages_and_ends_with_us(tmp_path: Path) -> None:
    port = free_port()
    ready = asyncio.Event()
    keeping = asyncio.create_task(keep_broker("127.0.0.1", port, tmp_path, ready))
    pipe = Pipe(Broker(f"mqtt://127.0.0.1:{port}"), "test")
    came: asyncio.Queue[Inbound] = asyncio.Queue()
    pipe.subscribe("a/+", came.put_nowait)
    running = asyncio.create_task(pipe.run())
    async with asyncio.timeout(20):
        await ready.wait()
        while not pipe.connected:  # noqa: ASYNC110  a pipe has no event to await
            await asyncio.sleep(0.02)
        await pipe.publish("a/b", b"1")
        heard = await came.get()
    for task in (running, keeping):
        task.cancel()
    await asyncio.gather(running, keeping, return_exceptions=True)

    assert heard.payload == b"1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1).close()


async def test_a_held_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(BrokerError, match=f"a free port expected, 127.0.0.1:{port} found held"):
            await keep_broker("127.0.0.1", port, tmp_path, asyncio.Event())


def test_a_broker_without_access_control_stays_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("gateway.broker.PLACES", str(tmp_path))

    with pytest.raises(BrokerError, match=r"a loopback address expected .*, 0\.0\.0\.0 found"):
        command_for("0.0.0.0", 1883, tmp_path)


def test_the_wheels_broker_listens_where_it_is_told() -> None:
    assert 'listen = "127.0.0.1:1883"' in iotcore_settings("127.0.0.1", 1883)
