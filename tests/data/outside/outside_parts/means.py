"""A metric of the estimator `running_mean`."""

from stream_rnn.metrics.families import LEARNER, Family

MEANS = Family("Targets in the running mean.", LEARNER)
