"""``model_card.md``: what the numbers are, where they came from, and how far to trust them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.publish.parts import prior_check, shares
from tasks.publish.report import LIKELIHOODS, TEMPLATES
from tasks.publish.text import counted, markdown, number, percent, rounded, share_text

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.publish.evidence import Evidence

_TOP = 10


class _Safe(str):
    """Markdown of our own making, which goes in as it is."""

    __slots__ = ()


def _finalize(value: Any) -> Any:
    # Everything a template puts in comes through here, so that no name can be forgotten.
    return markdown(value) if isinstance(value, str) and not isinstance(value, _Safe) else value


def _code(text: str) -> _Safe:
    """Return `text` for between two backticks."""
    return _Safe("".join(letter for letter in text if letter.isprintable() and letter != "`"))


def render_card(name: str, artists: pa.Table, evidence: Evidence) -> str:
    """Return the model card, in Markdown.

    Parameters
    ----------
    name : str
        Of the publication.
    artists : pyarrow.Table
        As published, by rank.
    evidence : Evidence
    """
    made = Environment(  # noqa: S701 - this is Markdown; `finalize` escapes it
        loader=FileSystemLoader(TEMPLATES),
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        code=_code,
        number=lambda value, digits=1: _Safe(number(value, digits)),
        measured=lambda value: _Safe(number(value, 0 if value is None or float(value).is_integer() else 3)),
        rounded=rounded,
        percent=lambda share: _Safe(percent(share)),
        share=lambda share: _Safe(share_text(share)),
    )
    made.globals.update(counted=lambda *arguments: _Safe(counted(*arguments)))
    return made.get_template("model_card.md.j2").render(
        name=name,
        corpus=evidence.corpus,
        design=evidence.design,
        sampling=evidence.sampling,
        interval=evidence.sampling.interval,
        new_artist=evidence.sampling.new_artist,
        priors=evidence.sampling.priors,
        verdict=evidence.verdict,
        rows=artists.slice(0, _TOP).to_pylist(),
        scales=[row for row in evidence.coefficients if row.kind in {"intercept", "scale"}],
        features=[row.name for row in evidence.coefficients if row.kind == "feature"],
        genres=[row.name for row in evidence.genres],
        slopes=bool(evidence.slopes),
        shares=shares(evidence),
        prior_check=prior_check(evidence.sampling.prior_predictive),
        likelihood=LIKELIHOODS.get(evidence.sampling.likelihood, evidence.sampling.likelihood),
    )
