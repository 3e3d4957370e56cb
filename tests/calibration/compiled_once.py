"""Compile a model of rows once, for all corpora of one layout.

PyMC and nutpie take some 15 seconds of processor time to compile it, and half a second to sample. The model is written
down anew for each corpus, by the step itself; only what is compiled is used again, with the data of the new one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tasks.sample.nuts import import_nutpie

if TYPE_CHECKING:
    from collections.abc import Iterator


_KEPT: dict[str, Any] = {}


@contextmanager
def compiled_once(name: str) -> Iterator[None]:
    """Have nutpie compile the first model that it is given under a name, and take that for those that follow.

    Models of one name may differ in their data, and in nothing else.
    """
    nutpie = import_nutpie()
    original = nutpie.compile_pymc_model

    def compile_or_take(model: Any, **options: Any) -> Any:
        if name not in _KEPT:
            _KEPT[name] = original(model, **options)
            return _KEPT[name]
        return _KEPT[name].with_data(**{variable.name: variable.get_value() for variable in model.data_vars})

    nutpie.compile_pymc_model = compile_or_take
    try:
        yield
    finally:
        nutpie.compile_pymc_model = original
