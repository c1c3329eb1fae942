"""What a reconciliation does about each kind of discrepancy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from keysync_shell.errors import KeySyncError

# The first decision of each kind is the default.
DECISIONS: Mapping[str, tuple[str, ...]] = {
    "gap": ("propagate", "ignore"),
    "unauthorized": ("propose", "adopt", "remove", "ignore"),
    "variant": ("report", "respell"),
    "duplicate": ("report", "keep-first", "canonical"),
    "malformed": ("report", "remove"),
}
STRATEGIES = ("mirror", "namespaced")


@dataclass(frozen=True)
class Policy:
    """A decision per kind; `overrides` maps canonical keys to decisions that take precedence where they fit.

    `ignore` fits every kind. `strategy` and `prefix` say what a proposed master key looks like.
    """

    gap: str = "propagate"
    unauthorized: str = "propose"
    variant: str = "report"
    duplicate: str = "report"
    malformed: str = "report"
    strategy: str = "mirror"
    prefix: str = "MASTER"
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, known in DECISIONS.items():
            check_decision(f"policy for {kind}", getattr(self, kind), known)
        check_decision("strategy", self.strategy, STRATEGIES)
        every = sorted({decision for known in DECISIONS.values() for decision in known})
        for decision in self.overrides.values():
            check_decision("decision", decision, every)

    @property
    def settled(self) -> bool:
        """Whether carrying it out cannot lead to new findings: it neither removes, respells nor adopts."""
        chosen = {getattr(self, kind) for kind in DECISIONS} | set(self.overrides.values())
        return chosen <= {"propagate", "propose", "report", "ignore"}

    def master_key(self, canonical: str, system: str) -> str:
        """The master key to propose for an unauthorized key that this system holds."""
        return canonical if self.strategy == "mirror" else f"{self.prefix}-{system}-{canonical}"

    def as_data(self) -> dict[str, object]:
        return asdict(self)


def check_decision(what: str, decision: str, known: tuple[str, ...] | list[str]) -> None:
    """Raise KeySyncError unless the decision is one of those known."""
    if decision not in known:
        raise KeySyncError(f"{what}: {decision!r} is none of {', '.join(known)}", hint="Take one of them.")
