"""What ``kpikit run`` is measured against: the loop that users write, a tidier loop, the floor.

``python -m benchmarks.peers loop|api|floor TEMPLATE PARAMS OUTPUT PRODUCT ...`` makes the reports
of the products and ends; the floor prints what one report took.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

WORKERS = 2


def loop(template: Path, params: Path, output: Path, products: list[str]) -> None:
    """Run papermill, then nbconvert, for each product: two commands, two products at once."""
    bin_dir = Path(sys.executable).parent

    def make(product: str) -> None:
        made = str(output / f"{product}.ipynb")
        options = ["-p", "product", product, "-p", "params_dir", str(params)]
        for command in (
            [str(bin_dir / "papermill"), str(template), made, *options],
            [str(bin_dir / "jupyter"), "nbconvert", "--to", "html", made],
        ):
            subprocess.run(command, check=True, capture_output=True)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(make, products))


def api(template: Path, params: Path, output: Path, products: list[str]) -> None:
    """Call papermill and nbconvert from two processes that live for all products."""
    jobs = [(template, params, output / f"{product}.ipynb", product) for product in products]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        list(pool.map(_make_by_api, jobs))


def _make_by_api(job: tuple[Path, Path, Path, str]) -> None:
    import papermill  # noqa: PLC0415 - the child's import
    from nbconvert import HTMLExporter  # noqa: PLC0415 - as above

    template, params, made, product = job
    given = {"product": product, "params_dir": str(params)}
    papermill.execute_notebook(str(template), str(made), given, progress_bar=False)
    page, _ = HTMLExporter().from_filename(str(made))
    made.with_suffix(".html").write_text(page, encoding="utf-8")


def floor(template: Path, params: Path, output: Path, products: list[str]) -> None:
    """Run the cells in this warm interpreter and write the same page; print both medians.

    The first product warms: what it imports, and the fonts that all pages carry, count for none.
    """
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    import nbformat  # noqa: PLC0415 - nothing of it counts
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415 - as above

    from kpikit.publish.html import render_html  # noqa: PLC0415 - as above

    shell = InteractiveShell.instance()
    took = []
    for product in products:
        notebook = nbformat.read(template, as_version=4)
        given = f"product = {product!r}\nparams_dir = {str(params)!r}"
        notebook.cells[0].source += f"\n{given}"
        start = time.process_time()
        shell.reset(new_session=False)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = _run(shell, cell.source)
        ran = time.process_time()
        page = render_html(notebook)
        took.append((ran - start, time.process_time() - ran))
        (output / f"{product}.html").write_text(page, encoding="utf-8")
    cells, html = (statistics.median(column) for column in zip(*took[1:], strict=True))
    print(json.dumps({"cells": cells, "html": html}))


def _run(shell: Any, source: str) -> list[Any]:
    """Run a cell and return its outputs, as a kernel's client collects them."""
    from IPython.utils.capture import capture_output  # noqa: PLC0415 - not before the shell
    from nbformat.v4 import new_output  # noqa: PLC0415 - as above

    with capture_output() as captured:
        result = shell.run_cell(source, store_history=True)
    result.raise_error()
    outputs = [
        new_output("display_data", data=shown.data, metadata=shown.metadata or {})
        for shown in captured.outputs
    ]
    if captured.stdout:
        outputs.insert(0, new_output("stream", name="stdout", text=captured.stdout))
    return outputs


if __name__ == "__main__":
    kind, *places = sys.argv[1:]
    template, params, output = (Path(place) for place in places[:3])
    {"loop": loop, "api": api, "floor": floor}[kind](template, params, output, places[3:])
