"""``papermill --engine kpikit`` by hand: the same kernel, and no failure passes for a success."""

import subprocess
import sys

import nbformat
import papermill
import pytest

from kpikit.publish import engine

pytestmark = pytest.mark.slow


@pytest.fixture
def papermill_run(tmp_path, make):
    """Run cells by papermill's own command; return its exit code and the notebook it wrote."""

    def run(*cells):
        (tmp_path / "in.ipynb").write_text(make.notebook_json(*cells))
        command = [sys.executable, "-m", "papermill", "--engine", "kpikit", "--kernel", "python3"]
        done = subprocess.run(
            [*command, "in.ipynb", "out.ipynb", "-r", "product", "00123"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
        )
        return done.returncode, nbformat.read(tmp_path / "out.ipynb", as_version=4)

    return run


def test_the_engine_may_be_imported_before_papermill():
    code = (
        "import kpikit.publish.engine\n"
        "from papermill.engines import Engine, papermill_engines\n"
        "from kpikit.publish.engine import KpikitEngine\n"
        "assert papermill_engines.get_engine('kpikit') is KpikitEngine\n"
        "assert issubclass(KpikitEngine, Engine)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_module_has_no_other_engine():
    with pytest.raises(AttributeError, match=r"'kpikit\.publish\.engine' has no attribute 'Other'"):
        engine.Other  # noqa: B018 - reading it is the test


def test_a_notebook_runs_in_the_current_directory_and_says_that_its_kernel_lived(
    tmp_path, make, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.ipynb").write_text(make.notebook_json("import os; print(product, os.getcwd())"))

    notebook = papermill.execute_notebook(
        "in.ipynb",
        "out.ipynb",
        {"product": "00123"},
        engine_name="kpikit",
        kernel_name="python3",
        progress_bar=False,
    )

    assert notebook.cells[-1].outputs[0].text == f"00123 {tmp_path}\n"
    assert notebook.metadata.kpikit == {"kernel": "alive"}
    assert nbformat.read("out.ipynb", as_version=4).cells[-1].outputs == notebook.cells[-1].outputs


def test_a_kernel_that_dies_is_a_failure_that_the_notebook_shows(papermill_run):
    code, notebook = papermill_run("import os; os._exit(0)", "1")

    assert code == 1
    (error,) = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert (error.output_type, error.ename) == ("error", "DeadKernelError")
    assert notebook.metadata.kpikit.kernel == (
        "the kernel's process ended by itself, with exit code 0"
    )


def test_what_a_cell_prints_in_one_go_is_one_output(tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = """
import sys, time
for word in ("one ", "two ", "three"):
    print(word, end="", flush=True)
    time.sleep(0.05)
print("aside", file=sys.stderr, flush=True)
time.sleep(0.05)
print("four")
"""
    (tmp_path / "in.ipynb").write_text(make.notebook_json(parts, "1"))

    notebook = papermill.execute_notebook(
        "in.ipynb", None, engine_name="kpikit", kernel_name="python3", progress_bar=False
    )

    printed = [(output.name, output.text) for output in notebook.cells[1].outputs]
    assert printed == [("stdout", "one two three"), ("stderr", "aside\n"), ("stdout", "four\n")]


def test_the_notebook_is_handed_over_as_it_is_where_it_is_asked_for(tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.ipynb").write_text(make.notebook_json("1 / 0"))
    held = []

    left = papermill.execute_notebook(
        "in.ipynb",
        None,
        engine_name="kpikit",
        kernel_name="python3",
        progress_bar=False,
        on_notebook=held.append,
    )

    (notebook,) = held
    assert [cell.source for cell in notebook.cells[1:]] == ["1 / 0"]  # no mark of papermill's
    assert notebook.cells[-1].outputs[0].ename == "ZeroDivisionError"
    assert left.cells == []


def test_a_cell_that_raises_raises_where_papermill_is_called_alone(tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.ipynb").write_text(make.notebook_json("1 / 0"))

    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook(
            "in.ipynb", None, engine_name="kpikit", kernel_name="python3", progress_bar=False
        )
