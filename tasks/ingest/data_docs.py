"""Great Expectations' Data Docs, made safe, reproducible and self-contained.

Its renderer puts values into pages unescaped, gives elements random ids, stamps pages with the time, and has them ask
half a dozen hosts for styles and scripts. What is rendered here has been escaped before, the same corpus gives the same
bytes, and the pages ask nobody for anything.
"""

from __future__ import annotations

import html
import re
import shutil
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import jinja2
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.render.view import DefaultJinjaPageView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from great_expectations.core.run_identifier import RunIdentifier

    from tasks.ingest.tallies import Count, Tally

_SHOWN = 20
_LONGEST = 80

# Scripts only fold, sort and filter; without them all of a page is there to see.
_ASKING = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<link\b[^>]*>|<img\b[^>]*>|<footer>.*?</footer>", re.DOTALL
)
_HANDLERS = re.compile(r' onclick="[^"]*"')
_BLANKS = re.compile(r"\n\s*\n")
_HEAD = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
h4, h5, h6 { font-size: 1.05rem; margin: 0.4rem 0; }
a { color: inherit; }
table { border-collapse: collapse; width: 100%; margin: 0.4rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.6rem; text-align: left; vertical-align: top; }
nav ol, nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 1rem; }
nav { height: auto !important; max-height: none !important; }
.container-fluid > .row > :first-child { margin-bottom: 1rem; }
.card:has(.btn-group) { display: none; }
.card { max-height: none !important; }
.ge-section { border-top: 1px solid var(--line); margin-top: 1rem; padding-top: 0.4rem; }
.alert { background: var(--soft); padding: 0.4rem 0.8rem; }
.badge { background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: 0 0.3rem; }
.breadcrumb-item + .breadcrumb-item::before { content: "/ "; }
.text-success { color: #2a8a3c; } .text-danger { color: #d33c3c; } .text-warning { color: #b07800; }
.fa-check-circle::before { content: "✓"; } .fa-times::before { content: "✗"; }
.fa-exclamation-triangle::before { content: "!"; }
.cooltip .top { display: none; }
</style>
</head>"""
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<title>What Great Expectations checked</title>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
</head>
<body>
<h4>What Great Expectations checked</h4>
<p>A suite of expectations for each layout of rows, and one for the corpus as a whole.</p>
<table>
<thead><tr><th></th><th>Suite</th><th>Checked</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""
_ROW = (
    '<tr><td><i class="{icon}"></i></td><td><a href="./{suite}">{name}</a></td>'
    '<td><a href="./{page}">{run}</a></td></tr>'
)
_PASSED, _FAILED = "fas fa-check-circle text-success", "fas fa-times text-danger"


class _Compiled(jinja2.BytecodeCache):
    """Templates that were compiled before, by name and text: upstream compiles each anew for every page."""

    _known: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Fill a bucket, if it is known."""
        if code := self._known.get(f"{bucket.key}-{bucket.checksum}"):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keep what a bucket holds, for this process."""
        self._known[f"{bucket.key}-{bucket.checksum}"] = bucket.bytecode_to_string()


class ReproduciblePageView(DefaultJinjaPageView):
    """Renders a page with numbered instead of random ids, and no time in addresses."""

    def render(self, document: Any, template: Any = None, **kwargs: Any) -> Any:
        """Return the page as HTML."""
        ids: Iterator[int] = count()
        self.env.bytecode_cache = _Compiled()
        self.env.filters["generate_html_element_uuid"] = lambda prefix=None: f"{prefix or ''}{next(ids)}"
        self.env.filters["add_data_context_id_to_url"] = lambda url, **_: url
        return super().render(document, template, **kwargs)  # type: ignore[no-untyped-call]  # upstream has no types


class PlainIndexRenderer:
    """Leaves the index to the view: upstream's is a script that makes a table, with times in the machine's zone."""

    @classmethod
    def render(cls, index_links_dict: Any) -> Any:
        """Return what the index leads to, as it came."""
        return index_links_dict


class PlainIndexView:
    """Renders the index as a table."""

    def __init__(self, **_: Any) -> None:
        """Take what upstream's view is given, and need none of it."""

    def render(self, document: Any, _template: Any = None, **_: Any) -> str:
        """Return the page as HTML, by name."""
        # Suites that were never run have nothing to lead to but themselves.
        links = sorted(document.get("validations_links", []), key=lambda link: str(link["expectation_suite_name"]))
        rows = [
            _ROW.format(
                icon=_PASSED if link["validation_success"] else _FAILED,
                suite=html.escape(link["expectation_suite_filepath"]),
                name=html.escape(link["expectation_suite_name"]),
                page=html.escape(link["filepath"]),
                run=html.escape(link["run_name"]),
            )
            for link in links
        ]
        return _INDEX.format(rows="\n".join(rows))


def site_config(folder: Path) -> Any:
    """Return the configuration of a site in `folder`."""
    view = {"module_name": __name__, "class_name": ReproduciblePageView.__name__}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "renderer": {"module_name": __name__, "class_name": PlainIndexRenderer.__name__},
            "view": {"module_name": __name__, "class_name": PlainIndexView.__name__},
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
    """Check that a site is whole, have its pages ask nobody, and remove what they do not use.

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
    for page in sorted(folder.rglob("*.html")):
        page.write_text(_asking_nobody(page.read_text(encoding="utf-8")), encoding="utf-8")
    # Megabytes of fonts and animations that only its tutorial shows.
    shutil.rmtree(folder / "static")


def _asking_nobody(page: str) -> str:
    # Text of strangers is escaped in it, so it has no tags to be found here.
    page = _HANDLERS.sub("", _ASKING.sub("", page))
    return _BLANKS.sub("\n", page.replace("</head>", _HEAD, 1))
