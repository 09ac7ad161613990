"""Every method says who may call it, in the contract and on its page."""

from architecture.house import ROOT
from headwater_kit.core.roles import Role
from headwater_kit.rpc.docs import BEGIN, END, as_markdown, contract


def test_every_method_names_its_roles() -> None:
    policies = contract()
    assert len(policies) >= 25
    silent = [method for method, allowed in policies.items() if not allowed]
    assert silent == [], "add `option (headwater.access.v1.policy)` to the method"


def test_no_method_is_for_peers_alone_or_for_more_than_it_says() -> None:
    # A peer is nobody's credential, so what it may call for itself must be of no tenant.
    assert {method for method, allowed in contract().items() if Role.PEER in allowed} == {
        "headwater.embed.v1.EmbedService/Embed",
        "headwater.embed.v1.EmbedService/ListModels",
    }


def test_the_page_has_the_policies() -> None:
    table = (ROOT / "docs/access.md").read_text().partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == as_markdown(), "run `make docs`"
