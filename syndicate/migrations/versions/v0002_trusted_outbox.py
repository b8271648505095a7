"""The outbox can be trusted: its one row, tallies of batches, the relay's breaker and limits, causes of refusals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATES = ("accepted", "rejected", "skipped", "expired", "unknown", "uncertain", "queued")
# Rows of these are updated again and again while mail goes out: small, and to be kept so (PostgreSQL).
_BUSY = ("owner", "slot", "outbox", "relay", "domain_pace", "batch")
_PARTIAL = {
    "ix_batch_owner": (["owner"], "owner IS NOT NULL"),
    "ix_batch_claimable": (["edition_id", "batch"], "owner IS NULL AND NOT done"),
}


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "outbox",
        sa.Column("id", whole, autoincrement=False, nullable=False),
        sa.Column("commits", whole, nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.execute("INSERT INTO outbox (id, commits) VALUES (1, 0)")  # as no counter file can know of an earlier count
    op.execute("UPDATE owner SET beat = 0")
    op.create_table(
        "domain_pace",
        sa.Column("relay", sa.String(length=320), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("tat", sa.Float(precision=53), nullable=False),
        sa.Column("rate", sa.Float(precision=53), nullable=False),
        sa.Column("changed_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("relay", "domain", name=op.f("pk_domain_pace")),
    )
    for name in ("seen", "rate"):
        op.add_column("owner", sa.Column(name, sa.Float(precision=53), nullable=False, server_default="0"))
    op.add_column("relay", sa.Column("failures", whole, nullable=False, server_default="0"))
    for name in ("open_until", "probe_until", "tat"):
        op.add_column("relay", sa.Column(name, sa.Float(precision=53), nullable=False, server_default="0"))
    op.add_column("relay", sa.Column("probe_by", sa.String(length=16), nullable=True))
    op.add_column("relay", sa.Column("login", sa.String(length=32), nullable=True))
    op.add_column("relay", sa.Column("day", sa.String(length=10), nullable=True))
    op.add_column("relay", sa.Column("day_count", whole, nullable=False, server_default="0"))
    op.add_column("edition", sa.Column("frozen_to", whole, nullable=True))
    op.add_column("delivery", sa.Column("cause", sa.String(length=10), nullable=True))
    op.add_column("letter", sa.Column("cause", sa.String(length=10), nullable=True))
    _tallies(whole)
    op.drop_index("ix_subscription_digest_state", table_name="subscription")
    columns = ["digest", "state", "subscriber_id"]  # in order, so that recipients can be taken in ranges
    op.create_index("ix_subscription_digest_state_subscriber_id", "subscription", columns, unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _storage()


def _tallies(whole: sa.types.TypeEngine[int]) -> None:
    """How each batch stands, counted once from what is there."""
    for name in ("size", *_STATES):
        op.add_column("batch", sa.Column(name, whole, nullable=False, server_default="0"))
    here = "FROM delivery WHERE delivery.edition_id = batch.edition_id AND delivery.batch = batch.batch"
    sums = [f"{state} = (SELECT COUNT(*) {here} AND delivery.state = '{state}')" for state in _STATES]
    op.execute(f"UPDATE batch SET size = (SELECT COUNT(*) {here}), {', '.join(sums)}")  # noqa: S608 - our own words
    op.drop_index("ix_batch_done_next_try_at", table_name="batch")
    op.drop_index("ix_batch_owner", table_name="batch")
    for name, (columns, where) in _PARTIAL.items():
        op.create_index(
            name, "batch", columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )


def _storage() -> None:
    """Room in each page for the update that each delivery will get, and early vacuum where the same rows change."""
    op.execute("ALTER TABLE delivery SET (fillfactor = 70)")
    for table in _BUSY:
        op.execute(
            f"ALTER TABLE {table} SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0,"
            " autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)"
        )


def downgrade() -> None:
    for table in ("delivery", "batch"):  # recipients that were not all frozen: the first revision begins anew
        op.execute(f"DELETE FROM {table} WHERE edition_id IN (SELECT id FROM edition WHERE frozen_to IS NOT NULL)")  # noqa: S608 - our own words
    op.drop_index("ix_subscription_digest_state_subscriber_id", table_name="subscription")
    op.create_index("ix_subscription_digest_state", "subscription", ["digest", "state"], unique=False)
    for name in _PARTIAL:
        op.drop_index(name, table_name="batch")
    op.create_index("ix_batch_owner", "batch", ["owner"], unique=False)
    op.create_index("ix_batch_done_next_try_at", "batch", ["done", "next_try_at"], unique=False)
    for table, names in {
        "batch": ("size", *_STATES),
        "letter": ("cause",),
        "delivery": ("cause",),
        "edition": ("frozen_to",),
        "relay": ("failures", "open_until", "probe_until", "tat", "probe_by", "login", "day", "day_count"),
        "owner": ("seen", "rate"),
    }.items():
        for name in names:
            op.drop_column(table, name)
    op.drop_table("domain_pace")
    op.drop_table("outbox")
