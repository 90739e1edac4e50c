"""How a run ended, as Python and as the content of ``run.json``."""

import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kpikit
from kpikit.publish.messages import Outcome
from kpikit.publish.plan import Plan

_LIBRARIES = ("duckdb", "ibis-framework", "matplotlib", "nbconvert", "pandas", "papermill", "typst")
_GIT_SECONDS = 10  # a repository on a share that hangs must not hold the run up


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        plan: What was planned.
        outcomes: One per planned report, in the order of the plan.
        output_dir: Absolute folder of the published files.
        seconds: Wall time.
        stopped_by: Exit code of the signal that stopped the run, None if none did.
        complaint: Why the index or the manifest could not be written, empty if they were.
        started: When it began: UTC, ISO 8601.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    output_dir: Path
    seconds: float
    stopped_by: int | None = None
    complaint: str = ""
    started: str = ""

    @property
    def exit_code(self) -> int:
        """0: all sealed; 1: some report failed; 2: nothing could run; 130, 143: stopped."""
        if self.stopped_by is not None:
            return self.stopped_by
        if not self.plan.reports and (self.plan.failures or not self.plan.shard):
            return 2  # a shard may have no product at all
        all_good = all(outcome.is_good for outcome in self.outcomes)
        return 0 if all_good and not self.plan.failures and not self.complaint else 1


def manifest(result: RunResult) -> dict[str, Any]:
    """Return the content of run.json: what was planned, versions, and each report's end.

    ``identity`` holds the digests of all that a report is made of, ``data`` that of its data;
    ``stale`` says which of them, or what else, made it necessary to make it.
    """
    plan = result.plan
    about = {"shard": asdict(plan.shard)} if plan.shard else {}
    reports = [
        {
            **outcome.report.heading,
            "run_id": outcome.report.run_id,
            "identity": asdict(outcome.report.identity),
            "state": outcome.state,
            "stale": list(outcome.stale),
            "reasons": list(outcome.reasons),
            "attempts": outcome.attempts,
            "earlier_attempts": list(outcome.earlier),
            "notes": list(outcome.notes),
            "files": [(outcome.report.folder / name).as_posix() for name in outcome.files],
            "seconds": round(outcome.seconds, 3),
            **({"profile": outcome.profile} if outcome.profile else {}),
            "kernel": outcome.kernel,
        }
        for outcome in result.outcomes
    ]
    return {
        "template": plan.template,
        **about,
        "started": result.started,
        "kpikit": kpikit.__version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "params_git": git_state(plan.reports[0].params_dir) if plan.reports else None,
        "seconds": round(result.seconds, 3),
        "exit_code": result.exit_code,
        "reports": reports,
        "not_planned": [asdict(failure) for failure in plan.failures],
        "left_out": [asdict(product) for product in plan.left_out],
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return which commit the files of a folder are of, and whether any differs from it.

    Returns:
        ``commit``, and ``dirty``: something below the folder is changed or not in the repository.
        None where git or a commit is missing.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".")
    if not commit or changes is None:
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _git(folder: Path, *words: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "--no-optional-locks", "-C", str(folder), *words]
    try:
        done = subprocess.run(  # noqa: S603 - git itself, without a shell
            command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
