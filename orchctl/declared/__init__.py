"""Queues, assets, processes and triggers as YAML: exported, compared with a file, and brought to what it says.

A file says what it wants and is silent about the rest: a field that is not in it counts for nothing, an object that
is not in it stays unless it is to be pruned.
"""
