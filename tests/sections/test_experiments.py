"""The report on one test, and section 13 of the review, from small data."""

import pandas as pd
import pytest

from kpikit.analysis.experiments import impact
from kpikit.errors import UnknownNameError
from kpikit.present.components import (
    Absence,
    Callout,
    Cover,
    Figure,
    Headlines,
    Paragraph,
    Table,
    Tiles,
)
from kpikit.sections import experiments
from kpikit.sections.experiments import Trial, open_trial
from tests.analysis.experiments.test_study import frames

TEST = """
  {key}:
    hypothesis: One page makes more people buy.
    variants: {{control: 0.5, new: 0.5}}
    control: control
    start: {start}
    end: {end}
    primary: {primary}
    secondary: [clicks]
    guardrails: [{{metric: per_click, margin: 0.5}}]
    metrics:
      bought: {{kind: conversion, event: buy, label: Purchase rate}}
      clicks: {{kind: count, event: click}}
      spend: {{kind: sum, column: amount, event: buy, unit: money}}
      per_click: {{kind: ratio, numerator: bought, denominator: clicks}}
      late: {{kind: quantile, column: amount, event: click}}
    conversion_window: 2d
"""
YAML = """
source:
  as_of: {as_of}
  tables:
    exposures: {{files: exposures.csv}}
    events:
      files: events.csv
      sql: "select * replace (cast(amount as double) as amount) from {{this}}"
experiments:{tests}
"""


@pytest.fixture
def open_test(open_context):
    """Open a test of two hundred users, of whom 20 of control and 40 of the variant buy."""

    def open_(*, data=None, as_of="2026-06-30", more="", primary="bought", key="test", also=""):
        exposures, events = data or frames()
        test = TEST.format(key="test", start="2026-05-01", end="2026-05-10", primary=primary)
        files = {
            "exposures.csv": exposures.to_csv(index=False),
            "events.csv": events.to_csv(index=False),
        }
        yaml = YAML.format(as_of=as_of, tests=test + more + also)
        return open_trial(open_context(yaml, files, period="2026Q2"), key)

    return open_


def parts(component, kind):
    """Return all parts of a kind, in order."""
    own = [component] if isinstance(component, kind) else []
    return own + [part for item in getattr(component, "items", ()) for part in parts(item, kind)
                  if not isinstance(component, Tiles | Headlines)]  # fmt: skip


def absence(stack):
    (line,) = stack.items
    assert isinstance(line, Absence)
    return line.text


EVERY_SECTION = [
    experiments.decision_section, experiments.trust_section, experiments.effect_section,
    experiments.readings_section, experiments.time_section, experiments.segments_section,
    experiments.impact_section, experiments.planning_section, experiments.log_section,
    experiments.quality_section, experiments.method_section,
]  # fmt: skip


def test_the_cover_bears_the_marker_of_the_test(open_test):
    cover = experiments.experiment_cover(open_test())

    (strip,) = parts(cover, Cover)
    assert strip.title == "Shop: A/B test test"
    assert cover.metadata()["marker"] == strip.metadata()["marker"]
    assert (strip.period_label, strip.as_of) == ("2026Q2", "2026-06-30")
    assert ("Decides", "Purchase rate") in strip.facts
    assert parts(cover, Callout) == []
    assert parts(cover, Paragraph)[0].text == "Hypothesis: One page makes more people buy."


def test_a_winner_is_shipped_with_its_arithmetic_and_what_would_flip_it(open_test):
    stack = experiments.decision_section(open_test())

    (tiles,), (headlines,), (table,) = (parts(stack, kind) for kind in (Tiles, Headlines, Table))
    assert tiles.items[0].value == "Ship"
    assert tiles.items[1].value == "+20.0 pt"
    assert headlines.title.startswith("Ship: Purchase rate improved")
    assert headlines.items[0].rest.endswith("we can rule out any loss.")
    assert [row["passes"].text for row in table.rows] == ["yes", "yes"]
    flip, rule = parts(stack, Paragraph)
    assert "could not be told from chance; it is 20.0 pt" in flip.text
    assert rule.text.startswith("Rule: Invalid where")


def test_trust_lists_its_checks_and_who_was_where(open_test):
    stack = experiments.trust_section(open_test())

    checks, allocation = parts(stack, Table)
    assert "found no reason to doubt the data" in checks.title
    assert {row["status"].text for row in checks.rows} == {"passed"}
    assert [row["units"] for row in allocation.rows] == ["100", "100"]


def test_effects_are_parted_by_what_they_are_for(open_test):
    stack = experiments.effect_section(open_test())

    (table,) = parts(stack, Table)
    groups = [row["group"] for row in table.rows if "group" in row]
    assert groups == ["Primary metrics", "Secondary metrics", "Guardrail metrics"]
    first = table.rows[1]
    assert (first["control"], first["variant_mean"], first["delta"]) == (
        "20.0 %", "40.0 %", "+20.0 pt",
    )  # fmt: skip
    assert first["outcome"].text == "better"
    assert table.rows[-1]["outcome"].text == "margin kept"
    (forest,) = parts(stack, Figure)
    assert forest.title.startswith("Purchase rate: +20.0 pt, between")


def test_readings_stand_side_by_side_with_their_conventions(open_test):
    stack = experiments.readings_section(open_test())

    (table,) = parts(stack, Table)
    assert [row["reading"] for row in table.rows] == ["Fixed horizon", "Always valid", "Belief"]
    assert "asymptotic confidence sequence" in table.rows[1]["convention"]
    assert "chance that the variant is better" in parts(stack, Paragraph)[0].text


def test_a_mismatch_withholds_every_lift(open_test):
    exposures, events = frames(per_arm=400)
    lost = (exposures["variant"] == "new") & (exposures["user_id"].str[-1] < "3")
    trial = open_test(data=(exposures[~lost], events), more="    segments: [platform]\n")

    (tiles,) = parts(experiments.decision_section(trial), Tiles)
    assert [tile.label for tile in tiles.items] == ["Decision", "Users exposed", "Sample ratio, p"]
    assert tiles.items[0].value == "No verdict"
    assert parts(experiments.trust_section(trial), Callout)[0].title == "Sample-ratio mismatch"
    for section in (experiments.effect_section, experiments.readings_section,
                    experiments.time_section, experiments.segments_section,
                    experiments.impact_section):  # fmt: skip
        assert absence(section(trial)).startswith("Withheld: a check of trust failed")


def test_a_running_test_says_so_and_shows_what_allows_for_looking_early(open_test):
    trial = open_test(as_of="2026-05-07", more="    segments: [platform]\n")

    (callout,) = parts(experiments.experiment_cover(trial), Callout)
    assert callout.text.startswith("The test runs until 10 May 2026: 7 of 10 days have passed.")
    (tiles,) = parts(experiments.decision_section(trial), Tiles)
    assert (tiles.items[0].label, tiles.items[0].value) == ("In progress", "Go on")
    assert "Chance to win" not in [tile.label for tile in tiles.items]
    (table,) = parts(experiments.readings_section(trial), Table)
    assert [row["reading"] for row in table.rows] == ["Always valid"]
    assert absence(experiments.segments_section(trial)).startswith("Segments are read once")
    assert absence(experiments.impact_section(trial)).endswith("when the test is over.")
    assert len(parts(experiments.time_section(trial), Figure)) == 1


def test_a_test_whose_last_windows_are_open_waits_for_them(open_test):
    trial = open_test(as_of="2026-05-10")

    (callout,) = parts(experiments.experiment_cover(trial), Callout)

    assert callout.text.startswith("The test ended on 10 May 2026; the window of the last users")


def test_a_test_that_nobody_saw_says_once_where_to_look(open_test):
    exposures, events = frames()
    trial = open_test(data=(exposures.assign(experiment="other"), events))

    (decision,) = experiments.decision_section(trial).items
    others = {absence(section(trial)) for section in EVERY_SECTION[1:8]}

    assert decision.title == "No verdict: there is nothing to compare"
    assert decision.items[0].claim.startswith(
        "Nobody was exposed to 'test' between 1 May 2026 and 10 May 2026"
    )
    assert others == {"There is nothing to compare yet: see the decision."}


def test_a_test_of_yesterday_has_nothing_to_compare(open_test):
    (decision,) = experiments.decision_section(open_test(as_of="2026-05-01")).items

    assert decision.items[0].claim == "20 users entered; nobody's window of 2d has ended yet."


def test_an_effect_known_on_one_day_has_no_course(open_test):
    exposures, events = frames()
    buys = events[events["event"] == "buy"]
    at_once = exposures.assign(exposure_time="2026-05-01 12:00")
    trial = open_test(data=(at_once, buys.assign(event_time="2026-05-01 13:00")), primary="spend")

    line = absence(experiments.time_section(trial))

    assert line.startswith("All users came on one day, and what is counted of them was on one")


def test_a_mean_has_outliers_and_an_effect_per_day(open_test):
    exposures, events = frames()
    events["event_time"] += pd.to_timedelta([index % 40 for index in range(len(events))], unit="h")
    trial = open_test(data=(exposures, events), primary="spend")

    assert len(parts(experiments.trust_section(trial), Table)) == 3
    assert "Every" not in parts(experiments.effect_section(trial), Figure)[0].title
    stack = experiments.time_section(trial)
    assert len(parts(stack, Figure)) == 2
    assert "with the days since exposure" in parts(stack, Paragraph)[0].text


def test_a_quantile_has_neither_curve_nor_plan(open_test):
    trial = open_test(primary="late")

    assert absence(experiments.time_section(trial)).startswith("A quantile has neither")
    assert absence(experiments.planning_section(trial)).startswith("A quantile, or a metric")


def alike():
    return frames(buyers=(0, 0))


def one_arm():
    exposures, events = frames()
    return exposures[exposures["variant"] == "control"], events


def nobody_in_control():
    exposures, events = frames()
    return exposures[exposures["variant"] == "new"], events


def one_user():
    exposures, events = frames()
    return exposures[exposures["user_id"] == "new1"], events


def one_user_in_an_arm():
    exposures, events = frames()
    return exposures[(exposures["variant"] == "control") | (exposures["user_id"] == "new1")], events


def nobody_buys_in_control():
    return frames(buyers=(0, 40))


def one_user_in_a_segment():
    exposures, events = frames()
    events.loc[events["user_id"] == "new1", "platform"] = "watch"
    return exposures, events


def users_in_both_arms():
    exposures, events = frames(per_arm=400)
    again = exposures.head(58).assign(variant="new", exposure_time=pd.Timestamp("2026-05-10"))
    return pd.concat([exposures, again]), events


@pytest.mark.parametrize(
    ("data", "verdict"),
    [(alike, "No verdict"), (one_arm, "No verdict"), (one_user_in_an_arm, "No verdict"),
     (nobody_in_control, "No verdict"), (one_user, "No verdict"),
     (users_in_both_arms, "No verdict"), (nobody_buys_in_control, "Ship"),
     (one_user_in_a_segment, "Ship")],
)  # fmt: skip
@pytest.mark.parametrize("primary", ["bought", "spend"])
def test_data_that_says_little_makes_a_page_all_the_same(open_test, data, verdict, primary):
    more = "    segments: [platform]\n    mde: 0.2\n    impact: {value: 10}\n    rope: 0.01\n"
    trial = open_test(data=data(), more=more, primary=primary)

    pages = [section(trial) for section in EVERY_SECTION]

    assert all(page.items for page in pages)
    (tiles,) = parts(pages[0], Tiles)
    assert tiles.items[0].value == verdict


def test_a_variant_that_nobody_saw_has_no_reading_and_nothing_would_flip_it(open_test):
    trial = open_test(data=one_user(), primary="spend")

    (headlines,) = parts(experiments.decision_section(trial), Headlines)
    told = [item.text for item in parts(experiments.decision_section(trial), Paragraph)]
    (line,) = experiments.readings_section(trial).items

    assert headlines.title == "No verdict on spend: control has no units with a value"
    assert [text[:4] for text in told] == ["Rule"]
    assert line.text == "Spend has no estimate to be read: see the decision."


def test_segments_come_after_the_question_whether_they_differ(open_test):
    exposures, events = frames()
    clicks = events[events["event"] == "click"]
    early = clicks.assign(event_time=clicks["event_time"] - pd.Timedelta(days=1))
    trial = open_test(data=(exposures, pd.concat([events, early])),
                      more="    segments: [platform]\n    mde: 0.2\n")  # fmt: skip

    stack = experiments.segments_section(trial)

    assert isinstance(stack.items[0], Paragraph)
    (chart,) = parts(stack, Figure)
    assert chart.title == "2 of 2 segments have too few users to find the effect looked for"


def test_segments_and_worth_that_are_not_declared_say_so(open_test):
    trial = open_test()

    assert absence(experiments.segments_section(trial)) == "The test declares no segments."
    assert absence(experiments.impact_section(trial)).startswith("Say under impact: value")


def test_impact_is_money_a_month_with_its_arithmetic(open_test):
    worth = "    impact: {value: 10, users_per_month: 1000, coverage: 0.5}\n"

    texts = [
        part.text for part in parts(experiments.impact_section(open_test(more=worth)), Paragraph)
    ]

    # 0.2 more of 1,000 users a month, half of them reached, at 10 each
    assert texts[0].startswith("Purchase rate, new for all: +€1.00 k a month, between")
    assert texts[1] == (
        "Reckoned as lift × 1,000 users a month × control's 20.0 % × EUR 10 each × 50 % reached."
    )
    assert texts[2].endswith("say how large effects are: 0 so far.")


def test_planning_tells_planned_from_actual_users(open_test):
    stack = experiments.planning_section(open_test(more="    mde: 0.05\n"))

    text = parts(stack, Paragraph)[0].text
    assert text.startswith("An effect of 5.00 pt takes 2,6")
    assert "200 users have come. At the traffic seen that would have taken" in text
    (table,) = parts(stack, Table)
    assert [row["days"] for row in table.rows] == ["7", "10", "14", "28", "56"]


def test_planning_without_an_effect_asks_for_one(open_test):
    text = parts(experiments.planning_section(open_test()), Paragraph)[0].text

    assert text.startswith("No effect was planned for: declare mde")


def another(key, start, end):
    return TEST.format(key=key, start=start, end=end, primary="bought")


def with_another(key, shift):
    exposures, events = frames()
    moved = exposures.assign(
        experiment=key, user_id=exposures["user_id"] + "x",
        exposure_time=exposures["exposure_time"] + pd.Timedelta(days=shift),
    )  # fmt: skip
    later = events.assign(
        user_id=events["user_id"] + "x", event_time=events["event_time"] + pd.Timedelta(days=shift)
    )
    return pd.concat([exposures, moved]), pd.concat([events, later])


def test_the_log_holds_the_tests_that_were_over_by_then(open_test):
    data, also = with_another("later", 20), another("later", "2026-05-21", "2026-05-30")

    first = open_test(data=data, also=also)
    second = Trial(first.context, open_trial(first.context, "later").study)

    assert (
        absence(experiments.log_section(first)) == "This is the product's first test that is over."
    )
    (table,) = parts(experiments.log_section(second), Table)
    (row,) = table.rows
    assert (row["ended"], row["decision"].text, row["effect"]) == (
        "10 May 2026",
        "Ship",
        "+20.0 pt",
    )


def test_enough_past_tests_shrink_an_effect(open_test, monkeypatch):
    monkeypatch.setattr(impact, "FEWEST_PAST", 2)
    keys = ["first", "second"]
    exposures, events = frames()
    copies = pd.concat([exposures, *(exposures.assign(experiment=key) for key in keys)])
    also = "".join(another(key, "2026-05-01", "2026-05-10") for key in keys)
    trial = open_test(data=(copies, events), also=also,
                      more="    impact: {value: 1}\n")  # fmt: skip

    texts = [part.text for part in parts(experiments.impact_section(trial), Paragraph)]

    # all past effects are this very one, so that it is their mean: doubled
    assert texts[-1].startswith("Less the winner's curse, expect +100.0 %")


def test_a_test_with_three_variants_names_them(open_test):
    exposures, events = frames(per_arm=300)
    third = exposures["user_id"].str[-1].isin(["1", "4", "7"])
    exposures["variant"] = exposures["variant"].where(~third, "other")
    counts = exposures["variant"].value_counts()
    shares = ", ".join(f"{name}: {count / 600}" for name, count in counts.items())
    more = f"    variants: {{{shares}}}\n"
    test = TEST.replace("    variants: {{control: 0.5, new: 0.5}}\n", "").format(
        key="three", start="2026-05-01", end="2026-05-10", primary="bought"
    )
    exposures["experiment"] = "three"
    trial = open_test(data=(exposures, events), also=test + more, key="three")

    for section in EVERY_SECTION:
        assert section(trial).items
    (table,) = parts(experiments.effect_section(trial), Table)
    assert {row["variant"] for row in table.rows if "variant" in row} == {"new", "other"}


def test_appendices_tell_sources_and_conventions(open_test):
    trial = open_test(more="    prior: {sd: 0.1}\n    looks: 2\n    history: 7d\n")

    inputs, provenance = parts(experiments.quality_section(trial), Table)[-2:]
    assert {row["source"] for row in inputs.rows} == {"exposures.csv", "events.csv"}
    assert provenance.rows[0]["value"] == "draft"
    (method,) = parts(experiments.method_section(trial), Table)
    texts = {row["what"]: row["how"] for row in method.rows}
    assert "Purchase rate: conversion of buy" in texts["Metrics"]
    assert "Per click: bought over clicks" in texts["Metrics"]
    assert texts["Prior"].startswith("Normal, mean 0, standard deviation 0.1")
    assert texts["Looks"].startswith("2 planned")


def test_an_unknown_test_is_refused_with_the_nearest_name(open_test):
    with pytest.raises(UnknownNameError, match=r"experiment 'tst' .*\nDid you mean 'test'"):
        open_test(key="tst")


def test_the_review_tells_the_tests_of_its_quarter(open_test):
    stack = experiments.experiments_section(open_test().context)

    (table,) = parts(stack, Table)
    assert parts(stack, Paragraph) == []  # the table tells it whole
    assert table.title == "1 test ended in the quarter, 1 to be shipped"
    assert (table.rows[0]["metric"], table.rows[0]["effect"]) == ("Purchase rate", "+20.0 pt")
    assert table.rows[0]["decision"].text == "Ship"


def test_the_review_tells_of_tests_that_cannot_be_read(open_test):
    exposures, events = frames(per_arm=400)
    lost = (exposures["variant"] == "new") & (exposures["user_id"].str[-1] < "3")
    unseen = another("unseen", "2026-05-01", "2026-05-10")
    trial = open_test(data=(exposures[~lost], events), also=unseen)

    stack = experiments.experiments_section(trial.context)

    (table,) = parts(stack, Table)
    texts = [part.text for part in parts(stack, Paragraph)]
    assert table.title == "2 tests ended in the quarter, none to be shipped"
    assert texts[0].startswith("Test: no verdict. The data cannot be trusted: sample ratio")
    assert texts[1] == "Unseen: there is nothing to compare."
    assert [row["effect"] for row in table.rows] == ["–", "–"]


def test_the_review_of_a_product_without_tests_says_what_is_missing(shop, open_context):
    assert absence(experiments.experiments_section(shop)).startswith("No data; map the table")
    exposures, _ = frames()
    yaml = "source: {tables: {exposures: {files: e.csv}}}"
    context = open_context(yaml, {"e.csv": exposures.to_csv(index=False)}, period="2026Q2")
    assert absence(experiments.experiments_section(context)).startswith("No test is declared")


def test_the_review_of_a_quarter_without_an_end_says_so(open_test, open_context):
    trial = open_test(as_of="2026-05-07")
    later = another("later", "2026-07-01", "2026-07-10")

    running = experiments.experiments_section(trial.context)
    assert parts(running, Table) == []
    assert "The test runs until 10 May 2026" in parts(running, Paragraph)[0].text
    only_later = open_test(also=later).context
    stack = experiments.experiments_section(
        type(only_later)(only_later.loaded, only_later.dataset,
                         only_later.calendar.parse("2026Q3"))
    )  # fmt: skip
    assert absence(stack) == "No test ended in 2026Q3."


def kpis_of(trial):
    """Return the rows that the decision notes, by their metric."""
    return {row["metric"]: row for row in experiments.decision_section(trial).kpis}


def test_the_machine_readable_file_tells_means_effects_and_the_verdict(open_test):
    kpis = kpis_of(open_test())

    assert kpis["test.bought.new.delta_abs"] == {
        "metric": "test.bought.new.delta_abs", "period": "2026Q2", "value": 0.2, "unit": "share",
        "n": 200, "complete": True, "target": None, "flags": ["better"],
    }  # fmt: skip
    # Wald: 0.2 +- 1.96 * sqrt(0.2 * 0.8 / 100 + 0.4 * 0.6 / 100)
    assert kpis["test.bought.new.ci_low"]["value"] == pytest.approx(0.2 - 0.123959, abs=1e-6)
    assert [(kpis[f"test.bought.{arm}"]["value"], kpis[f"test.bought.{arm}"]["n"])
            for arm in ("control", "new")] == [(0.2, 100), (0.4, 100)]  # fmt: skip
    decision = kpis["test.decision"]
    assert (decision["value"], decision["flags"][::2]) == (None, ["ship", "winner: new"])
    assert kpis["test.users"]["value"] == 200
    assert {name.split(".")[1] for name in kpis} == {
        "users", "sample_ratio_p_value", "decision", "bought", "clicks", "per_click",
    }  # fmt: skip


def test_no_number_of_a_test_without_trust_is_in_the_machine_readable_file(open_test):
    exposures, events = frames(per_arm=400)
    lost = (exposures["variant"] == "new") & (exposures["user_id"].str[-1] < "3")

    kpis = kpis_of(open_test(data=(exposures[~lost], events)))

    assert kpis["test.decision"]["flags"][0] == "invalid"
    means = [row for name, row in kpis.items() if name.startswith("test.bought")]
    assert all(row["value"] is None and "withheld" in row["flags"][0] for row in means)
    assert kpis["test.sample_ratio_p_value"]["value"] < 0.001


def test_the_share_of_users_in_several_variants_stands_by_the_variant_seen_first(open_test):
    allocation = parts(experiments.trust_section(open_test(data=users_in_both_arms())), Table)[1]
    without = parts(experiments.trust_section(open_test()), Table)[1]

    # 58 of the 400 users who saw control first
    assert [row["crossed"] for row in allocation.rows] == ["14.5 %", "0.00 %"]
    assert "crossed" not in [column.key for column in without.columns]


def test_a_running_test_is_no_complete_kpi(open_test):
    kpis = kpis_of(open_test(as_of="2026-05-07"))

    assert not any(row["complete"] for row in kpis.values())


def test_a_missing_relative_effect_says_why_in_the_machine_readable_file(open_test):
    kpis = kpis_of(open_test(data=frames(buyers=(0, 40))))

    assert kpis["test.bought.new.delta_rel"]["value"] is None
    assert kpis["test.bought.new.delta_rel"]["flags"] == ["control's mean cannot be told from zero"]


def test_a_test_that_nobody_saw_has_its_users_alone_in_the_machine_readable_file(open_test):
    exposures, events = frames()

    kpis = kpis_of(open_test(data=(exposures.assign(experiment="other"), events)))

    assert {name: row["value"] for name, row in kpis.items()} == {"test.users": 0}
