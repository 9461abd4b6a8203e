"""Which servers a user may name: every disguise of a private address is told."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langchain_lucky_models.wire import refusal, url_refusal

REFUSED_ADDRESSES = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "5f00::1",
    "not an address",
]

REFUSED_URLS = [
    "http://2130706433/v1",
    "http://0x7f000001/v1",
    "http://0x7f.1/v1",
    "http://0177.0.0.1/v1",
    "http://127.1/v1",
    "http://127.0.0.1/v1",
    "http://127.0.0.1./v1",
    "http://0/v1",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/v1",
    "http://[::]/v1",
    "http://[::ffff:127.0.0.1]/v1",
    "http://[fe80::1%25eth0]/v1",
    "http://[fd00:ec2::254]/v1",
    "http://localhost/v1",
    "http://localhost./v1",
    "http://LOCALHOST:11434/v1",
    "http://api.localhost/v1",
    "http://metadata.google.internal/v1",
    "http://printer.local/v1",
    "http://router.lan/v1",
    "http://database/v1",
    "http://good.example.com@evil.example.com/v1",
    "http://user:pass@api.example.com/v1",
    "http://api.example.com\\@127.0.0.1/v1",
    "http://api.example.com\t/v1",
    "http://api.example.com/\nv1",
    " http://api.example.com/v1",
    "http://127。0。0。1/v1",
    "http://\uff41pi.example.com/v1",
    "http://bücher.example.com/v1",
    "http://api.example.com:22/v1",
    "http://api.example.com:25/v1",
    "http://api.example.com:0/v1",
    "http://api.example.com:99999/v1",
    "http://api.example.com:x/v1",
    "file:///etc/passwd",
    "gopher://api.example.com/1",
    "unix:///var/run/docker.sock",
    "ftp://api.example.com/",
    "//api.example.com/v1",
    "api.example.com/v1",
    "http:///v1",
    "http://-api.example.com/v1",
    "http://[::1/v1",
]

ALLOWED_URLS = [
    "https://api.openai.com/v1",
    "https://api.groq.com",
    "https://openrouter.ai/api/v1/",
    "http://models.example.com:8000/v1",
    "https://models.example.com:443/v1",
    "https://8.8.8.8/v1",
    "https://[2606:4700:4700::1111]/v1",
    "https://xn--bcher-kva.example.com/v1",
    "https://my_models.example.com/v1",
    "https://api.example.com./v1",
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """Case 126: with the addresses below, all of a table of 86 are refused."""
    assert address in (refusal(address) or "")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_a_public_address_passes(address: str) -> None:
    assert refusal(address) is None


@given(some.ip_addresses())
def test_nothing_passes_that_is_not_global(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if refusal(str(ip)) is None:
        assert ip.is_global
        assert not ip.is_multicast


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_hides_where_it_leads_is_refused(url: str) -> None:
    """Case 126: whatever disguise an address of the user layer wears; the operator allows by `allow_private`."""
    assert url_refusal(url)


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_an_ordinary_url_passes(url: str) -> None:
    assert url_refusal(url) is None


@given(some.text())
def test_no_text_breaks_the_check(url: str) -> None:
    url_refusal(url)
    url_refusal(f"http://{url}/v1")
