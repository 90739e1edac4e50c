import textwrap
from pathlib import Path

import pytest
import yaml

from kpikit.params import load_product

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def write(tmp_path):
    """Write a text or bytes file beside the product's file and return its path."""

    def write_file(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def product(tmp_path):
    """Write a product's file with these tables and return the product."""

    def make(tables=None, *, source=None, segments=(), **info):
        text = yaml.safe_dump(
            {
                "product": {"key": "demo", "name": "Demo", **info},
                "source": {**(source or {}), "tables": tables or {}},
                "segments": list(segments),
            },
            sort_keys=False,
        )
        path = tmp_path / "demo.yml"
        path.write_text(text, encoding="utf-8")
        return load_product(path)

    return make


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("the real data of ../shared/data is absent")
    return SHARED


def _rows(table, *columns):
    names = columns or tuple(table.columns)
    found = table.select(*names).to_pyarrow().to_pylist()
    listed = [tuple(row[name] for name in names) for row in found]
    return sorted(listed, key=lambda row: tuple((value is None, value) for value in row))


def _found(dataset, check, **fields):
    return [
        finding
        for finding in dataset.findings
        if finding.check == check
        and all(getattr(finding, name) == value for name, value in fields.items())
    ]


def _one(dataset, check, **fields):
    findings = _found(dataset, check, **fields)
    assert len(findings) == 1, dataset.findings
    return findings[0]


@pytest.fixture
def rows():
    """Return a function: a table's rows as tuples of these columns, sorted."""
    return _rows


@pytest.fixture
def found():
    """Return a function: the findings of one check whose fields are as given."""
    return _found


@pytest.fixture
def one():
    """Return a function: the only finding of one check."""
    return _one
