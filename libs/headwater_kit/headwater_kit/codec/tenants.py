"""Erased tenants ↔ `headwater.events.v1`."""

from headwater.events.v1 import tenants_pb2 as pb

from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.tenants import TenantErased


def erased_to_proto(event: TenantErased) -> pb.TenantErased:
    """A word about a tenant."""
    return pb.TenantErased(tenant=event.tenant, erase_time=time_to_proto(event.erase_time))


def erased_from_proto(message: pb.TenantErased) -> TenantErased:
    """A word about a tenant. Raises InvalidInput where it names none."""
    if not message.tenant:
        raise InvalidInput("tenant is empty", field="tenant")
    return TenantErased(message.tenant, time_from_proto(message.erase_time))
