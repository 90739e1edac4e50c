"""Kept views: what is written reads back as what was kept, and all else stays byte for byte."""

import pytest

from kpikit.errors import ParamsError
from kpikit.exploring.keep import cell_source, file_line, inserted, keep_in_file
from kpikit.params import load_product
from kpikit.params.views import View
from tests.exploring.conftest import SHOP

KEPT = View(section="trends", metric="orders", grain="week", where={"country": "Côte d'Ivoire: 1"})
ODD = View(section="segments", where={"zip": "00123", "is new": "yes"}, by="country")


@pytest.mark.parametrize("view", [KEPT, ODD])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\nviews: # kept while exploring\n  - LINE\n"),
        ("views:\n", "views: [LINE]\n"),
        ("views: ~ # none yet\n", "views: [LINE] # none yet\n"),
        ("views: []\n", "views: [LINE]\n"),
        ("views: [{section: drivers}] # mine\n", "views: [{section: drivers}, LINE] # mine\n"),
        ("views: [{section: drivers}, ]\n", "views: [{section: drivers}, LINE]\n"),
        ("views:\n- {section: drivers} # mine\n\n# the end\n",
         "views:\n- {section: drivers} # mine\n- LINE\n\n# the end\n"),
        ("views:\n  - section: drivers\n    metric: net_revenue # why\nowners: {}\n",
         "views:\n  - section: drivers\n    metric: net_revenue # why\n  - LINE\nowners: {}\n"),
        ("views:\n  - {section: drivers}", "views:\n  - {section: drivers}\n  - LINE"),
    ],
)  # fmt: skip
def test_a_view_is_added_and_all_else_stays(view, before, after, folder):
    path = folder / "shop.yml"
    path.write_text(SHOP + before, encoding="utf-8")

    line = keep_in_file(path, view)

    text = path.read_text(encoding="utf-8")
    assert text == SHOP + after.replace("LINE", line).replace(", , ", ", ")
    assert load_product(path).params.views[-1] == view


def test_lines_that_end_as_on_windows_still_do(folder):
    path = folder / "shop.yml"
    path.write_bytes(
        (SHOP + "views:\n  - {section: drivers} # mine\n").replace("\n", "\r\n").encode()
    )

    keep_in_file(path, KEPT)

    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


def test_views_of_another_form_are_refused_and_nothing_is_written(folder):
    with pytest.raises(ParamsError, match=r"views: holds 'all', and not a list"):
        inserted(SHOP + "views: all\n", file_line(KEPT))


def test_a_file_that_is_wrong_is_told_as_ever_and_stays(folder):
    path = folder / "shop.yml"
    path.write_text(SHOP + "metrcs: []\n", encoding="utf-8")

    with pytest.raises(ParamsError, match="unknown key 'metrcs'"):
        keep_in_file(path, KEPT)

    assert path.read_text(encoding="utf-8") == SHOP + "metrcs: []\n"


def test_a_file_that_is_gone_says_so(folder):
    with pytest.raises(ParamsError, match=r"cannot be read.*\nPut it back, then keep again"):
        keep_in_file(folder / "none.yml", KEPT)


def test_a_file_changed_meanwhile_is_not_written_over(folder, monkeypatch):
    path = folder / "shop.yml"
    real = load_product

    def meddling(found, **options):
        if found != path:
            path.write_text(SHOP + "# by another\n", encoding="utf-8")
        return real(found, **options)

    monkeypatch.setattr("kpikit.exploring.keep.load_product", meddling)

    with pytest.raises(ParamsError, match=r"shop.yml was changed meanwhile"):
        keep_in_file(path, KEPT)

    assert path.read_text(encoding="utf-8") == SHOP + "# by another\n"
    assert not list(folder.glob(".*keeping*"))


def test_a_form_that_would_say_something_else_is_not_written(folder, monkeypatch):
    path = folder / "shop.yml"
    monkeypatch.setattr("kpikit.exploring.keep.inserted", lambda text, _line: text + "# lost\n")

    with pytest.raises(ParamsError, match=r"could not be added to views: of shop.yml.\nAdd it"):
        keep_in_file(path, KEPT)

    assert path.read_text(encoding="utf-8") == SHOP


def test_a_cell_is_one_call_that_names_the_product():
    assert cell_source(KEPT, product="shop") == (
        "kk.explore(\n"
        '    report, "trends", product="shop", metric="orders", grain="week",\n'
        '    where={"country": "Côte d\'Ivoire: 1"},\n'
        ")"
    )
    assert cell_source(View(section="funnel", steps=["a", "b"]), product="x") == (
        'kk.explore(report, "funnel", product="x", steps=["a", "b"])'
    )


def test_texts_stand_bare_where_they_read_as_themselves():
    assert file_line(ODD) == (
        '{section: segments, by: country, where: {zip: "00123", "is new": "yes"}}'
    )
