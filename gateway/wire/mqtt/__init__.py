"""One connection to one broker: paho on the running loop, every PUBACK awaited.

There is no thread: paho's socket is read and written when the loop's own selector says so, so
that callbacks run between two awaits and descriptors above 1023 work. Reconnecting is ours.
A broker is transport, not memory: what a publish returned for is only known to have reached it.
"""

from gateway.wire.mqtt.messages import (
    Broker,
    Event,
    Inbound,
    PipeDown,
    Refused,
    TooLarge,
    Will,
    json_event,
)
from gateway.wire.mqtt.pipe import Pipe, without_share

__all__ = [
    "Broker",
    "Event",
    "Inbound",
    "Pipe",
    "PipeDown",
    "Refused",
    "TooLarge",
    "Will",
    "json_event",
    "without_share",
]
