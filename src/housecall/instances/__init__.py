"""Instances over the store: the servers that Housecall watches."""
