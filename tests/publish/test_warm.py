"""Warm kernels, with real processes: as cold ones in all but speed, and gone with who asked."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpikit.publish import summary, warm
from kpikit.publish.limits import Limits
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import make_plan
from kpikit.publish.runner import run_plan
from kpikit.publish.warming import WarmKernels
from kpikit.publish.worker import zygote_environment
from kpikit.sample.__main__ import main as make_samples

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux alone")

PLANT = """
import builtins, gc, json, os, random, pathlib, threading, time
import numpy as np
import pandas as pd
seen = {"planted": hasattr(builtins, "planted"), "env": os.environ.get("PLANTED", ""),
        "mean": pd.DataFrame.mean.__name__, "zone": time.tzname[0],
        "cwd": os.listdir(), "random": random.random(), "numpy": float(np.random.random()),
        "collects": gc.isenabled(), "pid": os.getpid(), "leader": os.getpgid(0),
        "threads": [thread.name for thread in threading.enumerate()],
        "files": [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                  if os.path.exists(f"/proc/self/fd/{fd}")]}
builtins.planted = True
os.environ["PLANTED"], os.environ["TZ"] = product, "Asia/Tokyo"
time.tzset()
pd.DataFrame.mean = lambda self: "wrong"
random.seed(1); np.random.seed(1)
planted_file = open("left.txt", "w")
planted_thread = threading.Thread(target=time.sleep, args=(600,), name="planted", daemon=True)
planted_thread.start()
os.mkdir("elsewhere"); os.chdir("elsewhere")
print(json.dumps(seen))
"""
CHART = """
import pandas as pd
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
pd.DataFrame([range(30)])
"""
KILL_PARENT = """
import os, pathlib, signal, time
flag = pathlib.Path({flag!r})
if not flag.exists():
    flag.touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
"""
GONE = "cold: the process that kernels are forked from is gone"


def kernels(result):
    """Return how each kernel was started, by product, as run.json says."""
    manifest = json.loads((result.output_dir / "run.json").read_text())
    return {entry["product"]: entry["kernel"] for entry in manifest["reports"]}


def printed(folder, product):
    cells = json.loads((folder / "2026Q3" / product / "mini.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(item["text"]) for item in outputs if item["output_type"] == "stream"]


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(condition, *, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    """The shipped review of a small sample product, cold and warm, and what the latter imported."""
    folder = tmp_path_factory.mktemp("review")
    make_samples(["--users", "300", "--folder", str(folder / "data")])
    shutil.copytree(ROOT / "params", folder / "params")
    (folder / "notebooks").mkdir()
    notebook = json.loads((ROOT / "notebooks" / "quarterly_review.ipynb").read_text())
    modules = folder / "modules"
    note = f"import pathlib, sys; pathlib.Path({str(modules)!r}).write_text(' '.join(sys.modules));"
    last = {"cell_type": "code", "id": "last", "metadata": {}, "outputs": [], "source": note}
    notebook["cells"].append({**last, "execution_count": None})
    (folder / "notebooks" / "quarterly_review.ipynb").write_text(json.dumps(notebook))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPIKIT_CACHE_DIR", str(folder / "cache"))
        plan = make_plan(
            "quarterly_review",
            products=["atlas"],
            params_dir=folder / "params",
            notebooks_dir=folder / "notebooks",
        )
        results = []
        for switch in ("cold", ""):
            patch.setenv(warm.SWITCH, switch)
            results.append(run_plan(plan, output_dir=folder / f"output{switch}"))
    return *results, set(modules.read_text().split())


def outputs(notebook):
    return [cell.get("outputs") for cell in json.loads(notebook)["cells"]]


@linux
@pytest.mark.slow
def test_warm_and_cold_kernels_give_the_same_review(review):
    cold, hot, _ = review

    assert [item.reasons for item in (*cold.outcomes, *hot.outcomes)] == [(), ()]
    assert (kernels(cold), kernels(hot)) == ({"atlas": "cold"}, {"atlas": "warm"})
    folder = hot.outcomes[0].report.folder
    for name in hot.outcomes[0].files:
        files = [(result.output_dir / folder / name).read_bytes() for result in (cold, hot)]
        if name.endswith(".ipynb"):  # which notes when each cell ran
            files = [outputs(file) for file in files]
        assert files[0] == files[1], name


@linux
@pytest.mark.slow
def test_a_warm_kernel_imports_no_part_of_a_large_package(review, tmp_path):
    """When this fails, name what it lists in ``warm._PRELOADS``: every report spends time on it."""
    hot, imported = review[1:]
    templates = [outcome.report.template.text for outcome in hot.outcomes]
    code = f"""
import sys
from kpikit.publish import zygote
zygote.preload({warm.preloads(templates)!r})
print(*sys.modules)
"""

    preloaded = subprocess.check_output(
        [sys.executable, "-c", code], env=zygote_environment(tmp_path), text=True
    )

    late = imported - set(preloaded.split())
    large = {"duckdb", "ibis", "kpikit", "matplotlib", "numpy", "pandas", "pyarrow", "scipy"}
    large |= {"seaborn", "sqlglot", "statsmodels", "tea_tasting", "debugpy"}
    assert {module for module in late if module.partition(".")[0] in large} == set()


@linux
@pytest.mark.slow
def test_nothing_that_one_report_plants_is_seen_by_the_next(tmp_path, make):
    keys = ["alpha", "bravo", "charlie"]
    plan = make.plan_of(*(make.planned(key, make.cover, CHART, PLANT) for key in keys))

    result = run_plan(plan, output_dir=tmp_path, formats=(), jobs=1)

    assert kernels(result) == dict.fromkeys(keys, "warm")
    seen = [json.loads(printed(tmp_path, key)[-1]) for key in keys]
    for found in seen:
        assert (found["planted"], found["env"], found["mean"]) == (False, "", "mean")
        assert found["zone"] == time.tzname[0]
        assert found["cwd"] == ["params"]
        assert found["collects"]
        assert found["leader"] == found["pid"]
        assert "planted" not in found["threads"]
        assert not [name for name in found["files"] if "left.txt" in name]
    for stream in ("random", "numpy", "pid"):
        assert len({found[stream] for found in seen}) == 3, stream


@linux
@pytest.mark.slow
def test_charts_and_frames_look_as_in_a_cold_kernel(tmp_path, make, monkeypatch):
    plan = make.plan_of(make.planned("atlas", make.cover, CHART))

    hot = run_plan(plan, output_dir=tmp_path / "warm", formats=("html",))
    monkeypatch.setenv(warm.SWITCH, "cold")
    cold = run_plan(plan, output_dir=tmp_path / "cold", formats=("html",))

    assert (kernels(hot), kernels(cold)) == ({"atlas": "warm"}, {"atlas": "cold"})
    name = "2026Q3/atlas/mini.html"
    page = (tmp_path / "warm" / name).read_bytes()
    assert b"image/png" in page
    assert page == (tmp_path / "cold" / name).read_bytes()


@linux
@pytest.mark.slow
def test_a_kernel_killed_in_mid_cell_breaks_the_seal(tmp_path, make):
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    plan = make.plan_of(make.planned("bad", make.cover, kill, make.kpis), make.planned("good"))

    result = run_plan(
        plan, output_dir=tmp_path, formats=(), jobs=1, limits=Limits(cell_seconds=60, retries=0)
    )

    assert [outcome.state for outcome in result.outcomes] == ["failed", "sealed"]
    assert "the kernel was killed by SIGKILL" in result.outcomes[0].reasons[0]
    assert kernels(result) == {"bad": "warm", "good": "warm"}


@linux
@pytest.mark.slow
def test_a_run_whose_zygote_is_killed_completes_with_cold_kernels(tmp_path, make):
    kill = KILL_PARENT.format(flag=str(tmp_path / "killed"))
    plan = make.plan_of(make.planned("first", make.cover, kill), make.planned("second"))

    result = run_plan(plan, output_dir=tmp_path, formats=(), jobs=1)

    assert [outcome.state for outcome in result.outcomes] == ["sealed", "sealed"]
    assert [outcome.attempts for outcome in result.outcomes] == [2, 1]
    assert kernels(result) == {"first": GONE, "second": GONE}
    assert f"2 of 2 kernels cold ({GONE.removeprefix('cold: ')})." in "".join(
        summary.result_lines(result)
    )


@linux
@pytest.mark.slow
def test_a_run_started_from_a_kernel_has_warm_kernels_too(tmp_path, make, monkeypatch):
    monkeypatch.setenv("JPY_PARENT_PID", "4711")

    result = run_plan(make.plan_of(make.planned("atlas")), output_dir=tmp_path, formats=())

    assert [outcome.state for outcome in result.outcomes] == ["sealed"]
    assert kernels(result) == {"atlas": "warm"}


RUNNER = """
import importlib.util, sys
from pathlib import Path
from kpikit.publish.runner import run_plan
from kpikit.publish.warming import WarmKernels
spec = importlib.util.spec_from_file_location("plans", sys.argv[1])
plans = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plans)
note = f'''
import os, pathlib, subprocess, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
pathlib.Path({sys.argv[2]!r}, f"{{product}}.new").write_text(
    f"{{os.getpid()}} {{os.getppid()}} {{child.pid}}")
os.rename(pathlib.Path({sys.argv[2]!r}, f"{{product}}.new"),
    pathlib.Path({sys.argv[2]!r}, f"{{product}}.pids"))
time.sleep(600)
'''
plan = plans.plan_of(*(plans.planned(key, note) for key in ("alpha", "bravo")))
run_plan(plan, output_dir=Path(sys.argv[2]), formats=(), jobs=2)
"""


@linux
@pytest.mark.slow
def test_a_killed_runner_leaves_neither_zygote_nor_kernel_nor_what_cells_started(
    tmp_path, short_folder
):
    conftest = Path(__file__).with_name("conftest.py")
    run = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(conftest), str(tmp_path)],
        env={**os.environ, "TMPDIR": str(short_folder)},
    )
    notes = [tmp_path / f"{key}.pids" for key in ("alpha", "bravo")]
    wait_until(lambda: all(note.exists() for note in notes))
    pids = {int(pid) for note in notes for pid in note.read_text().split()}
    zygotes = {int(note.read_text().split()[1]) for note in notes}
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in zygotes]

    run.kill()
    run.wait()

    assert len(pids) == 5
    assert [b"kpikit.publish.zygote" in command for command in commands] == [True]
    wait_until(lambda: not any(map(is_running, pids)), seconds=20)


@contextlib.contextmanager
def leased_kernel(folder, *modules):
    with warm.zygote(folder / "z", modules, env=zygote_environment(folder)) as address:
        connection = {"transport": "ipc", "ip": str(folder / "k"), "key": "k"}
        (folder / "k.json").write_text(json.dumps(connection))
        # run by every kernel when it starts: what a cell might leave behind
        start_up = folder / "ipython" / "profile_default" / "startup"
        start_up.mkdir(parents=True)
        (start_up / "left.py").write_text(
            "import pathlib, subprocess\n"
            "left = [subprocess.Popen(['sleep', '600'], start_new_session=new).pid\n"
            "        for new in (False, True)]\n"
            f"pathlib.Path({str(folder)!r}, 'left').write_text(' '.join(map(str, left)))\n"
        )
        yield warm.lease_kernel(
            address,
            argv=["kernel", "-f", str(folder / "k.json")],
            cwd=str(folder),
            env={**zygote_environment(folder), "IPYTHONDIR": str(folder / "ipython")},
            log=folder / "log",
        )


def left_behind(folder):
    return [int(pid) for pid in (folder / "left").read_text().split()]


@linux
@pytest.mark.slow
def test_a_lost_lease_kills_the_kernel_and_all_that_it_has_started(short_folder):
    with leased_kernel(short_folder, "ipykernel.kernelapp") as kernel:
        pids = [kernel.pid, *left_behind(short_folder)]
        were_running = [is_running(pid) for pid in pids]

        kernel._connection.close()

        assert were_running == [True, True, True]
        wait_until(lambda: not any(map(is_running, pids)), seconds=10)


@linux
@pytest.mark.slow
def test_a_kernel_ends_with_its_zygote(short_folder):
    with leased_kernel(short_folder, "ipykernel.kernelapp") as kernel:
        zygote = parent_of(kernel.pid)

    assert not is_running(zygote)
    assert kernel.wait(10) == -signal.SIGKILL
    wait_until(lambda: not is_running(kernel.pid), seconds=10)
    for pid in left_behind(short_folder):  # the worker's guard looks for these
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@linux
@pytest.mark.slow
def test_a_leased_kernel_has_the_face_of_a_process(short_folder):
    with leased_kernel(short_folder, "ipykernel.kernelapp") as kernel:
        before = kernel.poll()
        with pytest.raises(subprocess.TimeoutExpired):
            kernel.wait(0.01)
        kernel.kill()

        assert (before, kernel.wait(), kernel.poll()) == (None, -signal.SIGKILL, -signal.SIGKILL)
        kernel.terminate()  # nothing is left to be told


@linux
@pytest.mark.slow
def test_a_zygote_with_a_thread_refuses_to_fork(short_folder):
    (short_folder / "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    env = zygote_environment(short_folder)
    env["PYTHONPATH"] = os.pathsep.join([str(short_folder), env.get("PYTHONPATH", "")])

    with (
        warm.zygote(short_folder / "z", ["threaded"], env=env) as address,
        pytest.raises(OSError, match=r"^threaded has started 1 thread\(s\)$"),
    ):
        warm.lease_kernel(address, argv=[], cwd="/", env={}, log=None)


IMPORTING = """
import sys, time
from pathlib import Path
from kpikit.publish import warm
from kpikit.publish.worker import zygote_environment
folder = Path(sys.argv[1])
with warm.zygote(folder / "z", ["slowly"], env=zygote_environment(folder)):
    time.sleep(600)
"""


@linux
@pytest.mark.slow
def test_a_zygote_that_still_imports_ends_with_its_runner(short_folder):
    note = short_folder / "pid"
    (short_folder / "slowly.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", IMPORTING, str(short_folder)],
        env={**os.environ, "PYTHONPATH": str(short_folder)},
    )
    wait_until(lambda: note.exists() and note.read_text())

    run.kill()
    run.wait()

    wait_until(lambda: not is_running(int(note.read_text())), seconds=10)


@linux
@pytest.mark.slow
def test_importing_duckdb_still_opens_a_database_with_a_thread():
    """When this fails, delete the close in ``zygote.preload``: upstream opens it when asked."""
    code = "import duckdb, os; print(len(os.listdir('/proc/self/task')))"

    threads = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert int(threads) > 1


def test_where_warm_kernels_are_not_wanted_or_not_possible_there_is_no_zygote(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(warm.SWITCH, "cold")
    with warm.zygote(tmp_path / "z", [], env={}) as forbidden:
        pass
    monkeypatch.delenv(warm.SWITCH)
    monkeypatch.setattr(warm.sys, "platform", "darwin")
    with warm.zygote(tmp_path / "z", [], env={}) as elsewhere:
        pass

    assert (forbidden, elsewhere, list(tmp_path.iterdir())) == (None, None, [])


def test_a_run_starts_its_warm_kernels_once_and_ends_them(monkeypatch, make):
    started, ended = [], []

    @contextlib.contextmanager
    def zygote(folder, modules, *, env):
        started.append((folder, modules))
        assert folder.parent.is_dir()
        yield folder / "s"
        ended.append(folder)

    monkeypatch.setattr(warm, "zygote", zygote)

    with WarmKernels() as kernels:
        before = kernels.zygote
        kernels.start([make.notebook_json("import seaborn")])
        kernels.start([make.notebook_json("import pandas")])
        within = (kernels.zygote, len(ended))

    ((folder, modules),) = started
    assert (before, within, ended) == (None, (folder / "s", 0), [folder])
    assert "seaborn" in modules
    assert not folder.parent.exists()


def test_kernels_that_were_never_wanted_are_never_started(monkeypatch):
    monkeypatch.setattr(warm, "zygote", None)

    with WarmKernels() as kernels:
        pass

    assert kernels.zygote is None


@linux
@pytest.mark.slow
def test_a_run_takes_the_kernels_that_planning_has_started(make, tmp_path):
    report = make.planned("atlas")

    with WarmKernels() as kernels:
        kernels.start([report.template.text])
        leased_from = kernels.zygote
        result = run_plan(
            make.plan_of(report), output_dir=tmp_path / "output", formats=(), kernels=kernels
        )

    assert [outcome.kernel for outcome in result.outcomes] == ["warm"]
    assert kernels.zygote == leased_from


def test_a_function_named_behind_a_colon_is_called_and_one_that_fails_stops_nothing():
    code = """
from kpikit.publish import zygote
zygote.preload(["sys:no_such", "kpikit.present.lettering:learn_pairs"])
from kpikit.present import lettering
lettering._laid_out = None
print(lettering.text_width("1,234", size=1000))
"""

    width = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert float(width) == 4 * 497 + 249  # the figures of the face, and its comma


def test_what_is_preloaded_follows_from_the_templates_imports(make):
    plain = make.notebook_json("import os, json", "%matplotlib inline\nimport seaborn")
    heavy = make.notebook_json("def late():\n    from scipy import stats", "import my_module")

    bare = warm.preloads([plain])

    assert bare[0] == "ipykernel.kernelapp"
    assert "seaborn" not in bare
    assert warm.preloads([plain, heavy]) == [*bare, "pandas", "scipy.stats"]


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ((), ""),
        (("", "warm"), ", with warm kernels"),
        (("cold",), ", 1 of 1 kernels cold"),
        (("warm", "cold: it is gone", "cold: it is gone"), ", 2 of 3 kernels cold (it is gone)"),
    ],
)
def test_a_runs_summary_says_how_its_kernels_were_started(make, starts, said):
    report = make.planned("atlas")

    outcomes = [Outcome(report, "sealed", kernel=start) for start in starts]

    assert summary._kernels(outcomes) == said
