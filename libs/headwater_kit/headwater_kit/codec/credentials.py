"""Credentials ↔ `headwater.access.v1`."""

from headwater.access.v1 import access_pb2
from headwater.access.v1 import credentials_pb2 as pb

from headwater_kit.codec.enums import EnumTable
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.credentials import ApiKey, RevokedToken, TenantStanding
from headwater_kit.core.documents import Principal
from headwater_kit.core.roles import Role

ROLES = EnumTable(
    {
        Role.PRODUCER: access_pb2.ROLE_PRODUCER,
        Role.READER: access_pb2.ROLE_READER,
        Role.OPERATOR: access_pb2.ROLE_OPERATOR,
        Role.ADMIN: access_pb2.ROLE_ADMIN,
        Role.PEER: access_pb2.ROLE_PEER,
    }
)


def key_to_proto(key: ApiKey) -> pb.ApiKey:
    """A key."""
    who = key.principal
    return pb.ApiKey(
        key_id=key.key_id,
        secret_hash=key.secret_hash,
        tenant=who.tenant,
        user=who.user,
        groups=who.groups,
        roles=[ROLES.to_proto(role) for role in sorted(who.roles)],
        create_time=time_to_proto(key.create_time),
        expire_time=None if key.expire_time is None else time_to_proto(key.expire_time),
        revoke_time=None if key.revoke_time is None else time_to_proto(key.revoke_time),
        note=key.note,
    )


def key_from_proto(message: pb.ApiKey) -> ApiKey:
    """A key. Raises InvalidInput for a role that is not known: what it allows cannot be told."""
    roles = frozenset(ROLES.from_proto(role, "roles") for role in message.roles)
    return ApiKey(
        key_id=message.key_id,
        secret_hash=message.secret_hash,
        principal=Principal(message.tenant, message.user, tuple(message.groups), roles),
        create_time=time_from_proto(message.create_time),
        expire_time=time_from_proto(message.expire_time) if message.HasField("expire_time") else None,
        revoke_time=time_from_proto(message.revoke_time) if message.HasField("revoke_time") else None,
        note=message.note,
    )


def standing_to_proto(standing: TenantStanding) -> pb.TenantStanding:
    """A tenant's standing."""
    return pb.TenantStanding(
        tenant=standing.tenant,
        suspended=standing.suspended,
        change_time=time_to_proto(standing.change_time),
        note=standing.note,
    )


def standing_from_proto(message: pb.TenantStanding) -> TenantStanding:
    """A tenant's standing."""
    return TenantStanding(message.tenant, message.suspended, time_from_proto(message.change_time), message.note)


def revoked_to_proto(token: RevokedToken) -> pb.RevokedToken:
    """A revoked token."""
    return pb.RevokedToken(
        token_id=token.token_id,
        expire_time=time_to_proto(token.expire_time),
        revoke_time=time_to_proto(token.revoke_time),
        note=token.note,
    )


def revoked_from_proto(message: pb.RevokedToken) -> RevokedToken:
    """A revoked token."""
    ends, since = time_from_proto(message.expire_time), time_from_proto(message.revoke_time)
    return RevokedToken(message.token_id, ends, since, message.note)
