"""Groups, roles, policies, sessions, and the audit log, which can only grow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("access_key_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=True),
        sa.Column("statement_hash", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("audit_log_pkey")),
        schema="housecall",
    )
    op.create_index(
        op.f("audit_log_account_id_number_idx"), "audit_log", ["account_id", "number"], unique=False, schema="housecall"
    )
    op.create_index(op.f("audit_log_at_idx"), "audit_log", ["at"], unique=False, schema="housecall")
    op.create_table(
        "groups",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("groups_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("groups_pkey")),
        schema="housecall",
    )
    op.create_table(
        "policies",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("policies_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("policies_pkey")),
        schema="housecall",
    )
    op.create_table(
        "policy_attachments",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("policy_account_id", sa.Text(), nullable=False),
        sa.Column("policy_name", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["housecall.accounts.id"],
            name=op.f("policy_attachments_account_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id",
            "target_kind",
            "target",
            "policy_account_id",
            "policy_name",
            name=op.f("policy_attachments_pkey"),
        ),
        schema="housecall",
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("trust_policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("max_session_seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("roles_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("roles_pkey")),
        sa.UniqueConstraint("account_id", "name", name=op.f("roles_account_id_key")),
        schema="housecall",
    )
    op.create_table(
        "group_members",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "group_name"],
            ["housecall.groups.account_id", "housecall.groups.name"],
            name=op.f("group_members_account_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["housecall.users.id"], name=op.f("group_members_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "group_name", "user_id", name=op.f("group_members_pkey")),
        schema="housecall",
    )
    op.create_index(op.f("group_members_user_id_idx"), "group_members", ["user_id"], unique=False, schema="housecall")
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Text(), nullable=False),
        sa.Column("issuer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("sessions_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["housecall.users.id"], name=op.f("sessions_issuer_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["housecall.roles.id"], name=op.f("sessions_role_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sessions_pkey")),
        schema="housecall",
    )
    op.create_index(op.f("sessions_account_id_idx"), "sessions", ["account_id"], unique=False, schema="housecall")
    op.create_index(op.f("sessions_expires_at_idx"), "sessions", ["expires_at"], unique=False, schema="housecall")
    op.create_index(op.f("sessions_issuer_id_idx"), "sessions", ["issuer_id"], unique=False, schema="housecall")
    op.create_index(op.f("sessions_role_id_idx"), "sessions", ["role_id"], unique=False, schema="housecall")
    op.execute(
        """
        CREATE FUNCTION housecall.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON housecall.audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION housecall.refuse_change()
        """
    )
    # Also for a session that turns ordinary triggers off (session_replication_role = replica).
    op.execute("ALTER TABLE housecall.audit_log ENABLE ALWAYS TRIGGER audit_log_append_only")
