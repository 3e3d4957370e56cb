"""What may pass by itself is tried again; what cannot is not."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import CorpusChanging, CorpusRejected
from schemas.parameters import IngestParameters

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("prefect_server")


class Trouble:
    """Fails as told, then works, and counts."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self, *_: Any, **__: Any) -> None:
        """Count the call and fail as told."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        message = "enough"
        raise CorpusRejected(message)


@pytest.mark.parametrize(
    ("errors", "attempts", "last"),
    [
        ([OSError(5, "Input/output error"), ConnectionResetError("gone")], 3, CorpusRejected),
        ([TimeoutError("late")] * 9, 4, TimeoutError),
        ([CorpusChanging("written to while it was read")], 2, CorpusRejected),
        ([CorpusRejected("no popularity")] * 9, 1, CorpusRejected),
        ([FileNotFoundError("moved")] * 9, 1, FileNotFoundError),
        ([ValueError("a bug")] * 9, 1, ValueError),
    ],
)
def test_retries(
    errors: list[Exception],
    attempts: int,
    last: type[Exception],
    sample_corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from prefect import flow

    from tasks.ingest import incremental
    from tasks.ingest.task import ingest

    trouble = Trouble(*errors)
    monkeypatch.setattr(incremental, "ingest_incrementally", trouble)
    # The policy of the door itself, but for the waiting.
    door = ingest.with_options(retry_delay_seconds=0)

    @flow
    def only_ingest() -> None:
        door([str(sample_corpus)], IngestParameters(), str(tmp_path))

    with pytest.raises(last):
        only_ingest()
    assert trouble.calls == attempts


def test_waiting_grows_and_is_spread() -> None:
    from tasks.gate.task import gate
    from tasks.group.task import group
    from tasks.ingest.task import ingest
    from tasks.publish.task import publish
    from tasks.sample.task import sample

    for door in (ingest, group, sample, gate, publish):
        delays = door.retry_delay_seconds
        assert isinstance(delays, list)
        assert door.retries == len(delays) == 3
        assert all(later >= 2 * earlier for earlier, later in pairwise(delays))
        assert door.retry_jitter_factor
        assert door.retry_condition_fn is not None
