"""An MQTT reader that has never seen our code: mosquitto_sub."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.services.brokers import Broker
from tests.services.missing import needed
from tests.services.programs import Programs

# The payload travels as hex, so that any bytes survive the log.
_FORMAT = "received %q %r %t %x"
# Writing to a file, it would keep what it heard until it has a page of it.
LINE_BY_LINE = ("stdbuf", "-oL")
_RECEIVED = re.compile(r"^received (\d) (\d) (\S+) ([0-9a-f]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Received:
    """One message as mosquitto_sub printed it."""

    topic: str
    payload: bytes
    qos: int
    retained: bool


class Subscription:
    """What arrived on some topics since it was made; it is subscribed once constructed."""

    def __init__(
        self, programs: Programs, broker: Broker, *topics: str, options: Sequence[str] = ()
    ) -> None:
        wanted = [part for topic in topics for part in ("-t", topic)]
        self._program = programs.start(
            *LINE_BY_LINE,
            needed("mosquitto_sub", "mosquitto-clients"),
            *("-h", broker.host, "-p", str(broker.port), "-V", "5", "-q", "1", "-d"),
            *("-F", _FORMAT, *wanted, *options),
        )
        self._program.wait_for_line(r"^Subscribed ")

    def messages(self) -> list[Received]:
        """All that arrived so far, in order."""
        return [
            Received(topic, bytes.fromhex(payload), int(qos), retained == "1")
            for qos, retained, topic, payload in _RECEIVED.findall(self._program.output)
        ]

    def wait_until(
        self, enough: Callable[[list[Received]], bool], seconds: float = 20
    ) -> list[Received]:
        """Return the messages once there are enough. Raises TimeoutError that counts them."""
        until = time.monotonic() + seconds
        while not enough(messages := self.messages()):
            if time.monotonic() > until:
                found = len(messages)
                raise TimeoutError(f"expected more after {seconds} s, found {found} messages")
            time.sleep(0.05)
        return messages

    def wait_for(self, count: int, seconds: float = 20) -> list[Received]:
        """Return the messages once at least `count` arrived. Raises TimeoutError."""
        return self.wait_until(lambda messages: len(messages) >= count, seconds)
