"""Names that Avro allows: letters, digits and underscores, no digit first."""

import re

_OTHER = re.compile(r"[^A-Za-z0-9_]")


def of_field(name: str) -> str:
    """The Avro name of a field: what Avro does not allow becomes an underscore.

    >>> [of_field(name) for name in ("site", "meta.site", "2nd", "größe", "")]
    ['site', 'meta_site', '_2nd', 'gr__e', '_']
    """
    name = _OTHER.sub("_", name)
    return name if name and not name[0].isdigit() else f"_{name}"
