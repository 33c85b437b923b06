"""``source.tombstones = "forget"``: what it needs, and what does not go together with it."""

from ..errors import ConfigError
from .schema import Config, KafkaSource

SETTING = "source.tombstones = 'forget'"
LEAVE = "leave it out, and tombstones are passed over and counted"


def forgets(config: Config) -> bool:
    """Whether a message without a value deletes what its key has learned."""
    return isinstance(config.source, KafkaSource) and config.source.tombstones == "forget"


def check_deletions(config: Config) -> None:
    """Raise `ConfigError` where nobody could say what a deleted key has left behind."""
    if not forgets(config):
        return
    if config.labels is not None:
        raise ConfigError(
            f"{SETTING}: does not go together with labels, for what waits for a label is a record "
            f"and not a key, and what it teaches belongs to all; {LEAVE}"
        )
    if config.sequence is not None and config.key is None:
        if config.sequence.by is None:
            raise ConfigError(
                f"{SETTING} needs sequence.by: name the field that says whose a record is, whose "
                f"open sequence is deleted; or {LEAVE}"
            )
    elif config.key is None:
        raise ConfigError(
            f"{SETTING} needs key: name the field that says whose a record is; without keys all "
            f"that is learned belongs to all; or {LEAVE}"
        )
    if config.lookahead:
        raise ConfigError(
            f"{SETTING}: does not go together with lookahead, for a key that is deleted would "
            "still owe rows; leave one of them out"
        )
