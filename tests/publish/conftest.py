"""Plans of small templates whose cells show a cover and KPIs, so that a run takes a second."""

import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from kpikit.publish.identity import Identity, hash_text
from kpikit.publish.plan import Plan, PlannedReport
from kpikit.publish.template import Template

PARAMETERS = 'product: str = "nobody"\nperiod: str = ""\nparams_dir: str = "params"'
COVER = """
import os
from kpikit.present.components import Cover, Paragraph, Stack

Cover(
    title=f"{product}: review {period}",
    product_key=product,
    product_name=product,
    period_label=period,
    period_text=period,
    as_of="2026-09-30",
    state="final",
    run_id=os.environ["KPIKIT_RUN_ID"],
    data_hash=f"data of {product}",
)
"""
KPIS = """
row = {"metric": "orders", "period": period, "value": 4672.0, "unit": "count", "n": 4672,
       "complete": True, "target": None, "flags": []}
Stack(items=(Paragraph(f"4,672 orders of {product}"),), kpis=(row,))
"""


def code_cell(source, *tags):
    return {
        "cell_type": "code",
        "id": hash_text(source)[:8],
        "metadata": {"tags": list(tags)},
        "source": source.strip(),
        "outputs": [],
        "execution_count": None,
    }


def notebook_json(*cells, parameters=PARAMETERS):
    """Return a template's text: the parameters cell and the code cells given."""
    content = {
        "cells": [code_cell(parameters, "parameters"), *map(code_cell, cells)],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content)


def planned(product, *cells, period="2026Q3", template="mini", params_dir=Path("params")):
    """Return a planned report whose template shows the cells; cover and KPIs if none is given."""
    text = notebook_json(*(cells or (COVER, KPIS)))
    identity = Identity(
        template=hash_text(text),
        parameters=hash_text(f"{product} {period}"),
        data=f"data of {product}",
        source="source",
        lock="lock",
    )
    opened = Template(template, text, ("product", "period", "params_dir"))
    return PlannedReport(opened, product, period, params_dir.absolute(), identity)


def plan_of(*reports):
    return Plan(reports, ())


def files_below(folder):
    """Return every file of a folder by relative name, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def make():
    """The functions of this module, for tests cannot import it."""
    return SimpleNamespace(
        cover=COVER,
        kpis=KPIS,
        code_cell=code_cell,
        notebook_json=notebook_json,
        planned=planned,
        plan_of=plan_of,
        files_below=files_below,
    )


@pytest.fixture
def short_folder():
    """A folder whose path leaves room for the names of a kernel's sockets."""
    folder = Path(tempfile.mkdtemp(prefix="kk-"))
    yield folder
    shutil.rmtree(folder)
