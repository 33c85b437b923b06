"""The errors a caller can act on; each message names the field, the value and the remedy."""


class BadRecord(ValueError):
    """A record that cannot be learned from; nothing was changed by the call that raised it.

    ``index`` is the record's place in the batch, so that a caller can set it aside
    (a dead letter) and go on with the rest.
    """

    def __init__(self, message: str, index: int = 0):
        super().__init__(message)
        self.index = index


class ConfigError(ValueError):
    """A configuration that cannot work; names the field, the value and the remedy."""


class CheckpointError(RuntimeError):
    """A checkpoint that is damaged, of another model, or in conflict with the stream."""
