"""One build for all tests that look at its outcome."""

from __future__ import annotations

import pytest

from catalog_build.build import Built, build, gather


@pytest.fixture(scope="session")
def built() -> Built:
    """What the committed inputs give."""
    return build(gather())
