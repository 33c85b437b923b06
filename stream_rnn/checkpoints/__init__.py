"""A state on disk: written whole or not at all, and checked when it is read.

`file` is the format of one checkpoint, `segments` that of the states of many keys; `folders` are
places to keep them, `store` decides which are kept and which is read.
"""
