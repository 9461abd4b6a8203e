"""How servers prove who they are."""

from __future__ import annotations

import ssl

import httpx2


class TlsSource:
    """One context for all connections of a wire, made when the first of them needs it: it costs milliseconds.

    Certificates are always verified; there is no switch against it.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context

    def __call__(self) -> ssl.SSLContext:
        """The context."""
        if self._context is None:
            context = httpx2.create_ssl_context()
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context
