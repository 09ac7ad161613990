"""Which learned models serve, for whoever exports metrics."""

from collections.abc import Iterator
from itertools import islice

from headwater_kit.core.learning import ModelPublished
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import Reading, observed_each

from headwater_retrieve.domain.learned import LearnedModels

# Each has a series a model; what others have is told by `headwater models list`.
MAX_TENANTS = 20


def shown(models: LearnedModels) -> LearnedModels:
    """The same, of which is shown from now on what serves the first tenants that have something learned."""
    observed_each(names.RETRIEVE_LEARNED, lambda: _readings(models))
    return models


def _readings(models: LearnedModels) -> Iterator[Reading]:
    learned = ((tenant, found) for tenant, found in models.published().items() if found)
    for tenant, found in islice(learned, MAX_TENANTS):
        for model in found:
            yield 1.0, {**_version(model), names.TENANT: tenant}


def _version(model: ModelPublished) -> dict[str, str]:
    learned = model.learned
    return {
        names.LEARNED_COMPONENT: f"{learned.component} {learned.part}".strip(),
        names.LEARNED_SNAPSHOT: model.stamp.snapshot_id if model.stamp else "",
        names.LEARNED_STAGE: model.stage.value,
    }
