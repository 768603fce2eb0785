"""Understands instruments; knows nothing of MQTT, databases or the lab API.

::

    link ──▶ protocol ──▶ session ──▶ Delivery ──▶ whoever stores it, and then settles
             pure          alive      readings, raw, settle
"""

from __future__ import annotations

from drivers.errors import DriverError, LinkLost, ProfileError, ProtocolFault
from drivers.links import Link, open_link, read_link_url
from drivers.profile import Profile, load_profile, load_profiles, profile_named
from drivers.reading import Custody, Delivery, Purpose, Query, Reading, Settlement
from drivers.sessions import (
    AskSession,
    Bus,
    Counts,
    LinkState,
    PollSession,
    Recollection,
    Session,
    StreamSession,
    open_bus,
    open_session,
)
from drivers.understand import Decoded, decode, decode_file, understand

__all__ = [
    "AskSession",
    "Bus",
    "Counts",
    "Custody",
    "Decoded",
    "Delivery",
    "DriverError",
    "Link",
    "LinkLost",
    "LinkState",
    "PollSession",
    "Profile",
    "ProfileError",
    "ProtocolFault",
    "Purpose",
    "Query",
    "Reading",
    "Recollection",
    "Session",
    "Settlement",
    "StreamSession",
    "decode",
    "decode_file",
    "load_profile",
    "load_profiles",
    "open_bus",
    "open_link",
    "open_session",
    "profile_named",
    "read_link_url",
    "understand",
]
