"""What to try where the model is behind what needs no learning."""

from .evaluate import Evaluation

FEW = 500  # records with which nothing has learned much


def advice(result: Evaluation) -> str | None:
    """What to try if a baseline is better than the model; None if none is.

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
    tries = _tries(result)
    few = f" {result.scored:,} records are few to learn from;" if result.scored < FEW else ""
    return (
        f"{model.name} is behind the {best.name} here "
        f"({measure} {model.values[measure]:.4g}, {best.values[measure]:.4g}):{few} try "
        + ", or ".join(tries)
    )


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
