"""Judge: how well each model predicts tracks that it has not seen."""
