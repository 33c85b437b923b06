"""The forecaster: features, experts, aggregators and intervals that compose."""
