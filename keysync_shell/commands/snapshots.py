"""Commands for snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from keysync_shell import __version__
from keysync_shell.commands.catalogue import snapshots as asked
from keysync_shell.commands.declaring import Changes
from keysync_shell.commands.results import SnapshotsResult
from keysync_shell.commands.session import Session
from keysync_shell.core.edits import replacing
from keysync_shell.errors import Declined, KeySyncError
from keysync_shell.sandbox import Outcome, Sandbox
from keysync_shell.storage import archives, lock, registry_file, snapshots, system_csv
from keysync_shell.storage.operations import OperationKind
from keysync_shell.storage.snapshots import Manifest, Snapshot

SAMPLE = Path(__file__).parent.parent / "sample"
BASELINE, DRIFTED = "baseline", "drifted"


@dataclass(frozen=True)
class Saved(SnapshotsResult):
    """A snapshot that was written: saved here, imported from a file or exported to one."""

    verb: str
    manifest: Manifest
    path: str
    committed = True


@dataclass(frozen=True)
class Deleted(SnapshotsResult):
    name: str
    dry_run: bool

    @property
    def committed(self) -> bool:
        return not self.dry_run


@dataclass(frozen=True)
class SnapshotList(SnapshotsResult):
    """The snapshots, and why others could not be read."""

    manifests: tuple[Manifest, ...]
    damaged: Mapping[str, str]


Results = Saved | Deleted | SnapshotList


def save_state(session: Session, args: asked.SaveState) -> Saved:
    sandbox = session.sandbox
    sandbox.require_no_batch("save-state")
    snapshots.check_name(args.name)
    sandbox.refresh()
    with sandbox.exclusively():
        snapshot = _taken(sandbox, args.name, args.note)
        snapshots.save(sandbox.home.snapshots, snapshot, lock.owner(sandbox.home.lock), force=args.yes)
    return Saved("Saved", snapshot.manifest, str(sandbox.home.snapshots / args.name))


def load_state(session: Session, args: asked.LoadState) -> Outcome:
    sandbox = session.sandbox
    snapshot = snapshots.load(sandbox.home.snapshots, args.name, sandbox.config.limits)
    return _loaded(session, args, snapshot, args.name)


def sample(session: Session, args: asked.Sample) -> Outcome:
    """The snapshots of the sample come with the package; those of the sandbox that are called the same stay."""
    sandbox = session.sandbox
    sandbox.require_no_batch("sample")
    shipped = {name: archives.read(SAMPLE / f"{name}.zip", sandbox.config.limits, None) for name in (BASELINE, DRIFTED)}
    outcome = _loaded(session, args, shipped[DRIFTED], DRIFTED)
    if not args.dry_run:
        try:
            _keep(sandbox, shipped)
        except KeySyncError as error:
            error.committed = error.committed or outcome.committed
            raise
    return outcome


def states(session: Session, _args: asked.States) -> SnapshotList:
    folder = session.sandbox.home.snapshots
    manifests, damaged = [], {}
    for name in snapshots.names(folder):
        try:
            manifests.append(snapshots.read_manifest(folder, name))
        except KeySyncError as error:
            damaged[name] = error.message
    return SnapshotList(tuple(manifests), damaged)


def delete_state(session: Session, args: asked.DeleteState) -> Deleted:
    sandbox = session.sandbox
    sandbox.require_no_batch("delete-state")
    snapshots.require(sandbox.home.snapshots, args.name)
    question = f"Delete snapshot {args.name}{_described(sandbox.home.snapshots, args.name)}? It cannot be undone."
    if not args.dry_run and not session.confirm(question, args):
        raise Declined("not confirmed")
    if not args.dry_run:
        with sandbox.exclusively():
            snapshots.delete(sandbox.home.snapshots, args.name, lock.owner(sandbox.home.lock))
    return Deleted(args.name, args.dry_run)


def export_state(session: Session, args: asked.ExportState) -> Saved:
    sandbox = session.sandbox
    sandbox.require_no_batch("export-state")
    snapshot = snapshots.load(sandbox.home.snapshots, args.name, sandbox.config.limits)
    archives.export(snapshot, session.file(args.file), sandbox.home, sandbox.config.limits, force=args.yes)
    return Saved("Exported", snapshot.manifest, args.file)


def import_state(session: Session, args: asked.ImportState) -> Saved:
    sandbox = session.sandbox
    sandbox.require_no_batch("import-state")
    limits = sandbox.config.limits
    snapshot = archives.read(session.file(args.file), limits, args.name)
    snapshot.tables(limits)  # a file that cannot be read is no use under any name
    snapshot.registry()
    with sandbox.exclusively():
        snapshots.save(sandbox.home.snapshots, snapshot, lock.owner(sandbox.home.lock), force=args.yes)
    return Saved("Imported", snapshot.manifest, args.file)


def _keep(sandbox: Sandbox, shipped: Mapping[str, Snapshot]) -> None:
    """Save the snapshots whose names are free."""
    folder = sandbox.home.snapshots
    with sandbox.exclusively():
        for name in sorted(shipped.keys() - set(snapshots.names(folder))):
            snapshots.save(folder, shipped[name], lock.owner(sandbox.home.lock), force=False)


def _loaded(session: Session, args: Changes, snapshot: Snapshot, name: str) -> Outcome:
    sandbox = session.sandbox
    tables, master_keys = snapshot.tables(sandbox.config.limits), snapshot.registry()
    if set(tables) != set(sandbox.systems.names):
        raise KeySyncError(
            f"snapshot {name} holds {', '.join(tables)}, not {', '.join(sandbox.systems.names)}",
            hint="Load it into a sandbox with the same systems ([systems] names in keysync.toml).",
        )
    return sandbox.edit(
        lambda state: replacing.renew(state, tables, {"snapshot": name}, master_keys),
        session.request(OperationKind.LOAD, args, destroys=True, creates=True),
    )


def _described(folder: Path, name: str) -> str:
    try:
        manifest = snapshots.read_manifest(folder, name)
    except KeySyncError:
        return ", which is damaged"
    rows = sum(record.rows for record in manifest.systems.values())
    return f" of {manifest.created_at} with {rows:,} rows"


def _taken(sandbox: Sandbox, name: str, note: str) -> Snapshot:
    contents = {system: system_csv.serialize(rows) for system, rows in sandbox.state.tables.items()}
    known = sandbox.state.master_keys
    registry = registry_file.dump(known) if len(known) else None
    manifest = Manifest(
        name=name,
        note=note,
        author=sandbox.author(),
        created_at=sandbox.now(),
        version=__version__,
        authority=sandbox.systems.authority,
        rules=asdict(sandbox.config.rules),
        discrepancies=sandbox.summary().discrepancies,
        systems={system: snapshots.record(data, sandbox.state.tables[system]) for system, data in contents.items()},
        master_keys=snapshots.record(registry, known) if registry else None,
    )
    return Snapshot(manifest, contents, registry)
