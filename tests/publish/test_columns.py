"""Each cell takes 9.5 points beyond its text: the arithmetic beside the numbers counts them."""

import pytest

from kpikit.publish.columns import PADDING, Extent, fit


def test_a_table_that_nearly_fills_its_space_is_stretched_to_it():
    # At 10 points: 2 columns of 40 + 9.5 = 99 of 120, more than 60 %.
    size, [part] = fit([Extent(2, 4), Extent(2, 4)], 120.0, (10.0,), stub=1)

    assert size == 10.0
    assert part.widths == pytest.approx((60.0, 60.0))


def test_a_narrow_table_keeps_its_own_width_and_a_little_air():
    # 2 x (10 x 1 + 9.5) = 39 of 120; 15 % more is 44.85.
    _, [part] = fit([Extent(1, 1), Extent(1, 1)], 120.0, (10.0,), stub=1)

    assert sum(part.widths) == pytest.approx(44.85)


def test_long_texts_give_way_before_short_ones():
    # Wanted 29.5, 209.5 and 109.5 of 200: both long ones are cut to one level, (200 - 29.5) / 2.
    _, [part] = fit([Extent(2, 2), Extent(3, 20), Extent(3, 10)], 200.0, (10.0,), stub=1)

    assert part.widths == pytest.approx((29.5, 85.25, 85.25), abs=0.1)


def test_the_type_is_set_smaller_before_columns_are_parted():
    # Three words of 4 ems: 3 x (40 + 9.5) = 148.5 at ten points, 3 x (32 + 9.5) = 124.5 at eight.
    size, parts = fit([Extent(4, 4)] * 3, 125.0, (10.0, 8.0), stub=1)

    assert size == 8.0
    assert len(parts) == 1


def test_columns_that_fit_at_no_size_are_parted_and_the_first_is_repeated():
    # At eight points each column needs 41.5 of 125: the first and two others make a part.
    size, parts = fit([Extent(4, 4)] * 6, 125.0, (10.0, 8.0), stub=1)

    assert size == 8.0
    assert [part.indices for part in parts] == [(0, 1, 2), (0, 3, 4), (0, 5)]
    assert all(sum(part.widths) <= 125.0 + 1e-6 for part in parts)


def test_a_first_column_as_wide_as_the_space_is_not_repeated():
    _, parts = fit([Extent(30, 30), Extent(4, 4)], 100.0, (10.0,), stub=1)

    assert [part.indices for part in parts] == [(0,), (1,)]
    assert parts[0].widths == (100.0,)


def test_of_several_first_columns_one_is_repeated_where_all_would_take_half():
    # 3 first columns of 29.5 take 88.5 of 100; one takes 29.5.
    _, parts = fit([Extent(2, 2)] * 5, 100.0, (10.0,), stub=3)

    assert [part.indices for part in parts] == [(0, 1, 2), (0, 3, 4)]


def test_given_widths_share_what_the_others_leave():
    # The first column takes 10 x 2 + 9.5 = 29.5 of 209.5; 180 are shared 2 to 1.
    extents = [Extent(2, 2), Extent(2, 9, weight=2.0), Extent(2, 9, weight=1.0)]
    _, [part] = fit(extents, 209.5, (10.0,), stub=1)

    assert part.widths == pytest.approx((29.5, 120.0, 60.0))


def test_a_given_width_yields_to_the_words_of_its_column():
    # 60 for each of three; the second needs 89.5, and the others share the rest, 90.5.
    extents = [Extent(2, 9, weight=1.0), Extent(8, 8, weight=1.0), Extent(2, 9, weight=1.0)]
    _, [part] = fit(extents, 180.0, (10.0,), stub=1)

    assert part.widths == pytest.approx((45.25, 89.5, 45.25))


def test_given_widths_give_way_where_the_words_do_not_fit():
    extents = [Extent(2, 18), Extent(8, 8, weight=0.001)]
    _, [part] = fit(extents, 209.5, (10.0,), stub=1)

    # The first wants 189.5, the second needs 89.5: the first is cut to 120.
    assert part.widths == pytest.approx((120.0, 89.5), abs=0.1)


def test_the_padding_is_part_of_a_column_s_need():
    _, [part] = fit([Extent(1, 1)], 10.0 + PADDING, (10.0,), stub=1)

    assert part.widths == pytest.approx((10.0 + PADDING,))
