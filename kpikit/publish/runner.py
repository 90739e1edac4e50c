"""Runs a plan: several reports at once, each in a kernel of its own, and publishes what is sealed.

Worker processes execute, seal, render and stage; this process alone moves files into place. So a
worker that dies, or is killed, costs its own report and nothing else.
"""

import contextlib
import datetime as dt
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from kpikit.publish.failed import failed_notebook
from kpikit.publish.interrupts import Interrupts, RunStopped
from kpikit.publish.ledger import remember
from kpikit.publish.limits import Limits, processors
from kpikit.publish.lock import output_lock, sweep
from kpikit.publish.manifest import RunResult, manifest
from kpikit.publish.messages import Event, Format, Job, KernelStarted, Outcome, TriedAgain
from kpikit.publish.outputs import (
    check_writable,
    finish_publishing,
    publish_files,
    stage_files,
    write_through,
)
from kpikit.publish.overview import write_overview
from kpikit.publish.plan import Plan, PlannedReport
from kpikit.publish.pool import WorkerPool
from kpikit.publish.record import (
    FORCED,
    make_record,
    read_record,
    record_name,
    record_text,
    stale_because,
)
from kpikit.publish.scratch import remove_leftovers
from kpikit.publish.warming import WarmKernels

FORMATS: tuple[Format, ...] = ("html", "pdf")


class Watcher(Protocol):
    """Takes the run's news, to show them."""

    def event(self, report: PlannedReport, event: Event) -> None:
        """Take news of a report that is being made."""

    def finished(self, outcome: Outcome) -> None:
        """Take a report's end, its files being published."""

    def note(self, text: str) -> None:
        """Take a sentence on the run as a whole."""


class _Nobody:
    """Stands in where nobody watches."""

    def event(self, report: PlannedReport, event: Event) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def run_plan(
    plan: Plan,
    *,
    output_dir: Path,
    formats: Sequence[Format] = FORMATS,
    jobs: int | None = None,
    fail_fast: bool = False,
    limits: Limits | None = None,
    force: bool = False,
    profile: bool = False,
    watcher: Watcher | None = None,
    kernels: WarmKernels | None = None,
) -> RunResult:
    """Make every report of the plan that is not published as planned; return how each ended.

    Args:
        plan: What to make.
        output_dir: Folder of the published files; made if absent.
        formats: Pages beside the notebook and kpis.json.
        jobs: Reports at once; as many as there are processors if None.
        fail_fast: Stop everything at the first report that fails.
        limits: What each report may take; those of ``Limits()`` if None.
        force: Make unchanged reports too.
        profile: Clock where the time of each report goes.
        watcher: Takes the run's news.
        kernels: Those that planning may have started; they end with the run.

    Raises:
        KpikitError: Nothing can be written in the output folder or the system's temporary one;
            nothing was run.
    """
    output = output_dir.resolve()
    started, at = time.monotonic(), dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    if not plan.reports and not plan.shard:
        return RunResult(plan, (), output, 0.0)
    check_writable(output)
    watching = watcher or _Nobody()
    products = {report.product for report in plan.reports} if plan.shard else None
    with output_lock(output, note=watching.note, products=products):
        sweep(output, products)
        outcomes, stopped_by = _make_stale(
            plan,
            why_stale(plan, output_dir=output, formats=formats, force=force),
            output,
            watching,
            formats=formats,
            size=jobs or processors(),
            fail_fast=fail_fast,
            limits=limits or Limits(),
            profile=profile,
            kernels=kernels,
        )
        seconds = time.monotonic() - started
        result = RunResult(plan, outcomes, output, seconds, stopped_by, started=at)
        try:
            write_overview(output, manifest(result), plan.shard)
        except OSError as error:
            complaint = f"index.html or run.json could not be written: {error}."
            return replace(result, complaint=complaint)
    return result


def _make_stale(
    plan: Plan,
    stale: Mapping[PlannedReport, tuple[str, ...]],
    output: Path,
    watcher: Watcher,
    *,
    formats: Sequence[Format],
    size: int,
    fail_fast: bool,
    limits: Limits,
    profile: bool,
    kernels: WarmKernels | None,
) -> tuple[tuple[Outcome, ...], int | None]:
    """Make what is stale; return each report's end, and the exit code of a signal that came."""
    ends: dict[PlannedReport, Outcome] = {}
    for report in plan.reports:
        if not stale[report]:
            ends[report] = _unchanged(report, output)
            watcher.finished(ends[report])
    made = {report: reasons for report, reasons in stale.items() if reasons}
    stopped_by = None
    if made:
        size = min(size, len(made))
        with kernels or WarmKernels() as warm:
            scratch = warm.start({report.template.text for report in made})
            jobs = [
                replace(job, profile=profile, zygote=warm.zygote)
                for job in _jobs(made, output, scratch, formats=formats, size=size, limits=limits)
            ]
            with Interrupts() as interrupts:
                run = _Run(jobs, interrupts, watcher, fail_fast=fail_fast)
                stopped_by = run.until_done(size)
        ends |= run.outcomes()
    else:
        remove_leftovers()  # as a run does that makes a folder of its own
    return tuple(ends[report] for report in plan.reports), stopped_by


def why_stale(
    plan: Plan, *, output_dir: Path, formats: Sequence[Format] = FORMATS, force: bool = False
) -> dict[PlannedReport, tuple[str, ...]]:
    """Return why each report of the plan has to be made; nothing for an unchanged one."""
    return {
        report: stale_because(report, output_dir, formats=formats) or ((FORCED,) if force else ())
        for report in plan.reports
    }


def _unchanged(report: PlannedReport, output: Path) -> Outcome:
    record = read_record(output / report.folder, report.name)
    notes, files = (record.notes, tuple(record.files)) if record else ((), ())
    kept = remember(output, report)
    return Outcome(report, "unchanged", notes=(*notes, *kept), files=files)


class _Run:
    """The state of a run: which reports are to be made, which are done."""

    def __init__(
        self,
        jobs: list[Job],
        interrupts: Interrupts,
        watcher: Watcher,
        *,
        fail_fast: bool,
    ) -> None:
        self._jobs = jobs
        self._interrupts = interrupts
        self._watcher = watcher
        self._fail_fast = fail_fast
        self._done: dict[PlannedReport, Outcome] = {}
        self._kernels: dict[PlannedReport, str] = {}  # how each report's last one was started

    def until_done(self, size: int) -> int | None:
        """Make the reports; return the exit code of the signal that stopped the run, if one did."""
        pool = WorkerPool(size, tell=self._tell)
        try:
            for job, outcome in pool.make(self._jobs):
                with self._interrupts.held():
                    self._finish(job, outcome)
                if self._fail_fast and self._done[job.report].state == "failed":
                    break
        except RunStopped as stop:
            return stop.exit_code
        finally:
            pool.close()
            self._discard_staged()
        return None

    def outcomes(self) -> dict[PlannedReport, Outcome]:
        """Return one outcome per job; those never finished are stopped."""
        stopped = {
            job.report: Outcome(job.report, "stopped", stale=job.stale) for job in self._jobs
        }
        return {**stopped, **self._done}

    def _tell(self, job: Job, event: Event) -> None:
        if isinstance(event, KernelStarted):
            self._kernels[job.report] = event.start
        if isinstance(event, TriedAgain):
            name = f"{job.report.product} {job.report.period}"
            self._watcher.note(f"{name} is made once more. {event.reason}")
        self._watcher.event(job.report, event)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        kernel = self._kernels.get(job.report, "")
        outcome = replace(outcome, stale=job.stale, kernel=kernel)
        published = _publish(job, _with_notebook(job, outcome))
        self._done[job.report] = published
        self._watcher.finished(published)

    def _discard_staged(self) -> None:
        for job in self._jobs:
            with contextlib.suppress(OSError):  # the next run tries again
                finish_publishing(job.staging)


def _with_notebook(job: Job, outcome: Outcome) -> Outcome:
    """Stage the marked notebook of a report whose worker died before it could."""
    if outcome.state != "failed" or outcome.files:
        return outcome
    name = f"{job.report.name}.failed.ipynb"
    with contextlib.suppress(OSError):  # the worker may have failed for want of room
        text = failed_notebook(None, job.report, outcome.reasons)
        stage_files(job.staging, {name: text})
        return replace(outcome, files=(name,))
    return outcome


def _publish(job: Job, outcome: Outcome) -> Outcome:
    """Move a report's staged files into place; where that fails, so has the report."""
    if not outcome.files:
        return outcome
    folder, name = job.staging.parent, job.report.name
    try:
        if outcome.state == "sealed":
            obsolete = _obsolete(folder, name, outcome)
            names = (*outcome.files, _stage_record(job, outcome))
            publish_files(job.staging, folder, names, obsolete=obsolete)
            kept = remember(job.output_dir, job.report)
            outcome = replace(outcome, notes=(*outcome.notes, *kept))
        else:
            publish_files(job.staging, folder, outcome.files)
    except OSError as error:
        reason = f"Its files could not be moved into {folder}: {error}."
        return replace(outcome, state="failed", reasons=(*outcome.reasons, reason), files=())
    return outcome


def _stage_record(job: Job, outcome: Outcome) -> str:
    """Put the report's record beside its staged files; return its name."""
    template = job.report.name
    before = read_record(job.staging.parent, template)
    record = make_record(
        job.report,
        job.staging,
        outcome.files,
        notes=outcome.notes,
        before=before,
        seconds=outcome.seconds,
    )
    name = record_name(template)
    write_through(job.staging / name, record_text(record))
    return name


def _obsolete(folder: Path, name: str, outcome: Outcome) -> list[str]:
    """Return the files that a sealed report makes untrue.

    These are the notebook of an earlier failure, and pages of another run in a format that this
    one does not write.
    """
    gone = [f"{name}.failed.ipynb"]
    if _published_run_id(folder / f"{name}.kpis.json") != outcome.report.run_id:
        gone += [f"{name}.{form}" for form in FORMATS if f"{name}.{form}" not in outcome.files]
    return gone


def _published_run_id(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _jobs(
    stale: Mapping[PlannedReport, tuple[str, ...]],
    output: Path,
    scratch: Path,
    *,
    formats: Sequence[Format],
    size: int,
    limits: Limits,
) -> list[Job]:
    threads = max(1, processors() // size)
    return [
        Job(
            report=report,
            formats=tuple(formats),
            output_dir=output,
            scratch=scratch / str(number),
            staging=output / report.folder / f".{report.name}.{scratch.name}",
            limits=limits.shared_by(size),
            threads=threads,
            stale=reasons,
        )
        for number, (report, reasons) in enumerate(stale.items())
    ]
