"""Great Expectations' Data Docs, made safe and reproducible.

Its renderer puts values into pages unescaped, gives elements random ids and stamps pages with the time. What is
rendered here has been escaped before, and the same corpus gives the same bytes.
"""

from __future__ import annotations

import html
from itertools import count
from typing import TYPE_CHECKING, Any

from great_expectations.render.renderer import SiteIndexPageRenderer
from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
