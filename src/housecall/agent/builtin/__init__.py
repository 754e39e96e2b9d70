"""The built-in diagnostician: a deterministic model that needs no language model.

It reads the question (`intents`), decides which tools to call (`plans`) and writes the answer from their results
(`answers`, `diagnosis`). It knows nothing else: every number and name in an answer comes from a tool result.
"""
