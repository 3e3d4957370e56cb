"""Presets: priors with a name and a source."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from schemas.errors import InvalidParameter
from schemas.presets import PRESETS
from schemas.priors import Priors, parse_prior

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_what_its_priors_are_and_where_they_come_from(name: str) -> None:
    preset, priors = PRESETS[name], Priors.preset(name)
    set_ones = {key: value for key, value in priors.model_dump().items() if value != "auto"}
    assert set_ones == dict(preset.priors)  # written the way they are printed
    assert re.search(r"\d{4}|course", preset.source)
    assert preset.why.endswith(".")


def test_numbers_are_those_of_the_sources() -> None:
    book = Priors.preset("bayes-rules")
    assert (book.mu, book.sigma, book.tau) == (
        "normal(50, 52)",
        "exponential(0.048)",
        "exponential(1) relative to sigma",
    )
    assert Priors.preset("idsia").model_dump(include={"mu", "sigma", "tau"}) == {
        "mu": "normal(50, 10)",
        "sigma": "half_normal(10)",
        "tau": "half_normal(15)",
    }
    (rate,) = parse_prior(Priors.preset("simpson-2017").tau).arguments
    assert math.exp(-50 * rate) == pytest.approx(0.01, rel=1e-3)  # P(tau > 50)


@pytest.mark.parametrize("written", ["bayes-rules", "Bayes-Rules", "bayes_rules", " BAYES_RULES "])
def test_the_name_of_a_preset_may_be_written_as_one_likes(written: str) -> None:
    assert Priors.chosen(written) == Priors.preset("bayes-rules")


def test_a_preset_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(InvalidParameter, match="no preset 'brms'; there are bayes-rules, gelman-2006, idsia"):
        Priors.preset("brms")


def test_a_preset_wins_over_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("idsia").write_text("tau: half_normal(3)", encoding="utf-8")
    assert Priors.chosen("idsia").tau == "half_normal(15)"
    assert Priors.chosen("./idsia").tau == "half_normal(3)"


def test_what_is_neither_preset_nor_file_is_answered_with_the_presets() -> None:
    with pytest.raises(InvalidParameter) as caught:
        Priors.chosen("nowhere.yaml")
    message = str(caught.value)
    assert message.startswith("cannot read the priors in nowhere.yaml: no such file, and no preset")
    assert all(name in message for name in PRESETS)


def test_the_page_on_priors_has_every_preset_as_it_is() -> None:
    rows = re.findall(r"(?m)^\| `([\w-]+)` \| (.*?) \| .* \|$", (DOCS / "priors.md").read_text(encoding="utf-8"))
    told = {name: re.findall(r"`([^`]+)`", text) for name, text in rows if name in PRESETS}
    assert set(told) == set(PRESETS)
    for name, preset in PRESETS.items():
        for parameter, prior in preset.priors.items():
            assert f"{parameter}: {prior}" in told[name] or {parameter, prior} <= set(told[name])
