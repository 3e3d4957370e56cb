"""Which code and which packages made a publication."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which

# What the numbers and the files depend on; the whole environment is pinned elsewhere.
_PACKAGES = (
    "arviz-stats",
    "great-expectations",
    "h5netcdf",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "xarray",
)


def code() -> dict[str, str]:
    """Return Encore's version and, in a checkout, its commit; ``commit`` ends in ``-dirty`` if files differ from it."""
    found = {"version": _version("encore") or "not installed"}
    repository = Path(__file__).parents[2]
    git = which("git")
    if git and (repository / ".git").exists():
        command = [git, "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
        if answer.returncode == 0:
            found["commit"] = answer.stdout.strip()
    return found


def packages() -> dict[str, str]:
    """Return the version of each package that a publication depends on and that is installed."""
    return {name: found for name in _PACKAGES if (found := _version(name))}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
