"""Which members a text predictor has: by name, or composed freely."""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, NamedTuple

from ..errors import ConfigError
from ..learners import TBPTT
from ..optimizers import Adam, Clip
from ..specs import build
from .bits.state import BitSpec
from .contexts.mixture import MixtureSpec
from .network.any_cell import EngineSpec
from .network.coupled_lstm import NetworkSpec


class Preset(NamedTuple):
    """The members; None switches one off.

    ``network`` alone predicts by itself; ``mixture`` mixes contexts, and the network if
    there is one; ``bits`` mixes contexts and both of them bit by bit, and ``second``, another
    network that only it asks.  ``contexts`` bounds the mixture's table (a power of two; 16
    bytes a context, and 8 for every further symbol that follows one).
    """

    network: NetworkSpec | EngineSpec | None = NetworkSpec()
    mixture: MixtureSpec | None = MixtureSpec()
    contexts: int = 1 << 22
    bits: BitSpec | None = None
    second: NetworkSpec | None = None


MORE = ("order8", "order7", "skip1:2", "skip1:3", "1,3", "word+first", "after1", "after2")
PRESETS = {
    "default": Preset(),
    "network": Preset(mixture=None),
    "contexts": Preset(network=None),
    "fast": Preset(None, None, bits=BitSpec()),
    "best": Preset(
        NetworkSpec(units=168, replay=2),
        bits=BitSpec(contexts=BitSpec().contexts + MORE, buckets=1 << 22, second_rate=0.001),
        second=NetworkSpec(units=120, block=40, replay=1),
    ),
}


def named(preset: "str | Preset | Mapping[str, Any]", units: int | None) -> Preset:
    """The preset of that name, or of what `to_plain` made, with `units` in the network if given."""
    if isinstance(preset, Mapping):
        preset = from_plain(preset)
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ConfigError(f"preset: {preset!r}; choose one of {', '.join(PRESETS)}")
        preset = PRESETS[preset]
    if preset.network is None and preset.mixture is None and preset.bits is None:
        raise ConfigError("preset: no member is switched on; give a network, a mixture or bits")
    if preset.second is not None and preset.bits is None:
        raise ConfigError("preset: `second` is heard by the bit mixture only; give bits, or none")
    if units is not None:
        if preset.network is None:
            raise ConfigError(f"units: {units}, but the preset has no network; leave units out")
        preset = preset._replace(network=preset.network.with_units(units))
    return preset


def with_engine(preset: Preset, cell: Any, learner: Any, optimizer: Any) -> Preset:
    """The preset with the engine's network in the place of its own."""
    if cell is None:
        if learner is not None or optimizer is not None:
            raise ConfigError(
                "learner, optimizer: they go with a cell, e.g. cell=GRU(64); the preset's own "
                "network learns by truncated backpropagation"
            )
        return preset
    if preset.network is None:
        raise ConfigError(f"cell: {cell}, but the preset has no network; leave the cell out")
    learner = TBPTT(24, 12) if learner is None else learner
    optimizer = (Clip(1.0), Adam(0.003)) if optimizer is None else optimizer
    return preset._replace(network=EngineSpec(cell, learner, optimizer))


@singledispatch
def to_plain(preset: Any) -> Any:
    """A preset as JSON would return it."""
    if hasattr(preset, "_asdict"):
        return {name: to_plain(part) for name, part in preset._asdict().items()}
    return [to_plain(part) for part in preset] if isinstance(preset, tuple) else preset


to_plain.register(EngineSpec, EngineSpec.tables)


def from_plain(plain: Mapping[str, Any]) -> Preset:
    """Undo `to_plain`."""
    kinds: dict[str, Any] = {
        "network": NetworkSpec, "second": NetworkSpec, "mixture": MixtureSpec, "bits": BitSpec,
    }  # fmt: skip
    parts = {
        name: kinds[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in part.items()})
        for name, part in plain.items()
        if name in kinds and part is not None and "cell" not in part
    }
    engine = plain.get("network") or {}
    if "cell" in engine:
        specs = {name: build(engine[name], name, name) for name in EngineSpec._fields}
        parts["network"] = EngineSpec(**specs)
    return Preset(**{**plain, **parts})
