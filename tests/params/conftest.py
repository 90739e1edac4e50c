import textwrap

import pytest

from kpikit.params import load_product

METRICS = ("average_order_value", "mau", "net_revenue", "orders", "refunds", "wau")
HEAD = "product: {key: atlas, name: Atlas}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Stand in an empty folder, so that messages call files by their bare names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder):
    """Write a file and return its name; the text is dedented."""

    def write_file(text, name="atlas.yml"):
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return name

    return write_file


@pytest.fixture
def load(write):
    """Load a product from the text of its file, which begins with its second line."""

    def load_text(text="", *, head=HEAD, **options):
        options.setdefault("known_metrics", METRICS)
        return load_product(write(head + textwrap.dedent(text)), **options)

    return load_text


@pytest.fixture
def message(load):
    """Return the message on a file with mistakes, which begins with its second line."""

    def message_on(text, **options):
        with pytest.raises(ValueError, match="mistake") as caught:
            load(text, **options)
        return str(caught.value)

    return message_on
