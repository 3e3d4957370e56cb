"""The engines: what each draws with, and whether it is here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

from schemas.errors import InvalidParameter


@dataclass(frozen=True)
class Engine:
    """An engine.

    Parameters
    ----------
    sampler : str
        The package whose NUTS it is.
    packages : tuple of str
        Those that the draws depend on.
    """

    sampler: str
    packages: tuple[str, ...]

    def versions(self) -> dict[str, str]:
        """Return the version of each package."""
        return {name: version(name) for name in self.packages}


_MODEL = ("pymc", "pytensor", "numba", "numpy", "scipy")
ENGINES = {
    "collapsed": Engine("nutpie", ("nutpie", "numpy", "scipy")),
    "rows": Engine("nutpie", ("nutpie", *_MODEL)),
    "pymc": Engine("pymc", _MODEL),
    "numpyro": Engine("numpyro", ("numpyro", "jax", "jaxlib", *_MODEL)),
    "pymc3": Engine("pymc3", ()),  # it is in a room of its own, and its draws come with the versions there
}
_OPTIONAL = {"numpyro": ("numpyro", "jax")}


def check_installed(engine: str) -> None:
    """Refuse an engine that this machine does not have, or cannot have. Imports none, and so takes little time.

    Parameters
    ----------
    engine : str
        One of `ENGINES`.

    Raises
    ------
    InvalidParameter
        If something is missing, with what to do.
    """
    missing = [name for name in _OPTIONAL.get(engine, ()) if find_spec(name) is None]
    if missing:
        message = (
            f"--engine {engine} needs {' and '.join(missing)}, not installed here: in Encore's folder, run "
            f"pip install '.[{engine}]'; or use --engine rows, which draws from the same posterior"
        )
        raise InvalidParameter(message)
    if engine == "pymc3":
        from tasks.sample.old_python import check_machine

        check_machine()
