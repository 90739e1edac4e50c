"""The doctor names what is missing, and what to type."""

import sys
from importlib.metadata import PackageNotFoundError

import pytest

from kpikit.publish import doctor


@pytest.fixture
def folders(tmp_path):
    params, notebooks = tmp_path / "params", tmp_path / "notebooks"
    params.mkdir()
    notebooks.mkdir()
    (params / "atlas.yml").write_text("product: {key: atlas}")
    (notebooks / "review.ipynb").write_text("{}")
    return {"params_dir": params, "notebooks_dir": notebooks, "output_dir": tmp_path / "output"}


def finding(folders, name):
    return next(item for item in doctor.examine(**folders) if item.name == name)


def test_on_a_machine_that_is_set_up_nothing_is_missing(folders):
    assert [item.name for item in doctor.examine(**folders) if not item.is_well] == []


def test_versions_and_folders_are_told(folders):
    told = {item.name: item.detail for item in doctor.examine(**folders)}

    assert told["Python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert told["templates"] == "review"
    assert told["product files"] == f"1 in {folders['params_dir']}"
    assert told["font Source Sans Pro"] == "from font_source_sans_pro"
    assert {"papermill", "nbconvert", "typst", "duckdb"} <= set(told)


def test_an_old_python_is_missing(folders, monkeypatch):
    monkeypatch.setattr(doctor, "_OLDEST_PYTHON", (9, 0))

    assert finding(folders, "Python").remedy == "make PYTHON=python3.12"


def test_a_package_that_is_not_installed_is_missing(folders, monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", version)

    assert finding(folders, "typst") == doctor.Finding(
        "typst", "not installed", "pip install --require-hashes -r requirements.lock"
    )


def test_an_engine_that_is_not_registered_is_missing(folders, monkeypatch):
    monkeypatch.setattr(doctor, "entry_points", lambda **_: ())

    assert finding(folders, "papermill --engine kpikit") == doctor.Finding(
        "papermill --engine kpikit", "not registered", "pip install --no-deps ."
    )


def test_a_font_that_is_not_there_is_missing(folders, monkeypatch):
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)

    assert finding(folders, "font DejaVu Sans") == doctor.Finding(
        "font DejaVu Sans",
        "not found: matplotlib is not installed",
        "pip install --require-hashes -r requirements.lock",
    )


def test_a_system_without_unix_sockets_is_served_by_ports(folders, monkeypatch):
    monkeypatch.delattr(doctor.os, "fork")

    assert finding(folders, "kernels").detail.startswith("on TCP ports")


def test_a_full_temporary_folder_is_told(folders, monkeypatch):
    monkeypatch.setattr(doctor, "_LEAST_ROOM", float("inf"))

    assert finding(folders, "temporary files").remedy == "export TMPDIR=/a/folder/with/room"


def test_an_output_folder_that_cannot_be_written_is_told(folders):
    folders["output_dir"].write_text("a file")

    found = finding(folders, "output folder")

    assert found.detail.endswith("output: File exists.")
    assert found.remedy == "kpikit run --output-dir DIR"


def test_folders_without_products_or_templates_are_told(folders, tmp_path):
    empty = {**folders, "params_dir": tmp_path / "x", "notebooks_dir": tmp_path / "y"}

    assert finding(empty, "product files").remedy == "kpikit run --params-dir DIR"
    assert finding(empty, "templates").remedy == "kpikit run --notebooks-dir DIR"
