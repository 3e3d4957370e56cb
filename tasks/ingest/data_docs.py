"""Great Expectations' Data Docs, made safe and reproducible.

Its renderer puts values into pages unescaped, gives elements random ids and stamps pages with the time. What is
rendered here has been escaped before, and the same corpus gives the same bytes.
"""

from __future__ import annotations

import html
from itertools import count
from typing import TYPE_CHECKING, Any

from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.render.renderer import SiteIndexPageRenderer
from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from great_expectations.core.run_identifier import RunIdentifier

    from tasks.ingest.tallies import Count, Tally

_SHOWN = 20
_LONGEST = 80
_ICON = "static/images/favicon.ico"


class ReproduciblePageView(DefaultJinjaPageView):
    """Renders a page with numbered instead of random ids, and no time in addresses."""

    def render(self, document: Any, template: Any = None, **kwargs: Any) -> Any:
        """Return the page as HTML."""
        _make_reproducible(self)
        return super().render(document, template, **kwargs)  # type: ignore[no-untyped-call]  # upstream has no types


class ReproducibleIndexPageView(DefaultJinjaIndexPageView):
    """Does the same for the index."""

    def render(self, document: Any, template: Any = None, **kwargs: Any) -> Any:
        """Return the page as HTML."""
        _make_reproducible(self)
        return super().render(document, template, **kwargs)  # type: ignore[no-untyped-call]  # upstream has no types


class ReproducibleIndexPageRenderer(SiteIndexPageRenderer):
    """Leaves out the times of runs, which it would give in the time zone of the machine, and sorts the suites."""

    @classmethod
    def render(cls, index_links_dict: Any) -> Any:
        """Return the index as a document; suites come in the order in which the file system lists them."""
        index_links_dict.get("expectations_links", []).sort(key=lambda link: link["expectation_suite_name"])
        return super().render(index_links_dict)  # type: ignore[no-untyped-call]  # upstream has no types

    @classmethod
    def _get_formatted_datetime(cls, _datetime: Any) -> str:
        return ""


def _make_reproducible(view: Any) -> None:
    ids: Iterator[int] = count()
    view.env.filters["generate_html_element_uuid"] = lambda prefix=None: f"{prefix or ''}{next(ids)}"
    view.env.filters["add_data_context_id_to_url"] = lambda url, **_: url


def site_config(folder: Path) -> Any:
    """Return the configuration of a site in `folder`."""
    view = {"module_name": __name__, "class_name": ReproduciblePageView.__name__}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "renderer": {"module_name": __name__, "class_name": ReproducibleIndexPageRenderer.__name__},
            "view": {"module_name": __name__, "class_name": ReproducibleIndexPageView.__name__},
        },
        "site_section_builders": {"expectations": {"view": view}, "validations": {"view": view}, "profiling": "none"},
    }


def page(suite: Any, tally: Tally, run: RunIdentifier, version: str) -> ExpectationSuiteValidationResult:
    """Return what was found of all rows, as the validation result of a suite.

    Parameters
    ----------
    suite : great_expectations.ExpectationSuite
        With an expectation for each rule of `tally`, in its order.
    tally : Tally
    run : RunIdentifier
    version : str
        Of Great Expectations.

    Returns
    -------
    ExpectationSuiteValidationResult
        Values that break a rule are escaped and cut short.
    """
    results = [
        _result(expectation.configuration, count)
        for expectation, count in zip(suite.expectations, tally.counts.values(), strict=True)
    ]
    kept = sum(bool(result.success) for result in results)
    return ExpectationSuiteValidationResult(
        success=kept == len(results),
        results=results,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": kept,
            "unsuccessful_expectations": len(results) - kept,
            "success_percent": 100 * kept / len(results),
        },
        meta={
            "great_expectations_version": version,
            "run_id": {"run_name": run.run_name, "run_time": run.run_time.isoformat()},
            "validation_time": run.run_time.isoformat(),
            "batch_spec": {"batch_data": "PandasDataFrame"},
            "active_batch_definition": {
                "datasource_name": "corpus",
                "data_connector_name": "fluent",
                "data_asset_name": "rows",
                "batch_identifiers": {},
            },
        },
        batch_id="corpus-rows",
    )


def _result(configuration: Any, count: Count) -> ExpectationValidationResult:
    present = count.rows - count.missing
    result = {
        "element_count": count.rows,
        "unexpected_count": count.broken,
        "unexpected_percent": _percent(count.broken, present),
        "unexpected_percent_total": _percent(count.broken, count.rows),
        "unexpected_percent_nonmissing": _percent(count.broken, present),
        "missing_count": count.missing,
        "missing_percent": _percent(count.missing, count.rows),
        "partial_unexpected_list": _presentable(count.examples),
    }
    # Ids differ from run to run.
    configuration.id = None
    return ExpectationValidationResult(
        success=not count.broken, expectation_config=configuration, result=result, meta={}
    )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _presentable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _presentable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_presentable(inner) for inner in value[:_SHOWN]]
    if isinstance(value, str):
        return html.escape(value if len(value) <= _LONGEST else value[:_LONGEST] + "...")
    return value


def finish(folder: Path, pages: int) -> None:
    """Check that a site is whole and remove what its pages do not use.

    Raises
    ------
    RuntimeError
        If a page is missing: Great Expectations logs an error in rendering and goes on.
    """
    found = len(list((folder / "validations").rglob("*.html")))
    index = folder / "index.html"
    if found != pages or not index.is_file() or not index.stat().st_size:
        message = f"Great Expectations rendered {found} of {pages} pages of its Data Docs"
        raise RuntimeError(message)
    # Megabytes of fonts and animations that only its tutorial shows.
    for path in sorted((folder / "static").rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path != folder / _ICON:
            path.unlink()
