"""Spans of requests, events and jobs for OpenTelemetry, in the traces that headers carry anyway. Nothing without the
extra `otel` and without a place to send them to.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Kind = Literal["server", "consumer", "internal"]

_tracer: Tracer | None = None


class TracingNotInstalled(Exception):
    """Spans were asked for, and the extra is not installed: pip install cutlog[otel]."""


def send_spans(service: str) -> None:
    """From now on every span goes where OTEL_EXPORTER_OTLP_ENDPOINT says. Raises TracingNotInstalled."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingNotInstalled(TracingNotInstalled.__doc__) from error
    provider = TracerProvider(resource=Resource.create({"service.name": f"cutlog-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider.get_tracer("cutlog"))


def use(tracer: Tracer | None) -> None:
    """Makes spans with that tracer; None makes none."""
    global _tracer
    _tracer = tracer


def span(
    name: str, traceparent: str, kind: Kind = "internal", **attributes: str | int
) -> AbstractContextManager[object]:
    """What is done in the block, as a span of the trace of `traceparent` (W3C). An error in it is noted."""
    if _tracer is None:
        return nullcontext()
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    kinds = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER, "internal": SpanKind.INTERNAL}
    named = {f"cutlog.{key}": value for key, value in attributes.items()}
    return _tracer.start_as_current_span(name, context=parent, kind=kinds[kind], attributes=named)
