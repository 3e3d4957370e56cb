"""Damaged posteriors: each has to fall short, whatever was done to it, and none may raise."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from schemas.parameters import GateParameters, SampleParameters
from tasks.gate.gating import gate_posterior
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Data = dict[str, xr.Dataset]
    Damage = Callable[[Data, np.random.Generator], None]

GATE = GateParameters(min_ess_per_chain=50, max_mcse_mean=0.1, max_mcse_end=0.4, max_rhat=1.05)
_OF_DERIVED = 0.2
SCALARS = ("mu", "sigma", "tau", "tau_genre", "tau_block", "beta", "genre_effect", "artist_effect")


def make(folder: Path) -> None:
    """Write what group and sample leave of a small corpus: ``group`` and ``sample``."""
    from small import make_rows

    rows = make_rows(3, artists=40)
    group, sample = folder / "group", folder / "sample"
    group.mkdir()
    sample.mkdir()
    design = rows.grouped.design.model_copy(update={"share_of_zeros": 0.1})
    (group / "design.json").write_text(design.model_dump_json(), encoding="utf-8")
    rows.grouped.statistics.save(group / "statistics")
    pq.write_table(pa.table({"artist": rows.grouped.artists}), group / "artists.parquet")
    sample_posterior(group, SampleParameters(draws=250, artist_draws=7), sample)


def _pick(data: Data, generator: np.random.Generator, group: str = "posterior") -> str:
    return str(generator.choice(sorted(map(str, data[group].data_vars))))


def _any(data: Data, generator: np.random.Generator) -> tuple[str, str]:
    """Pick a variable with draws, of either group."""
    group = "derived" if generator.random() < _OF_DERIVED else "posterior"
    return group, _pick(data, generator, group)


def _some(shape: tuple[int, ...], generator: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(generator.integers(size)) for size in shape)


def _put(data: Data, generator: np.random.Generator, value: float) -> None:
    group, name = _any(data, generator)
    values = data[group][name].to_numpy().copy()
    values[_some(values.shape, generator)] = value
    data[group][name] = (data[group][name].dims, values)


def not_a_number(data: Data, generator: np.random.Generator) -> None:
    _put(data, generator, np.nan)


def infinite(data: Data, generator: np.random.Generator) -> None:
    _put(data, generator, float(generator.choice([np.inf, -np.inf])))


def constant(data: Data, generator: np.random.Generator) -> None:
    group, name = _any(data, generator)
    data[group][name] = data[group][name] * 0 + float(generator.normal())


def chain_apart(data: Data, generator: np.random.Generator) -> None:
    group, name = _any(data, generator)
    values = data[group][name].to_numpy().copy()
    values[int(generator.integers(len(values)))] += 4 * values.std() + 1
    data[group][name] = (data[group][name].dims, values)


def standing_chain(data: Data, generator: np.random.Generator) -> None:
    group, name = _any(data, generator)
    values = data[group][name].to_numpy().copy()
    values[int(generator.integers(len(values))), int(generator.integers(150)) :] = values[0, 0]
    data[group][name] = (data[group][name].dims, values)


def wandering(data: Data, generator: np.random.Generator) -> None:
    group, name = _any(data, generator)
    values = data[group][name].to_numpy()
    data[group][name] = (data[group][name].dims, np.cumsum(values - values.mean(), axis=1))


def one_chain(data: Data, generator: np.random.Generator) -> None:
    chosen = int(generator.integers(4))
    for group in data:
        data[group] = data[group].isel(chain=[chosen])


def copied_chain(data: Data, generator: np.random.Generator) -> None:
    one, other = generator.choice(4, 2, replace=False)
    lag = int(generator.integers(0, 100))
    for name in data["posterior"].data_vars:
        values = data["posterior"][name].to_numpy().copy()
        values[other] = np.roll(values[one], lag, axis=0)
        data["posterior"][name] = (data["posterior"][name].dims, values)


def few_draws(data: Data, generator: np.random.Generator) -> None:
    kept = int(generator.integers(0, 30))
    for group in data:
        data[group] = data[group].isel(draw=slice(0, kept))


def no_group(data: Data, generator: np.random.Generator) -> None:
    del data[str(generator.choice(sorted(data)))]


def no_variable(data: Data, generator: np.random.Generator) -> None:
    group = "derived" if generator.random() < _OF_DERIVED else "posterior"
    wanted = [name for name in SCALARS[:-1] if name in data["posterior"]]
    name = _pick(data, generator, group) if group == "derived" else str(generator.choice(wanted))
    data[group] = data[group].drop_vars(name)


def other_labels(data: Data, generator: np.random.Generator) -> None:
    axis = str(generator.choice(["feature", "genre"]))
    labels = data["posterior"][axis].to_numpy().astype(object).copy()
    labels[int(generator.integers(len(labels)))] = "another"
    data["posterior"] = data["posterior"].assign_coords({axis: labels})


def shares_of_another(data: Data, generator: np.random.Generator) -> None:
    shares = data["derived"]["variance_share"].to_numpy()
    data["derived"]["variance_share"] = (
        ("chain", "draw", "part"),
        np.roll(shares, int(generator.integers(1, 3)), axis=2),
    )


def interval_of_another(data: Data, generator: np.random.Generator) -> None:
    data["derived"]["new_artist_below"] = data["derived"]["new_artist_below"] * float(generator.uniform(0.8, 0.999))


def derived_of_other_draws(data: Data, generator: np.random.Generator) -> None:
    data["derived"] = data["derived"].isel(draw=slice(int(generator.integers(1, 200)), None))


def no_statistic(data: Data, generator: np.random.Generator) -> None:
    name = str(generator.choice(["diverging", "energy", "reached_max_treedepth"]))
    data["sample_stats"] = data["sample_stats"].drop_vars(name)


def without_an_axis(data: Data, generator: np.random.Generator) -> None:
    group = str(generator.choice(sorted(data)))
    named = {"sample_stats": "energy", "derived": "new_artist"}
    name = named.get(group) or str(generator.choice(SCALARS[:3]))
    data[group][name] = data[group][name].mean(str(generator.choice(["chain", "draw"])))


def fewer_scalars(data: Data, _generator: np.random.Generator) -> None:
    data["posterior"] = data["posterior"].isel(feature=slice(0, 1))


def another_axis(data: Data, generator: np.random.Generator) -> None:
    group, name = str(generator.choice(sorted(data))), str(generator.choice(["chain", "draw"]))
    data[group] = data[group].rename({name: f"{name}s"})


def other_draws_of_the_sampler(data: Data, generator: np.random.Generator) -> None:
    data["sample_stats"] = data["sample_stats"].isel(draw=slice(int(generator.integers(1, 200)), None))


def text(data: Data, generator: np.random.Generator) -> None:
    name = str(generator.choice(SCALARS[:3]))
    data["posterior"][name] = data["posterior"][name].astype(str).astype(object)


def diverging(data: Data, generator: np.random.Generator) -> None:
    flags = data["sample_stats"]["diverging"].to_numpy().astype(float)
    flags[_some(flags.shape, generator)] = float(generator.choice([1.0, -1.0, np.nan]))
    data["sample_stats"]["diverging"] = (("chain", "draw"), flags)


def still_energy(data: Data, _generator: np.random.Generator) -> None:
    data["sample_stats"]["energy"] = data["sample_stats"]["energy"] * 0


def empty(data: Data, _generator: np.random.Generator) -> None:
    data["posterior"] = xr.Dataset()


DAMAGES: tuple[Damage, ...] = (
    *(not_a_number, infinite, constant, chain_apart, standing_chain, wandering, one_chain, copied_chain, few_draws),
    *(no_group, no_variable, no_statistic, without_an_axis, fewer_scalars, another_axis, other_draws_of_the_sampler),
    *(
        text,
        diverging,
        still_energy,
        empty,
        other_labels,
        shares_of_another,
        interval_of_another,
        derived_of_other_draws,
    ),
)


def truncated(folder: Path, generator: np.random.Generator) -> None:
    path = folder / "sample" / "posterior.nc"
    content = path.read_bytes()
    path.write_bytes(content[: int(generator.integers(0, len(content) - 5000))])


def no_netcdf(folder: Path, generator: np.random.Generator) -> None:
    content = generator.choice([b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", generator.bytes(3000)])
    (folder / "sample" / "posterior.nc").write_bytes(bytes(content))


def gone(folder: Path, _generator: np.random.Generator) -> None:
    (folder / "sample" / "posterior.nc").unlink()


def plain_hdf5(folder: Path, _generator: np.random.Generator) -> None:
    with h5py.File(folder / "sample" / "posterior.nc", "w") as file:
        file.create_group("posterior").create_dataset("mu", data=np.zeros((4, 9)))


def other_table(folder: Path, generator: np.random.Generator) -> None:
    path = folder / "sample" / "artists.parquet"
    table = pq.read_table(path)
    name = str(generator.choice(["mean", "sd", "effect_mean", "effect_sd"]))
    values = table[name].to_numpy().copy()
    values[int(generator.integers(len(values)))] += float(generator.choice([20.0, np.nan, -np.inf]))
    pq.write_table(table.set_column(table.column_names.index(name), name, pa.array(values)), path)


def no_table(folder: Path, generator: np.random.Generator) -> None:
    path = folder / "sample" / "artists.parquet"
    path.write_bytes(path.read_bytes()[: int(generator.integers(0, 500))])


OF_FILES: tuple[Callable[[Path, np.random.Generator], None], ...] = (
    *(truncated, no_netcdf, gone, plain_hdf5, other_table, no_table),
)


def trial(base: Path, folder: Path, seed: int) -> tuple[str, str]:
    """Damage a posterior, and say how, and what is wrong with how the gate took it; nothing if it fell short."""
    import traceback

    generator = np.random.default_rng(seed)
    shutil.copytree(base, folder)
    (folder / "gate").mkdir()
    place = int(generator.integers(len(DAMAGES) + len(OF_FILES)))
    if place < len(DAMAGES):
        damage = DAMAGES[place]
        path = folder / "sample" / "posterior.nc"
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            data = {str(name): child.to_dataset().load() for name, child in tree.children.items()}
        damage(data, generator)
        xr.DataTree.from_dict(dict(data)).to_netcdf(path, engine="h5netcdf")
        name = damage.__name__
    else:
        OF_FILES[place - len(DAMAGES)](folder, generator)
        name = OF_FILES[place - len(DAMAGES)].__name__
    try:
        verdict = gate_posterior(folder / "group", folder / "sample", GATE, folder / "gate")
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        return name, traceback.format_exc()
    if verdict.passed:
        return name, "it passed"
    return name, "" if verdict.advice and verdict.shortfalls and verdict.quantities else "no reason is given"
