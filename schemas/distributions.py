"""Prior distributions: a small language that fits a form field, a YAML file and a manifest.

``normal(50, 52)``, ``exponential(0.048)``, ``half_normal(15)``, ``exponential(1) relative to sigma``. The last form
makes the quantity that many times the residual sd: rstanarm's ``decov(1, 1, 1, 1)`` is ``exponential(1) relative to
sigma``, although books that cite it write tau ~ Exp(1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

# Family -> the names its arguments go by, in order. The first name of each is the one we print.
_ARGUMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "normal": (("mean", "mu", "loc", "location"), ("sd", "sigma", "scale", "std")),
    "exponential": (("rate", "lam", "lambda"),),
    "half_normal": (("sd", "sigma", "scale", "std"),),
    "half_cauchy": (("scale", "beta"),),
    "half_student_t": (("df", "nu"), ("scale", "sd", "sigma")),
    "gamma": (("shape", "alpha"), ("rate", "beta")),
    "lognormal": (("mu", "mean", "meanlog"), ("sd", "sigma", "sdlog")),
}
_ALIASES = {
    "gaussian": "normal",
    "exp": "exponential",
    "expon": "exponential",
    "halfnormal": "half_normal",
    "halfcauchy": "half_cauchy",
    "halfstudentt": "half_student_t",
    "halft": "half_student_t",
    "lognorm": "lognormal",
}
_CALL = re.compile(
    r"^\s*([A-Za-z][A-Za-z_\- ]*?)\s*\(([^()]*)\)\s*(?:,?\s*relative[ _]to[ :=]*(\w+))?\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Prior:
    """A prior distribution with its numbers.

    Parameters
    ----------
    family : str
        One of ``normal, exponential, half_normal, half_cauchy, half_student_t, gamma, lognormal``.
    arguments : tuple of float
        In the order ``normal(mean, sd)``, ``exponential(rate)``, ``half_normal(sd)``, ``half_cauchy(scale)``,
        ``half_student_t(df, scale)``, ``gamma(shape, rate)``, ``lognormal(mu, sd)``; in points of popularity,
        or in residual sds where `relative`.
    relative : bool
        Whether the quantity is a multiple of sigma.
    """

    family: str
    arguments: tuple[float, ...]
    relative: bool = False

    def __str__(self) -> str:
        """Write it the way `parse_prior` reads it."""
        call = f"{self.family}({', '.join(f'{value:.12g}' for value in self.arguments)})"
        return f"{call} relative to sigma" if self.relative else call


def _family(word: str) -> str:
    squeezed = re.sub(r"[\s_\-]", "", word).lower()
    by_squeezed = {name.replace("_", ""): name for name in _ARGUMENTS}
    family = by_squeezed.get(squeezed) or _ALIASES.get(squeezed)
    if family is None:
        message = f"there is no prior family {word!r}; there are {', '.join(_ARGUMENTS)}"
        raise ValueError(message)
    return family


def _usage(family: str) -> str:
    return f"{family}({', '.join(names[0] for names in _ARGUMENTS[family])})"


FAMILIES: tuple[str, ...] = tuple(_usage(family) for family in _ARGUMENTS)


def _checked(family: str, arguments: tuple[float, ...], *, relative: bool) -> Prior:
    names = [names[0] for names in _ARGUMENTS[family]]
    usage = _usage(family)
    if len(arguments) != len(names):
        message = f"{family} takes {len(names)} number{'s'[: len(names) != 1]}, written {usage}; got {len(arguments)}"
        raise ValueError(message)
    for name, value in zip(names, arguments, strict=True):
        positive = name not in {"mean", "mu"}
        if not math.isfinite(value) or (positive and value <= 0):
            message = f"in {usage}, {name} must be a {'positive' if positive else 'finite'} number, not {value:g}"
            raise ValueError(message)
    return Prior(family, arguments, relative)


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        message = f"{str(text).strip()!r} is not a number"
        raise ValueError(message) from None


def parse_prior(text: str) -> Prior:
    """Read a prior such as ``normal(50, 52)`` or ``exponential(1) relative to sigma``.

    Parameters
    ----------
    text : str
        The prior; case, spaces and the dashes of a family's name do not matter.

    Returns
    -------
    Prior

    Raises
    ------
    ValueError
        With a sentence on what is wrong with it.
    """
    match = _CALL.match(text)
    if match is None:
        message = f"cannot read the prior {text!r}; write it like normal(50, 52) or exponential(1) relative to sigma"
        raise ValueError(message)
    family, inside, relative_to = _family(match[1]), match[2].strip(), match[3]
    values: list[float] = []
    names = _ARGUMENTS[family]
    named: dict[str, object] = {}
    for piece in filter(None, (piece.strip() for piece in inside.split(","))):
        key, equals, value = piece.partition("=")
        if equals:
            if key.strip() in named:
                message = f"{text.strip()!r} gives {key.strip()} twice"
                raise ValueError(message)
            named[key.strip()] = value
        else:
            values.append(_number(piece))
    arguments = (*values, *_by_name(family, names[len(values) :], named))
    return _checked(family, arguments, relative=_is_relative(relative_to))


def _is_relative(word: object) -> bool:
    if word in (None, "", "none", "nothing"):
        return False
    if str(word).lower() == "sigma":
        return True
    message = f"a prior can be relative to sigma, not to {word!r}"
    raise ValueError(message)


def _by_name(family: str, names: tuple[tuple[str, ...], ...], given: Mapping[str, object]) -> tuple[float, ...]:
    known = {alias for aliases in names for alias in aliases}
    if family == "exponential" and names and len(given) == 1:
        # The mean of an exponential is one over its rate; people know it by either.
        for inverse in ("mean", "scale"):
            if inverse in given:
                return (1 / _number(given[inverse]) if _number(given[inverse]) else math.inf,)
    unknown = [name for name in given if name not in known]
    if unknown:
        expected = ", ".join(aliases[0] for aliases in _ARGUMENTS[family])
        message = f"{family} has no argument {unknown[0]!r}; it has {expected}"
        raise ValueError(message)
    return tuple(_number(given[alias]) for aliases in names for alias in aliases if alias in given)


def prior_from_mapping(entry: Mapping[str, object]) -> Prior:
    """Read a prior such as ``{distribution: exponential, rate: 1, relative_to: sigma}``.

    Parameters
    ----------
    entry : mapping
        In any of the usual forms; docs/priors.md shows them.

    Returns
    -------
    Prior

    Raises
    ------
    ValueError
        With a sentence on what is wrong with it.
    """
    rest = {str(key): value for key, value in entry.items()}
    relative = _is_relative(rest.pop("relative_to", None))
    family_key = next((key for key in ("prior", "distribution", "dist", "family", "type", "name") if key in rest), None)
    if family_key is not None:
        word = str(rest.pop(family_key))
        if "(" in word:
            if rest:
                message = f"{word!r} has its numbers already; {', '.join(rest)} cannot be given beside it"
                raise ValueError(message)
            parsed = parse_prior(word)
            return Prior(parsed.family, parsed.arguments, relative or parsed.relative)
        given = next((key for key in ("args", "arguments", "params", "parameters") if key in rest), "")
        arguments = rest.pop(given, None)
    elif len(rest) == 1:
        word, arguments = rest.popitem()
    else:
        message = "give a prior as distribution: NAME with its arguments, e.g. {distribution: exponential, rate: 1}"
        raise ValueError(message)
    family = _family(word)
    if isinstance(arguments, Mapping):
        rest = {**rest, **{str(key): value for key, value in arguments.items()}}
        relative = relative or _is_relative(rest.pop("relative_to", None))
        arguments = None
    if arguments is None:
        return _checked(family, _by_name(family, _ARGUMENTS[family], rest), relative=relative)
    if rest:
        message = f"{family} has its numbers already; {', '.join(rest)} cannot be given beside them"
        raise ValueError(message)
    values = arguments if isinstance(arguments, list | tuple) else [arguments]
    return _checked(family, tuple(_number(value) for value in values), relative=relative)
