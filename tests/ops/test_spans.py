"""OpenTelemetry: requests and what events make services do are spans of the trace that their headers carry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutlog.process import tracing
from cutlog.process.tracing import span
from tests.ops.conftest import Client

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra cutlog[otel] is not installed")


@pytest.fixture
def spans() -> Iterator[list[object]]:
    """Spans that have ended, as an exporter gets them."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider.get_tracer("test"))
    yield exporter  # type: ignore[misc]
    tracing.use(None)


async def test_a_request_is_a_span_of_its_callers_trace(editor: Client, spans: object) -> None:
    headers = {"Authorization": f"Bearer {editor.token}", "traceparent": PARENT}
    async with editor.session.get(f"{editor.url}/api/projects", headers=headers) as answer:
        assert answer.status == 200
    (found,) = [each for each in spans.get_finished_spans() if each.name == "GET /api/projects"]  # type: ignore[attr-defined]
    assert f"{found.context.trace_id:032x}" == TRACE
    assert found.attributes["cutlog.request"]


def test_an_error_is_noted_and_goes_on(spans: object) -> None:
    with pytest.raises(ValueError), span("work", PARENT, "consumer", position=7):
        raise ValueError("broken")
    (found,) = spans.get_finished_spans()  # type: ignore[attr-defined]
    assert not found.status.is_ok and found.attributes["cutlog.position"] == 7
    assert f"{found.context.trace_id:032x}" == TRACE


def test_without_a_tracer_nothing_happens() -> None:
    with span("work", "nonsense"):
        pass
