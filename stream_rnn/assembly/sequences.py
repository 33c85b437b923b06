"""What is around an estimator: the table ``sequence``, which gathers records, and ``lookahead``."""

from typing import Any

from ..config import schema
from ..config.labels import duration
from ..errors import ConfigError
from ..estimators.ahead import Lookahead
from ..estimators.grouped import Sequences


def fields(config: schema.Config) -> tuple[list[str] | None, list[str], list[str]]:
    """What is included, what excluded, and the marks among it, which keep their text."""
    features, table = config.features, config.sequence
    if table is None:
        return features.include, features.exclude, []
    marks = [name for name in (table.by, table.end) if name is not None]
    include = features.include
    if include is not None:
        include = [*include, *(name for name in marks if name not in include)]
    return include, [name for name in features.exclude if name not in marks], marks


def takes_time(config: schema.Config) -> bool:
    """Whether the time of a record says where a sequence ends."""
    return config.sequence is not None and config.sequence.gap is not None


def settings(config: schema.Config) -> dict[str, Any] | None:
    """The arguments of `Sequences`; None where records are not gathered."""
    table = config.sequence
    if table is None:
        return None
    return {
        "by": table.by,
        "end": table.end,
        "gap": duration(table.gap, "sequence.gap"),
        "time": config.features.time if table.gap is not None else None,
        "length": table.length,
        "max_open": table.max_open,
    }


def gathered(config: schema.Config, model: Any) -> Any:
    """The estimator, given whole sequences where it reads such; raises `ConfigError`."""
    known = settings(config)
    if known is None:
        if getattr(model, "_reads_sequences", False):
            raise ConfigError(
                f"estimator.type = {config.estimator.get('type')!r}: it reads whole sequences; say "
                "in [sequence] which records make one: by, end, gap or length"
            )
        return model
    if config.key is not None:
        raise ConfigError("key: does not go together with [sequence]; say sequence.by")
    return Sequences(model, **known, at_end=_at_end(config))


def _at_end(config: schema.Config) -> str:
    """What becomes of open sequences at the end, where there is one; raises `ConfigError`."""
    said = "keep" if config.sequence is None else config.sequence.at_end
    if said == "learn":
        why = ""
        if not isinstance(config.source, schema.FileSource | schema.StdinSource):
            why = f"a source of type {type(config.source).__struct_config__.tag!r} has no end"
        elif config.labels is not None:
            why = "with [labels] the label of an open sequence is not there yet"
        if why:
            raise ConfigError(f"sequence.at_end = 'learn': {why}; leave it out")
    return said


def ahead(config: schema.Config, model: Any) -> Any:
    """The estimator, which sees some records before it predicts one; raises `ConfigError`."""
    if not config.lookahead:
        return model
    for name, given in (("sequence", config.sequence), ("labels", config.labels)):
        if given is not None:
            raise ConfigError(
                f"lookahead = {config.lookahead}: does not go together with [{name}]; "
                + ("a whole sequence is seen anyway" if name == "sequence" else "leave one out")
            )
    return Lookahead(model, config.lookahead)
