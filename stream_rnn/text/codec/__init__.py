"""Compression: an arithmetic coder (`coder`) driven by a predictor, and the file of its code."""
