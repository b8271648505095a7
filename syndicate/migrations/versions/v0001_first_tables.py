"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clipping",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("archival", sa.Boolean(), nullable=False),
        sa.Column("never_mail", sa.Boolean(), nullable=False),
        sa.Column("section", sa.String(length=32), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("deck", sa.Text(), nullable=True),
        sa.Column("byline", sa.Text(), nullable=True),
        sa.Column("publication", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("dateline", sa.String(length=10), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("rights", sa.String(length=8), nullable=False),
        sa.Column("rights_reason", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clipping")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_clipping_fingerprint")),
    )
    op.create_index(
        "ix_clipping_section_state_published_at", "clipping", ["section", "state", "published_at"], unique=False
    )
    op.create_index(
        "ix_clipping_state_archival_published_at", "clipping", ["state", "archival", "published_at"], unique=False
    )
    op.create_index("ix_clipping_state_dateline", "clipping", ["state", "dateline"], unique=False)
    op.create_index("ix_clipping_updated_at", "clipping", ["updated_at"], unique=False)
    op.create_table(
        "digest_record",
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_digest_record")),
    )
    op.create_table(
        "edition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.String(length=16), nullable=True),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("mail_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chosen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint("digest", "kind", "key", name=op.f("uq_edition_digest_kind_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_edition_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_edition_state", "edition", ["state"], unique=False)
    op.create_index("ux_edition_digest_number", "edition", ["digest", "number"], unique=True)
    op.create_table(
        "owner",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("lease_until", sa.Float(precision=53), nullable=False),
        sa.Column("beat", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("connections", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
    )
    op.create_table(
        "relay",
        sa.Column("name", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_relay")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("tag_authority", sa.String(length=253), nullable=False),
        sa.Column("tag_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("address_hash", name=op.f("uq_subscriber_address_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_subscriber_uid")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "suppression",
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_suppression")),
    )
    op.create_table(
        "batch",
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_batch_edition_id")),
        sa.PrimaryKeyConstraint("edition_id", "batch", name=op.f("pk_batch")),
    )
    op.create_index("ix_batch_done_next_try_at", "batch", ["done", "next_try_at"], unique=False)
    op.create_index("ix_batch_owner", "batch", ["owner"], unique=False)
    op.create_table(
        "consent_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("network", sa.String(length=43), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_consent_event_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consent_event_network_at", "consent_event", ["network", "at"], unique=False)
    op.create_index("ix_consent_event_subscriber_id", "consent_event", ["subscriber_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_delivery_edition_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_delivery_subscriber_id")),
        sa.PrimaryKeyConstraint("edition_id", "batch", "seq", name=op.f("pk_delivery")),
        sa.UniqueConstraint("edition_id", "subscriber_id", name=op.f("uq_delivery_edition_id_subscriber_id")),
    )
    op.create_index("ix_delivery_subscriber_id", "delivery", ["subscriber_id"], unique=False)
    op.create_table(
        "edition_item",
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("clipping_id", sa.String(length=16), nullable=False),
        sa.Column("section", sa.String(length=32), nullable=False),
        sa.Column("claims", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["clipping_id"], ["clipping.id"], name=op.f("fk_edition_item_clipping_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_edition_item_edition_id")),
        sa.PrimaryKeyConstraint("edition_id", "position", name=op.f("pk_edition_item")),
    )
    op.create_index(
        "ux_edition_item_claim",
        "edition_item",
        ["digest", "clipping_id"],
        unique=True,
        sqlite_where=sa.text("claims"),
        postgresql_where=sa.text("claims"),
    )
    op.create_table(
        "letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uid", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_letter_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("uid", name=op.f("uq_letter_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_letter_address_hash_asked_at", "letter", ["address_hash", "asked_at"], unique=False)
    op.create_index("ix_letter_state_next_try_at", "letter", ["state", "next_try_at"], unique=False)
    op.create_table(
        "slot",
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("batch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("letter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owner.id"], name=op.f("fk_slot_owner")),
        sa.PrimaryKeyConstraint("owner", "n", name=op.f("pk_slot")),
    )
    op.create_table(
        "subscription",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscription_subscriber_id")),
        sa.PrimaryKeyConstraint("subscriber_id", "digest", name=op.f("pk_subscription")),
    )
    op.create_index("ix_subscription_digest_state", "subscription", ["digest", "state"], unique=False)
    op.create_table(
        "variant",
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("composition", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_variant_edition_id")),
        sa.PrimaryKeyConstraint("edition_id", "language", name=op.f("pk_variant")),
    )


def downgrade() -> None:
    op.drop_table("variant")
    op.drop_index("ix_subscription_digest_state", table_name="subscription")
    op.drop_table("subscription")
    op.drop_table("slot")
    op.drop_index("ix_letter_state_next_try_at", table_name="letter")
    op.drop_index("ix_letter_address_hash_asked_at", table_name="letter")
    op.drop_table("letter")
    op.drop_index(
        "ux_edition_item_claim",
        table_name="edition_item",
        sqlite_where=sa.text("claims"),
        postgresql_where=sa.text("claims"),
    )
    op.drop_table("edition_item")
    op.drop_index("ix_delivery_subscriber_id", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_consent_event_subscriber_id", table_name="consent_event")
    op.drop_index("ix_consent_event_network_at", table_name="consent_event")
    op.drop_table("consent_event")
    op.drop_index("ix_batch_owner", table_name="batch")
    op.drop_index("ix_batch_done_next_try_at", table_name="batch")
    op.drop_table("batch")
    op.drop_table("suppression")
    op.drop_table("subscriber")
    op.drop_table("site")
    op.drop_table("relay")
    op.drop_table("owner")
    op.drop_index("ux_edition_digest_number", table_name="edition")
    op.drop_index("ix_edition_state", table_name="edition")
    op.drop_table("edition")
    op.drop_table("digest_record")
    op.drop_index("ix_clipping_updated_at", table_name="clipping")
    op.drop_index("ix_clipping_state_dateline", table_name="clipping")
    op.drop_index("ix_clipping_state_archival_published_at", table_name="clipping")
    op.drop_index("ix_clipping_section_state_published_at", table_name="clipping")
    op.drop_table("clipping")
