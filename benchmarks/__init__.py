"""Benchmarks of Housecall: one command each, a table to read and a JSON file to keep."""
