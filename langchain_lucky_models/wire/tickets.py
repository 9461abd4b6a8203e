"""Placeholders that stand where a partner package wants a key."""

from __future__ import annotations

import secrets
import weakref
from typing import NoReturn, Self

from langchain_lucky_models.keys import Credential

PREFIX = "lucky-"


class Ticket:
    """What a partner package gets as its API key: worthless to whoever sees it.

    The wire knows whose credential it stands for while the ticket lives; keep it beside the partner object.

    Attributes:
        text: What goes into the partner package.
    """

    __slots__ = ("__weakref__", "_credential", "text")

    def __init__(self, credential: Credential) -> None:
        self.text = PREFIX + secrets.token_urlsafe(18)
        self._credential = credential

    @property
    def credential(self) -> Credential:
        """Whom it stands for."""
        return self._credential

    def __repr__(self) -> str:
        return f"Ticket({self._credential.provider})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ticket is good in its own process only; rebind the handle where it is unpickled")


class TicketBook:
    """Every living ticket, by its text."""

    def __init__(self) -> None:
        self._tickets: weakref.WeakValueDictionary[str, Ticket] = weakref.WeakValueDictionary()

    def issue(self, credential: Credential) -> Ticket:
        """A new ticket for a credential."""
        ticket = Ticket(credential)
        self._tickets[ticket.text] = ticket
        return ticket

    def find(self, header: str) -> Ticket | None:
        """The living ticket in the value of a header such as `Bearer lucky-…`."""
        _, found, rest = header.partition(PREFIX)
        return self._tickets.get(found + rest.strip()) if found else None
