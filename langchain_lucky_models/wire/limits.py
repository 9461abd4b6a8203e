"""What the wire accepts before it gives up on a server."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Sizes, counts and times that no server may exceed.

    Attributes:
        connect_seconds: Until name, connection and TLS stand, whatever the deadline.
        total_seconds: For a request that belongs to no `CallScope` and brings no timeout of its own.
        decoded_bytes: Of a whole answer, after decompression.
        error_bytes: Of an answer with an error status, which is read whole before anybody sees it.
        line_bytes: Of one line in an event stream.
        depth: Of nested brackets in JSON.
        head_bytes: Of status line and headers.
        header_count: Of headers in an answer.
        places: Servers with idle connections, per process and event loop; the least recently used goes first.
        idle_connections: Kept open per server.
        idle_seconds: After which an unused connection is closed.
    """

    connect_seconds: float = 5.0
    total_seconds: float = 120.0
    decoded_bytes: int = 32 * MIB
    error_bytes: int = MIB
    line_bytes: int = MIB
    depth: int = 256
    head_bytes: int = 64 * KIB
    header_count: int = 200
    places: int = 64
    idle_connections: int = 32
    idle_seconds: float = 60.0
