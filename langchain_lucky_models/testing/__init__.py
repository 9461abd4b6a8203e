"""For the tests of applications: a provider that answers, and fails, as it is told.

It is a real server on 127.0.0.1, so that timeouts, retries, fallbacks, breakers and accounts do what they do in
production.
"""

from langchain_lucky_models.testing.behaviours import Asked, Behaviour, BreaksOff, Fails, Hangs, Says
from langchain_lucky_models.testing.fake import FakeProvider, FakeSettings

__all__ = ["Asked", "Behaviour", "BreaksOff", "Fails", "FakeProvider", "FakeSettings", "Hangs", "Says"]
