"""An operator's labels in the stream: their field must reach the detector."""

from ..config import schema
from ..errors import ConfigError


def check_feedback(config: schema.Config) -> None:
    """Raise `ConfigError` if the field of an operator's labels does not reach the detector."""
    name, features = config.estimator.get("feedback_field"), config.features
    if name is None:
        return
    if name in features.exclude or (features.include and name not in features.include):
        where = "exclude" if name in features.exclude else "include"
        raise ConfigError(
            f"estimator.feedback_field = {name!r}: features.{where} keeps it from the detector; "
            f"{'take it out of it' if where == 'exclude' else 'add it there'}"
        )
    if name in (config.key, features.time, features.target):
        raise ConfigError(
            f"estimator.feedback_field = {name!r}: this field has another use; labels need one of "
            "their own"
        )
