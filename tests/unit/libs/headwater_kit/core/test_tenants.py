"""Classes of tenants: what an operator writes, and what a measurement sees of it."""

import pytest
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.tenants import DEFAULT_CLASS, MAX_CLASSES, OTHERS, FewTenants, TenantClasses
from headwater_kit.settings import TenantSettings
from pydantic import ValidationError


def test_tenants_are_told_apart_by_class() -> None:
    classes = TenantClasses.parse("gold=acme, globex; silver=initech;")
    assert [classes.of(tenant) for tenant in ("acme", "globex", "initech")] == ["gold", "gold", "silver"]
    assert classes.of("someone else") == DEFAULT_CLASS


def test_no_classes_are_the_default_one() -> None:
    assert TenantClasses.parse("").of("acme") == DEFAULT_CLASS == TenantSettings().classes().of("acme")


@pytest.mark.parametrize(
    "text",
    [
        "gold",
        "gold=",
        "=acme",
        "go ld=acme",
        "gold=acme,,globex",
        "gold=acme;silver=acme",
        f"{'g' * 33}=acme",
        ";".join(f"c{number}=t{number}" for number in range(MAX_CLASSES + 1)),
    ],
)
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        TenantClasses.parse(text)
    with pytest.raises(ValidationError):
        TenantSettings(tenant_classes=text)


def test_a_few_tenants_go_by_their_names_and_keep_them() -> None:
    few = FewTenants(limit=2)
    assert [few.of(tenant) for tenant in ("acme", "globex", "initech", "acme", "initech")] == [
        "acme",
        "globex",
        OTHERS,
        "acme",
        OTHERS,
    ]
