"""Forecasts of many steps: what each way to make them is worth is learned by step.

`aligned` learns every step from the season as it was at that step's own time, `lags` all steps
from the last values, `ridge` from random functions of them too, `weeks` repeats the weeks before,
the nearer forecaster makes a path of one-step forecasts; `blend` weighs them, `season` says what a
season is, and `learner` is the compiled loop.
"""
