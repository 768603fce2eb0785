"""What a terminal may have done: by the running lab, or by itself where none runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from sqlmodel import Session

from gateway.wire.model import Json
from lab_api.audit import Act, Done, record
from lab_api.auth import NewKey, Role, add_key, revoke_key
from lab_api.notices.deciding import Publisher, decide_station_again
from lab_api.settings import LabSettings, StationPart
from lab_api.store.alone import StoreTaken
from lab_api.store.engine import is_sqlite, sqlite_file
from lab_api.store.handover import hand_over
from lab_api.store.stations import add_station
from lab_api.store.store import Store, draw_feed

Work: TypeAlias = Callable[[Session, Publisher, Json], Json]


def do_work(session: Session, publisher: Publisher, name: str, arguments: Json) -> Json:
    """Do a named work inside a transaction; ValueError says what was expected and found."""
    if name not in WORKS:
        raise ValueError(f"one of {', '.join(sorted(WORKS))} expected, {name!r} found")
    return WORKS[name](session, publisher, arguments)


def have_done(settings: LabSettings, name: str, arguments: Json) -> Json:
    """Have a work done beside a running lab or without one.

    Raises NotTaken, ValueError and StoreTrouble.
    """
    try:
        store = Store(settings.store.url)
    except StoreTaken:
        if not is_sqlite(settings.store.url):
            raise
        return hand_over(sqlite_file(settings.store.url), name, arguments)
    try:
        publisher = Publisher(settings.lab.id, store.feed, datetime.now(UTC))
        return store.write_now(lambda session: do_work(session, publisher, name, arguments))
    finally:
        store.close()


def _add_key(session: Session, publisher: Publisher, arguments: Json) -> Json:
    new = NewKey(
        Role(str(arguments["role"])),
        str(arguments["scope"]),
        str(arguments["name"]),
        str(arguments["who"]),
        publisher.now,
    )
    return {"key": add_key(session, new)}


def _revoke_key(session: Session, publisher: Publisher, arguments: Json) -> Json:
    id_ = str(arguments["id"])
    if not revoke_key(session, id_, str(arguments["who"]), publisher.now):
        raise ValueError(f"a living key {id_} expected, none found")
    return {"revoked": id_}


def _add_station(session: Session, publisher: Publisher, arguments: Json) -> Json:
    part = StationPart.model_validate(arguments["station"])
    place = add_station(session, part, publisher.now)
    decide_station_again(session, publisher, place)
    who = str(arguments["who"])
    subject = f"{place.region}/{place.station}"
    record(session, Done(who, Act.STATION_ADDED, subject, publisher.now))
    return {"added": subject}


def _restored(session: Session, publisher: Publisher, arguments: Json) -> Json:
    feed = draw_feed(session)
    record(session, Done(str(arguments["who"]), Act.STORE_RESTORED, feed, publisher.now))
    return {"feed": feed}


WORKS: dict[str, Work] = {
    "key.add": _add_key,
    "key.revoke": _revoke_key,
    "station.add": _add_station,
    "store.restored": _restored,
}
