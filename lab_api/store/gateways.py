"""What is known of gateways: their newest status, their instruments, the receipts they are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from gateway.wire.receipt import Held, Receipt
from gateway.wire.status import InstrumentStatus, Presence, Status
from gateway.wire.topics import GatewayTopics, StationTopics
from lab_api.store.rows import upsert
from lab_api.store.streams import streams_of
from lab_api.store.tables import GatewaySeen, InstrumentSeen, Station


def see_status(
    session: Session, gateway: GatewayTopics, status: Status, proved_at: datetime | None
) -> bool:
    """Keep a gateway's status if it is its newest; whether it was (CUSTODY.md 7, 24).

    Within a boot a lower beat is older. A will carries no time, and counts only for its boot.
    """
    seen = session.get(GatewaySeen, (gateway.region, gateway.station, gateway.gateway))
    is_will = status.state is Presence.OFFLINE and status.at is None
    if seen is None:
        seen = GatewaySeen(
            region=gateway.region,
            station=gateway.station,
            gateway=gateway.gateway,
            state=status.state,
            boot=status.boot,
            beat=status.beat,
            epoch=status.epoch,
            offered=status.offered,
            status=status.body(),
            proved_at=proved_at,
        )
        session.add(seen)
        return True
    if is_will:
        if status.boot != seen.boot:
            return False
        seen.state = Presence.OFFLINE
        return True
    if status.boot == seen.boot and status.beat < seen.beat:
        return False
    seen.state, seen.boot, seen.beat = status.state, status.boot, status.beat
    seen.epoch, seen.offered, seen.status = status.epoch, status.offered, status.body()
    if proved_at and (seen.proved_at is None or seen.proved_at < proved_at):
        seen.proved_at = proved_at
    return True


def see_card(session: Session, station: Station, status: Status) -> bool:
    """Keep what a station says of itself; whether that is something new."""
    card = status.card.body()
    if station.card == card:
        return False
    session.refresh(station, with_for_update=True)
    station.card = card
    return True


def see_instrument(
    session: Session, gateway: GatewayTopics, status: InstrumentStatus, now: datetime
) -> None:
    """Keep the newest status of a link's instrument."""
    row = {
        "region": gateway.region,
        "station": gateway.station,
        "gateway": gateway.gateway,
        "instrument": status.instrument,
        "status": status.body(),
        "heard_at": now,
    }
    upsert(session, InstrumentSeen, [row])


def gateways_of(session: Session, station: StationTopics) -> Sequence[GatewaySeen]:
    """Every gateway heard at a station."""
    query = select(GatewaySeen).where(
        col(GatewaySeen.region) == station.region, col(GatewaySeen.station) == station.station
    )
    return session.scalars(query).all()


def instruments_of(session: Session, gateway: GatewayTopics) -> Sequence[InstrumentSeen]:
    """Every instrument heard of a gateway."""
    query = select(InstrumentSeen).where(
        col(InstrumentSeen.region) == gateway.region,
        col(InstrumentSeen.station) == gateway.station,
        col(InstrumentSeen.gateway) == gateway.gateway,
    )
    return session.scalars(query.order_by(col(InstrumentSeen.instrument))).all()


def every_gateway(session: Session) -> list[GatewayTopics]:
    """Every gateway that this lab has a status of."""
    seen = session.scalars(select(GatewaySeen))
    return [GatewayTopics(each.region, each.station, each.gateway) for each in seen]


def newest_proof(session: Session) -> datetime | None:
    """When any gateway was last known to live."""
    return session.scalar(select(func.max(col(GatewaySeen.proved_at))))


def receipt_for(session: Session, lab: str, gateway: GatewayTopics, now: datetime) -> Receipt:
    """What this lab holds of a gateway, and the newest beat it has seen."""
    seen = session.get(GatewaySeen, (gateway.region, gateway.station, gateway.gateway))
    epochs = {
        str(stream.epoch): Held(through=stream.through, chain=stream.chain, fork=stream.fork)
        for stream in streams_of(session, gateway)
    }
    if seen:
        epochs.setdefault(str(seen.epoch), Held(through=0, chain=None))
    beats = {seen.boot: seen.beat} if seen else {}
    return Receipt(lab=lab, at=now, beats=beats, epochs=epochs)
