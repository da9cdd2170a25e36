# SPDX-License-Identifier: MPL-2.0
"""Where we are slow, in sentences made from the figures, so that the document cannot flatter."""

from benchmarks.peers.known import CRUCK, NATIVE
from benchmarks.report.table import PEERS, in_units, number, rows_measured
from benchmarks.samples import Samples

NO_WORSE_THAN = ("runsc systrap", "runsc ptrace", "proot")
TOLERANCE = 1.05  # a difference of the order of the spread is none


def missed(samples: Samples) -> list[str]:
    """Rows beyond their bar."""
    found = []
    for row in rows_measured(samples):
        native, value = in_units(row, samples, NATIVE), in_units(row, samples, CRUCK)
        if value is None:
            found.append(f"{row.title}: not measured ({next(iter(samples.refusals.get(row.key, {}).values()), 'no sample')})")
        elif row.is_reached(value, native) is False:
            found.append(f"{row.title}: {number(value)} {row.unit}, to reach: {row.bar()}")
    return found


def slower_than_peers(samples: Samples) -> list[str]:
    """Rows in which runsc or proot is faster, whatever the bar."""
    found = []
    for row in rows_measured(samples):
        value = in_units(row, samples, CRUCK)
        if value is None:
            continue
        faster = []
        for peer in NO_WORSE_THAN:
            other = in_units(row, samples, PEERS[peer])
            if other is not None and row.ratio(value, other) > TOLERANCE:
                faster.append(f"{peer} {number(other)}")
        if faster:
            is_allowed = row.is_reached(value, in_units(row, samples, NATIVE))
            found.append(f"{row.title}: {number(value)} {row.unit}; {', '.join(faster)}{' (within its bar)' if is_allowed else ''}")
    return found
