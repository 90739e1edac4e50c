"""The words of a funnel's report, made by rule from the frames that it shows.

A change is said to be more than chance where its p-value, corrected for all steps or segments
tested with it, is below 0.05; what goes with conversion is never said to bring it about.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from kpikit.formats import (
    format_count,
    format_date,
    format_delta,
    format_interval,
    format_money,
    format_part,
    format_share,
    format_span,
    is_missing,
    plural,
)
from kpikit.present.components import Headline, Mark
from kpikit.present.frames import Row, day_of, in_words, records

ALPHA = 0.05


def quoted(name: str) -> str:
    """Return the name of a step or an event as words in quotation marks."""
    return f"“{in_words(name)}”"


def conversion_headline(overall: Row, change: Row | None, *, label: str, against: str) -> Headline:
    """Return how much a funnel converts, and what that is compared with.

    Args:
        overall: ``users``, ``previous_users``, ``step_rate``, ``ci_low``, ``ci_high`` of the whole.
        change: A row of ``funnel_change_table``; None where nothing can be compared.
        label: Name of the funnel.
        against: Name of the period compared with, or why there is none.
    """
    interval = format_interval(overall["ci_low"], overall["ci_high"], "share")
    claim = (
        f"{label}: {format_share(overall['step_rate'])} of the "
        f"{plural(int(overall['previous_users']), 'user')} who entered converted"
    )
    if change is None:
        return Headline("·", claim, f"({interval}; {against}).")
    return Headline(change_mark(change), claim, f"({interval}; {change_clause(change, against)}).")


def loss_headline(loss: Row, before: str, table: pd.DataFrame, *, currency: str) -> Headline:
    """Return at which step most conversions are lost, with their number and value.

    Args:
        loss: The step's row of ``funnel_loss_table``.
        before: Name of the step before.
        table: ``funnel_table``.
        currency: ISO code.
    """
    row = _step(table, loss["step"])
    if not loss["lost_users"]:
        return Headline("+", "Nobody is lost on the way.")
    claim = (
        f"The weakest step is {quoted(loss['name'])}: {format_count(loss['lost_users'])} of the "
        f"{format_count(row['previous_users'])} users at {quoted(before)} went no further"
    )
    if is_missing(loss["lost_conversions"]):
        return Headline("-", f"{claim}:", "nobody at all got there.")
    worth = f"about {plural(round(loss['lost_conversions']), 'conversion')}"
    if not is_missing(loss["lost_value"]):
        worth += f", {format_money(loss['lost_value'], currency, short=True)}"
    return Headline(
        "-", claim,
        f"({format_share(loss['lost_share'])}); worth {worth}, if they are like those who did go "
        "on: what there is to win at most.",
    )  # fmt: skip


def biggest_loss_headline(losses: pd.DataFrame, worst: int) -> Headline | None:
    """Return at which step most users are lost, where that is another than the weakest."""
    top = max(records(losses), key=lambda row: row["lost_users"])
    if top["step"] == worst or not top["lost_users"]:
        return None
    return Headline(
        "·", f"Most users in number are lost before {quoted(top['name'])}:",
        f"{format_count(top['lost_users'])} ({format_share(top['lost_share'])} of those at the "
        "step before).",
    )  # fmt: skip


def step_change_headlines(changes: pd.DataFrame, against: str) -> list[Headline]:
    """Return a sentence per step whose rate changed by more than chance."""
    return [
        Headline(
            change_mark(row),
            f"The step to {quoted(row['name'])} {'rose' if row['difference'] > 0 else 'fell'} to "
            f"{format_share(row['step_rate'])}",
            f"from {format_share(row['rate_before'])} in {against} "
            f"({change_interval(row)}), more than chance.",
        )
        for row in records(changes)
        if is_signal(row)
    ]


def incident_headline(name: str, found: Row) -> Headline:
    """Return when a step's rate was lower, and by how much."""
    return Headline("-", incident_claim(name, found), incident_rest(found))


def incident_claim(name: str, found: Row) -> str:
    """Return when the rate of a step was lower: ``From 19 May to 6 Jun 2024 ...``."""
    start, end = day_of(found["start"]), day_of(found["end"])
    if not found["is_over"]:
        when = f"Since {format_date(start)}"
    elif start == end:
        when = f"On {format_date(start)}"
    else:
        first = format_date(start)
        if start.year == end.year:
            first = first.rsplit(" ", 1)[0]
        when = f"From {first} to {format_date(end)}"
    return f"{when} the step to {quoted(name)} worked for {format_share(found['rate'])} of users"


def incident_rest(found: Row) -> str:
    """Return what the rate was else, and how sure that is."""
    return (
        f"({format_count(found['successes'])} of {format_count(found['trials'])}), against "
        f"{format_share(found['rest_rate'])} on the other days looked at; chance makes such a "
        f"stretch in {format_share(found['p_value'], digits=1)} of cases."
    )


def segment_headline(row: Row, dimension: str) -> Headline:
    """Return how a segment differs from all others at a step."""
    than = "worse" if row["difference"] < 0 else "better"
    mark: Mark = "-" if row["difference"] < 0 else "+"
    return Headline(
        mark,
        f"{in_words(dimension).capitalize()} {quoted(row['segment'])} does {than} at the step to "
        f"{quoted(row['name'])}:",
        f"{format_share(row['step_rate'])} of {format_count(row['previous_users'])} users, "
        f"{format_share(row['rest_rate'])} of all others ({change_interval(row)}), more than "
        "chance.",
    )  # fmt: skip


def signal_clause(rows: pd.DataFrame) -> str:
    """Return which periods of a trend are more than routine variation, as a sentence."""
    if "lower" not in rows or rows["lower"].isna().all():
        return "There are too few periods to tell signal from noise."
    found = [row for row in records(rows) if row["signal"]]
    if not found:
        return "No period is more than routine variation."
    told = [f"{row['period']} ({row['side']} routine)" for row in found[-4:]]
    more = f", and {len(found) - 4} before" if len(found) > 4 else ""
    return f"More than routine variation: {', '.join(told)}{more}."


def is_signal(row: Row) -> bool:
    """Tell whether a difference is more than chance, all tests beside it counted."""
    return not is_missing(row["p_adjusted"]) and row["p_adjusted"] < ALPHA


def change_mark(row: Row) -> Mark:
    """Return the mark of a change: good, bad, or no more than chance."""
    if not is_signal(row):
        return "·"
    return "+" if row["difference"] > 0 else "-"


def change_interval(row: Row) -> str:
    """Return a difference in points with its interval: ``−5.1 pt, −8.0 to −2.2``."""
    if is_missing(row["difference"]):
        return "not comparable"
    low, high = (
        format_delta(row[end], "share").removesuffix(" pt") for end in ("ci_low", "ci_high")
    )
    return f"{format_delta(row['difference'], 'share')}, {low} to {high}"


def change_clause(row: Row, against: str) -> str:
    """Return a change against a period, and whether it is more than chance."""
    if is_missing(row["difference"]):
        return f"nothing to compare in {against}"
    certain = "more than chance" if is_signal(row) else "no more than chance"
    return f"{change_interval(row)} on {against}: {certain}"


def funnel_title(overall: Row, weakest: str) -> str:
    """Return the message of a funnel's bars."""
    rate = format_share(overall["step_rate"])
    if overall["step_rate"] == 1:
        return "All who enter convert"
    return f"{rate} of those who enter convert; the weakest step is {quoted(weakest)}"


def trend_message(rows: pd.DataFrame, *, noun: str) -> str:
    """Return the message of a conversion's trend: its last period beside the mean of the others."""
    known = [row for row in records(rows) if not is_missing(row["value"])]
    if not known:
        return "No period has both users and a full window yet"
    last = known[-1]
    text = f"{noun} was {format_share(last['value'])} in {last['period']}"
    found = sum(bool(row.get("signal")) for row in known)
    return f"{text}; {plural(found, 'signal')} in {plural(len(known), str(last['grain']))}"


def incident_title(name: str, found: Row | None) -> str:
    """Return the message of a step's weeks."""
    if found is None:
        return f"No stretch of days stands out at the step to {quoted(name)}"
    return incident_claim(name, found)


def times_title(quantiles: pd.DataFrame) -> str:
    """Return the message of conversion times: ``Half convert within 12 min, 90 % within 3.1 d``."""
    by_share = {round(row["quantile"], 2): row["seconds"] for row in records(quantiles)}
    if not by_share:
        return "Nobody converted"
    return f"Half convert within {duration(by_share[0.5])}, 90 % within {duration(by_share[0.9])}"


def paths_title(paths: pd.DataFrame, *, outcome: str, step: str, direction: str) -> str:
    """Return the message of paths: what most did next to a step."""
    rows = [row for row in records(paths) if row["outcome"] == outcome]
    known = [row for row in rows if row["event"] != "(other)"]
    if not known:
        return f"Nobody {'dropped out' if outcome == 'dropped' else 'went on'} after {quoted(step)}"
    top = max(known, key=lambda row: row["users"])
    share = format_share(top["share"], digits=0)
    if direction == "before":
        if top["event"] == "(nothing)":
            return f"{share} of those lost had done nothing before {quoted(step)}"
        return f"{share} of those lost came to {quoted(step)} from {quoted(top['event'])}"
    if top["event"] == "(nothing)":
        return f"After {quoted(step)}, {share} of those lost did nothing more"
    return f"After {quoted(step)}, {share} of those lost did {quoted(top['event'])} next"


def lifecycle_title(last: Row) -> str:
    """Return the message of a lifecycle: who was active in the last period, and who was not."""
    parts = (f"{format_count(last[name])} {name}" for name in ("new", "returning", "resurrecting"))
    return (
        f"{plural(int(last['active_users']), 'user')} in {last['period']}: {', '.join(parts)}; "
        f"{format_count(last['dormant'])} stayed away"
    )


def stickiness_title(days: pd.DataFrame, label: str) -> str:
    """Return the message of active days: how many came on one day alone, and on many."""
    rows = records(days)
    once = f"{format_share(rows[0]['share'], digits=0)} came on one day of {label} alone"
    often = rows[min(7, len(rows) - 1)]
    count = int(often["active_periods"])
    share = format_part(often["cumulative_share"]) if often["cumulative_share"] else "nobody"
    return f"{once}, {share} on {count} or more"


def association_cells(row: Row) -> dict[str, str]:
    """Return the texts of a row of ``funnel_association_table``."""
    name = "Event" if row["kind"] == "event" else in_words(row["name"]).capitalize()
    return {
        "what": f"{name} {quoted(row['value'])}",
        "users": format_count(row["users_with"]),
        "rate": format_share(row["rate_with"]),
        "rest": format_share(row["rate_without"]),
        "odds": f"{row['odds_ratio']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})",
    }


def duration(seconds: float) -> str:
    """Return a length of time in the unit that reads best: ``42 s``, ``12 min``, ``3.1 days``."""
    if is_missing(seconds):
        return "–"
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            amount = seconds / size
            text = f"{amount:.0f}" if amount >= 9.95 else f"{amount:.1f}".removesuffix(".0")
            return f"{text} {'day' if (unit, text) == ('days', '1') else unit}"
    return f"{seconds:.0f} s"


def bin_labels(times: pd.DataFrame) -> list[str]:
    """Return what each bin of a histogram is called: ``< 1 min``, ``1 – 5 min``, ``> 4 days``."""
    labels = []
    for row in records(times):
        low, high = row["from_seconds"], row["to_seconds"]
        if is_missing(high):
            labels.append(f"> {duration(low)}")
        else:
            labels.append(f"< {duration(high)}")
    return labels


def covered_note(first_day: Any, periods: Mapping[str, Any], missing: Iterable[str]) -> str:
    """Return which comparisons the data do not reach back to."""
    names = " and ".join(periods[which].label for which in missing)
    return f"no comparison with {names}, for the data begin on {format_date(first_day)}"


def window_note(start: Any, end: Any, label: str, window: str) -> str:
    """Return which entries of an unfinished period count."""
    return (
        f"Entries of {format_span(start, end)} count: of {label}, later ones have not had their "
        f"full {window} yet. Comparisons take as many first days of the others."
    )


def _step(table: pd.DataFrame, step: int) -> dict[str, Any]:
    return records(table[table["step"] == step])[0]
