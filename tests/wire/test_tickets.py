"""A ticket is worth its credential on one wire, while it lives, and nothing to anybody else."""

from __future__ import annotations

import copy
import pickle

import pytest

from langchain_lucky_models.wire.tickets import TicketBook
from tests.wire.raw import KEY, credential


@pytest.fixture
def book() -> TicketBook:
    return TicketBook()


def test_a_living_ticket_is_found_in_any_header(book: TicketBook) -> None:
    ticket = book.issue(credential("https://api.openai.com"))
    assert book.find(f"Bearer {ticket.text}") is ticket
    assert book.find(ticket.text) is ticket


def test_what_was_never_issued_or_is_gone_is_not_found(book: TicketBook) -> None:
    text = book.issue(credential("https://api.openai.com")).text
    assert book.find(f"Bearer {text}") is None
    assert book.find("Bearer lucky-guess") is None
    assert book.find("Bearer sk-123") is None
    assert TicketBook().find(book.issue(credential("https://api.openai.com")).text) is None


def test_two_tickets_of_one_credential_differ(book: TicketBook) -> None:
    owner = credential("https://api.openai.com")
    assert book.issue(owner).text != book.issue(owner).text


def test_a_ticket_is_its_own_copy_and_never_pickled(book: TicketBook) -> None:
    ticket = book.issue(credential("https://api.openai.com"))
    assert copy.deepcopy(ticket) is ticket
    assert copy.copy(ticket) is ticket
    with pytest.raises(TypeError, match="rebind"):
        pickle.dumps(ticket)
    assert KEY not in repr(ticket)
