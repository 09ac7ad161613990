"""An engine alone, as a container runs it."""

from pathlib import Path

from headwater_cli.platform import alone, milvus


def test_a_broker_tells_other_pods_its_name_and_a_tunnel_its_end() -> None:
    settings = alone.listeners("kafka:9092")
    assert settings["listeners"] == "PLAINTEXT://0.0.0.0:9092,TUNNEL://0.0.0.0:19092,CONTROLLER://127.0.0.1:9093"
    assert settings["advertised.listeners"] == "PLAINTEXT://kafka:9092,TUNNEL://127.0.0.1:19092"


def test_a_laptops_store_listens_on_loopback_and_a_pods_everywhere(tmp_path: Path) -> None:
    laptops = milvus.milvus_program(tmp_path / "milvus", 19530, tmp_path / "log")
    pods = milvus.milvus_program(tmp_path / "milvus", 19530, tmp_path / "log", alone.EVERYWHERE)
    assert "127.0.0.1" in laptops.argv
    assert "0.0.0.0" in pods.argv
    assert "127.0.0.1" not in pods.argv
