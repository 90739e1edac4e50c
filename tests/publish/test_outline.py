"""An outline stands as high as its part: measured by Typst, for parts of all kinds."""

import pytest

from kpikit.publish import typst
from kpikit.publish.layout import GAPS, PAGE_WIDTH, lay_out
from kpikit.publish.outline import LINE, outline

LONG = "This sentence is much too long for the column that it stands in, so that it breaks. "
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"/>'
PALETTE = dict.fromkeys(
    ("ink", "grey", "mid", "light", "pale", "line", "paper", "good", "bad", "warning"), "#123456"
)


def cell(text="1,234", **more):
    plain = {"tone": "neutral", "struck": False, "status": None, "note": "", "shade": None}
    return {**plain, "bullet": None, "spark": (), "text": text, **more}


def column(key, kind="text", *, emphasis=False, width=None, label=None):
    label = key.title() if label is None else label
    return {"key": key, "label": label, "kind": kind, "emphasis": emphasis, "width": width}


def table(columns, *rows, title="Sales", notes=(), compact=False):
    found = {"kind": "table", "title": title, "subtitle": "", "notes": list(notes)}
    return {**found, "columns": columns, "rows": list(rows), "compact": compact, "level": 3}


def figure(title="Sales", **more):
    plain = {"kind": "figure", "title": title, "subtitle": "", "svg": SVG, "alt": "Sales"}
    return {**plain, "notes": [], "level": 3, **more}


def paragraph(text, *, small=False):
    return {"kind": "paragraph", "text": text, "small": small}


def headlines(title, *decisions):
    items = [
        {"kind": "headline", "mark": "+", "claim": "Sales rose", "rest": 3 * LONG},
        {"kind": "headline", "mark": "-", "claim": 3 * LONG, "rest": ""},
        {"kind": "headline", "mark": "!", "claim": "Visits fell", "rest": "to 3 ★"},
    ]
    found = {"kind": "headlines", "title": title, "items": items, "level": 3}
    return {**found, "decisions": list(decisions)}


def tiles(*values, footer="", spark=(), badge=""):
    common = {"kind": "tile", "delta": "+1.2 %", "arrow": "up", "tone": "good", "badge": badge}
    common |= {"footer": footer, "spark": spark, "spark_target": 1.5, "label": "Sales"}
    items = [{**common, "value": value} for value in values]
    return {"kind": "tiles", "items": items, "level": 3}


NUMBERS = [column("name"), *(column(key, "number") for key in ("before", "now", "change"))]
MARKED = [
    column("name"), column("p", "bullet"), column("trend", "spark"),
    column("status", "status"), column("remark", "badge"), column("why", width=1.0),
]  # fmt: skip
BULLET = {"value": 3.0, "target": 4.0, "low": None, "high": None, "most": 5.0, "tone": "good"}

PARTS = {
    "a paragraph of one line": paragraph("All is well."),
    "a small paragraph of several": paragraph(3 * LONG, small=True),
    "a chart": figure(),
    "a chart with a title of two lines": figure(2 * LONG, subtitle=LONG, notes=[LONG, 4 * LONG]),
    "two charts side by side": {
        "kind": "row", "items": [figure(LONG), figure("Sales")], "widths": [], "level": 3,
    },
    "a table beside a chart": {
        "kind": "row", "widths": [2, 1], "level": 3,
        "items": [table(NUMBERS, {"name": LONG, "before": "1"}), figure(LONG)],
    },
    "a callout": {"kind": "callout", "title": "Note", "text": 4 * LONG, "tone": "bad", "level": 3},
    "a callout without a title": {
        "kind": "callout", "title": "", "text": LONG, "tone": "neutral", "level": 3,
    },
    "an absence": {"kind": "absence", "text": 4 * LONG},
    "a summary": headlines(4 * LONG),
    "a summary that asks for decisions": headlines("Sales rose", 2 * LONG, "Act now.", "★"),
    "tiles": tiles("1,234", "$4.00 M", footer=3 * "on 2026Q2 ", spark=(1.0, 2.0), badge="gap"),
    "tiles whose values break": tiles(*("123,456,789 yen",) * 7),
    "a stack": {"kind": "stack", "items": [paragraph(LONG), figure()]},
    "a listing": {"kind": "code", "title": "Query", "text": "select 1\n\nfrom x\n" + 90 * "y"},
    "a listing in columns": {
        "kind": "code", "title": "", "text": "\n".join(f"select {n}, 'ü'" for n in range(90)),
    },
    "a table of numbers": table(
        NUMBERS, *({"name": f"Product {n}", "before": f"{n}.5", "now": cell()} for n in range(9))
    ),
    "a table whose inner cells break": table(
        [column("a", width=1.0), column("b", width=1.0), column("c", width=1.0)],
        {"a": "One", "b": 4 * LONG, "c": "Two"}, {"a": "One", "b": "", "c": cell(LONG, note=LONG)},
        {"a": "", "b": "", "c": ""},
    ),
    "a table in groups": table(
        NUMBERS, {"group": "Financial"}, {"name": "Revenue"}, {"group": 4 * LONG}, {"name": "x"},
        notes=["One.", 3 * LONG], compact=True,
    ),
    "a table with marks": table(
        MARKED,
        {"name": "Sales", "status": cell("on track", status="on_track"), "why": "Routine"},
        {"name": "Returns", "trend": cell("rising", spark=(1.0, 2.0, None)), "remark": "late"},
        {"name": "Visits", "status": cell("no data", status="no_data", note=LONG), "why": LONG},
        {"name": "Users", "remark": cell("gap", tone="warning"), "why": cell("x", shade=0.4)},
        title=3 * LONG,
    ),
    "a table of signs that the text face lacks": table(NUMBERS, {"name": "★ ▲ ✓", "now": "⟨1⟩"}),
    "a table too wide for its page": table(
        [column(f"c{n}", label=f"Heading{n} of" + 20 * "x") for n in range(24)], {"c1": "One"}
    ),
}  # fmt: skip


def measured(blocks):
    opening = {"title": "", "kind": "plain", "heading": [], "lede": [], "known": True}
    gaps = {"section": GAPS.section, "opener": GAPS.opener, "block": GAPS.block, "text": GAPS.text}
    data = {
        "title": "Test", "lang": "en", "cover": None, "contents": False, "author": "", "date": None,
        "palette": PALETTE, "running": {"product": "", "state": "", "run": ""}, "remarks": [],
        "gaps": gaps, "text-kinds": ["paragraph"], "sections": [{**opening, "blocks": blocks}],
        "pictures": {SVG: SVG},
    }  # fmt: skip
    (found,) = typst.measure(data, scale=0.8)["sections"]
    return found["blocks"], found["shrunk"]


@pytest.mark.parametrize("part", PARTS)
def test_an_outline_stands_as_high_as_its_part(part):
    block = lay_out(PARTS[part], PAGE_WIDTH)

    heights, shrunk = measured([block, outline(block, PAGE_WIDTH)])

    assert heights[1] == pytest.approx(heights[0], abs=1e-6)
    assert shrunk[1] == pytest.approx(shrunk[0], abs=1e-6)


def as_typst_finds(block):
    """Return a table none of whose rows tells how high it stands."""
    parts = [
        {**part, "height": None, "rows": [{**row, "height": None} for row in part["rows"]]}
        for part in block["parts"]
    ]
    return {**block, "parts": parts}


@pytest.mark.parametrize("scale", [1.0, 0.8])
@pytest.mark.parametrize("part", [name for name in PARTS if PARTS[name]["kind"] == "table"])
def test_rows_stand_as_high_as_typst_would_find_them(part, scale):
    block = {**lay_out(PARTS[part], PAGE_WIDTH), "scale": scale}

    heights, _ = measured([block, as_typst_finds(block)])

    assert heights[0] == pytest.approx(heights[1], abs=1e-6)


def test_the_height_of_a_row_is_that_of_its_highest_cell_where_all_are_sure():
    rows = (
        {"name": "Sales", "p": "1", "why": "Routine"},
        {"name": "Sales", "why": 3 * LONG},
        {"name": "Sales", "trend": cell("rising", spark=(1.0, 2.0))},
        {"name": ""},
        {"name": "★"},
    )

    (part,) = lay_out(table(MARKED, *rows), PAGE_WIDTH)["parts"]

    line, spark = 0.66 * 9, 13.0  # points
    heights = [row["height"] for row in part["rows"]]
    assert heights[0] == pytest.approx(line)
    assert heights[1] > 2 * line
    assert heights[2:] == [spark, None, None]
    assert part["height"] == pytest.approx(0.95 * line)


def test_tables_of_as_many_lines_have_one_outline():
    first, second = (
        outline(lay_out(table(NUMBERS, *rows, title=title), PAGE_WIDTH), PAGE_WIDTH)
        for title, rows in (
            ("Sales", [{"name": "Alpha", "now": cell("17.5 %")}, {"name": "Bravo", "now": "2"}]),
            ("Visits", [{"name": "Charlie", "before": "1,234,567"}, {"name": "D", "now": cell()}]),
        )
    )

    assert first == second
    (part,) = first["parts"]
    assert [len(row["cells"]) for row in part["rows"]] == [2, 2]


def test_charts_of_one_size_have_one_outline():
    first, second = (
        outline(lay_out(figure(title, alt=title), PAGE_WIDTH), PAGE_WIDTH) for title in "ab"
    )

    assert first == second
    assert first["title"] == LINE
