"""Drift: an alarm when a stream's losses grow, by any of river's detectors."""
