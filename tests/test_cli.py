"""The command line as a user types it: what is printed, and the exit code."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

import kpikit
from kpikit import cli
from kpikit.errors import KpikitError
from kpikit.params import product_schema
from kpikit.publish.interrupts import RunStopped

COMMANDS = ("run", "check", "list", "doctor", "schema", "history", "diff", "new", "index")
PRODUCT = """\
product: {key: atlas, name: Atlas, stage: growth, currency: EUR}
source:
  as_of: 2026-09-30
  tables:
    orders:
      files: orders.csv
      columns: {order_id: order_id, user_id: user_id, order_time: order_time, revenue: revenue,
                currency: currency}
metrics: [net_revenue, orders]
"""
ORDERS = """\
order_id,user_id,order_time,revenue,currency
1,u1,2026-07-01 10:00:00,10.00,EUR
2,u2,2026-08-15 11:00:00,20.00,EUR
3,u1,2026-09-30 12:00:00,30.00,EUR
"""
CELLS = (
    'product: str = "nobody"\nperiod: str = ""\nparams_dir: str = "params"',
    "import kpikit as kk\n\nreport = kk.open_report(product, period=period)\nreport.cover()",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one product of three orders and one template, which is made current."""
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "atlas.yml").write_text(PRODUCT)
    (tmp_path / "params" / "orders.csv").write_text(ORDERS)
    (tmp_path / "notebooks").mkdir()
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(CELLS)
    ]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "notebooks" / "mini.ipynb").write_text(json.dumps(notebook))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KPIKIT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command line; return exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["kpikit", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return SimpleNamespace(code=end.value.code, out=printed.out, err=printed.err)

    return run


def test_help_lists_every_command(call):
    shown = call("--help")

    assert shown.code == 0
    assert tuple(re.findall(r"^  (\w+)  ", shown.out.partition("Commands:")[2], re.M)) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_and_explains_every_option(call, command):
    shown = call(command, "--help")

    assert f"Examples:\n    kpikit {command}" in shown.out
    options = shown.out.partition("Options:")[2].partition("Examples:")[0]
    for line in options.splitlines():
        if line.startswith("  --"):
            assert re.match(r"  --[a-z-]+( [A-Z=/]+| <[a-z ]+>)?  +\w", line), line


def test_the_version_is_printed(call):
    assert call("--version").out == f"kpikit {kpikit.__version__}\n"


def test_the_module_runs_like_the_command():
    printed = subprocess.check_output([sys.executable, "-m", "kpikit", "--version"], text=True)

    assert printed == f"kpikit {kpikit.__version__}\n"


@pytest.mark.usefixtures("project")
def test_products_and_templates_are_listed(call, project):
    (project / "params" / "beacon.yml").write_text("product: [")

    shown = call("list")

    assert shown.out == (
        "PRODUCT  NAME   STAGE   TABLES\n"
        "atlas    Atlas  growth  orders\n"
        "beacon                  cannot be read; see: kpikit check\n"
        "\n"
        "TEMPLATE\n"
        "mini\n"
    )


def test_a_list_loads_neither_ibis_nor_a_chart_library(project):
    code = (
        "import sys; sys.argv = ['kpikit', 'list']\n"
        "from kpikit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'ibis', 'pandas', 'matplotlib', 'papermill', 'nbconvert', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    printed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=project)

    assert printed.splitlines()[-1] == "[]"


def test_the_schema_is_printed_or_written(call, project):
    printed = call("schema")
    written = call("schema", "--output", "schema.json")

    assert json.loads(printed.out) == product_schema()
    assert (project / "schema.json").read_text() == printed.out
    assert written.out == "Wrote schema.json\n"


@pytest.mark.usefixtures("project")
def test_a_schema_that_cannot_be_written_is_told(call):
    shown = call("schema", "--output", "nowhere/schema.json")

    assert shown.code == 2
    assert shown.err == (
        "The schema could not be written to nowhere/schema.json: No such file or directory.\n"
        "Name a file in a folder that exists and can be written.\n"
    )


@pytest.mark.usefixtures("project")
def test_the_doctor_finds_nothing_missing_here(call):
    shown = call("doctor")

    assert (shown.code, shown.out.splitlines()[-1]) == (0, "Nothing is missing.")
    assert re.search(r"^ok       typst +0\.15", shown.out, re.M)


def test_the_doctor_tells_what_to_type(call, project):
    (project / "params" / "atlas.yml").unlink()

    shown = call("doctor")

    assert (shown.code, shown.out.splitlines()[-1]) == (1, "1 missing.")
    assert re.search(
        r"^MISSING  product files +none in params\n +type: kpikit run --params-dir DIR$",
        shown.out,
        re.M,
    )


@pytest.mark.usefixtures("project")
def test_a_check_tells_what_the_data_holds(call):
    shown = call("check")

    assert shown.code == 0
    assert shown.out.startswith("atlas: 1 table, 3 rows, 1 Jul – 30 Sep 2026\n")
    assert shown.out.endswith("1 of 1 products can be reported.\n")


def test_a_check_lists_faults_of_data_and_broken_files(call, project):
    (project / "params" / "orders.csv").write_text(ORDERS + "4,u4,yesterday,5.00,EUR\n")
    (project / "params" / "beacon.yml").write_text("product: {key: beacon, nam: Beacon}\n")
    (project / "params" / "comet.yml").write_text(
        PRODUCT.replace("atlas", "comet").replace("orders.csv", "absent.csv")
    )

    shown = call("check")

    assert shown.code == 1
    assert "  warning   orders.order_time: " in shown.out
    assert "beacon: FAILED\n  params/beacon.yml has " in shown.out
    assert "comet: FAILED\n" in shown.out
    assert "absent.csv" in shown.out
    assert shown.out.endswith("1 of 3 products can be reported.\n")


def test_a_check_gives_examples_and_names_a_segment_that_no_table_has(call, project):
    (project / "params" / "orders.csv").write_text(ORDERS + "4,u4,yesterday,5.00,EUR\n")
    path = project / "params" / "atlas.yml"
    path.write_text(path.read_text() + "segments: [curency]\n")

    shown = call("check")

    assert "(yesterday)" in shown.out
    assert "No table has the column 'curency' that segments names. Did you mean" in shown.out


def test_a_check_names_a_metric_that_does_not_fit_its_table(call, project):
    path = project / "params" / "atlas.yml"
    path.write_text(
        path.read_text().replace("metrics: [", "metrics: [big_orders, ")
        + "define:\n  - {name: big_orders, label: Big orders, question: How many?, table: orders,"
        " numerator: {sum: revenu}}\n"
    )

    shown = call("check")

    assert shown.code == 2
    assert "atlas: FAILED" in shown.out
    assert "revenu" in shown.out


def test_a_check_that_every_product_fails_ends_with_two(call, project):
    (project / "params" / "atlas.yml").write_text("product: [")

    shown = call("check")

    assert (shown.code, shown.out.splitlines()[-1]) == (2, "0 of 1 products can be reported.")


@pytest.mark.slow
def test_a_run_seals_and_prints_where_the_files_are(call, project):
    shown = call("run", "mini", "--formats", "html")

    folder = project / "output" / "2026Q3" / "atlas"
    assert shown.code == 0
    assert re.fullmatch(
        r"sealed     mini atlas 2026Q3  [\d.]+ s\n\n"
        r"PRODUCT  REPORT  PERIOD +TIME  MADE BECAUSE OF  OUTCOME\n"
        r"atlas    mini    2026Q3 +[\d.]+ s  never made       sealed\n\n"
        r"1 of 1 reports sealed in [\d.]+ s, (with warm kernels|1 of 1 kernels cold)\.\n"
        rf"  {folder}/mini\.html\n  {folder}/mini\.ipynb\n  {folder}/mini\.kpis\.json\n"
        rf"All reports: {project}/output/index\.html\n",
        shown.out,
    )
    facts = json.loads((folder / "mini.kpis.json").read_text())
    assert (facts["product"], facts["period"], facts["as_of"]) == ("atlas", "2026Q3", "2026-09-30")
    assert facts["run_id"] in (folder / "mini.html").read_text()


@pytest.mark.slow
def test_a_second_run_makes_nothing_until_something_changed(call, project):
    call("run", "mini", "--formats", "")
    kpis = project / "output" / "2026Q3" / "atlas" / "mini.kpis.json"
    made = kpis.stat().st_mtime_ns

    explained = call("run", "mini", "--formats", "", "--explain")
    second = call("run", "mini", "--formats", "")
    (project / "params" / "orders.csv").write_text(ORDERS.replace("30.00", "31.00"))
    as_json = call("run", "mini", "--formats", "html", "--explain", "--json")

    assert (explained.code, explained.out) == (0, "unchanged  mini atlas 2026Q3\n")
    assert second.code == 0
    assert re.search(
        r"^unchanged  mini atlas 2026Q3  0\.0 s\n\n"
        r"PRODUCT .*\natlas    mini    2026Q3 +unchanged\n\n"
        r"1 of 1 reports sealed in 0\.\d s, 1 of them unchanged\.$",
        second.out,
        re.M,
    )
    assert kpis.stat().st_mtime_ns == made
    assert json.loads(as_json.out) == {
        "reports": [
            {
                "product": "atlas",
                "template": "mini",
                "period": "2026Q3",
                "stale": ["data", "other formats asked for"],
            }
        ],
        "not_planned": [],
        "left_out": [],
    }


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(call, project):
    path = project / "notebooks" / "mini.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["source"] = notebook["cells"][1]["source"].partition("report.cover")[0]
    for section in ("cover", "scorecard", "trends"):
        cell = {**notebook["cells"][1], "id": section, "source": f"report.{section}()"}
        notebook["cells"].append(cell)
    path.write_text(json.dumps(notebook))

    ends = [call("run", "mini", "--force", "--output-dir", name).code for name in ("one", "two")]

    assert ends == [0, 0]
    # the executed notebook tells when each cell ran, and so differs
    for name in ("mini.html", "mini.pdf", "mini.kpis.json"):
        one, two = (project / folder / "2026Q3" / "atlas" / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name
    assert b"data:image/svg" in (project / "one" / "2026Q3" / "atlas" / "mini.html").read_bytes()


@pytest.mark.slow
def test_where_nothing_changed_neither_an_engine_nor_a_kernel_library_is_loaded(call, project):
    call("run", "mini", "--formats", "")
    code = (
        "import sys; sys.argv = ['kpikit', 'run', 'mini', '--formats', '']\n"
        "from kpikit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'ibis', 'duckdb', 'pandas', 'pyarrow', 'matplotlib', 'papermill', 'nbconvert',"
        " 'nbformat', 'jupyter_client'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    printed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=project)

    assert "1 of 1 reports sealed" in printed
    assert printed.splitlines()[-1] == "[]"


def test_what_was_never_made_is_explained_without_writing_a_file(call, project):
    (project / "params" / "beacon.yml").write_text("product: [")

    some = call("run", "mini", "--explain", "--force")
    (project / "params" / "atlas.yml").write_text("product: [")
    none = call("run", "mini", "--explain")

    assert some.code == 1
    assert some.out.startswith(
        "stale      mini atlas 2026Q3  because of: never made\n\nbeacon was not run:\n"
    )
    assert (none.code, none.out.count("was not run:")) == (2, 2)
    assert not (project / "output").exists()


@pytest.mark.slow
def test_a_run_with_a_broken_product_seals_the_others_and_prints_json(call, project):
    (project / "params" / "beacon.yml").write_text("product: {key: beacon, nam: Beacon}\n")

    shown = call("run", "mini", "--formats", "", "--json", "--jobs", "1", "--set", "product.name=A")

    told = json.loads(shown.out)
    assert shown.code == told["exit_code"] == 1
    assert [(entry["product"], entry["state"]) for entry in told["reports"]] == [
        ("atlas", "sealed")
    ]
    assert [entry["product"] for entry in told["not_planned"]] == ["beacon"]
    assert told["output_dir"] == str(project / "output")
    assert "beacon was not run:\n  params/beacon.yml has " in shown.err
    assert "1 of 2 reports sealed" in shown.err
    cover = (project / "output" / "2026Q3" / "atlas" / "mini.ipynb").read_text()
    assert '"product_name":"A"' in cover


def test_where_no_product_can_be_run_nothing_is_written(call, project):
    (project / "params" / "atlas.yml").write_text("product: [")

    shown = call("run", "mini")

    assert shown.code == 2
    assert "atlas was not run:\n" in shown.out
    assert not (project / "output").exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "minni"], r"Unknown template 'minni' in notebooks\.\nDid you mean 'mini'\? "),
        (
            ["run", "mini", "--product", "atls"],
            r"Unknown product 'atls' in params\.\nDid you mean ",
        ),
        (["run", "mini", "--period", "2026Q9"], r"'2026Q9' is no period: "),
        (
            ["run", "mini", "--formats", "htm"],
            r"Unknown format 'htm' in --formats\.\nDid you mean ",
        ),
        (["run", "mini", "--shard", "3/2"], r"--shard is '3/2', and parts are counted from 1 to 2"),
        (["run", "mini", "--junit", "no/j.xml"], r"--junit names no/j\.xml, and no file can be "),
        (["run", "mini", "--params-dir", "nope"], r"The folder of parameters 'nope' does not exi"),
        (["check", "--product", "atls"], r"Unknown product 'atls' in params\.\n"),
        (["list", "--params-dir", "nope"], r"The folder of parameters 'nope' does not exist\.\n"),
    ],
)
def test_a_mistake_in_the_call_prints_its_message_alone(call, arguments, message):
    shown = call(*arguments)

    assert (shown.code, shown.out) == (2, "")
    assert re.match(message, shown.err)
    assert "Traceback" not in shown.err


@pytest.mark.usefixtures("project")
def test_an_option_that_does_not_exist_ends_with_two(call):
    shown = call("run", "mini", "--prodct", "atlas")

    assert shown.code == 2
    assert "--prodct" in shown.err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KpikitError("What.\nDo this."), 2, "What.\nDo this.\n"),
        (RunStopped(15), 143, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_ends_a_command_decides_its_exit_code(call, monkeypatch, error, code, message):
    def app():
        raise error

    monkeypatch.setattr(cli, "app", app)

    shown = call("list")

    assert (shown.code, shown.err) == (code, message)


def test_a_shard_without_products_has_nothing_to_do_and_says_so(call, project):
    one, two = (call("run", "mini", "--explain", "--shard", f"{n}/2") for n in (1, 2))
    empty = call("run", "mini", "--quiet", "--shard", "2/2" if one.out else "1/2")
    told = call("index", "output")

    assert {one.out, two.out} == {"stale      mini atlas 2026Q3  because of: never made\n", ""}
    assert (one.code, two.code, empty.code, empty.out) == (0, 0, 0, "")
    run = json.loads((project / "output" / "run.json").read_text())
    assert (run["reports"], len(run["missing_shards"])) == ([], 1)
    assert (told.code, told.out.splitlines()[0]) == (1, "All reports: output/index.html")


@pytest.mark.usefixtures("project")
def test_an_index_of_nothing_is_made_and_one_of_no_folder_is_not(call, tmp_path):
    (tmp_path / "empty").mkdir()

    assert call("index", "empty").code == 0
    assert call("index", "absent").err.startswith("There is no folder absent.\n")


@pytest.mark.slow
def test_a_run_writes_junit_and_quietly_prints_failures_alone(call, project):
    path = project / "notebooks" / "mini.ipynb"
    path.write_text(path.read_text().replace("report.cover()", "1 / 0"))

    shown = call("run", "mini", "--formats", "", "--quiet", "--junit", "junit.xml")

    assert shown.code == 1
    assert re.fullmatch(
        r"failed     mini atlas 2026Q3  [\d.]+ s\n"
        r" +Cell \[3\] failed: ZeroDivisionError: division by zero\.\n",
        shown.out,
    )
    (failure,) = ET.parse(project / "junit.xml").iter("failure")
    assert failure.get("message") == "Cell [3] failed: ZeroDivisionError: division by zero."
