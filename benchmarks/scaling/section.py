# SPDX-License-Identifier: MPL-2.0
"""The section on growth of the document."""

from benchmarks.scaling.growth import Curve


def write(curves: list[Curve]) -> str:
    """Markdown; the plots are scaling-KIND.svg beside it."""
    if not curves:
        return ""
    lines = [
        "## How cost grows\n",
        "`benchmarks/scaling/grow.c` makes n of a kind, uses each and removes all. µs for each of them; exponent b of the fit n^b to the total from "
        "100 on; n log n: whether the largest n costs at most twice what n log n foretells from n = 100.\n",
        "| kind | environment | 1 | 100 | largest | n | exponent | within n log n |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for curve in curves:
        costs = dict(curve.per_item_us())
        exponent, verdict = curve.exponent(), curve.is_within_n_log_n()
        largest = max(costs, default=0)
        cells = [f"{costs[size]:.3g}" if size in costs else "-" for size in (1, 100, largest)]
        lines.append(
            f"| {curve.kind} | {curve.environment} | {' | '.join(cells)} | {largest} | {f'{exponent:.2f}' if exponent is not None else '-'} | "
            f"{'-' if verdict is None else ('yes' if verdict else 'NO')} |"
        )
    refused = [f"{curve.environment} refused {size} {curve.kind} ({why})" for curve in curves for size, why in curve.refusals]
    text = "\n".join(lines) + "\n"
    if refused:
        text += "\n" + "; ".join(refused) + ".\n"
    kinds = list(dict.fromkeys(curve.kind for curve in curves))
    return text + "\n" + "\n".join(f"![growth with the number of {kind}](scaling-{kind}.svg)" for kind in kinds) + "\n"
