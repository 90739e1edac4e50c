"""The documentation says what the code does."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_pages_are_those_that_the_code_gives(generate, capsys):
    code = generate.main(["--check"])

    assert capsys.readouterr().out == ""
    assert code == 0


def test_a_page_that_differs_is_named(generate, capsys, monkeypatch):
    pages = generate.pages()
    monkeypatch.setattr(generate, "pages", lambda: {**pages, Path("checks.md"): "changed"})

    code = generate.main(["--check"])

    assert "docs/checks.md differs from the code" in capsys.readouterr().out
    assert code == 1


def test_every_metric_says_how_it_is_counted_and_by_whose_definition(generate):
    silent = [
        name for name, item in generate.CATALOGUE.items() if not (item.formula and item.source)
    ]

    assert silent == []
