"""Housecall: a self-hosted AI database administrator."""

__version__ = "0.1.0"
