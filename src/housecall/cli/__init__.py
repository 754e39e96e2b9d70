"""The command line: reads options, calls the use cases, prints. Decides nothing.

Modules here import only Typer, Rich and the standard library at their head; what a command needs is imported when it
runs, so that `housecall --help` answers at once.
"""
