"""The settings of the tests that draw series of deliveries."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings


def tries(number: int, in_ci: int) -> settings:
    """So many drawn series beside those that are written down, fewer in CI; they are the same at every execution."""
    return settings(
        max_examples=in_ci if os.environ.get("CI") else number,
        deadline=None,
        derandomize=True,
        database=None,
        # Each try takes seconds: better a long example than minutes of shrinking.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
