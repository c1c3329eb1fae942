"""Which renderer knows which result. Each is imported when it is needed."""

from __future__ import annotations

import importlib
from typing import Any

from keysync_shell.render.view import View

VIEWS = {
    "Outcome": "changes:outcome_view",
    "Travelled": "changes:travelled_view",
    "Status": "looking:status_view",
    "KeyList": "looking:keys_view",
    "Findings": "looking:findings_view",
    "Difference": "looking:difference_view",
    "Log": "history:log_view",
    "Shown": "history:shown_view",
    "Blame": "history:blame_view",
    "Bisected": "history:bisected_view",
    "Saved": "snapshots:saved_view",
    "Deleted": "snapshots:deleted_view",
    "Planned": "reconciling:planned_view",
    "Predicted": "reconciling:predicted_view",
    "Reconciled": "reconciling:reconciled_view",
    "Compared": "reconciling:compared_view",
    "MasterKeys": "reconciling:master_keys_view",
    "RunList": "reconciling:runs_view",
    "Matrix": "explaining:matrix_view",
    "Biography": "explaining:biography_view",
    "InForce": "explaining:in_force_view",
    "WhatIf": "explaining:what_if_view",
    "Checked": "checking:checked_view",
    "Repair": "checking:repair_view",
    "Finished": "checking:finished_view",
    "States": "snapshots:states_view",
}


def view(result: Any) -> View:
    """The result, ready to be written."""
    module, _, function = VIEWS[type(result).__name__].partition(":")
    shown: View = getattr(importlib.import_module(f"keysync_shell.render.{module}"), function)(result)
    return shown
