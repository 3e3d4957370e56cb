"""The PNG figures."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from tasks.publish import fonts
from tasks.publish.canvas import drawable, label_font
from tasks.publish.figures import rank_counts
from tasks.publish.pictures import data_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.publish.publisher import Inputs

KEY = "0123456789abcdef" * 2


def test_figures_are_pictures_that_say_nothing_of_when_and_with_what(
    release: Callable[..., Any], root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    # More artists and genres than fit: the figures show both ends.
    many = make_inputs(tmp_path / "many", artists=200, genres=tuple(f"genre {each} $_{{x}}$" for each in range(40)))
    release(KEY, many, figures=True)
    for path in (root / "weekly" / "current" / "figures").iterdir():
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 300
            assert set(picture.info) <= {"dpi"}
            assert len(picture.getcolors(1 << 24) or []) > 10


def test_slopes_have_a_figure_where_there_are_slopes(
    release: Callable[..., Any], root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    # More genres than fit, with names that a font or mathtext could stumble over.
    genres = tuple(f"{name} {each}" for each in range(20) for name in ("東京 $_{x}$", "<b>pop</b>"))
    release(KEY, make_inputs(tmp_path / "sloped", genres=genres, slopes=True), figures=True)
    figures = root / "weekly" / "current" / "figures"
    with Image.open(figures / "slopes.png") as picture, Image.open(figures / "blocks.png") as other:
        assert min(*picture.size, *other.size) > 500
        assert set(picture.info) <= {"dpi"}


def test_a_model_without_features_pooled_in_no_way_has_no_figure_of_blocks(
    release: Callable[..., Any], root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    bare = make_inputs(tmp_path / "bare", features=False, genres=(), pooling="none")
    release(KEY, bare, figures=True)
    drawn = {path.name for path in (root / "weekly" / "current" / "figures").iterdir()}
    assert drawn == {"leaderboard.png", "shrinkage.png", "effects.png", "ranks.png"}  # nor of what it would make


def test_a_figure_is_small_enough_for_a_database(
    release: Callable[..., Any], root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    release(KEY, make_inputs(tmp_path / "many", artists=3_000), figures=True)
    for name in ("leaderboard", "shrinkage"):
        address = data_uri(root / "weekly" / "current" / "figures" / f"{name}.png")
        kind, _, coded = address.partition(",")
        assert kind == "data:image/png;base64"
        assert len(address) < 120_000
        with Image.open(io.BytesIO(base64.b64decode(coded))) as picture:
            assert picture.width == 720
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 5


def test_without_figures_there_is_no_folder(release: Callable[..., Any], root: Path) -> None:
    release(KEY, figures=False)
    assert not (root / "weekly" / "current" / "figures").exists()


@pytest.fixture
def no_other_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take all fonts away but the one that comes with matplotlib."""
    fonts.fallback_for.cache_clear()
    monkeypatch.setattr(fonts, "_installed", dict)
    yield
    fonts.fallback_for.cache_clear()


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("Beyoncé", "Beyoncé"),
        ("A$AP Rocky", "A$AP Rocky"),
        ("東京 x", "(U+6771 U+4EAC) x"),
        ("🎵 x", "(musical note) x"),
        ("👩\u200d🎤", "(woman)\u200d(microphone)"),
        ("a\nb", "a�b"),
        ("a\u202eb", "a�b"),
        ("x" * 50, "x" * 29 + "…"),
        ("\u200b", "(blank: U+200B)"),
        ("東" * 50, "(" + "U+6771 " * 6 + "…"),
    ],
)
@pytest.mark.usefixtures("no_other_font")
def test_what_no_font_has_is_named(name: str, drawn: str) -> None:
    assert drawable(name) == drawn


def test_another_font_of_the_machine_is_taken_where_it_has_the_letter(
    monkeypatch: pytest.MonkeyPatch, no_other_font: None
) -> None:
    del no_other_font
    # DejaVu Sans Mono stands for a font of another script: it has what it is asked for.
    other = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf")
    monkeypatch.setattr(fonts, "_installed", lambda: {"Noto Sans CJK JP": other})
    monkeypatch.setattr(fonts, "_letters", lambda path: frozenset(map(ord, "東京" if path == other else "x ")))
    assert drawable("東京 x") == "東京 x"
    assert label_font(["x", "東京 x"]).get_family() == ["DejaVu Sans", "Noto Sans CJK JP"]
    assert Path(label_font(["x"]).get_file()).name == "DejaVuSans.ttf"


def test_ranks_are_even_where_chains_agree_and_not_where_they_do_not() -> None:
    even = np.arange(200.0).reshape(100, 2).T
    assert (rank_counts(even, 10) == 10).all()
    apart = np.arange(200.0).reshape(2, 100)
    assert rank_counts(apart, 10).tolist() == [[20] * 5 + [0] * 5, [0] * 5 + [20] * 5]
