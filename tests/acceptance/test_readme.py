"""What the README and the pages in docs say can be done can be done."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Published

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
PAGES = [README, REPOSITORY / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"))


def typed(page: Path, program: str) -> list[str]:
    """Return the lines that a reader would type which start a program."""
    lines = [line.removeprefix("$ ") for block in blocks(page, "console") for line in block.splitlines()]
    return [line for line in lines if line.startswith(f"{program} ")]


def cells(page: Path) -> list[list[str]]:
    """Return the cells of all tables of a page."""
    rows = re.findall(r"(?m)^\| (.*) \|$", page.read_text(encoding="utf-8"))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]


def anchors(page: Path) -> set[str]:
    """Return the anchors that headings of a page get."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- commands ---------------------------------------------------------------------------------------------------------


def test_there_are_commands_to_check() -> None:
    assert {"make refit", "make test"} <= set(typed(README, "make"))
    assert {line.split()[1] for line in typed(README, "encore")} == {
        "refit",
        "show",
        "quarantine",
        "verify",
        "gate",
        "predict",
        "evaluate",
    }


@pytest.mark.parametrize("line", [line for page in PAGES for line in typed(page, "encore")])
def test_a_command_is_understood(line: str) -> None:
    from typer.main import get_command

    from flows.cli import app

    group: Any = get_command(app)
    _, name, *arguments = shlex.split(line)
    command = group.commands[name]
    context = command.make_context(name, arguments)  # raises what a terminal would show
    given = {option for option in arguments if option.startswith("-")}
    assert given <= {option for parameter in command.params for option in parameter.opts}
    assert context.params


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in typed(page, "make")}))
def test_a_target_is_there(line: str) -> None:
    targets = re.findall(r"(?m)^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"))
    assert set(line.split()[1:]) <= set(targets)


def test_targets_named_in_the_text_are_there() -> None:
    targets = re.findall(r"(?m)^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z0-9-]+)`", page.read_text(encoding="utf-8"))}
    assert named
    assert named <= set(targets)


def test_the_table_of_options_is_complete() -> None:
    from typer.main import get_command

    from flows.cli import app

    group: Any = get_command(app)
    told = {option for row in cells(README) for option in re.findall(r"--[a-z-]+", row[0])}
    options = {option for parameter in group.commands["refit"].params for option in parameter.opts}
    assert told == {option for option in options if option.startswith("--")}


def test_exit_codes_are_those_of_the_errors() -> None:
    from schemas import errors

    told = {row[0] for row in cells(README) if row[0].isdigit()}
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.EncoreError)]
    assert told == {"0", *(str(kind.exit_code) for kind in kinds)}


def test_layouts_are_all_named() -> None:
    from schemas.layouts import LAYOUTS

    told = {row[0]: set(re.findall(r"`([^`]+)`", row[1])) for row in cells(DOCS / "corpora.md") if len(row) == 4}
    readme = README.read_text(encoding="utf-8")
    for layout in LAYOUTS:
        assert next(marks for name, marks in told.items() if f"`{layout.name}`" in name) == layout.marks
        assert f"`{layout.name}`" in readme


# --- Python -----------------------------------------------------------------------------------------------------------


def test_what_was_published_loads_as_shown(published: Published, tmp_path: Path) -> None:
    snippets = [block for page in (README, DOCS / "publication.md") for block in blocks(page, "python")]
    loading = [block for block in snippets if "flows.refit" not in block]
    assert {"pandas", "duckdb", "arviz"} <= set(re.findall(r"(?m)^import (\w+)", "\n".join(loading)))
    # Where the snippets look: a checkout in which `make refit` has run.
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "publications").symlink_to(published.to)
    script = tmp_path / "snippets.py"
    script.write_text("\n".join([*loading, "assert artists.exists()", "assert draws.exists()"]), encoding="utf-8")
    run = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "Eminem" in run.stdout
    assert "genre_effect[hip-hop]" in run.stdout


def test_a_refit_from_python_is_called_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    import flows.refit
    from schemas.publication import Publication

    signature = inspect.signature(flows.refit.refit)
    calls = []

    def recorded(*arguments: Any, **options: Any) -> Publication:
        calls.append(signature.bind(*arguments, **options))
        return Publication(name="sample", version="v", key="k", path="p", new=True)

    monkeypatch.setattr(flows.refit, "refit", recorded)
    (snippet,) = [block for block in blocks(README, "python") if "flows.refit" in block]
    exec(snippet, {})  # noqa: S102 - our own README
    assert calls[0].arguments["sampling"].seed == 7


# --- priors -----------------------------------------------------------------------------------------------------------


def test_files_of_priors_are_read(tmp_path: Path) -> None:
    from schemas.priors import Priors

    page = DOCS / "priors.md"
    examples = [*blocks(page, "yaml"), *blocks(page, "json")]
    read = []
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}"
        path.write_text(example, encoding="utf-8")
        read.append(Priors.from_file(path))
    assert [priors.tau for priors in read[:2]] == ["exponential(1) relative to sigma"] * 2
    assert json.loads(examples[-1])["priors"]["tau"] == {"half_normal": {"sd": 15}}
    assert read[-1].tau == "half_normal(15)"


def test_families_and_their_other_names_are_read() -> None:
    from schemas.priors import parse_prior

    families = [row for row in cells(DOCS / "priors.md") if len(row) == 3 and re.match(r"`\w+\([\d., ]+\)`$", row[0])]
    assert len(families) == 7
    for written, others, _ in families:
        family, _, numbers = written.strip("`").partition("(")
        for name in [family, *re.findall(r"`(\w+)`", others)]:
            assert parse_prior(f"{name}({numbers}").family == family
    assert str(parse_prior("HalfNormal(sigma=15)")) == str(parse_prior("half-normal(15)")) == "half_normal(15)"


def test_what_is_said_of_a_wrong_prior_is_what_the_page_says(tmp_path: Path) -> None:
    from schemas.errors import InvalidParameter
    from schemas.priors import Priors

    text = (DOCS / "priors.md").read_text(encoding="utf-8")
    wrong = re.findall(r"(?m)^\| `(\w+: [^`]+)` \| (.*) \|$", text.partition("## Errors")[2])
    assert len(wrong) >= 5
    path = tmp_path / "priors.yaml"
    for line, said in wrong:
        path.write_text(line, encoding="utf-8")
        with pytest.raises(InvalidParameter) as caught:
            Priors.from_file(path)
        assert str(caught.value) == f"{path}: {line.partition(':')[0]}: {said}"


# --- what a publication holds ----------------------------------------------------------------------------------------


def names_in(page: Path, heading: str) -> set[str]:
    """Return what stands in backticks in the first column of the table under a heading."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| (`.*?) \|", section)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_column_is_told_of(published: Published) -> None:
    import pyarrow.parquet as pq

    from schemas.predictions import predictions_schema
    from schemas.publication import Manifest, artists_schema, coefficients_schema
    from schemas.reports import Design

    page = DOCS / "publication.md"
    assert names_in(page, "artists.parquet") == set(artists_schema().names)
    assert names_in(page, "coefficients.parquet, genres.parquet") == set(coefficients_schema().names)
    assert names_in(page, "quarantine.parquet") == set(pq.read_schema(published.folder / "quarantine.parquet").names)
    assert names_in(page, "manifest.json") == set(Manifest.model_fields)
    assert names_in(page, "design.json") == set(Design.model_fields)
    means = set(pq.read_schema(published.folder / "artist_means.parquet").names)
    assert {"artist", "tracks", "raw_mean", "energy", "genre[rock]"} <= means
    assert names_in(page, "artist_means.parquet") == {"artist", "tracks", "raw_mean"}
    assert {name for row in cells(DOCS / "predict.md") for name in re.findall(r"`(\w+)`", row[0])} == set(
        predictions_schema().names
    )


def test_every_file_is_told_of(published: Published) -> None:
    for page in (README, DOCS / "publication.md"):
        text = page.read_text(encoding="utf-8")
        for path in published.folder.iterdir():
            assert path.name in text, f"{page.name} says nothing of {path.name}"


# --- links and pictures -----------------------------------------------------------------------------------------------


def links_on(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead, as it says."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)


def test_every_page_is_found_from_the_readme() -> None:
    found = {(REPOSITORY / link.partition("#")[0]).resolve() for link in links_on(README)}
    assert {page.name for page in DOCS.glob("*.md") if page.resolve() not in found} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_on(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_relative_to(REPOSITORY), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pictures_are_pictures_and_small() -> None:
    pictures = sorted((DOCS / "images").iterdir())
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {picture.suffix for picture in pictures} == {".png", ".svg"}
    for picture in pictures:
        assert f"images/{picture.name}" in text, f"{picture.name} is shown nowhere"
        content = picture.read_bytes()
        assert len(content) < 150_000
        if picture.suffix == ".png":
            assert content.startswith(b"\x89PNG\r\n")
        else:
            root = ET.fromstring(content)  # noqa: S314 - our own picture
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert b"prefers-color-scheme: dark" in content


def test_a_result_comes_before_any_explanation() -> None:
    text = README.read_text(encoding="utf-8")
    first_heading = text.index("\n## ")
    assert max(text.index("posterior mean"), text.index("docs/images/steps.svg")) < first_heading
    assert len(text.splitlines()) <= 220
