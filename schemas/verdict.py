"""The verdict of the gate: what was measured, what it was held against, who fell short and by how much."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Shortfall(_Part):
    """One quantity that did not reach a threshold.

    Attributes
    ----------
    check : str
        A name in `Verdict.measured`, or ``missing``, ``chains``, ``alike``, ``not finite``, ``stuck``, ``table``,
        ``model``: what nothing but its being so is measured of.
    parameter : str
        Who: ``tau``, ``beta[energy]``, ``level[<artist>]``, ``the sampler``, a group of posterior.nc, a model check.
    value : float or None
        None where it could not be computed.
    threshold : float
    sentence : str
        Both in words.
    """

    check: str
    parameter: str
    value: float | None
    threshold: float
    sentence: str


class ModelCheck(_Part):
    """One thing that the model says of the corpus it was fitted to, beside what the corpus is like.

    Attributes
    ----------
    name : str
        As in the parameters of the gate: ``mean``, ``sd``, ``zeros``, ...
    quantity : str
        In words.
    observed : float or None
        In the corpus; for an overlap, the overlap.
    low, median, high : float or None
        What the model expects: quantiles of the replicated corpora, or the least and the most that is let pass.
    passed : bool
    action : str
        ``warn`` or ``fail``: what not passing does.
    sentence : str
        What was found, in words; also where it passed.
    """

    name: str
    quantity: str
    observed: float | None
    low: float | None
    median: float | None
    high: float | None
    passed: bool
    action: str
    sentence: str


class Attempt(_Part):
    """A posterior that fell short, before the one that the verdict is on.

    Attributes
    ----------
    rung : int
        0 is as the run was asked.
    why : str
        Why it was tried; empty for the first.
    changes : dict
        Parameters of sample that differ from what was asked, as they were.
    quantities : int
        How many fell short.
    summary : str
        What was measured, in a line.
    """

    rung: int
    why: str
    changes: dict[str, int | float | str]
    quantities: int
    summary: str


class Rung(_Part):
    """Which try a posterior is.

    Attributes
    ----------
    number : int
        0 is as the run was asked.
    why : str
        Why it is tried; empty for the first.
    changes : dict
        Parameters of sample that differ from what was asked.
    earlier : tuple of Attempt
        What fell short before it.
    """

    number: int = 0
    why: str = ""
    changes: dict[str, int | float | str] = {}
    earlier: tuple[Attempt, ...] = ()


class Verdict(_Part):
    """What the gate decided: ``gate/<key>/verdict.json``, and ``verdict`` in the manifest.

    Attributes
    ----------
    passed : bool
    chains, draws : int
    parameters : int
        How many scalars with draws were measured.
    artists : int
        How many artists' levels and effects were measured, with or without stored draws.
    constants : tuple of str
        Scalars that do not vary by construction, named and left out.
    measured : dict of str to float or None
        The worst value of each check: ``max_rhat, min_ess_bulk, min_ess_tail, max_mcse_mean, max_mcse_end,
        divergences, min_bfmi, treedepth_share, longest_stay``. None where it could not be computed, which is a
        shortfall.
    worst : dict of str to str
        Whose value that is.
    thresholds : dict of str to float
        What each was held against, by the same names.
    shortfalls : tuple of Shortfall
        The worst 40 of each check and kind: scales and coefficients, stored draws of artists, levels and effects of
        artists; empty if it passed.
    fell_short : dict of str to int
        How many fell short of each check, also of those that are not listed.
    quantities : int
        How many quantities fell short of any.
    checks : tuple of ModelCheck
        What the model says of the corpus; those that are switched off are not there.
    advice : str
        What to try, in a sentence.
    rung : int
        Which rung of the ladder this posterior is: 0 as the run was asked.
    why : str
        Why that rung was tried; empty for the first.
    changes : dict
        Parameters of sample that differ there from what was asked.
    earlier : tuple of Attempt
        What fell short before it, from rung 0 on.
    """

    passed: bool
    chains: int
    draws: int
    parameters: int
    constants: tuple[str, ...]
    measured: dict[str, float | None]
    thresholds: dict[str, float]
    shortfalls: tuple[Shortfall, ...]
    advice: str = ""
    artists: int = 0
    worst: dict[str, str] = {}
    fell_short: dict[str, int] = {}
    quantities: int = 0
    checks: tuple[ModelCheck, ...] = ()
    rung: int = 0
    why: str = ""
    changes: dict[str, int | float | str] = {}
    earlier: tuple[Attempt, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the model checks warn of."""
        return tuple(check.sentence for check in self.checks if not check.passed)
