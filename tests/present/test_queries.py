import textwrap

import duckdb

from kpikit.present.queries import fold_columns

QUERY = textwrap.dedent(
    """\
    SELECT
      "t1"."a",
      "t1"."b",
      SUM("t1"."c") AS "c",
      COUNT(*) AS "n"
    FROM (
      SELECT
        "t0"."a",
        "t0"."b",
        "t0"."c"
      FROM "t0"
    ) AS "t1"
    GROUP BY
      1,
      2
    """
)


def test_bare_columns_share_a_line_and_expressions_keep_theirs():
    assert fold_columns(QUERY) == textwrap.dedent(
        """\
        SELECT
          "t1"."a", "t1"."b",
          SUM("t1"."c") AS "c",
          COUNT(*) AS "n"
        FROM (
          SELECT
            "t0"."a", "t0"."b", "t0"."c"
          FROM "t0"
        ) AS "t1"
        GROUP BY
          1, 2"""
    )


def test_a_line_grows_no_wider_than_asked_for():
    folded = fold_columns('  "t0"."a",\n  "t0"."b",\n  "t0"."c"', width=21)

    assert folded == '  "t0"."a", "t0"."b",\n  "t0"."c"'


def test_a_column_at_another_depth_begins_a_line():
    assert fold_columns('  "a",\n    "b"') == '  "a",\n    "b"'


def test_a_folded_query_gives_what_it_gave():
    duck = duckdb.connect()
    duck.execute('CREATE TABLE "t0" AS SELECT 1 AS a, 2 AS b, 3 AS c')

    assert duck.execute(fold_columns(QUERY)).fetchall() == duck.execute(QUERY).fetchall()
