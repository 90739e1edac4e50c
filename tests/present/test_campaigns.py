"""Sentences on campaigns: totals, rates and shares."""

import math

import pytest

from kpikit.present.campaigns import lift_text, lift_title

ROW = {
    "campaign": "Sun", "label": "Conversion rate", "unit": "share", "measure": "mean",
    "effect": "more", "lift": 0.012, "lift_low": 0.003, "lift_high": 0.021, "remark": "",
}  # fmt: skip


def test_the_ends_of_a_share_are_points_as_the_lift_is():
    assert lift_text(ROW, "EUR") == "+1.20 pt (+0.30 pt to +2.10 pt)"


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({}, "Sun came with a higher conversion rate than foreseen without it: +1.20 pt"),
        ({"effect": "less"}, "Sun came with a lower conversion rate than foreseen without it: "),
        ({"measure": "sum", "label": "Orders"}, "Sun came with more orders than foreseen without"),
        ({"effect": "unclear"}, "Sun: no lift of conversion rate beyond chance, +1.20 pt"),
        ({"effect": "unknown", "remark": "why"}, "Sun: the lift is not known (why)"),
    ],
)
def test_the_message_of_a_campaign(change, title):
    assert lift_title(ROW | change, currency="EUR").startswith(title)


def test_an_unknown_lift_is_a_dash():
    assert lift_text(ROW | {"lift": math.nan}, "EUR") == "–"
