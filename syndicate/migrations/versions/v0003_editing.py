"""Editors' hands on an edition, corrections, what fitted, appeals, and notices that were given once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ADDED = {
    "edition": (
        ("subject", sa.Text),
        ("lead", lambda: sa.String(length=16)),
        ("made_by", sa.Text),
        ("approved_by", sa.Text),
        ("corrects", lambda: sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
    ),
    "clipping": (
        ("corrected_at", lambda: sa.DateTime(timezone=True)),
        ("correction", sa.Text),
    ),
    "variant": (("fit", sa.JSON),),
}


def upgrade() -> None:
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table, columns in _ADDED.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind(), nullable=True))
    op.create_table(
        "left_out",
        sa.Column(
            "edition_id", whole, sa.ForeignKey("edition.id", name=op.f("fk_left_out_edition_id")), nullable=False
        ),
        sa.Column(
            "clipping_id",
            sa.String(length=16),
            sa.ForeignKey("clipping.id", name=op.f("fk_left_out_clipping_id")),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", "clipping_id", name=op.f("pk_left_out")),
    )
    op.create_table(
        "appeal",
        sa.Column("id", whole, autoincrement=True, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    op.create_table(
        "notice",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notice")),
    )


def downgrade() -> None:
    for table in ("notice", "appeal", "left_out"):
        op.drop_table(table)
    for table, columns in _ADDED.items():
        for name, _ in columns:
            op.drop_column(table, name)
