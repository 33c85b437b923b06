"""What a run is, as its configuration says, and what of it a checkpoint holds it to.

A model and its place in the stream are two things.  What the weights mean must stay as it was;
everything else may change between two runs, and what has changed is said.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import CheckpointError


class Identity(NamedTuple):
    """A run, in JSON-able words.

    ``model`` must be as in the checkpoint.  ``settings`` may differ.  ``places`` says where
    the source and the sinks are: positions in a checkpoint are of those places.
    """

    model: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}
    places: Mapping[str, Any] = {}

    def check(self, saved: Mapping[str, Any], folder: str, elsewhere: str) -> None:
        """Raise `CheckpointError` if *saved*, the model of a manifest, is another one."""
        for name, value in self.model.items():
            if self._as_now(name, saved.get(name)) != value:
                raise CheckpointError(
                    f"the checkpoints in {folder} are of another stream: {name} was "
                    f"{saved.get(name)!r} and is now {value!r}; change it back, or give this run "
                    f"{elsewhere}"
                )

    def _as_now(self, name: str, table: Any) -> Any:
        """*table* without what is a setting now, and was none when it was written."""
        if not isinstance(table, dict):
            return table
        return {key: v for key, v in table.items() if f"{name}.{key}" not in self.settings}

    def changes(self, manifest: Mapping[str, Any]) -> Iterator[str]:
        """What is different since *manifest* was written, and does no harm to the model.

        >>> now = Identity(settings={"run.copy": ["id"], "features.exclude": []})
        >>> list(now.changes({"settings": {"run.copy": []}}))
        ["run.copy was [] and is now ['id']"]
        """
        for kind, now in (("settings", self.settings), ("places", self.places)):
            before = manifest.get(kind, {})
            for name in sorted({*before} & {*now}):
                if before[name] != now[name]:
                    yield f"{name} was {before[name]!r} and is now {now[name]!r}"

    def is_elsewhere(self, manifest: Mapping[str, Any], part: str) -> bool:
        """Whether *part*, such as "source", is not where it was."""
        before = manifest.get("places", {}).get(part)
        return before is not None and before != self.places.get(part)

    def is_other_kind(self, manifest: Mapping[str, Any], part: str) -> bool:
        """Whether positions of *part* are of another kind: of files where it is a topic, say."""
        before, now = manifest.get("places", {}).get(part), self.places.get(part)
        return before is not None and now is not None and before["type"] != now["type"]


def split(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of a checkpoint of version 0.1.0 as ``identity`` and ``settings``.

    >>> split({"features": {"target": "y", "exclude": ["u"]}, "copy": [], "labels": None})
    {'identity': {'labels': None, 'target': 'y'}, 'settings': {'features.exclude': ['u'], \
'run.copy': []}}
    """
    if "features" not in identity:
        return {"identity": dict(identity)}
    model = {name: v for name, v in identity.items() if name not in ("features", "copy")}
    features = dict(identity["features"] or {})
    model["target"] = features.pop("target", None)
    if model.get("labels") is not None:
        model["labels"] = model["labels"]["key"]
    settings = {f"features.{name}": value for name, value in features.items()}
    return {"identity": model, "settings": {**settings, "run.copy": identity.get("copy", [])}}
