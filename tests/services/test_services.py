from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
import serial
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from playwright.sync_api import Page
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.services import brokers, postgres
from tests.services.brokers import Broker
from tests.services.chromium import Tabs
from tests.services.log_lines import LogLines
from tests.services.missing import tally
from tests.services.ports import free_port, is_listening
from tests.services.programs import Programs
from tests.services.subscriber import Received, Subscription
from tests.services.virtual_port import VirtualPort

Subscribe = Callable[..., Subscription]
SLEEPER = (sys.executable, "-c", "import time; print('ready'); time.sleep(600)")


def publish(broker: Broker, topic: str, payload: bytes, *, retain: bool = False) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_program_prints_is_kept_and_can_be_waited_for(programs: Programs) -> None:
    program = programs.start(sys.executable, "-c", "print('port 7 is open')")

    assert program.wait_for_line(r"^port (\d) is")[1] == "7"


def test_a_program_that_ends_too_early_is_named_with_its_last_words(programs: Programs) -> None:
    program = programs.start(sys.executable, "-c", "raise SystemExit('no such port')")

    with pytest.raises(RuntimeError, match=r"ended with 1:\nno such port"):
        program.wait_for_line("ready")


def test_reaping_ends_what_a_program_started_too(programs: Programs) -> None:
    child = f"import subprocess, sys; print(subprocess.Popen({list(SLEEPER)!r}).pid); sys.exit()"
    pid = int(programs.start(sys.executable, "-c", child).wait_for_line(r"^\d+$")[0])
    assert is_alive(pid)

    programs.reap()

    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(pid)


def test_a_program_dies_with_the_tests_that_started_it(programs: Programs, tmp_path: Path) -> None:
    starter = (
        "from pathlib import Path; import time; from tests.services.programs import Programs; "
        f"print('pid', Programs(Path({str(tmp_path / 'inner')!r})).start(*{SLEEPER!r}).pid); "
        "time.sleep(600)"
    )
    tests = programs.start(sys.executable, "-c", starter)
    pid = int(tests.wait_for_line(r"^pid (\d+)$")[1])

    tests.kill()

    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(pid)


def test_a_frozen_program_is_reaped(programs: Programs) -> None:
    program = programs.start(*SLEEPER)
    program.wait_for_line("ready")
    program.send(signal.SIGSTOP)

    program.reap()

    assert not program.is_running


def test_a_broker_carries_any_bytes(broker: Broker, subscribe: Subscribe) -> None:
    heard = subscribe(broker, "a/#")

    publish(broker, "a/b", b"\x00\xff\n%")

    assert heard.wait_for(1) == [Received("a/b", b"\x00\xff\n%", 1, False)]


def test_a_broker_comes_back_on_its_port(broker: Broker) -> None:
    broker.kill()
    assert not is_listening(broker.port)

    broker.restart()

    assert is_listening(broker.port)


def test_a_lasting_broker_keeps_what_was_retained(
    lasting_mosquitto: Broker, subscribe: Subscribe
) -> None:
    publish(lasting_mosquitto, "status", b"online", retain=True)

    lasting_mosquitto.restart()

    assert subscribe(lasting_mosquitto, "status").wait_for(1)[0].retained


def test_an_access_list_holds(tmp_path: Path, subscribe: Subscribe) -> None:
    with brokers.mosquitto(tmp_path / "acl", acl="topic read #\ntopic write open\n") as broker:
        heard = subscribe(broker, "#")

        publish(broker, "closed", b"1")
        publish(broker, "open", b"2")

        assert [message.topic for message in heard.wait_for(1)] == ["open"]


def test_a_database_is_empty_and_takes_tables(database_url: str) -> None:
    engine = create_engine(database_url)

    with engine.begin() as connection:
        connection.execute(text("create table sample (number text)"))

    engine.dispose()


def test_databases_do_not_see_each_other(cluster: postgres.Cluster) -> None:
    with cluster.database() as one, cluster.database() as other:
        engine = create_engine(one)
        with engine.begin() as connection:
            connection.execute(text("create table sample (number text)"))
        engine.dispose()

        with (
            psycopg.connect(
                make_url(other).set(drivername="postgresql").render_as_string()
            ) as seen,
            pytest.raises(psycopg.errors.UndefinedTable),
        ):
            seen.execute("select * from sample")


def test_postgres_runs_from_the_wheel_where_the_machine_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TEST_PG_URL", raising=False)
    monkeypatch.setattr(postgres, "installed_binaries", lambda: None)

    with postgres.postgres() as running, running.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_page_speaks_the_language_it_was_opened_in(page: Page, locale: str) -> None:
    assert page.evaluate("navigator.language") == locale


def test_an_error_inside_a_page_is_noted(tabs: Tabs) -> None:
    page = tabs.open("data:text/html,<script>setTimeout(() => nobody.home())</script><p>here")
    page.wait_for_timeout(100)

    assert tabs.faults == ["ReferenceError: nobody is not defined"]
    tabs.faults.clear()


def test_a_cable_carries_bytes_both_ways_unchanged(virtual_port: VirtualPort) -> None:
    every = bytes(range(256))
    with serial.Serial(str(virtual_port.path), timeout=5, exclusive=True) as gateway:
        virtual_port.write(every)
        gateway.write(every)

        assert (gateway.read(256), virtual_port.read(256)) == (every, every)


def test_a_pulled_cable_is_noticed_and_can_be_plugged_in_again(virtual_port: VirtualPort) -> None:
    gateway = serial.Serial(str(virtual_port.path), timeout=5)
    virtual_port.unplug()
    with pytest.raises(OSError, match="device"):
        gateway.read(1)
    gateway.close()

    virtual_port.plug()

    with serial.Serial(str(virtual_port.path), timeout=5) as again:
        virtual_port.write(b"\x05")
        assert again.read(1) == b"\x05"


def test_a_free_port_is_free() -> None:
    assert not is_listening(free_port())


def test_a_log_line_that_cannot_be_formatted_is_noted() -> None:
    reader, logger = LogLines(), logging.getLogger("apart")
    logger.addHandler(reader)
    logger.propagate = False

    logger.warning("link %s is %s", "bench-1")
    logger.warning("link %s is lost", "bench-1")

    (noted,) = reader.unformattable
    assert "'link %s is %s'" in noted


def test_what_was_left_out_is_told_once_with_its_count() -> None:
    reasons = ["Skipped: not run: Chromium (get it)", "Skipped: not run: Chromium (get it)"]

    assert tally(reasons) == ["not run: Chromium (get it): 2 tests"]
