"""What operators see of a running Headwater: figures, log lines and traces.

Counting happens in plain numbers of one process (`series`); a page of memory that all processes
of a server share keeps them (`board`), so that any of them can tell of all, and of those that
died; `exposition` gives them to Prometheus. `context` says which request or job a line of the log
is about, `logs` how it is written, `tracing` where time went.

Nothing here knows what is counted, and nothing opens a socket. Start reading at `series`.
"""

from configs.telemetry.board import Board, Page
from configs.telemetry.series import Counter, Gauge, Histogram, Meters

__all__ = ["Board", "Counter", "Gauge", "Histogram", "Meters", "Page"]
