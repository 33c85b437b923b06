"""Linear models over sparse features: a growing table of weights, learned by AdaGrad.

A feature is a 64-bit key, a hash of what it says; the table gives every key that has been learned
a row of weights, one for each class.  What has no row counts as nothing, so a feature is unknown
until it has been learned once.  The table grows up to a bound, where the least used go.
"""
