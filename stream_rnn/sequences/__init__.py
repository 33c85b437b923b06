"""A sequence as the unit: kernels that read one whole, a step at a time.

Each folder is one task: `pooling` gives a sequence one target; more stand beside it.
"""
