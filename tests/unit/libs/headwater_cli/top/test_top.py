"""What `headwater top` makes of what endpoints show."""

import asyncio
import io
import math

import pytest
from headwater_cli.top.figures import Figures
from headwater_cli.top.history import History
from headwater_cli.top.intervals import quantile
from headwater_cli.top.scraping import scrape, snapshot
from headwater_cli.top.view import amount, duration, screen, sparkline
from rich.console import Console

SERVICES = ["embed", "retrieve"]
CHUNKS = 'messaging_consumer_group_name="embed",messaging_destination_name="chunks.v1"'
RANKER = (
    'headwater_learned_component="ranker",headwater_learned_snapshot="abc",'
    'headwater_learned_stage="exploit",headwater_tenant="acme"'
)
SEARCH = 'rpc_method="/headwater.retrieve.v1.RetrieveService/Search"'


def embed(done: int) -> str:
    return f"""
# TYPE headwater_service_serving gauge
headwater_service_serving 1
# TYPE target info
target_info{{service_name="headwater-embed",service_version="0.1.0"}} 1
# TYPE headwater_bus_done_total counter
headwater_bus_done_total{{{CHUNKS}}} {done}
# TYPE headwater_bus_lag gauge
headwater_bus_lag{{{CHUNKS},messaging_destination_partition_id="0"}} 7
headwater_bus_lag{{{CHUNKS},messaging_destination_partition_id="1"}} 5
# TYPE headwater_bus_lag_age_seconds gauge
headwater_bus_lag_age_seconds{{{CHUNKS},messaging_destination_partition_id="0"}} 2.5
headwater_bus_lag_age_seconds{{{CHUNKS},messaging_destination_partition_id="1"}} 9.5
# TYPE headwater_bus_in_flight gauge
headwater_bus_in_flight{{{CHUNKS}}} 12
# TYPE headwater_bus_at_work gauge
headwater_bus_at_work{{{CHUNKS}}} 9
# TYPE headwater_bus_capacity gauge
headwater_bus_capacity{{{CHUNKS}}} 96
# TYPE headwater_bus_partitions gauge
headwater_bus_partitions{{{CHUNKS},headwater_bus_partition_state="paused"}} 2
# TYPE headwater_embed_texts_total counter
headwater_embed_texts_total{{headwater_embed_source="memory"}} {done}
headwater_embed_texts_total{{headwater_embed_source="encoder"}} {3 * done}
"""


def retrieve(calls: int, failed: int) -> str:
    quick = calls // 2
    return f"""
# TYPE headwater_service_serving gauge
headwater_service_serving 0
# TYPE headwater_rpc_server_duration_seconds histogram
headwater_rpc_server_duration_seconds_bucket{{{SEARCH},rpc_response_status_code="OK",le="0.01"}} {quick}
headwater_rpc_server_duration_seconds_bucket{{{SEARCH},rpc_response_status_code="OK",le="0.1"}} {calls}
headwater_rpc_server_duration_seconds_bucket{{{SEARCH},rpc_response_status_code="OK",le="+Inf"}} {calls}
headwater_rpc_server_duration_seconds_count{{{SEARCH},rpc_response_status_code="OK"}} {calls}
headwater_rpc_server_duration_seconds_sum{{{SEARCH},rpc_response_status_code="OK"}} 1
headwater_rpc_server_duration_seconds_bucket{{{SEARCH},rpc_response_status_code="INTERNAL",le="+Inf"}} {failed}
headwater_rpc_server_duration_seconds_count{{{SEARCH},rpc_response_status_code="INTERNAL"}} {failed}
headwater_rpc_server_duration_seconds_sum{{{SEARCH},rpc_response_status_code="INTERNAL"}} 1
# TYPE headwater_retrieve_learned gauge
headwater_retrieve_learned{{{RANKER}}} 1
"""


def seen(history: History) -> Figures:
    history.add(snapshot(100.0, {"embed": embed(1000), "retrieve": retrieve(50, 0)}))
    return history.add(snapshot(102.0, {"embed": embed(1040), "retrieve": retrieve(68, 2)}))


def test_rates_are_of_the_interval_and_sums_over_partitions() -> None:
    figures = seen(History(SERVICES))
    (stage,) = (each for each in figures.stages if each.group == "embed")
    assert (stage.per_second, stage.lag, stage.lag_seconds) == (20.0, 12, 9.5)
    assert (stage.waiting, stage.at_work, stage.capacity, stage.paused) == (3, 9, 96, 2)
    (calls,) = figures.calls
    assert (calls.service, calls.method, calls.per_second, calls.errors) == ("retrieve", "Search", 10.0, 0.1)
    assert calls.p50 == pytest.approx(0.01 + 0.09 / 9)
    assert figures.caches[0].hits == 0.25
    assert [(each.tenant, each.component, each.snapshot) for each in figures.learned] == [("acme", "ranker", "abc")]
    assert [(each.name, each.state, each.version) for each in figures.services] == [
        ("embed", "serving", "0.1.0"),
        ("retrieve", "not serving", ""),
    ]


def test_a_service_that_is_begun_anew_counts_from_0_and_one_that_is_away_shows() -> None:
    history = History(SERVICES)
    history.add(snapshot(100.0, {"embed": embed(1000), "retrieve": None}))
    figures = history.add(snapshot(102.0, {"embed": embed(10), "retrieve": None}))
    assert next(each for each in figures.stages if each.group == "embed").per_second == 5.0
    assert figures.services[1].state == "away"
    assert (figures.calls, figures.fresh_p50, figures.caches[1].hits) == ([], None, None)


def test_a_service_that_is_back_again_shows_no_rates_before_it_answered_twice() -> None:
    history = History(SERVICES)
    history.add(snapshot(100.0, {"embed": embed(1000), "retrieve": None}))
    back = history.add(snapshot(102.0, {"embed": None, "retrieve": retrieve(500, 0)}))
    assert (back.calls, [stage.per_second for stage in back.stages if stage.per_second]) == ([], [])
    assert [service.state for service in back.services] == ["away", "not serving"]


def test_rates_follow_what_happened_of_late() -> None:
    history = History(SERVICES)
    for number in range(60):
        done = min(number, 10) * 100
        figures = history.add(snapshot(100.0 + number, {"embed": embed(done), "retrieve": None}))
    assert next(each for each in figures.stages if each.group == "embed").per_second == 0.0
    assert history.curve("embed chunks.v1")[:11] == (100.0,) * 10 + (0.0,)


@pytest.mark.parametrize("width", [40, 80, 117, 118, 200])
def test_it_fits_whatever_the_width(width: int) -> None:
    history = History(SERVICES)
    figures = seen(history)
    output = io.StringIO()
    Console(file=output, width=width, color_system=None).print(screen(figures, history, width))
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("embed" in line for line in lines)


def test_buckets_tell_a_quantile_as_prometheus_does() -> None:
    buckets = [(1.0, 0.0), (2.0, 10.0), (math.inf, 20.0)]
    assert quantile(buckets, 0.25) == 1.5
    assert quantile(buckets, 0.99) == 2.0
    assert quantile([(1.0, 0.0), (math.inf, 0.0)], 0.5) is None
    assert quantile([], 0.5) is None


def test_words_for_figures() -> None:
    assert [amount(each) for each in (0.0, 0.44, 7.0, 123.4, 12_345, 2.5e6)] == [
        "0",
        "0.4",
        "7",
        "123",
        "12.3k",
        "2.5M",
    ]
    assert [duration(each) for each in (None, 0.0031, 0.02, 0.84, 240.0)] == ["–", "3.1 ms", "20 ms", "0.8 s", "4 min"]
    assert sparkline([0, 1, 2, 4], 6) == "  ▁▂▄█"
    assert sparkline([0, 0], 3) == " ▁▁"


async def test_an_endpoint_that_does_not_answer_is_away() -> None:
    assert (await scrape({"embed": "127.0.0.1:9"})).answered == frozenset()


@pytest.mark.parametrize("body", [b"\xff", b"# TYPE x gauge\nx{ 1"], ids=["no text", "no metrics"])
async def test_an_endpoint_that_answers_something_else_is_away(body: bytes) -> None:
    assert (await answered(b"HTTP/1.1 200 OK\r\n\r\n" + body)) == frozenset()


async def test_an_endpoint_that_speaks_no_http_is_away() -> None:
    assert (await answered(b"SSH-2.0-OpenSSH\r\n")) == frozenset()


async def answered(reply: bytes) -> frozenset[str]:
    """Who answered, where the only endpoint says this."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        return (await scrape({"embed": f"{host}:{port}"})).answered
