"""Real servers on 127.0.0.1 that speak the providers' dialects, remember every request, and fail on demand."""

from __future__ import annotations

from tests.loopback.brain import fingerprint
from tests.loopback.exchange import Exchange, Fault
from tests.loopback.faults import FAULTS
from tests.loopback.server import Provider
from tests.loopback.talk import Answer, ToolCall, Usage
from tests.loopback.wire import Request

__all__ = ["FAULTS", "Answer", "Exchange", "Fault", "Provider", "Request", "ToolCall", "Usage", "fingerprint"]
