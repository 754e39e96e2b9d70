"""Custom agents, skills of users and uploaded files."""
