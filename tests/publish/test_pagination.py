import pytest

from kpikit.publish.pagination import Unit, fill_pages, filled, report_units


def fill(*units):
    return fill_pages(units, page_height=100.0)


def chart(place, height, give=None, above=10.0):
    return Unit((0, place), above, height, give=height if give is None else give)


def fixed(place, height, **options):
    return Unit((0, place), 10.0, height, **options)


def test_parts_that_fit_are_left_alone():
    filling = fill(chart(0, 45), chart(1, 45))

    assert filling.scales == {}
    assert filling.broken == frozenset()


def test_charts_of_a_page_shrink_together_where_the_next_just_misses_it():
    # 50 + 10 + 50 = 110: 10 and 2 spare of 100 chart points are 12 %.
    filling = fill(chart(0, 50), chart(1, 50))

    assert filling.scales == {(0, 0): 0.88, (0, 1): 0.88}


def test_they_do_not_shrink_too_far():
    # 60 + 10 + 60 = 130: 32 of 120 chart points would be 27 %, and 22 % is the most.
    filling = fill(chart(0, 60), chart(1, 60))

    assert filling.scales == {}


def test_a_little_white_at_the_foot_is_left():
    # 85 are used, 15 % white: less than the fifth that is worth mending.
    filling = fill(chart(0, 85), chart(1, 20), chart(2, 20))

    assert filling.scales == {}


def test_the_last_part_makes_no_page_of_its_own_for_a_little():
    # 85 + 10 + 10 = 105: 7 of 95 chart points.
    assert fill(chart(0, 85), chart(1, 10)).scales == {(0, 0): 0.9263, (0, 1): 0.9263}


def test_parts_that_give_nothing_keep_their_size():
    # 20 + 10 + 40 + 10 + 31 = 111: 13 of the chart's 40 points are too many; 5 of 40 are not.
    assert fill(fixed(0, 20), chart(1, 40), fixed(2, 31)).scales == {}
    assert fill(fixed(0, 20), chart(1, 40), fixed(2, 23)).scales == {(0, 1): 0.875}


def test_the_page_after_a_shrunk_one_begins_empty():
    filling = fill(chart(0, 50), chart(1, 50), chart(2, 95), chart(3, 50))

    assert set(filling.scales) == {(0, 0), (0, 1)}


def test_a_longer_table_breaks_where_shrinking_does_not_help():
    filling = fill(fixed(0, 40), fixed(1, 80, splits=True), fixed(2, 60))

    # 40 + 10 + 80 = 130: the table runs 30 into the next page, where 10 + 60 fit.
    assert filling.broken == {(0, 1)}
    assert filling.scales == {}


def test_what_flows_runs_over_pages_by_itself():
    # With 200 points a page: 50 + 10 + 560 = 620 leaves 20 on the fourth; 20 + 10 + 100 + 10 + 65
    # = 205 are 7 of 165 points too many.
    parts = fixed(0, 50), fixed(1, 560, flows=True), chart(2, 100), chart(3, 65)

    filling = fill_pages(parts, page_height=200.0)

    assert filling.scales == {(0, 2): 0.9576, (0, 3): 0.9576}
    assert filling.broken == {(0, 1)}


def test_what_flows_begins_a_page_rather_than_the_last_lines_of_one():
    # 100 of 200 points are left, too few to begin: 240 end at 40 of the next page but one, where
    # 40 + 10 + 160 = 210 are 12 of 160 points too many.
    parts = fixed(0, 100), fixed(1, 240, flows=True), chart(2, 160)

    assert fill_pages(parts, page_height=200.0).scales == {(0, 2): 0.925}


def test_a_table_does_not_break_for_a_little_white():
    # 70 are used: 30 % of the page would stay white, less than what is worth a break.
    assert fill(fixed(0, 70), fixed(1, 60, splits=True)).broken == frozenset()


def figure(height=100.0):
    return {"kind": "figure", "scale": 1.0, "image": {"height": height}}


def table(rows, *, breakable=False, heat=False):
    part = {"columns": [{"heat": heat}], "rows": [{}] * rows + [{"group": "Money"}]}
    table = {"kind": "table", "scale": 1.0, "breakable": breakable, "parts": [part]}
    return table | {"inset": 3.0, "closing": 5.0}


def section(*blocks, kind="plain", title="Trends"):
    return {"kind": kind, "title": title, "blocks": list(blocks)}


def units(*sections, contents=False, heights=50.0, shrunk=None):
    measured = {
        "cover": 20.0,
        "contents": 30.0,
        "absences-opener": 7.0,
        "sections": [
            {
                "opener": 25.0,
                "blocks": [heights] * len(section["blocks"]),
                "shrunk": [shrunk] * len(section["blocks"]),
            }
            for section in sections
        ],
    }
    return report_units({"sections": list(sections), "contents": contents}, measured)


def test_a_heading_stays_with_the_part_below_it():
    cover, first, second = units(section(figure(), figure()))

    assert (cover.at, cover.height) == (None, 20.0)
    assert first.height == 25.0 + 12.0 + 50.0  # heading, white, chart
    assert second.height == 50.0


def test_the_contents_follow_the_first_section():
    found = units(section(figure()), section(figure()), contents=True)

    assert [unit.height for unit in found] == [20.0, 87.0, 30.0, 87.0]
    assert [unit.at for unit in found] == [None, (0, 0), None, (1, 0)]


def test_what_a_row_gives_is_measured():
    # A row of 50 points that stands 39 high at a scale of 0.78 gives 11 / 0.22 points.
    row = {"kind": "row", "items": [figure(), figure()]}

    assert units(section(row), shrunk=39.0)[1].give == pytest.approx(50.0)


def test_a_chart_gives_its_height_and_a_table_the_white_in_its_rows():
    # Head and four rows, above and below the text of each 5 points; a group's heading gives none.
    _, chart, rows, text = units(section(figure(100.0), table(4), {"kind": "para"}))

    assert (chart.give, rows.give, text.give) == (100.0, 5 * 2 * 5.0, 0.0)


def test_absent_sections_that_follow_one_another_share_their_heading():
    absent = section({"kind": "absence"}, kind="absent")

    _, first, second = units(absent, absent)

    assert first.height == pytest.approx(7.0 + 8.5 + 25.0, abs=0.01)  # 3 mm are 8.50 pt
    assert second.height == 25.0
    assert second.above < first.above


def test_a_short_remark_stays_with_the_part_that_it_is_about():
    remark = {"kind": "paragraph"}

    found = units(section(figure(), remark), heights=20.0)

    assert len(found) == 2
    assert found[1].height == 25.0 + 12.0 + 20.0 + 16.0 + 20.0


def test_a_long_paragraph_is_a_part_of_its_own():
    assert len(units(section(figure(), {"kind": "paragraph"}))) == 3


@pytest.mark.parametrize(
    ("block", "flows", "splits"),
    [
        (table(5), False, False),
        (table(9), False, True),
        (table(9, heat=True), False, False),
        ({"kind": "para"}, True, False),
        ({"kind": "tiles"}, False, False),
    ],
)
def test_what_may_run_over_a_page(block, flows, splits):
    unit = units(section(block, title=""))[1]

    assert (unit.flows, unit.splits) == (flows, splits)


def test_a_part_higher_than_a_page_flows():
    assert units(section(table(9), title=""), heights=500.0)[1].flows


def test_told_scales_and_breaks_reach_the_parts():
    row = {"kind": "row", "items": [figure(), {"kind": "paragraph"}]}
    data = {"sections": [section(figure(), row, table(9), figure())], "contents": False}
    filling = fill_pages([])

    told = type(filling)({(0, 0): 0.9, (0, 1): 0.85}, frozenset({(0, 2)}))
    blocks = filled(data, told)["sections"][0]["blocks"]

    assert blocks[0]["scale"] == 0.9
    assert blocks[1]["items"][0]["scale"] == 0.85
    assert "scale" not in blocks[1]["items"][1]
    assert blocks[2]["breakable"]
    assert blocks[3]["scale"] == 1.0


def test_a_part_too_high_with_its_heading_is_set_closer_or_flows():
    # 110 of 100: 12 of 60 points are 20 %; of 40 they would be 30 %.
    assert fill(chart(0, 20), chart(1, 110, give=60)).scales == {(0, 1): 0.8}
    closer = fill(chart(0, 110, give=40), chart(1, 20))
    assert (closer.scales, closer.broken) == ({}, {(0, 0)})
