import pytest

from kpikit.errors import ParamsError
from kpikit.params import environment, expand_secrets, mask_secrets
from kpikit.params.environment import find_password, malformed_reference, note_references


@pytest.fixture(autouse=True)
def no_references(monkeypatch):
    monkeypatch.setattr(environment, "_referenced", set())


def test_references_are_replaced_by_the_environments_values(monkeypatch):
    monkeypatch.setenv("DB_USER", "reader")
    monkeypatch.setenv("DB_PASSWORD", "s3cr3t")

    url = expand_secrets("postgres://${DB_USER}:${DB_PASSWORD}@db/sales")

    assert url == "postgres://reader:s3cr3t@db/sales"


def test_text_without_references_stays():
    assert expand_secrets("duckdb://") == "duckdb://"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named_and_no_value_shown(monkeypatch, value):
    monkeypatch.setenv("DB_USER", "reader-of-secrets")
    if value is None:
        monkeypatch.delenv("DB_PASSWORD", raising=False)
    else:
        monkeypatch.setenv("DB_PASSWORD", value)

    with pytest.raises(ParamsError, match="variable 'DB_PASSWORD' is not set") as caught:
        expand_secrets("postgres://${DB_USER}:${DB_PASSWORD}@db/sales")

    assert "export DB_PASSWORD=..." in str(caught.value)
    assert "reader-of-secrets" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://me:hunter2@db/sales", "postgres://me:***@db/sales"),
        ("postgres://me:p@ss:w@db:5432/sales", "postgres://me:***@db:5432/sales"),
        ("postgres://:hunter2@db", "postgres://:***@db"),
        ("postgres://me@db:5432/sales", "postgres://me@db:5432/sales"),
        (
            "snowflake://x?user=me&password=a%20b&role=r",
            "snowflake://x?user=me&password=***&role=r",
        ),
        ("md:?motherduck_token=abc.def", "md:?motherduck_token=***"),
        ("https://x/?api_key=1&sas_token=2;Pwd=3", "https://x/?api_key=***&sas_token=***;Pwd=***"),
        ("postgres://me:a/b@db/sales", "postgres://me:***@db/sales"),
        (
            "could not connect: password = 'a b' host=db",
            "could not connect: password = *** host=db",
        ),
        ("UID=me;PWD={a;b};", "UID=me;PWD=***;"),
        ("http://db:8080/at@home", "http://db:8080/at@home"),
        ("two: a://b:c@d and e://f:g@h", "two: a://b:***@d and e://f:***@h"),
        ("no secret here: a=b, c: d @ e", "no secret here: a=b, c: d @ e"),
    ],
)
def test_passwords_in_urls_and_parameters_are_masked(text, masked):
    assert mask_secrets(text) == masked


def test_values_of_variables_that_a_product_refers_to_are_masked(monkeypatch):
    monkeypatch.setenv("WAREHOUSE_URL", "postgres://me:p%40ss@db/sales")
    note_references("${WAREHOUSE_URL}")

    masked = mask_secrets("postgres://me:p%40ss@db/sales refused 'p@ss' and 'p%40ss'")

    assert masked == "*** refused '***' and '***'"


def test_values_are_masked_once_they_were_expanded(monkeypatch):
    monkeypatch.setenv("TOKEN_OF_MINE", "abcd1234")
    assert mask_secrets("got abcd1234") == "got abcd1234"

    expand_secrets("${TOKEN_OF_MINE}")

    assert mask_secrets("got abcd1234x") == "got ***x"


def test_a_very_short_value_does_not_riddle_the_text(monkeypatch):
    monkeypatch.setenv("SHARD", "a")
    note_references("duckdb://${SHARD}")

    assert mask_secrets("a database has a name") == "*** database has *** name"


def test_a_variable_that_is_not_set_masks_nothing(monkeypatch):
    monkeypatch.delenv("UNSET", raising=False)
    note_references("${UNSET}")

    assert mask_secrets("all as it was") == "all as it was"


@pytest.mark.parametrize(
    ("text", "malformed"),
    [
        ("postgres://${USER}:${PASSWORD}@db", False),
        ("duckdb://", False),
        ("${PASS WORD}", True),
        ("${1ST}", True),
        ("${OPEN", True),
        ("${}", True),
    ],
)
def test_a_reference_has_a_name_in_braces(text, malformed):
    assert malformed_reference(text) is malformed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("postgres://me:hunter2@db/sales", True),
        ("postgres://me:${PASSWORD}@db/sales", False),
        ("postgres://me:${PASSWORD}@db/sales?sslpassword=x", True),
        ("snowflake://x?token=${TOKEN}", False),
        ("postgres://me@db:5432/sales", False),
        ("${WAREHOUSE_URL}", False),
        ("warehouse.duckdb", False),
    ],
)
def test_a_password_in_clear_is_found(text, found):
    assert find_password(text) is found


def test_a_long_output_is_masked_in_one_pass():
    text = "0123456789abcdef" * 20_000

    assert mask_secrets(text) == text
