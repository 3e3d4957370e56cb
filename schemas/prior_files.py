"""Small YAML and JSON files of priors, read with suspicion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from schemas.errors import InvalidParameter

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 65_536


def read_mapping(path: Path) -> dict[str, object]:
    """Read a file of priors.

    Parameters
    ----------
    path : Path
        JSON if it ends so, else YAML, which makes no objects.

    Returns
    -------
    dict
        By parameter, lower-case, what stands there; nothing is checked yet.

    Raises
    ------
    InvalidParameter
        If it cannot be read, or is no mapping.
    """
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            message = f"{path}: a file of priors is a few lines; this one has {path.stat().st_size:,} bytes"
            raise InvalidParameter(message)
        text = path.read_text(encoding="utf-8-sig")
        # JSON is YAML but for tabs.
        content = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        message = f"cannot read the priors in {path}: {reason}"
        raise InvalidParameter(message) from None
    if isinstance(content, Mapping) and set(content) == {"priors"}:
        content = content["priors"]
    if not isinstance(content, Mapping):
        message = f"{path}: expected lines such as 'mu: normal(50, 52)'"
        raise InvalidParameter(message)
    return {str(name).lower(): prior for name, prior in content.items()}
