"""Link URLs, and what is told of those that cannot be meant (G13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import ProfileError, read_link_url
from drivers.links.url import SerialPlace, TcpPlace
from drivers.profile import SerialDefaults


def test_a_serial_url_sets_the_port() -> None:
    place = read_link_url("serial:///dev/ttyS1?baud=19200&parity=even&bits=7&stop=2&flow=rtscts")

    assert place == SerialPlace(
        Path("/dev/ttyS1"),
        SerialDefaults(baud=19200, parity="even", bits="7", stop="2", flow="rtscts"),
    )


def test_what_a_serial_url_does_not_say_is_as_in_the_profile() -> None:
    place = read_link_url("serial:///dev/ttyS1?parity=even", SerialDefaults(baud=115200))

    assert isinstance(place, SerialPlace)
    assert (place.settings.baud, place.settings.parity) == (115200, "even")


def test_a_path_may_hold_what_a_url_must_hide() -> None:
    place = read_link_url("serial:///dev/serial/by-path/pci-0000:00:14.0-usb-0%3A2%3A1.0-port0")

    assert isinstance(place, SerialPlace)
    assert place.path == Path("/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0")


def test_tcp_urls_say_who_dials() -> None:
    assert read_link_url("tcp://10.0.0.9:4001") == TcpPlace("10.0.0.9", 4001, waits=False)
    assert read_link_url("tcp+listen://0.0.0.0:4001") == TcpPlace("0.0.0.0", 4001, waits=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("usb:///dev/x", "scheme: one of serial, tcp, tcp+listen, modbus+"),
        ("serial://ttyS0", "path: serial:///dev/… with an absolute path expected, '' found"),
        ("serial:///dev/x?baud=fast", "baud: a whole number such as 9600 expected, 'fast' found"),
        ("serial:///dev/x?baud=", "baud: a whole number such as 9600 expected, '' found"),
        ("serial:///dev/x?parity=some", "parity: one of none, even, odd, mark, space expected"),
        ("serial:///dev/x?bauds=1", "bauds: one of baud, bits, parity"),
        ("serial:///dev/x?mode=loud", "mode: listen expected, 'loud' found"),
        ("tcp://10.0.0.9", "host:port: such as 192.168.1.20:4001 expected, '10.0.0.9' found"),
        ("tcp://10.0.0.9:99999", "host:port: such as"),
        ("tcp://:4001", "host:port: such as"),
        ("tcp://10.0.0.9:4001?baud=9600", "baud: no such key on a TCP link expected"),
        ("tcp://a..b:99", "host: a name or address that can be looked up expected, 'a..b' found"),
        (f"tcp://{'a' * 64}:99", "host: a name or address that can be looked up expected"),
        ("tcp://[::1", "URL: such as tcp://192.168.1.20:4001 expected, 'tcp://[::1' found"),
        ("serial:///dev/%00x", r"path: printable characters expected, '/dev/\x00x' found"),
        ("serial:///dev/%0Ax", r"path: printable characters expected, '/dev/\nx' found"),
        ("tcp://10.0.0.9:4001?a%0Ab=1", r"'a\nb': no such key on a TCP link expected"),
    ],
)
def test_a_bad_url_is_told_with_what_was_expected_and_found(url: str, said: str) -> None:
    with pytest.raises(ProfileError) as fault:
        read_link_url(url)

    assert said in str(fault.value)
    assert url in str(fault.value)
    assert str(fault.value).isprintable()


@pytest.mark.parametrize("url", ["tcp://a\0b:99", "tcp://a\ud800:99", "serial:///dev/\ud800"])
def test_what_cannot_be_shown_of_a_url_is_told_in_one_line(url: str) -> None:
    with pytest.raises(ProfileError) as fault:
        read_link_url(url)

    assert str(fault.value).isprintable()


@pytest.mark.parametrize("host", ["::1", "analyser-1.local", "10.0.0.9", "分析仪.local"])
def test_a_host_may_be_any_name_or_address(host: str) -> None:
    place = read_link_url(f"tcp://[{host}]:99" if ":" in host else f"tcp://{host}:99")

    assert isinstance(place, TcpPlace)
    assert place.host == host
