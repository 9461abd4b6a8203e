"""What goes wrong with a database, told apart by whether trying again may help."""

from __future__ import annotations


class StorageTroubleError(Exception):
    """The database did not do what it was asked; everything asked in the transaction is undone.

    Attributes:
        passing: Whether the same transaction may well succeed when it is tried again at once.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
