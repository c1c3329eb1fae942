from __future__ import annotations

import pytest

from keysync_shell.core.model.limits import Limits
from keysync_shell.errors import KeySyncError


def test_an_amount_at_the_limit_passes() -> None:
    Limits(keys_per_command=3).check("keys_per_command", 3, "keys named")


def test_an_amount_over_the_limit_names_the_setting() -> None:
    with pytest.raises(KeySyncError) as error:
        Limits(keys_per_command=3000).check("keys_per_command", 3001, "keys named")
    assert error.value.message == "keys named: 3,001 is over the limit of 3,000"
    assert "set keys_per_command under [limits] in keysync.toml" in error.value.hint
