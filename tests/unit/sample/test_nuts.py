"""nutpie as Encore starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

STARTED = """
import sys
from tasks.sample.nuts import import_nutpie
nutpie = import_nutpie()
assert import_nutpie() is nutpie and callable(nutpie.sample)
assert "matplotlib" not in sys.modules and "arviz" not in sys.modules
import arviz
assert arviz.__name__ == "arviz" and hasattr(arviz, "plot_trace_dist")
"""


def test_starting_nutpie_brings_no_plots_and_leaves_arviz_whole() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", STARTED], cwd=REPOSITORY, check=True)
