"""What index can be told."""

from typing import ClassVar

from headwater_kit.settings import BesideSettings, MilvusSettings, ServiceSettings, TenantSettings, peer
from pydantic import Field

from headwater_index.domain.agreement import PromotionGate


class Settings(BesideSettings, TenantSettings, MilvusSettings, ServiceSettings):
    """Settings of the index service."""

    service: ClassVar[str] = "index"

    embed_target: str = peer("embed")

    index_maintain_seconds: float = Field(
        default=1.0,
        gt=0,
        description="time between two maintenances of the store, which flush fresh rows where searching those is slow",
    )
    index_operator_tenant: str = Field(
        default="",
        description="tenant whose users may compare all tenants, rebuild and reindex; empty: nobody may, and users "
        "compare their own tenant only",
    )
    index_reconcile_seconds: float = Field(
        default=3600.0,
        ge=0,
        description="time between two comparisons of the store with the log in the background; 0: none",
    )
    index_reconcile_share: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="share of the time that a comparison in the background works; it rests for the others",
    )
    index_reconcile_repair: bool = Field(
        default=False, description="lets comparisons in the background repair what they find, not only show it"
    )
    index_reindex_grace_seconds: float = Field(
        default=86_400.0,
        ge=0,
        description="how long the old collection is kept up to date after another model's took its place, in which a "
        "rollback is possible; then it is dropped",
    )
    index_reindex_min_queries: int = Field(
        default=20, ge=1, description="queries that it takes to say how another model's collection compares"
    )
    index_reindex_min_agreement: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of the ten nearest chunks that two models must agree on, mean over queries that nobody "
        "judged, for the new collection to be promoted",
    )
    index_reindex_max_ndcg_loss: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="nDCG@10 that a new collection may lose and still be promoted, where enough queries are judged",
    )

    def promotion_gate(self) -> PromotionGate:
        """When another model's collection may be promoted."""
        return PromotionGate(
            self.index_reindex_min_queries, self.index_reindex_min_agreement, self.index_reindex_max_ndcg_loss
        )
