"""Where a request goes: the server, the way to it, and whether it must be a public one."""

from __future__ import annotations

import base64
import urllib.request
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from langchain_lucky_models.errors.base import ConfigError

DEFAULT_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """A proxy that speaks plain HTTP to us.

    Attributes:
        authorization: The value of its `Proxy-Authorization` header, where it wants one.
    """

    host: str
    port: int
    authorization: str | None = None

    @property
    def login(self) -> list[tuple[bytes, bytes]]:
        """The header that lets us in, where one is needed."""
        return [(b"Proxy-Authorization", self.authorization.encode())] if self.authorization else []

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


class Place(NamedTuple):
    """What connections are kept by: two requests to the same place may share one."""

    flavour: str
    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None
    public_only: bool = False

    @property
    def origin(self) -> str:
        """The place as credentials name it, such as `https://api.openai.com`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


class EnvironmentProxies:
    """The proxies that the environment names, as they were when the wire was laid. Only the house uses them."""

    def __init__(self) -> None:
        self._proxies = urllib.request.getproxies_environment()

    def __bool__(self) -> bool:
        return bool(self._proxies)

    def way_to(self, scheme: str, host: str) -> Proxy | None:
        """The proxy for a host, unless `NO_PROXY` names it."""
        text = self._proxies.get(scheme) or self._proxies.get("all")
        if not text or urllib.request.proxy_bypass(host):
            return None
        return _parsed(text)


def _parsed(text: str) -> Proxy:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError("The environment's proxy must be an http:// address; unset it, or name one that is.")
    login = parts.netloc.rpartition("@")[0]
    user, _, password = (unquote(part) for part in login.partition(":"))
    return Proxy(parts.hostname, parts.port or 80, _basic(user, password) if login else None)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
