"""Where a schema registry is, and the credentials for it, which never show."""

import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..secrets import FileSecret, Secret, read_line


@dataclass(frozen=True)
class RegistrySettings:
    """Where the registry is and how to reach it.

    >>> RegistrySettings("https://registry:8081", "reader", Secret("s3cret"))
    RegistrySettings(url='https://registry:8081', username='reader', password=Secret('***'), \
cafile=None, timeout_seconds=5.0, retry_seconds=30.0)
    """

    url: str
    username: str | None = None
    password: Secret | None = None
    cafile: str | None = None
    timeout_seconds: float = 5.0  # of one request
    retry_seconds: float = 30.0  # how long a registry that does not answer is asked again

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("registry: give its address as 'http://host:port' or 'https://…'")
        if "@" in parts.netloc:
            raise ValueError(
                "registry: credentials do not belong into the address; give username and "
                "password_file, or SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError("registry: username and password go together; give both or neither")
        if self.password is not None and parts.scheme != "https":
            raise ValueError("registry: a password over http would not be encrypted; use https")

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> "RegistrySettings":
        """From a configuration table, the credentials perhaps from files or the environment.

        SCHEMA_REGISTRY_USERNAME, SCHEMA_REGISTRY_PASSWORD and SCHEMA_REGISTRY_PASSWORD_FILE are
        read.  Raises ValueError that names the option.
        """
        names = ("username", "cafile", "timeout_seconds", "retry_seconds")
        values = {name: options[name] for name in names if options.get(name) is not None}
        prefix = "SCHEMA_REGISTRY_"
        if path := options.get("username_file"):
            values["username"] = read_line("username_file", path)
        elif f"{prefix}USERNAME" in environ:
            values.setdefault("username", environ[f"{prefix}USERNAME"])
        if path := options.get("password_file") or environ.get(f"{prefix}PASSWORD_FILE"):
            values["password"] = FileSecret("password_file", path)
        elif f"{prefix}PASSWORD" in environ:
            values["password"] = Secret(environ[f"{prefix}PASSWORD"])
        return cls(options["registry"], **values)
