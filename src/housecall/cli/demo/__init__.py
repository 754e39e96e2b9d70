"""The demo: a shop whose database really is ill, and Housecall at its bedside.

`patient` builds and starts the ill PostgreSQL, `workload` is the process that makes it suffer, `client` asks over HTTP as
any client would, `command` puts them together. Nothing here is a special case for Housecall: it sees an ordinary server.
"""
