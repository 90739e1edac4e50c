"""The funnel analysis from small data: every section's words and numbers, and what is refused."""

import datetime as dt

import pytest

from kpikit.errors import UnknownNameError
from kpikit.present.components import Absence, Callout, Figure, Headlines, Row, Stack, Table
from kpikit.publish.checking import check_product
from kpikit.sections.funnels import FunnelSections
from kpikit.sections.funnels.compact import funnel_section
from tests.sections.conftest import open_in

FUNNELS = """
    source: {tables: {events: {files: events.csv}}, as_of: 2026-09-30}
    metrics: [active_users]
    segments: [device]
    funnels:
      sale: {steps: [view, {name: put in cart, event: [cart, basket]}, buy], window: 2d,
             value_per_conversion: 20}
"""
SECTIONS = [
    "summary", "steps", "trend", "where_lost", "times", "paths", "retention", "data_quality",
    "method",
]  # fmt: skip


def events_csv(days, *, buys=lambda day, user: user < 5, start="2026-04-01"):
    """Return the events of ten new users a day: all view, eight put in the cart, some buy."""
    lines = ["user_id,event,event_time,device", f"guest,basket,{start}T09:00:00,desk"]
    first = dt.date.fromisoformat(start)
    for day in range(days):
        date = first + dt.timedelta(days=day)
        for user in range(10):
            key, device = f"u{day}-{user}", ("phone", "desk")[user % 2]
            lines.append(f"{key},view,{date}T10:00:00,{device}")
            if user < 8:
                lines.append(f"{key},cart,{date}T10:10:00,{device}")
            if user < 8 and buys(date, user):
                lines.append(f"{key},buy,{date}T10:30:00,{device}")
    return "\n".join(lines) + "\n"


def files_of(days, **keywords):
    return {"events.csv": events_csv(days, **keywords)}


def texts_of(component):
    """Return every text that a component shows, in order."""
    if isinstance(component, Stack | Row):
        return [text for item in component.items for text in texts_of(item)]
    if isinstance(component, Headlines):
        return [component.title, *(f"{item.claim} {item.rest}" for item in component.items)]
    if isinstance(component, Table):
        cells = [
            cell if isinstance(cell, str) else cell.text
            for row in component.rows
            for cell in row.values()
        ]
        return [component.title, component.subtitle, *cells, *component.notes]
    if isinstance(component, Figure):
        return [component.title, component.subtitle, component.alt]
    return [component.text]


@pytest.fixture
def sections(open_context):
    def open_(yaml=FUNNELS, csv=None, **keywords):
        csv = events_csv(183) if csv is None else csv
        return FunnelSections(open_context(yaml, {"events.csv": csv}, **keywords))

    return open_


@pytest.fixture(scope="module")
def sale(tmp_path_factory):
    """The funnel in half a year of days that are all alike."""
    return FunnelSections(open_in(tmp_path_factory.mktemp("sale"), FUNNELS, files_of(183)))


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    """The same, but buying fails from 10 to 29 August for nearly all."""

    def buys(day, user):
        fails = dt.date(2026, 8, 10) <= day <= dt.date(2026, 8, 29)
        return user < (1 if fails else 5)

    folder = tmp_path_factory.mktemp("outage")
    return FunnelSections(open_in(folder, FUNNELS, files_of(183, buys=buys)))


def test_the_period_ends_where_entries_have_had_their_window(sale):
    (reading,) = sale.readings

    assert reading.periods["actual"].last_day == dt.date(2026, 9, 28)
    assert reading.now["users"].tolist() == [900, 720, 450]  # 90 days of ten users
    assert reading.periods["previous"].days == 90


def test_the_summary_tells_conversion_weakest_step_and_most_lost_in_users(sale):
    (headlines,) = sale.summary().items

    assert headlines.title == "Sale: 50.0 % of those who enter convert; the weakest step is “buy”"
    told = [f"{item.claim} {item.rest}" for item in headlines.items]
    assert told[0].startswith("Sale: 50.0 % of the 900 users who entered converted (46.7 to 53.3 %")
    assert "on 2026Q2: no more than chance" in told[0]
    assert told[1].startswith(
        "The weakest step is “buy”: 270 of the 720 users at “put in cart” went no further (37.5 %);"
        " worth about 270 conversions, €5.40 k, if they are like those who did go on"
    )


def test_every_number_of_the_page_s_kpis_is_that_of_the_funnel(sale):
    rows = {row["metric"]: row for row in sale.summary().metadata()["kpis"]}

    assert {name: (row["value"], row["n"]) for name, row in rows.items()} == {
        "sale.conversion": (0.5, 900),
        "sale.put in cart": (0.8, 900),
        "sale.buy": (0.625, 720),
    }
    assert rows["sale.buy"] == {
        "metric": "sale.buy", "period": "2026Q3", "value": 0.625, "unit": "share", "n": 720,
        "complete": False, "target": None, "flags": [],
    }  # fmt: skip


def test_an_outage_is_dated_in_the_summary_and_shaded_in_the_weeks(outage):
    told = texts_of(outage.summary())
    where = texts_of(outage.where_lost())

    (incident,) = [text for text in told if "worked for" in text]
    assert incident.startswith(
        "From 10 Aug to 29 Aug 2026 the step to “buy” worked for 12.5 % of users (20 of 160), "
        "against 62.5 % on the other days"
    )
    assert where[0] == "From 10 Aug to 29 Aug 2026 the step to “buy” worked for 12.5 % of users"
    assert "12 %: 10 Aug – 29 Aug 2026" in where[2]


def test_a_fall_against_the_period_before_is_told_with_its_interval(outage):
    told = texts_of(outage.summary())

    (change,) = [text for text in told if "fell to" in text]
    assert change.startswith("The step to “buy” fell to 51.4 % from 62.5 % in 2026Q2 (−11.1 pt, ")
    assert change.endswith("more than chance.")


def test_without_an_incident_the_section_says_so(sale):
    where = texts_of(sale.where_lost())

    assert where[0] == (
        "Funnel “sale”: on no stretch of days was the rate of a step lower by more than chance "
        "makes it (1 % for each step)."
    )


def test_a_segment_that_lags_behind_is_named_with_its_difference(sections):
    csv = events_csv(183, buys=lambda day, user: user % 2 == 1 or user < 3)

    opened = sections(csv=csv)

    told = texts_of(opened.summary())
    assert any(
        text.startswith("Device “phone” does worse at the step to “buy”: 50.0 % of 360 users, "
                        "100.0 % of all others (−50.0 pt, ")
        for text in told
    )  # fmt: skip
    where = texts_of(opened.where_lost())
    assert "“phone” lags behind at the step to “buy”: 50.0 %, 100.0 % of all others" in where
    assert "50.0 % (−50.0 pt)" in where


def test_the_table_of_steps_has_rates_intervals_changes_and_losses(sale):
    table = next(item for item in sale.steps().items if isinstance(item, Table))

    assert [column.label for column in table.columns] == [
        "Step", "Users", "Of all who entered", "Of the step before", "95 % interval",
        "Against 2026Q2", "Median time", "Users lost", "Conversions lost", "Value lost",
    ]  # fmt: skip
    last = {key: getattr(cell, "text", cell) for key, cell in table.rows[-1].items()}
    assert last["step"] == "3  buy"
    assert (last["users"], last["overall"], last["rate"]) == ("450", "50.0 %", "62.5 %")
    assert (last["median"], last["lost"], last["value"]) == ("20 min", "270", "€5.40 k")
    assert table.notes[-1] == "Not compared with 2025Q3: the data begin on 1 Apr 2026."


def test_what_is_not_mature_is_said_below_the_table(sale):
    assert texts_of(sale.steps())[-1] == (
        "Entries of 1 Jul – 28 Sep 2026 count: of 2026Q3, later ones have not had their full 2d "
        "yet. Comparisons take as many first days of the others."
    )


def test_the_trend_tells_weeks_and_months_with_their_signals(sale):
    texts = texts_of(sale.trend())

    assert texts[0] == "Conversion was 50.0 % in 2026-W39; 0 signals in 26 weeks"
    assert texts[-1] == "By week: No period is more than routine variation."


def test_times_tell_half_and_most_of_those_who_convert(sale):
    texts = texts_of(sale.times())

    assert texts[0] == "Half convert within 30 min, 90 % within 30 min"
    assert "to “buy”, from the step before: median" in texts


def test_paths_tell_what_those_lost_did_before_and_instead(sale):
    texts = texts_of(sale.paths())

    assert texts[0] == "100 % of those lost came to “put in cart” from “view”"
    assert "After “put in cart”, 100 % of those lost did nothing more" in texts


def test_retention_tells_who_is_new_and_how_often_users_come(sale):
    texts = texts_of(sale.retention())

    assert any("300 users in 2026-09: 300 new, 0 returning" in text for text in texts)
    assert any(text.startswith("100 % came on one day of 2026-09 alone") for text in texts)


def test_a_step_that_never_occurs_leaves_no_rate_behind(sections):
    yaml = FUNNELS.replace("buy]", "{name: bought, event: buy, where: {device: [tablet]}}, view2]")
    csv = events_csv(100) + "x,view2,2026-09-01T10:00:00,desk\n"

    opened = sections(yaml, csv)

    told = texts_of(opened.summary())
    assert told[0] == "Sale: 0.00 % of those who enter convert; the weakest step is “bought”"
    assert told[2].endswith("went no further: nobody at all got there.")
    rows = {row["metric"]: row for row in opened.summary().metadata()["kpis"]}
    assert (rows["sale.bought"]["value"], rows["sale.view2"]["value"]) == (0.0, None)
    assert rows["sale.view2"]["flags"] == ["nobody was at the step before"]
    assert texts_of(opened.times()) == [
        "Funnel “sale”: nobody converted, so there is no time to tell."
    ]
    for name in SECTIONS:
        assert texts_of(getattr(opened, name)())


def test_a_product_without_declared_funnels_is_told_how_to_declare_one(sections):
    opened = sections("source: {tables: {events: {files: events.csv}}}\n", events_csv(20))

    for name in SECTIONS[:6]:
        (absence,) = getattr(opened, name)().items
        assert isinstance(absence, Absence)
        assert absence.text.startswith("No funnel is declared; name its steps and window in shop.y")


def test_a_product_without_events_is_told_which_table_is_missing(open_context, shop):
    opened = FunnelSections(shop)

    assert texts_of(opened.summary()) == ["No data; map the table events under source: tables."]
    assert repr(opened) == "<FunnelSections none declared>"
    assert texts_of(opened.retention())


def test_a_funnel_that_nobody_entered_says_so_in_every_section(sections):
    opened = sections(csv=events_csv(20) + "x,open,2026-09-30T10:00:00,desk\n")

    for name in SECTIONS[:6]:
        assert "Funnel “sale”: nobody did its first step, “view”, in 2026Q3." in texts_of(
            getattr(opened, name)()
        )


def test_events_of_no_rows_are_told_in_every_section(sections):
    opened = sections(csv="user_id,event,event_time,device\n")

    for name in SECTIONS:
        assert texts_of(getattr(opened, name)())
    kpis = opened.summary().metadata()["kpis"]
    assert {(row["value"], row["n"]) for row in kpis} == {(None, 0)}


def test_a_period_without_a_full_window_yet_says_so(sections):
    yaml = FUNNELS.replace("window: 2d", "window: 200d")

    opened = sections(yaml)

    assert texts_of(opened.summary())[0] == (
        "Funnel “sale”: nobody who entered in 2026Q3 has had the full 200d yet."
    )
    assert opened.summary().metadata() == {}


def test_users_of_one_week_alone_make_no_trend_and_every_other_section(sections):
    opened = sections(csv=events_csv(5, start="2026-07-06") + "x,open,2026-09-30T10:00:00,desk\n")

    for name in SECTIONS:
        assert texts_of(getattr(opened, name)())
    assert "a trend takes two weeks in which users entered" in texts_of(opened.trend())[0]


def test_where_all_convert_nobody_is_said_to_be_lost(sections):
    steps = "steps: [view, {name: seen, event: view, where: {device: [desk]}}]"
    yaml = FUNNELS.replace("steps: [view, {name: put in cart, event: [cart, basket]}, buy]", steps)
    csv = "user_id,event,event_time,device\n" + "".join(
        f"u{day},view,2026-08-{day:02}T10:0{minute}:00,desk\n"
        for day in range(1, 29)
        for minute in (0, 1)
    )

    told = texts_of(sections(yaml, csv).summary())

    assert told[1] == "Sale: All who enter convert"
    assert "Nobody is lost on the way. " in told


@pytest.mark.parametrize("order", ["strict", "unordered"])
def test_funnels_of_every_order_have_every_section(sections, order):
    opened = sections(FUNNELS.replace("window: 2d", f"window: 2d, order: {order}"))

    for name in SECTIONS:
        assert texts_of(getattr(opened, name)())


def test_optional_steps_exclusions_and_other_attributions_have_every_section(sections):
    yaml = FUNNELS.replace(
        "window: 2d",
        "window: 2d, attribution: every_step, exclusions: [{event: cart, after: 1, before: 3}]",
    ).replace("event: [cart, basket]", "event: [cart], optional: true")

    opened = sections(yaml)

    assert opened.readings[0].worst == 3
    for name in SECTIONS:
        assert texts_of(getattr(opened, name)())


def test_a_wrong_event_name_is_refused_with_the_nearest_and_their_counts(sections, tmp_path):
    yaml = FUNNELS.replace("buy]", "bye]").replace("[cart, basket]", "[card, view]")

    opened = sections(yaml, events_csv(30, start="2026-07-01"))

    message = (
        r"Unknown event 'card' in .*shop.yml:\d+: funnels.sale.steps.1.event.\n"
        r"Did you mean 'cart' \(240 rows\)\? The events are view \(300\), cart \(240\), buy \(150\)"
        r", basket \(1\)\.\nUnknown event 'bye' in .*funnels.sale.steps.2"
    )
    with pytest.raises(UnknownNameError, match=message):
        opened.summary()
    lines, is_good = check_product(opened.context.loaded)
    assert not is_good
    assert "Did you mean 'cart' (240 rows)?" in lines[0]
    (callout,) = funnel_section(opened.context).items
    assert isinstance(callout, Callout)
    assert callout.title == "Funnels cannot be counted"


def test_section_7_of_the_review_draws_bars_and_the_first_dimension(sale):
    items = funnel_section(sale.context).items

    assert [type(item).__name__ for item in items] == ["Figure", "Paragraph", "Table"]
    assert items[1].text.endswith("Half of those who convert take less than 30 min.")
    assert "900" in items[0].alt


def test_section_7_without_events_names_the_table(shop):
    assert texts_of(funnel_section(shop)) == ["No data; map the table events under source: tables."]
