"""One estimator for many keys: a context for each, or a model for each."""
