"""The table of what faults came to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runs import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trials import Outcome

PAGE = REPOSITORY / "docs" / "faults.md"
_HEAD = """# Faults

What became of {count} faults, and of the run after each. `make faults` injects them again and writes this page;
`make faults ARGS="--only 'kill -9' --most 1"` tries a few and writes nothing; `--seed` asks for others.

Each fault comes from its seed, which decides on the call, the bit or the jump. The first ones happen to whole refits:
the command line in a process of its own, on a real Prefect server, with a label that is published already and a corpus
that has grown from 90 to 130 tracks. Server and worker are killed under `encore serve`, which starts them again, while
a run of `refit/on-demand` is in a step that the seed chose. The last three kinds happen while a publication of a few
bytes joins another, in a process of its own but without steps and without Prefect: they try how versions and `current`
are written.

A *call* is where Python opens a file to write, makes a folder, links or renames, in the folder of that step or of the
publication. There the process is killed, or the call fails as a disk would have it fail; *disk full* means that every
such call fails from one on, in each of the step's attempts.

- **Lost or half-written**: a version that was there is gone, one is not what its manifest says (`encore verify`),
  `current` leads nowhere, or something unfinished lies where readers look.
- **Next run succeeds**: the same once more, with nothing mended by hand, ends with 0; after a refit, readers see all of
  the grown corpus, and nothing half-written is left among what the steps keep.

| fault | seeds | what the user saw | lost or half-written | next run succeeds |
|---|---|---|---:|---:|
"""
_TAIL = """
Not injected: a power cut (files are put on the disk before they are renamed, but nothing here takes away what is not).
"""


def write_table(outcomes: Sequence[Outcome]) -> None:
    """Write docs/faults.md.

    Parameters
    ----------
    outcomes : sequence of Outcome
        None of which did harm.
    """
    rows = []
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        ours = [outcome for outcome in outcomes if outcome.kind == kind]
        seeds = [outcome.seed for outcome in ours]
        span = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
        saw = Counter(outcome.saw for outcome in ours).most_common()
        told = "; ".join(f"{count} x {words}" if len(ours) > 1 else words for words, count in saw).replace("|", "\\|")
        faults = sum(outcome.faults for outcome in ours)
        rows.append(f"| {kind} | {span} | {told} | 0 of {faults} | {len(ours)} of {len(ours)} |")
    count = sum(outcome.faults for outcome in outcomes)
    PAGE.write_text(_HEAD.format(count=count) + "\n".join(rows) + "\n" + _TAIL, encoding="utf-8")
