"""The demo: a shop whose database really is ill, and Housecall at its bedside.

`patient` builds and starts the ill PostgreSQL, `workload` is the process that makes it suffer, `client` asks over
HTTP as any client would, `show` puts them together. Nothing here is a special case: Housecall sees an ordinary server.
"""
