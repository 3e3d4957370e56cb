"""A posterior in, a verdict out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.reports import SamplingReport, Verdict
from tasks.gate.diagnostics import measure
from tasks.gate.verdict import judge

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.parameters import GateParameters


def gate_posterior(sampled: Path, parameters: GateParameters, folder: Path) -> Verdict:
    """Measure a posterior and decide whether it may be published.

    Parameters
    ----------
    sampled : Path
        What sample wrote.
    parameters : GateParameters
    folder : Path
        Where to write ``verdict.json`` and ``diagnostics.parquet`` (a row a scalar).

    Returns
    -------
    Verdict
        Also where it did not pass: the evidence is stored before anyone raises.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    report = SamplingReport.model_validate_json((sampled / "sampling.json").read_text(encoding="utf-8"))
    measured = measure(sampled / "posterior.nc")
    fixed = frozenset({"tau"} if report.pooling == "none" else ())
    verdict = judge(measured, parameters, fixed=fixed)
    table = pa.table({"parameter": pa.array(measured.names, pa.string()), **measured.columns})
    pq.write_table(table, folder / "diagnostics.parquet", compression="zstd")
    (folder / "verdict.json").write_text(verdict.model_dump_json(indent=1), encoding="utf-8")
    return verdict
