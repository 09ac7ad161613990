"""What any gRPC client, any health prober and any Prometheus finds at each service."""

import json
import urllib.request
from collections.abc import Iterator

import grpc
import pytest
from e2e.laptop import Laptop
from e2e.polling import accepted, until
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from headwater_client import Client

NAMES = ("ingest", "embed", "index", "retrieve", "generate", "guard", "feedback")


def full_name(name: str) -> str:
    return f"headwater.{name}.v1.{name.capitalize()}Service"


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(laptop: Laptop, name: str) -> Iterator[grpc.Channel]:
    with laptop.channel(name) as channel:
        yield channel


class Reflected:
    """A client that knows nothing of the contract but what the server tells: messages go in and out as JSON."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._database = ProtoReflectionDescriptorDatabase(channel)
        self._pool = DescriptorPool(self._database)

    def services(self) -> set[str]:
        return set(self._database.get_services())

    def methods(self, service: str) -> set[str]:
        return set(self._pool.FindServiceByName(service).methods_by_name)

    def call(self, service: str, method: str, fields: dict[str, object], tenant: str) -> dict[str, object]:
        found = self._pool.FindServiceByName(service).methods_by_name[method]
        request, response = GetMessageClass(found.input_type), GetMessageClass(found.output_type)
        invoke = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        answer = invoke(ParseDict(fields, request()), metadata=[("headwater-tenant", tenant)], timeout=10)
        return dict(MessageToDict(answer, preserving_proto_field_name=True))


def test_reflection_lists_each_service_with_its_methods(channel: grpc.Channel, name: str) -> None:
    client = Reflected(channel)
    listed = client.services()
    assert listed >= {full_name(name), "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert client.methods(full_name(name))
    assert "Check" in client.methods("grpc.health.v1.Health")


def test_a_client_without_the_contract_writes_and_searches(client: Client, laptop: Laptop, tenant: str) -> None:
    with laptop.channel("ingest") as ingest, laptop.channel("retrieve") as retrieve:
        body = {"document_id": "lamp", "body": "VGhlIGxhbXAgaXMgZ3JlZW4u", "info": {"metadata": {"year": 2026}}}
        written = Reflected(ingest).call(full_name("ingest"), "UpsertDocument", body, tenant)
        freshness = {"min_positions": [written["position"]], "wait_ms": 20_000}
        asked = {"query": "which colour is the lamp", "freshness": freshness}
        found = Reflected(retrieve).call(full_name("retrieve"), "Search", asked, tenant)
    passages = found["passages"]
    assert isinstance(passages, list)
    assert [passage["chunk"]["text"] for passage in passages] == ["The lamp is green."]
    assert accepted(client, "lamp", 1).version == 1


def test_health_says_serving(channel: grpc.Channel, name: str) -> None:
    for asked in ("", full_name(name)):
        answer = HealthStub(channel).Check(HealthCheckRequest(service=asked), timeout=10)
        assert answer.status == HealthCheckResponse.SERVING


def test_prometheus_finds_measures(laptop: Laptop, name: str) -> None:
    port = laptop.process(name).environ()["HEADWATER_METRICS_PORT"]

    def page() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert answer.status == 200
            return str(answer.read().decode())

    def measured() -> bool:
        return "headwater_service_serving" in page()

    until(measured, what="the gauge of serving")
    lines = [line for line in page().splitlines() if line.startswith("headwater_service_serving")]
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["1.0"]


def test_one_pass_over_the_whole_platform_tells_its_steps(laptop: Laptop) -> None:
    done = laptop.smoke()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line["step"] for line in lines[:-1]] == [
        *("ingest by Kafka", "ingest by gRPC", "ask", "edit", "feedback", "delete")
    ]
    assert lines[-1] == {"smoke": "passed"}
