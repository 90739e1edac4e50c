"""The writer of sample data and its command line."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from kpikit.errors import PeriodError, UnknownNameError
from kpikit.sample import PRODUCTS, make_sample_data
from kpikit.sample.__main__ import main

SMALL = {"users": 40, "seed": 5}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_same_call_writes_the_same_bytes(tmp_path, product):
    make_sample_data(tmp_path / "a", product=product, **SMALL)
    make_sample_data(tmp_path / "b", product=product, **SMALL)

    assert bytes_of(tmp_path / "a" / product) == bytes_of(tmp_path / "b" / product)


@pytest.mark.parametrize("change", [{"users": 41}, {"seed": 6}, {"as_of": dt.date(2026, 10, 30)}])
def test_another_size_seed_or_day_writes_other_data(tmp_path, change):
    assert make_sample_data(tmp_path, **SMALL)
    before = bytes_of(tmp_path / "atlas")

    assert make_sample_data(tmp_path, **{**SMALL, **change})

    after = bytes_of(tmp_path / "atlas")
    assert after["events.parquet"] != before["events.parquet"]


def test_files_that_are_up_to_date_are_left_alone(tmp_path):
    make_sample_data(tmp_path, **SMALL)
    mark = b"not written again"
    (tmp_path / "atlas" / "costs.csv").write_bytes(mark)

    assert make_sample_data(tmp_path, **SMALL) is False
    assert (tmp_path / "atlas" / "costs.csv").read_bytes() == mark


@pytest.mark.parametrize("damage", ["file", "stamp", "torn stamp"])
def test_what_is_missing_is_made_again(tmp_path, damage):
    make_sample_data(tmp_path, **SMALL)
    before = bytes_of(tmp_path / "atlas")
    if damage == "file":
        (tmp_path / "atlas" / "events.parquet").unlink()
    elif damage == "stamp":
        (tmp_path / "atlas" / ".sample.json").unlink()
    else:
        (tmp_path / "atlas" / ".sample.json").write_text("{")

    assert make_sample_data(tmp_path, **SMALL) is True
    assert bytes_of(tmp_path / "atlas") == before


def test_a_glob_never_finds_the_files_of_an_earlier_size(tmp_path):
    make_sample_data(tmp_path, product="beacon", **SMALL)
    assert (tmp_path / "beacon" / "order_lines_2026.csv.gz").exists()

    make_sample_data(tmp_path, product="beacon", as_of=dt.date(2025, 12, 31), **SMALL)

    years = sorted(file.name for file in (tmp_path / "beacon").glob("order_lines_*"))
    assert years == ["order_lines_2024.csv.gz", "order_lines_2025.csv.gz"]


def test_an_unknown_product_is_named_with_the_nearest(tmp_path):
    with pytest.raises(
        UnknownNameError, match=r"Unknown sample product 'atlsa'.*\nDid you mean 'atlas'"
    ):
        make_sample_data(tmp_path, product="atlsa")


def test_a_day_before_the_product_began_leaves_older_files_alone(tmp_path):
    make_sample_data(tmp_path, **SMALL)
    before = bytes_of(tmp_path / "atlas")

    with pytest.raises(PeriodError, match="cannot end on 2023-01-01"):
        make_sample_data(tmp_path, as_of=dt.date(2023, 1, 1), **SMALL)

    assert bytes_of(tmp_path / "atlas") == before


@pytest.mark.parametrize("users", [1, 2, 3])
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("as_of", [dt.date(2024, 5, 1), dt.date(2028, 2, 29)])
def test_a_handful_of_users_and_other_days_are_no_error(tmp_path, product, users, as_of):
    assert make_sample_data(tmp_path, product=product, users=users, as_of=as_of)


def test_the_command_writes_all_products_and_says_what_is_up_to_date(tmp_path, capsys):
    call = ["--folder", str(tmp_path), "--users", "30"]

    assert main(call) == 0
    assert main(call) == 0

    first, second = capsys.readouterr().out.split("comet: written\n")
    assert first.count("written") == 2
    assert second.count("up to date") == 3


def test_the_command_takes_one_product_a_seed_and_a_day(tmp_path):
    call = ["--folder", str(tmp_path), "--users", "30", "--product", "comet"]

    assert main([*call, "--seed", "7", "--as-of", "2025-06-30"]) == 0

    events = pd.read_parquet(tmp_path / "comet" / "events.parquet")
    assert events["event_time"].max() < pd.Timestamp("2025-06-30 22:00")  # midnight in Berlin
    assert not (tmp_path / "atlas").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--users", "0"], "0 users are too few; give 1 or more"),
        (["--users", "many"], "invalid"),
        (["--product", "atlsa"], "invalid choice: 'atlsa'"),
        (["--as-of", "soon"], "invalid"),
    ],
)
def test_a_mistake_in_the_call_is_named(capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(arguments)

    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_day_too_early_is_a_mistake_in_the_call(tmp_path, capsys):
    assert main(["--folder", str(tmp_path), "--as-of", "2024-01-05"]) == 2

    assert "Give 2024-03-30 or a later day." in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_a_mistake_in_the_call(tmp_path, capsys):
    (tmp_path / "data").write_text("a file")

    assert main(["--folder", str(tmp_path / "data"), "--users", "3"]) == 2

    assert "data" in capsys.readouterr().err


def test_nothing_heavy_is_loaded_when_all_is_up_to_date(tmp_path):
    make_sample_data(tmp_path, **SMALL)
    code = (
        "import sys; from kpikit.sample import make_sample_data;"
        f"assert not make_sample_data({str(tmp_path)!r}, users=40, seed=5);"
        "assert not {'pandas', 'numpy', 'pyarrow'} & set(sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
