"""Reflection, under both of its names, so that any client can list and call."""

from collections.abc import Sequence

import grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

ALPHA_NAME = reflection.SERVICE_NAME
# grpcio-reflection speaks v1alpha only. v1 is the same messages under another
# name, and what newer clients ask for first.
NAME = "grpc.reflection.v1.ServerReflection"


def add(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Lets the server tell of these services and of reflection itself."""
    names = (*services, ALPHA_NAME)
    reflection.enable_server_reflection(names, server)
    method = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        request_deserializer=ServerReflectionRequest.FromString,
        response_serializer=ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, {"ServerReflectionInfo": method}),))
