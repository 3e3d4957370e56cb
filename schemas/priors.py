"""Priors: the distribution of each parameter, set one by one, from a file, or by the name of a preset.

Each is text such as ``normal(50, 52)`` (`schemas.distributions`), or ``auto`` for a default scaled to the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.distributions import Prior, parse_prior, prior_from_mapping
from schemas.errors import InvalidParameter
from schemas.presets import PRESETS, is_preset, preset_named
from schemas.prior_files import read_mapping

__all__ = ["AUTO", "Prior", "Priors", "parse_prior"]

AUTO = "auto"
_SCALES = ("sigma", "tau", "tau_genre", "tau_block", "tau_slope", "nu")


class Priors(BaseModel):
    """The prior of each parameter, as text; ``auto`` is a default scaled to the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mu: str = Field(
        AUTO,
        title="Mu: average track",
        description="Popularity of an average track. auto: normal(mean of the data, 2.5 sd).",
    )
    sigma: str = Field(
        AUTO,
        title="Sigma: tracks of an artist",
        description="Sd of tracks around their artist. auto: exponential, its mean the data's sd.",
    )
    tau: str = Field(
        AUTO, title="Tau: artists", description="Sd between artists. auto: exponential, its mean the data's sd."
    )
    tau_genre: str = Field(
        AUTO, title="Tau of genres", description="Sd between genres. auto: half_normal(sd of the data / 2)."
    )
    tau_block: str = Field(
        AUTO,
        title="Tau of blocks",
        description="Sd of a block's coefficients. auto: half_normal(sd of the data / (2 sqrt F)), F features.",
    )
    tau_slope: str = Field(
        AUTO,
        title="Tau of slopes",
        description="Sd of a block's slopes between genres. auto: half_normal(sd of the data / (4 sqrt F)).",
    )
    nu: str = Field(
        AUTO, title="Nu: tails", description="Degrees of freedom of student_t, above 2. auto: gamma(2, 0.1)."
    )

    @field_validator("mu", "sigma", "tau", "tau_genre", "tau_block", "tau_slope", "nu", mode="before")
    @classmethod
    def _canonical(cls, value: object, info: object) -> str:
        name = getattr(info, "field_name", "")
        if isinstance(value, Mapping):
            prior = prior_from_mapping(value)
        elif value is None or (isinstance(value, str) and value.strip().lower() == AUTO):
            return AUTO
        elif isinstance(value, str):
            prior = parse_prior(value)
        else:
            message = f"cannot read the prior {value!r}; write it like normal(50, 52)"
            raise ValueError(message)
        if name == "mu" and (prior.family != "normal" or prior.relative):
            message = f"mu takes normal(mean, sd) in points of popularity, not {prior}"
            raise ValueError(message)
        if name in _SCALES and prior.family == "normal":
            what = "a number of degrees of freedom" if name == "nu" else "a standard deviation"
            message = f"{name} is {what} and needs a prior on positive numbers, such as half_normal"
            raise ValueError(message)
        if name == "sigma" and prior.relative:
            message = "sigma cannot be relative to itself"
            raise ValueError(message)
        if name == "nu" and prior.relative:
            message = "nu is a number of degrees of freedom and cannot be relative to sigma"
            raise ValueError(message)
        return str(prior)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read priors from a small YAML or JSON file.

        Parameters
        ----------
        path : path-like
            Its keys are fields of this model (``mu``, ...); each value is text such as ``normal(50, 52)`` or a mapping
            such as ``{distribution: exponential, rate: 1, relative_to: sigma}``. What is left out is ``auto``.

        Returns
        -------
        Priors

        Raises
        ------
        InvalidParameter
            With the file, the key and what is wrong.
        """
        from pydantic import ValidationError

        try:
            return cls.model_validate(read_mapping(Path(path)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            reason = first["msg"].removeprefix("Value error, ")
            if first["type"] == "extra_forbidden":
                reason = f"there is no such parameter; there are {', '.join(cls.model_fields)}"
            message = f"{path}: {where}: {reason}"
            raise InvalidParameter(message) from None

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return the priors of a preset; what it does not name is ``auto``.

        Parameters
        ----------
        name : str
            A key of `schemas.presets.PRESETS`.

        Raises
        ------
        InvalidParameter
            If there is no such preset, with those there are.
        """
        return cls.model_validate(dict(preset_named(name).priors))

    @classmethod
    def chosen(cls, word: str) -> Self:
        """Return the priors of a preset or of a file.

        Parameters
        ----------
        word : str
            The name of a preset, or else a path. A preset wins, so that the same command means the same in every
            folder; a file of that name is ``./name``.

        Raises
        ------
        InvalidParameter
            As `from_file` does; if `word` is neither, with the presets.
        """
        if is_preset(word):
            return cls.preset(word)
        if not Path(word).exists():
            message = f"cannot read the priors in {word}: no such file, and no preset; presets are {', '.join(PRESETS)}"
            raise InvalidParameter(message)
        return cls.from_file(word)
