"""One connection to one broker, kept up; every PUBACK is awaited."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import socket
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.wire.mqtt.loop import wire_to_loop
from gateway.wire.mqtt.messages import Broker, Event, Inbound, PipeDown, Refused, TooLarge, Will

log = logging.getLogger(__name__)

KEEPALIVE = 15
"""Seconds; a silent link is noticed after twice as long."""
CONNACK_WITHIN = 5.0
"""Seconds. An MQTT 5 client gets no CONNACK at all from some MQTT 3.1.1 listeners."""
DURABLE_FOR = 24 * 3600
"""Seconds a broker keeps the session of a consumer that is away."""
ENVELOPE = 512
"""Bytes allowed for topic, header and properties when a message is compared with the limit."""
BACK_OFF = (0.1, 10.0)
"""Seconds between attempts, first and last."""


class Pipe:
    """A connection that is always being kept up while `run` runs."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        will: Will | None = None,
        durable: bool = False,
        window: int = 50,
    ) -> None:
        self.broker = broker
        self.on_up: list[Callable[[], None]] = []
        self.on_down: list[Callable[[str], None]] = []
        self.connected = False
        self.window = window
        self._will, self._durable = will, durable
        self._name = client_id if durable else f"{client_id}-{secrets.token_hex(4)}"
        self._filters: dict[str, Callable[[Inbound], None]] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._connection = 0
        self._most = 0
        self._room = asyncio.Semaphore(window)
        self._version = MQTTProtocolVersion.MQTTv5
        self._client: paho.Client | None = None
        self._ended: asyncio.Future[str] | None = None

    def subscribe(self, topic_filter: str, receive: Callable[[Inbound], None]) -> None:
        """Ask for a filter at QoS 1, now and after every connect; each message is acknowledged
        by the receiver."""
        self._filters[topic_filter] = receive
        if self.connected:
            self._ask_for(topic_filter)

    def acknowledge(self, inbound: Inbound) -> None:
        """Tell the broker that a message is safe; nothing when its connection is gone."""
        if self._client and self.connected and inbound.connection == self._connection:
            self._client.ack(inbound.mid, inbound.qos)

    def takes(self, size: int) -> bool:
        """Whether the broker said that it takes a payload of so many bytes."""
        return not self._most or size + ENVELOPE <= self._most

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, event: Event | None = None
    ) -> None:
        """Publish at QoS 1 and return when the broker has taken it.

        "No matching subscribers" is taken. Raises PipeDown, Refused or TooLarge.
        """
        async with self._room:
            if not self.connected or self._client is None:
                raise PipeDown("a connected broker expected, none found")
            if not self.takes(len(payload)):
                raise TooLarge(len(payload) + ENVELOPE, self._most)
            sent = self._client.publish(
                topic, payload, 1, retain, properties=self._properties(event)
            )
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise PipeDown(f"the broker's socket refused: {paho.error_string(sent.rc)}")
            taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[sent.mid] = taken
            try:
                await taken
            finally:
                self._waiting.pop(sent.mid, None)

    async def run(self) -> None:
        """Connect, and connect again, until cancelled; then say goodbye."""
        delay = BACK_OFF[0]
        while True:
            reason = await self._live_once()
            log.info("broker %s: %s", self.broker.url, reason)
            if self._lived:
                delay = BACK_OFF[0]
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(delay * 2, BACK_OFF[1])

    async def _live_once(self) -> str:
        """One connection, from dialling to its end; returns why it ended."""
        host, port, secure = self.broker.address()
        self._ended = asyncio.get_running_loop().create_future()
        self._lived = False
        beat: asyncio.Task[None] | None = None
        try:
            client = self._make_client(secure)
        except (OSError, ValueError) as error:  # the files that TLS needs
            return f"usable ca, cert and key expected, {error} found"
        self._client = client
        try:
            await asyncio.to_thread(self._dial, client, host, port)
            beat = asyncio.create_task(self._beat(client))
            return await self._until_ended()
        except (OSError, UnicodeError) as error:
            return f"not reachable: {error}"
        finally:
            if beat:
                beat.cancel()
            self._hang_up(client)

    async def _until_ended(self) -> str:
        assert self._ended is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNACK_WITHIN):
                return await asyncio.shield(self._ended)
        if self._lived:
            return await self._ended
        self._other_version()
        return f"a CONNACK within {CONNACK_WITHIN:.0f} s expected, none found"

    def _make_client(self, secure: bool) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._name,
            protocol=self._version,
            manual_ack=True,
            reconnect_on_failure=False,
            clean_session=None if self._is_five() else not self._durable,
        )
        client.suppress_exceptions = False
        client.connect_timeout = CONNACK_WITHIN
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        if self.broker.username:
            client.username_pw_set(self.broker.username, self.broker.password)
        if secure:
            client.tls_set(self.broker.ca, self.broker.cert, self.broker.key)
        if self._will:
            client.will_set(self._will.topic, self._will.payload, 1, True)
        wire_to_loop(client)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _dial(self, client: paho.Client, host: str, port: int) -> None:
        if self._is_five():
            asked = _properties_of(PacketTypes.CONNECT)
            asked.SessionExpiryInterval = DURABLE_FOR if self._durable else 0
            asked.ReceiveMaximum = 1000
            client.connect(host, port, KEEPALIVE, clean_start=not self._durable, properties=asked)
        else:
            client.connect(host, port, KEEPALIVE)
        sock = client.socket()
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def _beat(self, client: paho.Client) -> None:
        # paho's own clock has to be asked; it tells nobody.
        while client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:  # noqa: ASYNC110
            await asyncio.sleep(1)
        self._end("the broker fell silent")

    def _hang_up(self, client: paho.Client) -> None:
        client.on_disconnect = None
        client.disconnect()
        client.loop_write()  # the goodbye has to leave, or the broker says our last will
        self._went_down("closed")
        client.drop_out_messages()
        client._sock_close()  # the only way to close a socket that never got a CONNACK

    def _is_five(self) -> bool:
        return self._version == MQTTProtocolVersion.MQTTv5

    def _other_version(self) -> None:
        five, three = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
        self._version = three if self._is_five() else five

    def _end(self, reason: str) -> None:
        if self._ended and not self._ended.done():
            self._ended.set_result(reason)

    def _on_connect(
        self, client: paho.Client, _u: object, _f: object, code: ReasonCode, granted: Any
    ) -> None:
        if code.is_failure:
            if "rotocol version" in str(code):
                self._other_version()
            self._end(f"refused: {code}")
            return
        self._connection += 1
        self._most = getattr(granted, "MaximumPacketSize", 0)
        receive = getattr(granted, "ReceiveMaximum", self.window)
        self._room = asyncio.Semaphore(min(self.window, receive))
        self.connected = self._lived = True
        for topic_filter in self._filters:
            self._ask_for(topic_filter)
        for tell in self.on_up:
            tell()

    def _on_disconnect(
        self, _c: paho.Client, _u: object, _f: object, code: ReasonCode, _p: object
    ) -> None:
        self._went_down(str(code))
        self._end(f"lost: {code}")

    def _went_down(self, reason: str) -> None:
        was, self.connected = self.connected, False
        for taken in self._waiting.values():
            if not taken.done():
                taken.set_exception(PipeDown(reason))
        if was:
            for tell in self.on_down:
                tell(reason)

    def _on_publish(
        self, _c: paho.Client, _u: object, mid: int, code: ReasonCode, _p: object
    ) -> None:
        taken = self._waiting.get(mid)
        if taken is None or taken.done():
            return
        if code.is_failure:
            taken.set_exception(Refused(str(code)))
        else:
            taken.set_result(None)

    def _on_subscribe(
        self, _c: paho.Client, _u: object, _mid: int, codes: list[ReasonCode], _p: object
    ) -> None:
        for code in codes:
            if code.is_failure:
                log.error("broker %s refused a subscription: %s", self.broker.url, code)

    def _on_message(self, _c: paho.Client, _u: object, message: paho.MQTTMessage) -> None:
        inbound = Inbound(
            message.topic,
            bytes(message.payload),
            bool(message.retain),
            message.mid,
            message.qos,
            self._connection,
        )
        for topic_filter, receive in self._filters.items():
            if paho.topic_matches_sub(without_share(topic_filter), message.topic):
                receive(inbound)
                return
        self.acknowledge(inbound)

    def _ask_for(self, topic_filter: str) -> None:
        if self._client is None:
            return
        if self._is_five():
            self._client.subscribe(topic_filter, options=SubscribeOptions(qos=1))
        else:
            self._client.subscribe(topic_filter, 1)

    def _properties(self, event: Event | None) -> Properties | None:
        if event is None or not self._is_five():
            return None
        named = _properties_of(PacketTypes.PUBLISH)
        named.ContentType = event.content_type
        named.UserProperty = event.attributes()
        return named


def _properties_of(packet: int) -> Properties:
    make: Callable[[int], Properties] = Properties  # paho types everything but this
    return make(packet)


def without_share(topic_filter: str) -> str:
    """The filter that a shared subscription matches by.

    >>> without_share("$share/lab/kuaijian/#")
    'kuaijian/#'
    """
    parts = topic_filter.split("/", 2)
    return parts[2] if parts[0] == "$share" and len(parts) == 3 else topic_filter
