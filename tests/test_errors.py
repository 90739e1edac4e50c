import types

import pytest

from kpikit.errors import (
    AnalysisError,
    DataQualityError,
    KpikitError,
    ParamsError,
    PeriodError,
    RenderError,
    SealError,
    SourceError,
    TemplateError,
    UnknownNameError,
    check_choice,
    hint_names,
    nearest_names,
    unknown_name,
)


def test_the_nearest_name_comes_first():
    nearest = nearest_names("net_revenu", ["gross_revenue", "net_revenue", "orders"])

    assert nearest == ["net_revenue", "gross_revenue"]


def test_letter_case_does_not_part_names():
    assert nearest_names("NPS", ["nps", "csat"]) == ["nps"]


def test_at_most_as_many_names_as_asked_for():
    assert nearest_names("mau", ["wau", "dau", "mau"], most=1) == ["mau"]


def test_a_higher_cutoff_leaves_out_what_is_less_alike():
    assert nearest_names("event_date", ["event_time"]) == ["event_time"]
    assert nearest_names("event_date", ["event_time"], cutoff=0.85) == []


def test_letters_in_the_wrong_order_are_the_likeliest_slip():
    assert nearest_names("GPB", ["PAB", "GIP", "GBP"], most=1) == ["GBP"]


def test_nothing_is_near_to_nothing():
    assert nearest_names("mau", []) == []
    assert nearest_names("", ["mau"]) == []


def test_a_hint_asks_for_the_nearest_and_lists_all_in_order():
    assert hint_names("wua", ["wau", "mau"]) == "Did you mean 'wau'? Defined: mau, wau."


def test_a_hint_without_a_near_name_only_lists():
    assert hint_names("zzz", ["wau", "mau"], label="Metrics") == "Metrics: mau, wau."


def test_a_hint_on_nothing_defined_says_none():
    assert hint_names("wau", []) == "Defined: none."


def test_an_unknown_name_says_what_where_and_what_to_do():
    error = unknown_name("metric", "wua", "params/atlas.yml: metrics", ["mau", "wau"])

    assert str(error) == (
        "Unknown metric 'wua' in params/atlas.yml: metrics.\nDid you mean 'wau'? Defined: mau, wau."
    )


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (ParamsError, ValueError),
        (SourceError, ValueError),
        (AnalysisError, ValueError),
        (DataQualityError, ValueError),
        (PeriodError, ValueError),
        (TemplateError, ValueError),
        (UnknownNameError, LookupError),
        (SealError, Exception),
        (RenderError, Exception),
    ],
)
def test_every_mistake_is_a_kpikit_error_and_of_pythons_family(error, family):
    assert issubclass(error, KpikitError)
    assert issubclass(error, family)


def test_a_choice_that_is_allowed_passes():
    check_choice("kind", "bounded", ["bounded", "unbounded"], "retention_table")


def test_a_choice_that_is_not_allowed_is_named_with_the_nearest():
    with pytest.raises(AnalysisError, match="kind is 'bound' in retention_table") as caught:
        check_choice("kind", "bound", ["bounded", "unbounded"], "retention_table")

    assert "Did you mean 'bounded'? Choices: bounded, unbounded." in str(caught.value)


def test_a_message_is_printed_as_it_is_written():
    # KeyError would print its message in quotes with \n escaped; LookupError does not
    assert str(UnknownNameError("one\ntwo")) == "one\ntwo"


@pytest.fixture
def asked_by(monkeypatch):
    """Pretend that a kernel runs a request with these metadata; return what it displays."""

    def ask(metadata):
        shown = []
        kernel = types.SimpleNamespace(get_parent=lambda _channel: {"metadata": metadata})
        shell = types.SimpleNamespace(kernel=kernel)
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        monkeypatch.setattr("IPython.display.display", shown.append)
        return shown

    return ask


def raised():
    with pytest.raises(ParamsError) as caught:
        raise ParamsError("Unknown metric '<wua>'.\nDid you mean 'wau'?")
    return caught.value


def test_before_a_page_the_message_stands_alone_with_the_traceback_folded(asked_by):
    shown = asked_by({"cellId": "c1"})

    error = raised()
    lines = error._render_traceback_()

    assert lines == ["ParamsError: Unknown metric '<wua>'.\nDid you mean 'wau'?"]
    assert error._render_traceback_() == lines  # asked again, for the kernel's reply
    [folded] = shown
    assert folded.data.startswith("<details><summary>Traceback</summary><pre>Traceback (most")
    assert "&lt;wua&gt;" in folded.data


def test_in_a_run_the_traceback_stands_in_full(asked_by):
    shown = asked_by({})

    lines = raised()._render_traceback_()

    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2:] == [
        "kpikit.errors.ParamsError: Unknown metric '<wua>'.", "Did you mean 'wau'?",
    ]  # fmt: skip
    assert shown == []
