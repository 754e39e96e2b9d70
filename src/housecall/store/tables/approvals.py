"""Tool calls that wait for a person, and what became of them."""
