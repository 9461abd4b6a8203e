"""Where a server lists its models: the one request that every kind answers without a bill."""

from __future__ import annotations

from dataclasses import dataclass

SDK_PATH = "/v1"


@dataclass(frozen=True, slots=True)
class Listing:
    """How one kind of server is asked for its models.

    Attributes:
        path: The path, below the base URL; a family whose SDK adds part of the path itself has that part here.
        key_header: The header that holds the key.
        headers: What else the server wants to see.

    Example:
        >>> Listing().url("http://localhost:8000/v1")
        'http://localhost:8000/v1/models'
        >>> Listing("/openai/v1/models").url("https://api.groq.com/openai/v1/")
        'https://api.groq.com/openai/v1/models'
    """

    path: str = "/models"
    key_header: str = "Authorization"
    headers: tuple[tuple[str, str], ...] = ()

    def url(self, base_url: str) -> str:
        """The address of the list."""
        root, folder = base_url.rstrip("/"), self.path.rpartition("/")[0]
        if folder:
            root = root.removesuffix(folder).removesuffix(SDK_PATH)
        return root + self.path

    def headers_for(self, ticket: str) -> dict[str, str]:
        """The headers of a request that pays with the ticket."""
        shown = f"Bearer {ticket}" if self.key_header == "Authorization" else ticket
        return {self.key_header: shown, **dict(self.headers)}


LISTING = Listing()
"""As OpenAI has it, and most others."""
