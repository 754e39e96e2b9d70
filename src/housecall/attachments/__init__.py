"""What people attach to a question, read: logs of database servers, execution plans, text. Pure: bytes in, facts out.

A parser here takes a file piece by piece and keeps only counts, sums and a bounded number of examples, so a log of any
size is read in the memory of a small one. Texts in these files are data; nothing here follows what they say.
"""
