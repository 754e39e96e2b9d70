"""The causes on PostgreSQL, one file each."""
