"""What to try where the model is behind what needs no learning."""

from .evaluate import Evaluation

FEW = 500  # records with which nothing has learned much
ALIKE = 0.005  # of an error, the price of learning that nothing tells more than the last value
NEARLY_ALL = 0.9  # of the weight
LAST_VALUE = ("Ewma", "last")  # the members that say it, or a mean of the last few


def advice(result: Evaluation) -> str | None:
    """What to try if a baseline is better than the model; None if none is.

    A mixture that has learned that the last value is all there is, is told to be as good.

    The scores of regressions are compared by MAE, those of classes by accuracy.
    """
    model, *others = result.scores
    measure = next(iter(model.values), None)
    if measure not in ("MAE", "accuracy"):
        return None
    sign = 1 if measure == "accuracy" else -1
    better = [s for s in others if sign * s.values[measure] > sign * model.values[measure]]
    if not better:
        return None
    best = max(better, key=lambda score: sign * score.values[measure])
    behind = model.values[measure] / best.values[measure] - 1 if best.values[measure] else 1.0
    weight = _weight_of_last(result)
    if best.name == "last value" and abs(behind) <= ALIKE and weight >= NEARLY_ALL:
        return (
            f"{model.name} is as good as the last value here, within {abs(behind):.2%} "
            f"({measure} {model.values[measure]:.4g}, {best.values[measure]:.4g}): {weight:.2f} of "
            "its weight is on that, for nothing here tells more of the next one"
        )
    tries = _tries(result)
    few = f" {result.scored:,} records are few to learn from;" if result.scored < FEW else ""
    return (
        f"{model.name} is behind the {best.name} here "
        f"({measure} {model.values[measure]:.4g}, {best.values[measure]:.4g}):{few} try "
        + ", or ".join(tries)
    )


def _weight_of_last(result: Evaluation) -> float:
    """How much the last value counts in the mixture at the end."""
    curves = result.weights.weights
    return sum(curves[name][-1] for name in LAST_VALUE if curves.get(name))


def _tries(result: Evaluation) -> list[str]:
    if result.task == "classification":
        return [
            "--set 'features.lags={FIELD=[1,2]}' with the target, or a field, for its past",
            "--timestamp FIELD for the time of day",
        ]
    if "Forecaster" in result.model:
        return [
            "--period with the length of its season, to see whether there is one",
            "--exclude for fields that only add noise",
        ]
    return [
        "--estimator forecaster, which mixes the last value in",
        f"--set 'features.lags={{{result.targets[0]}=[1,2]}}'" if result.targets else "lags",
        "--timestamp FIELD for the time of day",
    ]
