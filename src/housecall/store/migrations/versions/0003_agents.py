"""Custom agents, skills and files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _custom_agents_and_skills()
    _files()


def _custom_agents_and_skills() -> None:
    op.create_table(
        "custom_agents",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("system_prompt", sa.Text(), nullable=False),
        sa.Column("enable_tools", sa.Boolean(), nullable=False),
        sa.Column("tools", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("skill_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("custom_agents_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("custom_agents_pkey")),
        schema="housecall",
    )
    op.create_index(
        op.f("custom_agents_account_id_number_idx"), "custom_agents", ["account_id", "number"], schema="housecall"
    )
    op.create_table(
        "skills",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("engines", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("skills_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("skills_pkey")),
        sa.UniqueConstraint("account_id", "name", name=op.f("skills_account_id_key")),
        schema="housecall",
    )
    op.create_index(op.f("skills_account_id_number_idx"), "skills", ["account_id", "number"], schema="housecall")


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("ready", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["housecall.accounts.id"], name=op.f("files_account_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("files_pkey")),
        schema="housecall",
    )
    op.create_index(op.f("files_account_id_idx"), "files", ["account_id"], unique=False, schema="housecall")
    op.create_index(op.f("files_created_at_idx"), "files", ["created_at"], unique=False, schema="housecall")
    op.create_table(
        "file_chunks",
        sa.Column("file_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["housecall.files.id"], name=op.f("file_chunks_file_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "number", name=op.f("file_chunks_pkey")),
        schema="housecall",
    )
    op.create_table(
        "message_files",
        sa.Column("message_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("file_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["housecall.files.id"], name=op.f("message_files_file_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["housecall.messages.id"], name=op.f("message_files_message_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "file_id", name=op.f("message_files_pkey")),
        schema="housecall",
    )
    op.create_index(op.f("message_files_file_id_idx"), "message_files", ["file_id"], unique=False, schema="housecall")
