"""Who falls on which side of a split: the same answer in every process, on every machine, in every release. Pure.

A rollout asks whether somebody's share lies below its percentage; an A/B experiment, in whose part it lies.
"""

from __future__ import annotations

import hashlib

BITS = 53
"""What a float holds exactly."""


def share_of(subject: str, name: str) -> float:
    """Where somebody stands between 0 and 1 as far as one split is concerned.

    The first 53 bits of the SHA-256 of `<length of name>:<name>:<subject>` in UTF-8, divided by 2^53. Every value is as
    likely as any other, and where somebody stands for one name says nothing of where for another.

    Args:
        subject: Whose share it is, such as a user's id.
        name: Of what, such as a rollout or an experiment.

    Returns:
        At least 0, less than 1.

    Example:
        >>> share_of("ada", "new_search")
        0.1840800703730685
        >>> share_of("ada", "new_search") < 0.25  # so ada is among the first quarter
        True
    """
    # The length keeps ("b:c", "a") apart from ("c", "a:b"). A lone surrogate is no letter, but may stand in an id.
    text = f"{len(name)}:{name}:{subject}".encode(errors="surrogatepass")
    return (int.from_bytes(hashlib.sha256(text).digest()[:8]) >> (64 - BITS)) / (1 << BITS)
