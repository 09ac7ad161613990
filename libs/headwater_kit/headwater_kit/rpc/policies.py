"""Who may call what, as the contract says it: the option `headwater.access.v1.policy` of each method."""

from collections.abc import Mapping, Sequence

from google.protobuf import descriptor_pool
from headwater.access.v1 import access_pb2

from headwater_kit.codec.credentials import ROLES
from headwater_kit.core.roles import Role

Policies = Mapping[str, frozenset[Role]]


def policies_of(services: Sequence[str]) -> Policies:
    """The roles that are enough, by "package.Service/Method"; a method without a policy has none.

    KeyError for a service whose contract is not loaded.
    """
    found = (descriptor_pool.Default().FindServiceByName(name) for name in services)
    return {
        f"{service.full_name}/{method.name}": frozenset(
            ROLES.from_proto(role, "roles") for role in method.GetOptions().Extensions[access_pb2.policy].roles
        )
        for service in found
        for method in service.methods
    }
