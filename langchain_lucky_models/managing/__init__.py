"""Keeping what a registry was told while it ran: as one value, as a file, all the time."""

from __future__ import annotations

from langchain_lucky_models.managing.autosave import Autosave
from langchain_lucky_models.managing.state import RegistryState, SwitchState, read_state, state_file, write_state

__all__ = ["Autosave", "RegistryState", "SwitchState", "read_state", "state_file", "write_state"]
