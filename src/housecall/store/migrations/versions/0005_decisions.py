"""The call that a line of the audit log is about, and who decided on a call."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_log", sa.Column("call_id", sa.Text(), nullable=True), schema="housecall")
    op.create_index(
        "audit_log_call_id_idx",
        "audit_log",
        ["call_id"],
        unique=False,
        schema="housecall",
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.add_column("tool_approvals", sa.Column("decided_principal", sa.Text(), nullable=True), schema="housecall")
