"""The agent: a question about databases becomes an answer, by a loop of model and read-only tools."""
