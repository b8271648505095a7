"""A draft that a person withdrew is marked as such, and one that is held as late knows what it had."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_REASON = "withdrawn: approve it again, or cancel it"


def upgrade() -> None:
    op.add_column("edition", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("edition", sa.Column("set_aside", sa.JSON(), nullable=True))
    # Until now such a draft was told by its reason alone.
    edition = sa.table("edition", sa.column("withdrawn", sa.Boolean()), sa.column("state"), sa.column("reason"))
    withdrawn = (edition.c.state == "draft") & (edition.c.reason == _REASON)
    op.execute(edition.update().where(withdrawn).values(withdrawn=sa.true()))


def downgrade() -> None:
    for name in ("set_aside", "withdrawn"):
        op.drop_column("edition", name)
