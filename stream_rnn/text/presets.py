"""Which members a text predictor has: by name, or composed freely."""

from typing import Any, NamedTuple

from stream_rnn.errors import ConfigError
from stream_rnn.text.bits import BitSpec
from stream_rnn.text.mixture import MixtureSpec
from stream_rnn.text.network import NetworkSpec


class Preset(NamedTuple):
    """The members; None switches one off.

    ``network`` alone predicts by itself; ``mixture`` mixes contexts, and the network if
    there is one; ``bits`` mixes contexts and both of them bit by bit, and ``second``, another
    network that only it asks.  ``contexts`` bounds the mixture's table (a power of two; 16
    bytes a context, and 8 for every further symbol that follows one).
    """

    network: NetworkSpec | None = NetworkSpec()
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


def named(preset: "str | Preset", units: int | None) -> Preset:
    """The preset of that name, with `units` in the network if given."""
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
        if units < 1:
            raise ConfigError(f"units: {units}; the network needs at least 1")
        preset = preset._replace(network=preset.network._replace(units=units))
    return preset


def to_plain(preset: Any) -> Any:
    """A preset as JSON would return it."""
    if hasattr(preset, "_asdict"):
        return {name: to_plain(part) for name, part in preset._asdict().items()}
    return [to_plain(part) for part in preset] if isinstance(preset, tuple) else preset


def from_plain(plain: dict[str, Any]) -> Preset:
    """Undo `to_plain`."""
    kinds: dict[str, Any] = {
        "network": NetworkSpec, "second": NetworkSpec, "mixture": MixtureSpec, "bits": BitSpec,
    }  # fmt: skip
    parts = {
        name: kinds[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in part.items()})
        for name, part in plain.items()
        if name in kinds and part is not None
    }
    return Preset(**{**plain, **parts})
