"""A small grouped corpus, and the rows it was summed from."""

from __future__ import annotations

import pytest
from small import Rows, make_rows


@pytest.fixture(params=[False, True], ids=["common slopes", "slopes by genre"])
def rows(request: pytest.FixtureRequest) -> Rows:
    """Return a small corpus with features and genres."""
    return make_rows(7, slopes=request.param)
