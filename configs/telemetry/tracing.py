"""Where time goes: spans for OpenTelemetry (`pip install headwater[otel]`), or nothing at all.

Off until `begin` is called in a process, after it was forked: the exporter has a thread of its own.
While it is off `span` costs a look at a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Attributes = Mapping[str, str | int | float | bool]

_NOTHING: AbstractContextManager[None] = nullcontext()
_tracer: Tracer | None = None


class TracingUnavailable(Exception):
    """The extra is not installed."""


def begin(endpoint: str, service: str, ratio: float) -> Callable[[], None]:
    """Send spans to an OTLP collector, by HTTP; returns what sends the last ones and ends it.

    `ratio` of the traces that nobody else began are recorded; of others what their beginner says.
    TracingUnavailable without the extra.
    """
    global _tracer  # noqa: PLW0603 - one tracer a process, as OpenTelemetry has it
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        msg = f"{exc.name} is not installed (pip install headwater[otel])"
        raise TracingUnavailable(msg) from exc
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(ratio),
        resource=Resource.create({"service.name": service}),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = provider.get_tracer("headwater")

    def end() -> None:
        global _tracer  # noqa: PLW0603 - as above
        _tracer = None
        provider.shutdown()

    return end


def is_on() -> bool:
    """Whether spans are recorded in this process."""
    return _tracer is not None


def span(name: str, **attributes: str | float | bool) -> AbstractContextManager[None]:
    """The time of the block, as part of what is being done; marked where it raises."""
    return _NOTHING if _tracer is None else _span(_tracer, name, attributes)


@contextmanager
def served(
    name: str, headers: Mapping[str, str], attributes: Attributes
) -> Iterator[Callable[[str, str | int], None]]:
    """A request of somebody else's, who may have begun the trace (W3C `traceparent`).

    Yields what adds attributes. To be used only where `is_on`.
    """
    from opentelemetry.propagate import extract  # noqa: PLC0415 - an extra
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    if _tracer is None:
        yield lambda _name, _value: None
        return
    carrier = {
        name: value for name in ("traceparent", "tracestate") if (value := headers.get(name))
    }
    with _tracer.start_as_current_span(
        name,
        context=extract(carrier),
        kind=SpanKind.SERVER,
        attributes=dict(attributes),
        record_exception=False,
    ) as current:
        yield current.set_attribute


@contextmanager
def _span(tracer: Tracer, name: str, attributes: Attributes) -> Iterator[None]:
    # An exception's text may hold what nobody is to see: its class says enough.
    with tracer.start_as_current_span(
        name, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as exc:
            current.set_attribute("error.type", type(exc).__name__)
            raise
