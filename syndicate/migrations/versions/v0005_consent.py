"""Consent in full: pauses, answers waited for, budgets of their own, changes of address, scores, imports, and how far
the stop list was taken in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADDED = (
    ("consent_event", "form", lambda: sa.String(length=32)),
    ("subscriber", "paused_until", lambda: sa.DateTime(timezone=True)),
    ("subscription", "answer_by", lambda: sa.DateTime(timezone=True)),
)
_MADE = ("import_run", "bounce_score", "address_change", "sign_up_gate", "confirmation", "stop_mark")


def upgrade() -> None:
    for table, name, kind in _ADDED:
        op.add_column(table, sa.Column(name, kind(), nullable=True))
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "stop_mark",
        sa.Column("list_uid", sa.String(length=16), nullable=False),
        sa.Column("bytes", whole, nullable=False),
        sa.PrimaryKeyConstraint("list_uid", name=op.f("pk_stop_mark")),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", whole, nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=True),
        sa.Column("network", sa.String(length=43), nullable=True),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
        sqlite_autoincrement=True,
    )
    for columns in (("address_hash", "at"), ("domain", "at"), ("network", "at"), ("at",)):
        op.create_index(f"ix_confirmation_{'_'.join(columns)}", "confirmation", list(columns), unique=False)
    op.create_table(
        "sign_up_gate",
        sa.Column("id", whole, autoincrement=False, nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_until", moment, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up_gate")),
    )
    op.create_table(
        "address_change",
        sa.Column("id", whole, nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("subscriber_id", whole, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("old_agreed_at", moment, nullable=True),
        sa.Column("new_agreed_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_address_change_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sa.UniqueConstraint("uid", name=op.f("uq_address_change_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_address_change_subscriber_id", "address_change", ["subscriber_id"], unique=False)
    op.create_table(
        "bounce_score",
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_bounce_score")),
    )
    op.create_table(
        "import_run",
        sa.Column("id", whole, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("position", whole, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        sa.UniqueConstraint("key", name=op.f("uq_import_run_key")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in _MADE:
        op.drop_table(table)
    for table, name, _ in _ADDED:
        op.drop_column(table, name)
