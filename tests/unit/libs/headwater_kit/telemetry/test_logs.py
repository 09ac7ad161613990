import io
import json
import logging
import sys

import pytest
from headwater_kit.core.errors import Unavailable
from headwater_kit.telemetry import trace_id
from headwater_kit.telemetry.logs import JsonFormatter, TextFormatter, configure
from opentelemetry.sdk.trace import TracerProvider


def record(message: str = "hello %s", *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("x").makeRecord("x", logging.INFO, "f.py", 1, message, args or ("you",), None, extra=extra)


def test_a_json_line_has_what_a_machine_needs() -> None:
    line = json.loads(JsonFormatter("embed").format(record(port=7402)))
    assert line["service"] == "embed"
    assert (line["level"], line["message"], line["port"]) == ("info", "hello you", 7402)
    assert next(iter(line)) == "time"
    assert line["time"].endswith("+00:00")


def test_an_extra_cannot_pose_as_the_line_itself() -> None:
    assert json.loads(JsonFormatter("embed").format(record(service="other", level="x")))["service"] == "embed"


@pytest.mark.parametrize("formatter", [JsonFormatter("embed"), TextFormatter()])
def test_a_secret_by_name_is_masked(formatter: logging.Formatter) -> None:
    line = formatter.format(record(kafka_sasl_password="hunter2", api_key="hunter2", tokens=12, user="ann"))
    assert "hunter2" not in line
    assert "ann" in line
    # A number of tokens is no secret.
    assert "12" in line


@pytest.mark.parametrize("formatter", [JsonFormatter("embed"), TextFormatter()])
def test_every_line_of_a_trace_names_it(formatter: logging.Formatter) -> None:
    assert "trace_id" not in formatter.format(record())
    with TracerProvider().get_tracer("t").start_as_current_span("s"):
        assert trace_id() in formatter.format(record())


def test_an_error_stands_within_its_json_line() -> None:
    try:
        try:
            raise ValueError("what somebody wrote")
        except ValueError as error:
            raise Unavailable("the store is away") from error
    except Unavailable:
        failed = logging.getLogger("x").makeRecord("x", logging.ERROR, "f.py", 1, "bad", (), sys.exc_info())
    line = JsonFormatter("embed").format(failed)
    assert "\n" not in line
    told = json.loads(line)["error"]
    assert "Unavailable: the store is away" in told
    assert told.index("ValueError") < told.index("which led to") < told.index("Unavailable")
    assert "test_logs.py" in told
    # What others' errors say may be anybody's words.
    assert "wrote" not in told.replace('raise ValueError("what somebody wrote")', "")


@pytest.mark.parametrize(
    ("format", "is_terminal", "is_json"),
    [("auto", False, True), ("auto", True, False), ("json", True, True), ("text", False, False)],
)
def test_auto_is_text_on_a_terminal(format: str, is_terminal: bool, is_json: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return is_terminal

    stream, root = Stream(), logging.getLogger()
    before = (root.handlers, root.level)
    try:
        configure("embed", "info", format, stream)
        logging.getLogger("x").info("hello")
        logging.getLogger("x").debug("too fine")
    finally:
        root.handlers, root.level = before
    assert stream.getvalue().startswith("{") is is_json
    assert "too fine" not in stream.getvalue()
