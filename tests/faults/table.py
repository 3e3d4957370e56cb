"""The table of what faults came to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from runs import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    class _Outcome(Protocol):
        kind: str
        seed: int
        saw: str
        wrong: list[str]


PAGE = REPOSITORY / "docs" / "faults.md"
_HEAD = """# Faults

What became of {count} refits to which something was done, and of the refits after them. `make faults` does it again, and
writes this page. Each fault happens to a real refit in a process of its own, on a real Prefect server, of a publication
that is there already and of a corpus that has grown. Its moment and size come from its seed.

- **Lost or half-written**: a version that was there is gone or is not what its manifest says, `current` leads nowhere, or
  something unfinished is where readers look.
- **Next refit**: the same command, with nothing mended by hand, publishes the grown corpus, and sweeps up what was left.

| fault | seeds | what the user saw | lost or half-written | next refit |
|---|---|---|---:|---:|
"""


def write_table(outcomes: Sequence[_Outcome], seed: int) -> None:
    """Write docs/faults.md.

    Parameters
    ----------
    outcomes : sequence
        None of which did harm.
    seed : int
        That the first one counts on from.
    """
    kinds = list(dict.fromkeys(outcome.kind for outcome in outcomes))
    rows = []
    for kind in kinds:
        ours = [outcome for outcome in outcomes if outcome.kind == kind]
        seeds = [outcome.seed - seed for outcome in ours]
        span = f"{seed}+{min(seeds)}" + (f" to +{max(seeds)}" if len(seeds) > 1 else "")
        saw = Counter(outcome.saw for outcome in ours)
        told = "; ".join(f"{count} × {words}" if len(ours) > 1 else words for words, count in saw.most_common())
        rows.append(f"| {kind} | {span} | {told} | 0 of {len(ours)} | {len(ours)} of {len(ours)} |")
    PAGE.write_text(_HEAD.format(count=len(outcomes)) + "\n".join(rows) + "\n", encoding="utf-8")
