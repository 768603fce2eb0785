"""The first tables.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _make_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("particulars", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )


def _make_command() -> None:
    op.create_table(
        "command",
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("replied_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_command")),
    )
    op.create_index(
        "ix_command_open", "command", ["answer", "region", "station", "gateway"], unique=False
    )


def _make_conflict() -> None:
    op.create_table(
        "conflict",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "revision", "body_sha256", name=op.f("pk_conflict")),
    )


def _make_current() -> None:
    op.create_table(
        "current",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_current")),
    )


def _make_gateway_seen() -> None:
    op.create_table(
        "gateway_seen",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("boot", sa.String(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("offered", sa.BigInteger(), nullable=False),
        sa.Column("status", DOCUMENT, nullable=False),
        sa.Column("proved_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("region", "station", "gateway", name=op.f("pk_gateway_seen")),
    )


def _make_instrument_seen() -> None:
    op.create_table(
        "instrument_seen",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("instrument", sa.String(length=64), nullable=False),
        sa.Column("status", DOCUMENT, nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint(
            "region", "station", "gateway", "instrument", name=op.f("pk_instrument_seen")
        ),
    )


def _make_notice() -> None:
    op.create_table(
        "notice",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("deed", sa.String(24), nullable=False),
        sa.Column("result", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("announced_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("region", "station", "n", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_announced_at", "notice", ["announced_at"], unique=False)


def _make_publication() -> None:
    op.create_table(
        "publication",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("effective_at", INSTANT, nullable=True),
        sa.Column("sample", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(24), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("row", DOCUMENT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
    )
    op.create_index(
        "ix_publication_board", "publication", ["region", "station", "day", "state"], unique=False
    )
    op.create_index("ix_publication_code", "publication", ["code"], unique=True)


def _make_raw() -> None:
    op.create_table(
        "raw",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_raw")),
    )


def _make_refused() -> None:
    op.create_table(
        "refused",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused")),
    )


def _make_result() -> None:
    op.create_table(
        "result",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=True),
        sa.Column("sample", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(24), nullable=False),
        sa.Column("purpose", sa.String(24), nullable=False),
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("effective_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_result")),
    )
    op.create_index(
        "ix_result_place", "result", ["region", "station", "received_at", "id"], unique=False
    )
    op.create_index("ix_result_received_at", "result", ["received_at", "id"], unique=False)


def _make_station() -> None:
    op.create_table(
        "station",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("from_file", sa.Boolean(), nullable=False),
        sa.Column("publish", sa.Boolean(), nullable=False),
        sa.Column("card", DOCUMENT, nullable=True),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("region", "id", name=op.f("pk_station")),
    )


def _make_store_mark() -> None:
    op.create_table(
        "store_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_mark")),
    )


def _make_stream() -> None:
    op.create_table(
        "stream",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(), nullable=True),
        sa.Column("fork", sa.Boolean(), nullable=False),
        sa.Column("advanced_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream")),
    )
    op.create_index(
        "ix_stream_place", "stream", ["region", "station", "gateway", "epoch"], unique=True
    )


def _make_absence() -> None:
    op.create_table(
        "absence",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["stream.id"], name=op.f("fk_absence_stream_stream")),
        sa.PrimaryKeyConstraint("stream", "first", name=op.f("pk_absence")),
    )


def _make_arrival() -> None:
    op.create_table(
        "arrival",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("raw_sha256", sa.String(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["stream.id"], name=op.f("fk_arrival_stream_stream")),
        sa.PrimaryKeyConstraint("stream", "seq", name=op.f("pk_arrival")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_arrival_raw_sha256", "arrival", ["raw_sha256"], unique=False)


def upgrade() -> None:
    """Make every table."""
    _make_api_key()
    _make_audit()
    _make_command()
    _make_conflict()
    _make_current()
    _make_gateway_seen()
    _make_instrument_seen()
    _make_notice()
    _make_publication()
    _make_raw()
    _make_refused()
    _make_result()
    _make_station()
    _make_store_mark()
    _make_stream()
    _make_absence()
    _make_arrival()


def downgrade() -> None:
    """Drop every table, those that point at others first."""
    for table in (
        "arrival",
        "absence",
        "stream",
        "store_mark",
        "station",
        "result",
        "refused",
        "raw",
        "publication",
        "notice",
        "instrument_seen",
        "gateway_seen",
        "current",
        "conflict",
        "command",
        "audit",
        "api_key",
    ):
        op.drop_table(table)
