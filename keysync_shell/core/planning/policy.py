"""What a reconciliation does about each kind of discrepancy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from keysync_shell.core.findings import kinds
from keysync_shell.core.findings.kinds import Decision
from keysync_shell.errors import KeySyncError

DECISIONS: tuple[Decision, ...] = get_args(Decision)
# Carrying these out leads to no new findings: they neither remove, respell nor adopt.
SETTLED = {"propagate", "propose", "report", "ignore"}
STRATEGIES = ("mirror", "namespaced")
OTHERS = ("strategy", "prefix", "overrides")  # settings that are no decisions about a kind


@dataclass(frozen=True)
class Policy:
    """A decision for each kind; those that are not given one have their default.

    `overrides` maps canonical keys to decisions that take precedence where they fit; `ignore` fits every kind.
    `strategy` and `prefix` say what a proposed master key looks like. Kinds that this version does not have, of a run
    that another one recorded, are kept and mean nothing.
    """

    decisions: Mapping[str, str] = field(default_factory=dict)
    strategy: str = "mirror"
    prefix: str = "MASTER"
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        defaults = {kind.name: kind.decisions[0] for kind in kinds.KINDS}
        object.__setattr__(self, "decisions", {**defaults, **self.decisions})
        for kind in kinds.KINDS:
            check_decision(f"policy for {kind.name}", self.about(kind.name), kind.decisions)
        check_decision("strategy", self.strategy, STRATEGIES)
        for decision in self.overrides.values():
            check_decision("decision", decision, sorted(DECISIONS))

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Policy:
        """The policy of settings side by side, as in keysync.toml: kinds and the others."""
        decisions = {name: value for name, value in settings.items() if name not in OTHERS}
        return cls(decisions, **{name: settings[name] for name in OTHERS if name in settings})

    def but(self, settings: Mapping[str, Any]) -> Policy:
        """This policy with other settings."""
        return Policy.of({**self.as_data(), **settings})

    def about(self, kind: str) -> str:
        """The decision about a kind."""
        return self.decisions[kind]

    @property
    def settled(self) -> bool:
        """Whether carrying it out cannot lead to new findings."""
        return {self.about(kind) for kind in kinds.names()} | set(self.overrides.values()) <= SETTLED

    def master_key(self, canonical: str, system: str) -> str:
        """The master key to propose for an unauthorized key that this system holds."""
        return canonical if self.strategy == "mirror" else f"{self.prefix}-{system}-{canonical}"

    def as_data(self) -> dict[str, Any]:
        """All settings side by side."""
        return {**self.decisions, **{name: getattr(self, name) for name in OTHERS}}


def check_decision(what: str, decision: str, choices: Collection[str]) -> None:
    """Raise KeySyncError unless the decision is one of those."""
    if decision not in choices:
        raise KeySyncError(f"{what}: {decision!r} is not one of {', '.join(choices)}", hint="Choose one of them.")
