"""Text as features: columns for the values of fields, by what the records before have taught.

`values` tells values apart in bounded memory, `effects` learns what each of them adds to the
target, `columns` makes rows of records with text, and `encoder` is all of it as a step of a
pipeline.
"""
