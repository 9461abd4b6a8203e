"""The wire: every byte to and from a provider passes here.

Keys are put on last and bound to their origins; names, addresses, certificates, redirects, sizes and times are
judged before anybody above sees an answer.
"""

from langchain_lucky_models.wire.addresses import refusal, url_refusal
from langchain_lucky_models.wire.limits import WireLimits
from langchain_lucky_models.wire.scope import CallScope
from langchain_lucky_models.wire.tickets import Ticket
from langchain_lucky_models.wire.wire import Wire

__all__ = ["CallScope", "Ticket", "Wire", "WireLimits", "refusal", "url_refusal"]
