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
from typing import TYPE_CHECKING, Any

from great_expectations.render.view import DefaultJinjaPageView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
<p>A suite of expectations a source, and one for the corpus as a whole; each source is checked some rows at a time.</p>
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


class ReproduciblePageView(DefaultJinjaPageView):
    """Renders a page with numbered instead of random ids, and no time in addresses."""

    def render(self, document: Any, template: Any = None, **kwargs: Any) -> Any:
        """Return the page as HTML."""
        ids: Iterator[int] = count()
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
        """Return the page as HTML, in the order of the runs."""
        # Suites that were never run have nothing to lead to but themselves.
        links = sorted(document.get("validations_links", []), key=lambda link: str(link["run_time"]))
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


def scrubbed(result: Any) -> Any:
    """Return a suite's validation result, changed in place so that it may be rendered.

    Only the first few unexpected values stay, with text in them escaped and cut short; what differs from run to run
    goes.
    """
    for key in ("batch_markers", "validation_id"):
        result.meta.pop(key, None)
    # As an object it would be written in the time zone of the machine.
    run = result.meta["run_id"]
    result.meta["run_id"] = {"run_name": run.run_name, "run_time": run.run_time.isoformat()}
    result.meta["validation_time"] = run.run_time.isoformat()
    for one in result.results:
        one.result = _presentable(one.result)
    return result


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
