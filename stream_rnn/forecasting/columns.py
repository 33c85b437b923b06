"""Columns of a forecast row."""

from .interval import LEVELS

MEDIAN, MEAN, SCALE, LOWER = 0, 1, 2, 3
UPPER = LOWER + len(LEVELS)
WIDTH = UPPER + len(LEVELS)
OWN = WIDTH  # from here, where outside forecasts may be told: the same row as it was without
