"""The gate's evidence on artists whose names were given to do harm: the UI renders tables and pages as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from made_up import HOSTILE
from shown import driving, read

from schemas.verdict import Shortfall, Verdict
from tasks.gate.evidence import markdown_of, table_of

if TYPE_CHECKING:
    from pathlib import Path


def verdict(names: tuple[str, ...]) -> Verdict:
    """Return a verdict on which artists of these names fell short."""
    return Verdict(
        passed=False,
        chains=2,
        draws=100,
        parameters=1,
        constants=(),
        measured={"max_rhat": 1.5},
        worst={"max_rhat": f"level[{names[0]}]"},
        thresholds={"max_rhat": 1.01},
        shortfalls=tuple(
            Shortfall(check="max_rhat", parameter=f"level[{name}]", value=1.5, threshold=1.01, sentence="R-hat 1.5")
            for name in names
        ),
        quantities=len(names),
        advice="tune and sample longer (--tune 1000 --draws 2000)",
    )


def test_names_are_text_in_the_table() -> None:
    rows = table_of(verdict(HOSTILE))
    cells = [str(row["of what"]) for row in rows if row["threshold"] == 1.01]
    read_as = [read(cell).strip() for cell in cells]
    assert "level[<script>alert(1)</script>], worst of all" in read_as
    for name in HOSTILE:
        if not driving(name) and name.isprintable() and len(name) < 50:
            assert f"level[{name}]" in read_as
    assert max(map(len, read_as)) < 100


def test_names_are_text_on_the_page(tmp_path: Path) -> None:
    for first in range(0, len(HOSTILE), 5):
        names = HOSTILE[first : first + 5]
        page = markdown_of(verdict(names), tmp_path)
        shown = read(page)
        assert len(page) < 3000
        for name in names:
            if name.isprintable() and len(name) < 50:
                assert f"level[{name}]" in shown
