"""Which tenants a topic's records may name, and whom a header is believed."""

from typing import Any

import pytest
from headwater_kit.bus.admission import TopicRule, TopicTenants
from headwater_kit.bus.ports import Record
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.tenants import NO_DOCUMENT_TENANT
from headwater_kit.settings import KafkaTenantSettings, ServiceSettings, SettingsError, load

QUESTIONS = "questions.v1"


class Settings(KafkaTenantSettings, ServiceSettings):
    """Of a service that reads what others write."""

    service = "generate"


def record(header: bytes | None = None) -> Record:
    headers = {} if header is None else {"headwater-tenant": header}
    return Record(QUESTIONS, 0, 0, b"q", b"{}", headers, 0.0)


def ruled(*tenants: str, header: bool = False) -> TopicTenants:
    return TopicTenants({QUESTIONS: TopicRule(frozenset(tenants or {"*"}), header)})


def refused(call: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        call()
    return str(caught.value.reason)


def test_without_a_rule_any_tenant_may_be_named_and_no_header_counts() -> None:
    assert TopicTenants().tenant(record(b"globex"), "acme") == "acme"
    assert TopicTenants({"documents.v1": TopicRule(frozenset({"acme"}))}).tenant(record(), "globex") == "globex"


def test_a_rule_names_who_may_be_named() -> None:
    tenants = ruled("acme", "default")
    assert [tenants.tenant(record(), named) for named in ("acme", "default")] == ["acme", "default"]
    assert refused(lambda: tenants.tenant(record(), "globex")) == "TENANT_REFUSED"
    assert refused(lambda: tenants.tenant(record(), "*")) == "TENANT_REFUSED"
    # Not believed, so it neither helps nor harms.
    assert tenants.tenant(record(b"globex"), "acme") == "acme"


def test_a_deletion_of_nothing_passes_and_a_write_in_its_name_does_not() -> None:
    deletion = Record(QUESTIONS, 0, 0, b"q", None, {}, 0.0)
    assert ruled("acme").tenant(deletion, NO_DOCUMENT_TENANT) == NO_DOCUMENT_TENANT
    assert refused(lambda: ruled("acme").tenant(record(), NO_DOCUMENT_TENANT)) == "TENANT_REFUSED"
    assert refused(lambda: ruled("acme").tenant(deletion, "globex")) == "TENANT_REFUSED"


def test_a_header_that_is_believed_stands_for_a_tenant_that_is_not_named() -> None:
    tenants = ruled(header=True)
    assert tenants.tenant(record(b"acme"), "default") == "acme"
    assert tenants.tenant(record(b"acme"), "acme") == "acme"
    assert tenants.tenant(record(), "acme") == "acme"
    assert refused(lambda: tenants.tenant(record(b"acme"), "globex")) == "TENANT_REFUSED"
    assert refused(lambda: ruled("globex", header=True).tenant(record(b"acme"), "default")) == "TENANT_REFUSED"


@pytest.mark.parametrize("header", [b"", b"a\x1fb", b"x" * 600])
def test_a_header_that_can_name_nobody_is_refused(header: bytes) -> None:
    assert refused(lambda: ruled(header=True).tenant(record(header), "default")) == "INVALID_KEY"


def test_the_setting_is_a_table_by_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_KAFKA_TENANTS", '{"questions.v1": {"tenants": ["acme"], "header": true}}')
    tenants = TopicTenants.of(load(Settings))
    assert tenants.tenant(record(b"acme"), "default") == "acme"
    assert refused(lambda: tenants.tenant(record(b"globex"), "default")) == "TENANT_REFUSED"


@pytest.mark.parametrize("text", ['{"answers.v1": {}}', '{"questions.v1": {"tenant": "acme"}}', "acme"])
def test_what_is_no_such_table_is_refused_by_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_KAFKA_TENANTS", text)
    with pytest.raises(SettingsError, match="HEADWATER_KAFKA_TENANTS"):
        load(Settings)
