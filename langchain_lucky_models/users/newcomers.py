"""What a new user brings: keys and servers of their own, checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_lucky_models.errors.base import ConfigError, MissingKeysError, did_you_mean, nearest_names
from langchain_lucky_models.keys import FallbackKeys, KeyMode, KeySource, Secret
from langchain_lucky_models.settings import ProviderSettings
from langchain_lucky_models.users.house import House, Provider
from langchain_lucky_models.users.tenants import Tenant
from langchain_lucky_models.wire import url_refusal

Keys = Mapping[str, KeySource | Secret]
Endpoints = Mapping[str, ProviderSettings | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Belongings:
    """A user's own keys and servers, by provider."""

    keys: Mapping[str, Secret]
    servers: Mapping[str, Provider]

    @classmethod
    def of(cls, house: House, mode: KeyMode, api_keys: Keys | None, endpoints: Endpoints | None) -> Belongings:
        """Check what is brought.

        Raises:
            ConfigError: The mode, a key or a server cannot be used.
            MissingKeysError: byok without keys.
        """
        if mode not in {"byok", "shared"}:
            raise ConfigError(
                f"mode is 'byok' (the user pays) or 'shared' (the house does), not {mode!r}.", field="mode"
            )
        if mode == "shared":
            if endpoints:
                raise ConfigError(
                    "endpoints= needs mode='byok': no house key goes to a user's server.", field="endpoints"
                )
            return cls({}, {})
        if not api_keys and not endpoints:
            raise MissingKeysError("a byok user pays with own keys; give api_keys={'openai': …}.", field="api_keys")
        keys = FallbackKeys(api_keys)
        servers = {name: _server(house, name, row, keys.get(name)) for name, row in (endpoints or {}).items()}
        for name in keys:
            if name not in house.providers and name not in servers:
                near = did_you_mean(nearest_names(name, [*house.providers, *servers]))
                raise ConfigError(f"api_keys: there is no provider {name!r}.{near}", field=f"api_keys.{name}")
        return cls(keys, servers)

    def tenant(self, house: House, mode: KeyMode, user_id: str, models: Sequence[str]) -> Tenant:
        """The user who brings them.

        Raises:
            ConfigError: The id or a line of the list cannot be used.
        """
        if not isinstance(user_id, str) or not user_id.strip():
            raise ConfigError("user_id must be a text that is not empty.", field="user_id")
        return Tenant(house, mode=mode, user_id=user_id, models=models, own=self.keys, endpoints=self.servers)


def _server(house: House, name: str, row: ProviderSettings | Mapping[str, Any], secret: Secret | None) -> Provider:
    where = f"endpoints.{name}"
    settings = ProviderSettings.read(row, where=where)
    if settings.allow_private or settings.api_key is not None or settings.api_key_env is not None:
        raise ConfigError(f"{where} takes kind, base_url, timeout and headers; keys belong to api_keys=.", field=where)
    provider = Provider.of(name, settings, secret, brought=True)
    if house.allows_private(provider):
        return provider.in_private()
    if reason := url_refusal(provider.base_url or ""):
        raise ConfigError(
            f"{where}.base_url is refused: {reason}."
            f" The operator may allow it with providers={{{name!r}: {{'allow_private': True}}}}.",
            field=f"{where}.base_url",
        )
    return provider
