"""The header and delimiter of text files."""

import pytest

from kpikit.sources.text import text_layout


@pytest.fixture
def layout(write):
    def make(content, declared=None):
        return text_layout(write("data.csv", content), "data.csv", declared)

    return make


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (b"a,b\n1,2\n", ","),
        (b"a;b\n1,5;2,5\n", ";"),
        (b"a\tb\n1\t2\n", "\t"),
        (b"a|b\n1|2\n", "|"),
        (b'a;b\n"x;y,z";"1,2"\n', ";"),
        (b"a\n1\n", ","),
    ],
)
def test_the_delimiter_is_the_one_by_which_records_fit_the_header(layout, content, delimiter):
    assert layout(content).delimiter == delimiter


def test_a_declared_delimiter_is_not_questioned(layout):
    assert layout(b"a,b;c\n1,2;3\n", ";").header == ("a,b", "c")


def test_names_are_trimmed_and_told_apart_whatever_their_case(layout):
    header = layout(b"\xef\xbb\xbfid, Name ,name,,name\n1,2,3,4,5\n").header

    assert header == ("id", "Name", "name_2", "column_4", "name_3")


def test_a_record_over_several_lines_is_one(layout):
    assert layout(b'a,b\n1,"x\ny"\n2,z\n').header == ("a", "b")


def test_a_sample_cut_inside_a_character_still_reads(layout):
    body = "1,é\n" * 60_000

    assert layout(("a,b\n" + body).encode()).header == ("a", "b")
    assert layout(("a,b," + "é" * 90_000).encode()).header[:2] == ("a", "b")


def test_no_more_than_a_sample_of_records_is_looked_at(layout):
    assert layout(b"a,b\n" + b"1,2\n" * 300).delimiter == ","
