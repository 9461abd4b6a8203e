"""Which addresses a server that a user named may have. Pure: no name is resolved here."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

WEB_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
"""Below it live services that are no model servers: ssh, mail, databases of directories."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_REFUSED: tuple[tuple[_Network, str], ...] = tuple(
    (ipaddress.ip_network(text), why)
    for text, why in (
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("169.254.0.0/16", "link-local, where clouds keep metadata"),
        ("192.0.0.0/24", "reserved"),
        ("192.88.99.0/24", "a relay into other networks"),
        ("224.0.0.0/4", "multicast"),
        ("2001::/23", "a tunnel into other networks"),
        ("2001:db8::/32", "reserved for documentation"),
        ("2002::/16", "a tunnel into other networks"),
        ("3fff::/20", "reserved for documentation"),
    )
)
_PLAIN_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER_HOST = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*")
_LOCAL_NAME = re.compile(r"(.*\.)?(localhost|localdomain|local|internal|intranet|lan|home\.arpa)")


def refusal(address: str) -> str | None:
    """Why an address is not a public one, or `None` where it is.

    Addresses that wrap another one (mapped, 6to4, Teredo, NAT64) are refused whole.

    Example:
        >>> refusal("8.8.8.8")
        >>> refusal("::ffff:127.0.0.1")
        '::ffff:127.0.0.1 is not on the public internet'
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return f"{address} is no address"
    for network, why in _REFUSED:
        if ip.version == network.version and ip in network:
            return f"{address} is {why}"
    public = ip.is_global and (isinstance(ip, ipaddress.IPv4Address) or ip in _PUBLIC_V6)
    return None if public else f"{address} is not on the public internet"


def url_refusal(url: str) -> str | None:
    """Why a user may not name this base URL, as far as its text tells; names are checked when they are resolved.

    Example:
        >>> url_refusal("https://models.example.com/v1")
        >>> url_refusal("http://2130706433/v1")
        '2130706433 is a number, not a host name'
    """
    if re.search(r"[\s\\\x00-\x1f\x7f]", url):
        return "the address holds a blank, a control character or a backslash"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the address cannot be read"
    if parts.scheme not in ("http", "https"):
        return "only http and https are spoken"
    if "@" in parts.netloc:
        return "the address holds a user name or password"
    if port is not None and port < FIRST_FREE_PORT and port not in WEB_PORTS:
        return f"port {port} belongs to another service"
    return _host_refusal(parts.hostname or "")


def _host_refusal(host: str) -> str | None:
    if ":" in host:
        return refusal(host)
    if not host.isascii():
        return f"{host} is not in ASCII; write its punycode form"
    name = host.rstrip(".")
    if _NUMBER_HOST.fullmatch(name):
        canonical = re.fullmatch(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}", host)
        return refusal(host) if canonical else f"{host} is a number, not a host name"
    if not _PLAIN_HOST.fullmatch(name):
        return f"{host or 'nothing'} is no host name"
    if "." not in name or _LOCAL_NAME.fullmatch(name):
        return f"{host} is a local name"
    return None
