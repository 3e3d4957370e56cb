"""Figures small enough for Prefect's database, which its UI shows wherever the publication lies."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WIDTH = 720  # pixels
_COLOURS = 32


def data_uri(figure: Path) -> str:
    """Return a figure, made smaller, as an address that has the picture in it.

    An address of a file would show nothing: a browser opens none for a page of a server, and there may be no server of
    publications.

    Parameters
    ----------
    figure : Path
        A PNG file of a publication.
    """
    from PIL import Image

    with Image.open(figure, formats=["PNG"]) as picture:
        height = max(1, round(picture.height * _WIDTH / picture.width))
        small = picture.convert("RGB").resize((_WIDTH, height), Image.Resampling.LANCZOS).quantize(_COLOURS)
    held = io.BytesIO()
    small.save(held, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
