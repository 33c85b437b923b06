"""A mixture whose targets come later than its records: what `Delayed` needs of it."""

from typing import Any

from ..errors import ConfigError
from ..mixtures import base
from ..mixtures.mixture import Mixture
from .targets import Targets


class LateTargets(Targets):
    """`MixtureEstimator`'s part of it."""

    members: tuple | None
    weights: tuple | None
    _specs: tuple
    _labels: list[str]
    _features: Any
    _mixture: Mixture | None

    def _build(self, m: int, O: int) -> None:
        raise NotImplementedError

    def without_last_target(self) -> Any:
        """The same, untaught, for targets that come later than the next record.

        What knows the last target would have it fresh when it learns and old when it predicts.
        Raises `ConfigError` if such a member was asked for.
        """
        kept = [base.blind(spec) for spec in self._specs]
        knowing = [n for n, s, k in zip(self._labels, self._specs, kept) if k is not s]
        if knowing and self.members is not None:
            raise ConfigError(
                f"estimator.members: {', '.join(knowing)} predicts from the last target, which "
                "with labels is not known when a record is predicted; leave it out"
            )
        told = {n: getattr(self, n) for n in self._get_params()}  # type: ignore[attr-defined]
        told["members"] = tuple(spec for spec in kept if spec is not None)
        if self.weights is not None:
            told["weights"] = tuple(w for w, s in zip(self.weights, kept) if s is not None)
        return type(self)(**told)

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""
        self._encode_targets([y])

    def follow(self, other: Any) -> None:
        """Take over what *other* has learned; hidden states stay, see `Mixture.follow`."""
        theirs = other._mixture
        if theirs is None:
            return
        self._set_target_names(other._target_names())
        order = self._features.align(other._features.names)
        m, O = len(self._features), theirs.outputs
        mine = self._mixture
        if mine is None or (mine.inputs, mine.outputs) != (m, O):
            self._build(m, O)
            mine = self._mixture
        self._features.follow(other._features)
        if mine is not None:
            mine.follow(theirs, order)
