"""A registry hears what becomes of its models, in the order it happens, and only where somebody listens."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from decimal import Decimal

import pytest

from langchain_lucky_models.catalog import loading
from langchain_lucky_models.catalog.catalog import Catalog
from langchain_lucky_models.catalog.state import CatalogState
from langchain_lucky_models.errors.base import CatalogError
from langchain_lucky_models.events import Event, Events, ModelRegistered, ModelRemoved, ModelUpdated, PriceChanged
from tests.catalog.rows import priced


class Listener:
    """A catalog of two models, and what is heard of it until the end is asked for."""

    def __init__(self) -> None:
        self.events = Events()
        self.catalog = Catalog([priced("openai#gpt-4o", "2.5", "10"), priced("openai#gpt-5", "1", "10")])
        self.catalog.tell(self.events)
        self._heard: list[Event] = []
        self._subscription = self.events.subscribe(self._heard.append)

    def heard(self) -> list[Event]:
        self._subscription.close(within=30)
        return self._heard


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.heard()


def test_models_that_come_change_and_go_are_told_in_that_order(listener: Listener) -> None:
    listener.catalog.register({"provider": "mybox", "id": "tiny"})
    listener.catalog.update("mybox#tiny", family="small", limits={"context": 4096})
    listener.catalog.remove("mybox#tiny")
    told = [(event.kind, event.ref) for event in listener.heard() if not isinstance(event, PriceChanged)]  # type: ignore[attr-defined]
    assert told == [
        ("model_registered", "mybox#tiny"),
        ("model_updated", "mybox#tiny"),
        ("model_removed", "mybox#tiny"),
    ]


def test_an_update_names_the_fields_that_are_not_as_before(listener: Listener) -> None:
    listener.catalog.update("openai#gpt-5", family="gpt", limits={"context": 4096})
    listener.catalog.update("openai#gpt-5", family="gpt")
    (event,) = listener.heard()
    assert isinstance(event, ModelUpdated)
    assert event.fields == ("family", "limits")


def test_another_price_is_told_with_the_old_one(listener: Listener) -> None:
    listener.catalog.update("openai#gpt-5", pricing={"input": "2"})
    updated, price = listener.heard()
    assert isinstance(updated, ModelUpdated)
    assert isinstance(price, PriceChanged)
    assert (price.old_input, price.new_input) == (Decimal(1), Decimal(2))
    assert (price.old_output, price.new_output) == (Decimal(10), Decimal(10))


def test_of_a_swap_only_the_differences_are_told(listener: Listener) -> None:
    listener.catalog.swap(CatalogState.of([priced("openai#gpt-5", "1", "10"), priced("groq#quick", "1", "1")]))
    told = listener.heard()
    assert [(type(event), event.ref) for event in told] == [  # type: ignore[attr-defined]
        (ModelRemoved, "openai#gpt-4o"),
        (ModelRegistered, "groq#quick"),
    ]


def test_a_refused_change_is_no_event(listener: Listener) -> None:
    with pytest.raises(CatalogError):
        listener.catalog.update("openai#gpt-5", limits={"context": -1})
    assert listener.heard() == []


def test_two_registries_on_one_catalog_both_hear(listener: Listener) -> None:
    other, heard = Events(), list[Event]()
    listener.catalog.tell(other)
    with other.subscribe(heard.append):
        listener.catalog.remove("openai#gpt-5")
    assert [event.kind for event in heard] == [event.kind for event in listener.heard()] == ["model_removed"]


def test_a_catalog_keeps_no_registry_alive(listener: Listener) -> None:
    passing = Events()
    listener.catalog.tell(passing)
    del passing
    gc.collect()
    assert len(listener.catalog._hearers._alive()) == 1


def test_where_nobody_listens_the_packaged_catalog_is_not_read_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "packaged_state", lambda: pytest.fail("it was read"))
    catalog, events = Catalog.packaged(), Events()
    catalog.tell(events)
    catalog.swap(CatalogState())
    assert len(catalog) == 0
