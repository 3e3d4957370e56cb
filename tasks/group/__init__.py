"""Group: tracks to artists, genres, feature blocks and the sums that the likelihood needs."""
