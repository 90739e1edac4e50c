"""Many sample products: copies of the three, each with a key, a name and random numbers its own."""

import shutil
from pathlib import Path

from benchmarks.measure import ROOT
from kpikit.sample import make_sample_data

# users of a sample product that leave about 10,000 events
_USERS = {"atlas": 245, "beacon": 255, "comet": 360}


def make_products(folder: Path, count: int) -> Path:
    """Write ``count`` products of about 10,000 events each; return the folder of their params.

    Sample products take turns. All hold their data in ``folder/data``, each with a seed of its own.
    """
    params = folder / "params"
    params.mkdir(parents=True)
    for number in range(count):
        sample = list(_USERS)[number % len(_USERS)]
        change_data(folder, number)
        text = (ROOT / "params" / f"{sample}.yml").read_text(encoding="utf-8")
        key = product_key(number)
        text = text.replace(f"key: {sample}", f"key: {key}").replace(
            f"../data/{sample}/", f"../data/{key}/{sample}/"
        )
        (params / f"{key}.yml").write_text(text, encoding="utf-8")
    for sample in _USERS:  # registers that stand beside a product's file
        if (registers := ROOT / "params" / sample).is_dir():
            shutil.copytree(registers, params / sample)
    return params


def change_data(folder: Path, number: int, *, seed: int = 0) -> None:
    """Write the data of one product, other data for another seed."""
    sample = list(_USERS)[number % len(_USERS)]
    make_sample_data(
        folder / "data" / product_key(number),
        product=sample, users=_USERS[sample], seed=1000 * seed + number,
    )  # fmt: skip


def product_key(number: int) -> str:
    return f"product_{number:03d}"
