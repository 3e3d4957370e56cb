"""Great Expectations' Data Docs, made safe, reproducible and self-contained.

Its renderer puts values into pages unescaped, gives elements random ids, stamps pages with the time, and has them ask
half a dozen hosts for styles and scripts. What is rendered here has been escaped before, the same corpus gives the same
bytes, and the pages ask nobody for anything.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import jinja2
from great_expectations import __version__ as gx_version
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from great_expectations.core import ExpectationSuite

    from tasks.ingest.tallies import Count, Tally

# The same corpus must give the same bytes, so runs are named and not dated; the epoch is what "no date" looks like.
_RUN, _BATCH = "all-rows", "corpus-rows"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE = f"{_RUN}/{_EPOCH:%Y%m%dT%H%M%S.%fZ}/{_BATCH}.html"

_SHOWN = 20
_LONGEST = 80

# Scripts only fold, sort and filter; without them all of a page is there to see.
_ASKING = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<link\b[^>]*>|<img\b[^>]*>|<footer>.*?</footer>", re.DOTALL
)
# Templates that hold nothing but that.
_LEFT_OUT = jinja2.DictLoader(
    dict.fromkeys(("js_script_imports.j2", "favicon.j2", "data_docs_default_styles.css", "cloud-footer.j2"), "")
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
    """Templates that were compiled before, by name and text: upstream compiles each anew for every site."""

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

    def __init__(self, **kwargs: Any) -> None:
        """Set up what turns a page into HTML."""
        super().__init__(**kwargs)
        self.env.bytecode_cache = _Compiled()
        self.env.loader = jinja2.ChoiceLoader([_LEFT_OUT, *filter(None, [self.env.loader])])
        self.env.auto_reload = False  # or each use of a template asks the disk whether it has changed
        self.env.filters["add_data_context_id_to_url"] = lambda url, **_: url

    def render(self, document: Any, template: Any = None, **kwargs: Any) -> Any:
        """Return the page as HTML."""
        ids: Iterator[int] = count()
        self.env.filters["generate_html_element_uuid"] = lambda prefix=None: f"{prefix or ''}{next(ids)}"
        return super().render(document, template, **kwargs)  # type: ignore[no-untyped-call]  # upstream has no types


class Site:
    """The Data Docs of a corpus, in a folder: two pages a suite, and an index.

    Great Expectations renders the pages. Its own builder of sites would do it from its stores, which takes as long
    again as all else: results are made into JSON and back, megabytes of fonts are copied for a tutorial, and pages that
    cannot be rendered are left out with a line in the log.

    Parameters
    ----------
    folder : Path
        Made, if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._view = ReproduciblePageView()
        self._rows: dict[str, str] = {}

    def add(self, suite: ExpectationSuite, tally: Tally) -> None:
        """Write the pages of a suite: what it expects, and what was found of all rows.

        Parameters
        ----------
        suite : great_expectations.ExpectationSuite
            With an expectation for each rule of `tally`, in its order. Its name becomes a path.
        tally : Tally
        """
        result = page(suite, tally)
        of_suite, of_result = f"expectations/{suite.name}.html", f"validations/{suite.name}/{_PAGE}"
        for place, shown in zip((of_suite, of_result), _pages(self._view, suite, result), strict=True):
            path = self._folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_asking_nobody(shown), encoding="utf-8")
        self._rows[suite.name] = _ROW.format(
            icon=_PASSED if result.success else _FAILED,
            suite=html.escape(of_suite),
            name=html.escape(suite.name),
            page=html.escape(of_result),
            run=_RUN,
        )

    def close(self) -> None:
        """Write the index."""
        rows = "\n".join(row for _, row in sorted(self._rows.items()))
        (self._folder / "index.html").write_text(_asking_nobody(_INDEX.format(rows=rows)), encoding="utf-8")


def rehearse(suite: ExpectationSuite, tally: Tally) -> None:
    """Render the pages of a suite for nobody, so that templates are compiled when they are wanted.

    Parameters
    ----------
    suite, tally
        As for `Site.add`.
    """
    for _ in _pages(ReproduciblePageView(), suite, page(suite, tally)):
        pass


def _pages(
    view: ReproduciblePageView, suite: ExpectationSuite, result: ExpectationSuiteValidationResult
) -> Iterator[str]:
    documents = [
        ExpectationSuitePageRenderer().render(suite),  # type: ignore[no-untyped-call]  # as above
        ValidationResultsPageRenderer().render(result),
    ]
    return (view.render(document, show_how_to_buttons=False) for document in documents)


def page(suite: ExpectationSuite, tally: Tally) -> ExpectationSuiteValidationResult:
    """Return what was found of all rows, as the validation result of a suite.

    Parameters
    ----------
    suite : great_expectations.ExpectationSuite
        With an expectation for each rule of `tally`, in its order.
    tally : Tally

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
            "great_expectations_version": gx_version,
            "run_id": {"run_name": _RUN, "run_time": _EPOCH.isoformat()},
            "validation_time": _EPOCH.isoformat(),
            "batch_spec": {"batch_data": "PandasDataFrame"},
            "active_batch_definition": {
                "datasource_name": "corpus",
                "data_connector_name": "fluent",
                "data_asset_name": "rows",
                "batch_identifiers": {},
            },
        },
        batch_id=_BATCH,
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


def _asking_nobody(page: str) -> str:
    # Text of strangers is escaped in it, so it has no tags to be found here.
    page = _HANDLERS.sub("", _ASKING.sub("", page))
    return _BLANKS.sub("\n", page.replace("</head>", _HEAD, 1))
