"""Tables of a test's own, on whichever database the test is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

BOTH = ("sqlite", "postgresql")


@contextmanager
def tables_on(request: pytest.FixtureRequest, metadata: sa.MetaData) -> Iterator[sa.Connection]:
    """Yield a connection to an empty database of the kind that is the fixture's parameter, with these tables."""
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_server").fresh()
    engine = sa.create_engine(url)
    with engine.begin() as opened:
        metadata.create_all(opened)
        yield opened
    engine.dispose()
