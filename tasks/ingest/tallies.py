"""How many rows kept each rule, added up over partitions and sources."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from schemas.expectations import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

EXAMPLES = 20


@dataclass
class Count:
    """What became of one rule.

    Parameters
    ----------
    rows, missing, broken : int
        Rows held against it, those of them without a value, and those that break it.
    examples : list
        The first few values that do.
    """

    rows: int = 0
    missing: int = 0
    broken: int = 0
    examples: list[Any] = field(default_factory=list)

    def merge(self, other: Count) -> None:
        """Add what another found after it."""
        self.rows += other.rows
        self.missing += other.missing
        self.broken += other.broken
        self.examples = [*self.examples, *other.examples][:EXAMPLES]


class Tally:
    """Counts by rule, in the order in which the rules came."""

    def __init__(self, counts: Mapping[Rule, Count] | None = None) -> None:
        self.counts: dict[Rule, Count] = dict(counts or {})

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that rows were held against."""
        return tuple(self.counts)

    def add(
        self,
        rules: Sequence[Rule],
        values: pa.Table,
        rows: int,
        broken: Sequence[tuple[Rule, NDArray[np.int64]]],
    ) -> None:
        """Add a partition: its values, how many rows it has, and those that break a rule."""
        found = {rule: Count(rows, 0, len(where)) for rule, where in broken}
        for rule in rules:
            count = found.get(rule, Count(rows))
            if rule.kind in {"between", "pattern"}:  # the others are about what is missing
                count.missing = values[rule.column].null_count
            self.counts.setdefault(rule, Count()).merge(count)

    def show(self, rule: Rule, examples: Sequence[Any]) -> None:
        """Add values that break a rule, if there are not enough already."""
        count = self.counts[rule]
        count.examples = [*count.examples, *examples][:EXAMPLES]

    def merge(self, other: Tally) -> None:
        """Add another tally."""
        for rule, count in other.counts.items():
            self.counts.setdefault(rule, Count()).merge(count)

    def plain(self) -> list[dict[str, Any]]:
        """Return all of it as plain values, for JSON."""
        return [{"rule": asdict(rule), **asdict(count)} for rule, count in self.counts.items()]

    @classmethod
    def from_plain(cls, entries: Sequence[Mapping[str, Any]]) -> Self:
        """Return what `plain` was made from."""
        return cls(
            {
                Rule(**entry["rule"]): Count(entry["rows"], entry["missing"], entry["broken"], list(entry["examples"]))
                for entry in entries
            }
        )
