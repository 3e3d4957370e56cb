"""Features are clustered by how they correlate."""

from __future__ import annotations

import numpy as np

from tasks.group.blocks import declared_blocks, learned_blocks


def test_features_that_move_together_are_one_block_whatever_the_sign() -> None:
    features = ["energy", "loudness", "acousticness", "tempo", "valence", "danceability"]
    correlation = np.eye(6)
    for one, other, value in ((0, 1, 0.75), (0, 2, -0.7), (1, 2, -0.55), (4, 5, 0.5), (3, 0, 0.2), (3, 4, 0.1)):
        correlation[one, other] = correlation[other, one] = value
    blocks = learned_blocks(features, correlation)
    assert blocks["energy"] == blocks["loudness"] == blocks["acousticness"] == "acousticness+energy+loudness"
    assert blocks["valence"] == blocks["danceability"] == "danceability+valence"
    assert blocks["tempo"] == "tempo"


def test_one_feature_or_none_is_no_trouble() -> None:
    assert learned_blocks([], np.empty((0, 0))) == {}
    assert learned_blocks(["energy"], np.eye(1)) == {"energy": "energy"}


def test_declared_blocks_are_those_of_the_track_table() -> None:
    assert declared_blocks(["energy", "loudness", "valence"]) == {
        "energy": "energy",
        "loudness": "energy",
        "valence": "mood",
    }
