"""Priors are written by people, in files and form fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from schemas.errors import InvalidParameter
from schemas.priors import Prior, Priors, parse_prior

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("normal(50, 52)", Prior("normal", (50, 52))),
        (" Normal( mean = 50, sd=52 ) ", Prior("normal", (50, 52))),
        ("exponential(0.048)", Prior("exponential", (0.048,))),
        ("Exponential(mean=20)", Prior("exponential", (0.05,))),
        ("half-normal(15)", Prior("half_normal", (15,))),
        ("HalfNormal(15)", Prior("half_normal", (15,))),
        ("half student t(3, 2.5)", Prior("half_student_t", (3, 2.5))),
        ("exponential(1) relative to sigma", Prior("exponential", (1,), relative=True)),
        ("exponential(1) relative_to: sigma", Prior("exponential", (1,), relative=True)),
        ("lognormal(-1, 0.5)", Prior("lognormal", (-1, 0.5))),
    ],
)
def test_priors_are_read_as_people_write_them(text: str, expected: Prior) -> None:
    assert parse_prior(text) == expected
    assert parse_prior(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cauchyish(1)", "there is no prior family 'cauchyish'"),
        ("exponential(-1)", "rate must be a positive number, not -1"),
        ("exponential(nan)", "rate must be a positive number"),
        ("normal(50)", "normal takes 2 numbers, written normal(mean, sd); got 1"),
        ("normal(50, x)", "'x' is not a number"),
        ("exponential(1) relative to tau", "relative to sigma, not to 'tau'"),
        ("15", "cannot read the prior '15'"),
        ("half_normal(sd=15, sd=3)", "gives sd twice"),
        ("exponential(shape=1)", "exponential has no argument 'shape'; it has rate"),
    ],
)
def test_a_prior_that_cannot_be_read_says_why(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        parse_prior(text)
    assert complaint in str(caught.value)


FORMS = [
    {"tau": "exponential(1) relative to sigma"},
    {"tau": {"prior": "exponential(1)", "relative_to": "sigma"}},
    {"tau": {"distribution": "exponential", "rate": 1, "relative_to": "sigma"}},
    {"tau": {"dist": "Exponential", "args": [1], "relative_to": "sigma"}},
    {"tau": {"family": "exponential", "args": {"lam": 1}, "relative_to": "sigma"}},
    {"tau": {"exponential": 1, "relative_to": "sigma"}},
    {"tau": {"exponential": {"rate": 1}, "relative_to": "sigma"}},
    {"tau": {"type": "exponential", "params": [1], "relative_to": "sigma"}},
    {"tau": {"exponential": {"rate": 1, "relative_to": "sigma"}}},
    {"tau": "exponential(1), relative_to: sigma", "mu": None},
    {"Tau": "exponential(1), relative_to=sigma"},
    {"priors": {"tau": "exponential(1) relative to sigma"}},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_file_may_use_any_of_the_usual_forms(form: dict[str, object], ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"priors.{ending}"
    path.write_text(json.dumps(form, indent="\t" if ending == "json" else None), encoding="utf-8")
    assert Priors.from_file(path) == Priors(tau="exponential(1) relative to sigma")


def test_a_yaml_file_as_in_the_book(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_text("mu: normal(50, 52)\nsigma: exponential(0.048)\ntau: exponential(1)\n", encoding="utf-8")
    priors = Priors.from_file(path)
    assert (priors.mu, priors.sigma, priors.tau) == ("normal(50, 52)", "exponential(0.048)", "exponential(1)")
    assert priors.tau_genre == "auto"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("mew: normal(50, 52)", "mew: there is no such parameter; there are mu, sigma, tau, tau_genre, tau_block"),
        ("mu: exponential(1)", "mu takes normal(mean, sd)"),
        ("tau: normal(0, 1)", "tau is a standard deviation"),
        ("sigma: exponential(1) relative to sigma", "sigma cannot be relative to itself"),
        ("- normal(50, 52)", "expected lines such as 'mu: normal(50, 52)'"),
        ("mu: [", "cannot read the priors in"),
        ("tau: 15", "cannot read the prior 15"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "priors.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidParameter) as caught:
        Priors.from_file(path)
    assert complaint in str(caught.value)
    assert "priors.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="cannot read the priors in"):
        Priors.from_file(tmp_path / "none.yaml")


def test_a_yaml_file_makes_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("mu: !!python/object/apply:os.system ['true']", encoding="utf-8")
    with pytest.raises(InvalidParameter, match="cannot read the priors"):
        Priors.from_file(path)


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValidationError):
        Priors.model_validate({"mew": "normal(50, 52)"})
