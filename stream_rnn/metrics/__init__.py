"""Prometheus metrics of a running pipeline."""

from .collector import Metrics
from .families import FAMILIES, HISTOGRAMS, PREFIX
from .observed import Histogram, RecentErrors
from .quality import Quality

__all__ = [
    "FAMILIES",
    "HISTOGRAMS",
    "PREFIX",
    "Histogram",
    "Metrics",
    "Quality",
    "RecentErrors",
]
