"""A serial cable made of a pty and a symlink, which can be pulled and plugged in again."""

from __future__ import annotations

import os
import select
import time
import tty
from pathlib import Path


class VirtualPort:
    """The instrument's end of a cable; the gateway opens `path`, which is stable as udev's are.

    A pty has no parity, no modem lines and 8 data bits, whatever is asked of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._instrument: int | None = None
        self.plug()

    @property
    def url(self) -> str:
        return f"serial://{self.path}"

    def plug(self) -> None:
        """Plug it in: `path` now leads to a fresh pty."""
        instrument, port = os.openpty()
        tty.setraw(port)  # before the first byte, or the instrument's words echo back to it
        name = os.ttyname(port)
        os.close(port)
        os.set_blocking(instrument, False)
        self._instrument = instrument
        fresh = self.path.with_name(f"{self.path.name}.fresh")
        fresh.symlink_to(name)
        fresh.replace(self.path)

    def unplug(self) -> None:
        """Pull it: `path` is gone, and whoever had it open sees a hang-up."""
        self.path.unlink(missing_ok=True)
        if self._instrument is not None:
            os.close(self._instrument)
            self._instrument = None

    def write(self, words: bytes, seconds: float = 10) -> None:
        """Send all the bytes to the gateway. Raises TimeoutError if it does not read them."""
        until = time.monotonic() + seconds
        while words:
            if not self._wait(select.POLLOUT, until):
                raise TimeoutError(f"{len(words)} bytes were not taken within {seconds} s")
            words = words[os.write(self._plugged(), words) :]

    def read(self, count: int, seconds: float = 10) -> bytes:
        """Return `count` bytes of the gateway's, or what came of them within the time."""
        until = time.monotonic() + seconds
        heard = b""
        while len(heard) < count and self._wait(select.POLLIN, until):
            heard += os.read(self._plugged(), count - len(heard))
        return heard

    def _plugged(self) -> int:
        if self._instrument is None:
            raise RuntimeError("the cable is not plugged in")
        return self._instrument

    def _wait(self, event: int, until: float) -> bool:
        watch = select.poll()
        watch.register(self._plugged(), event)
        while (left := until - time.monotonic()) > 0:
            found = watch.poll(left * 1000)
            if found and found[0][1] & event:
                return True
            time.sleep(0.005)  # while nobody has the port open, poll says HUP at once
        return False
