"""Gate: diagnostics to a verdict; a bad R-hat stops the run here."""
