import datetime as dt
import io

import pandas as pd
import pytest

from kpikit.sample.files import write_table, write_tables

FRAME = pd.DataFrame(
    {
        "day": pd.to_datetime(["2026-01-31", "2026-02-01"]),
        "name": ["Müller & <Söhne>", None],
        "amount": [1.5, 2.25],
        "pieces": [1, 2],
    }
)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.csv.gz", "t.jsonl", "t.xlsx"])
def test_a_table_comes_back_as_it_was_written(tmp_path, name):
    path = tmp_path / name

    write_table(FRAME, path)

    readers = {
        "parquet": pd.read_parquet,
        "csv": pd.read_csv,
        "gz": pd.read_csv,
        "jsonl": lambda file: pd.read_json(file, lines=True),
        "xlsx": lambda file: pd.read_excel(
            file, engine="calamine", na_values=[""], keep_default_na=False
        ),
    }
    found = readers[name.rpartition(".")[2]](path)
    assert found.columns.tolist() == ["day", "name", "amount", "pieces"]
    assert pd.to_datetime(found["day"]).tolist() == FRAME["day"].tolist()
    assert found["name"].tolist()[0] == "Müller & <Söhne>"
    assert pd.isna(found["name"][1])
    assert found["amount"].tolist() == [1.5, 2.25]
    assert found["pieces"].tolist() == [1, 2]


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.csv.gz", "t.jsonl", "t.xlsx"])
def test_the_same_rows_give_the_same_bytes(tmp_path, name):
    first, second = tmp_path / "a" / name, tmp_path / "b" / name
    first.parent.mkdir()
    second.parent.mkdir()

    write_table(FRAME, first)
    write_table(FRAME.copy(), second)

    assert first.read_bytes() == second.read_bytes()


def test_a_german_export_has_semicolons_and_its_own_encoding(tmp_path):
    path = tmp_path / "t.de.csv"

    write_table(FRAME[["name", "pieces"]], path)

    assert path.read_bytes() == "name;pieces\nMüller & <Söhne>;1\n;2\n".encode("cp1252")


def test_excel_holds_days_as_days(tmp_path):
    path = tmp_path / "t.xlsx"

    write_table(pd.DataFrame({"day": [dt.date(2026, 1, 31)]}), path)

    openpyxl = pytest.importorskip("openpyxl")
    with pytest.warns(UserWarning, match="no default style"):
        sheet = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))["Export"]
    assert sheet["A2"].value == pd.Timestamp("2026-01-31")
    assert sheet["A2"].is_date


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'t.feather' ends in no format.*\nName it .parquet"):
        write_table(FRAME, tmp_path / "t.feather")


def test_a_table_indexed_by_year_becomes_a_file_per_year(tmp_path):
    lines = FRAME.set_index(pd.Index([2025, 2026], name="year"))

    names = write_tables(
        {"lines": lines, "costs": FRAME}, {"lines": "lines_{year}.csv", "costs": "c.csv"}, tmp_path
    )

    assert names == ["lines_2025.csv", "lines_2026.csv", "c.csv"]
    assert pd.read_csv(tmp_path / "lines_2026.csv")["pieces"].tolist() == [2]
    assert "year" not in pd.read_csv(tmp_path / "lines_2026.csv").columns
