# SPDX-License-Identifier: MPL-2.0
"""What was measured: samples by row and environment, and why some are missing."""

import statistics


class Samples:
    """Values as recorded (nanoseconds, requests a second, bytes): one a run of a row, in the order in which they were taken."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[float]]] = {}  # row key → environment → samples
        self.refusals: dict[str, dict[str, str]] = {}  # row key → environment → why there is none

    def add(self, row: str, environment: str, value: float) -> None:
        self.values.setdefault(row, {}).setdefault(environment, []).append(value)

    def refuse(self, row: str, environment: str, reason: str) -> None:
        self.refusals.setdefault(row, {})[environment] = reason

    def median(self, row: str, environment: str) -> float | None:
        samples = self.values.get(row, {}).get(environment)
        return statistics.median(samples) if samples else None

    def spread(self, row: str, environment: str) -> float | None:
        """Distance of the quartiles, as a part of the median; None with fewer than three samples."""
        samples = self.values.get(row, {}).get(environment, [])
        if len(samples) < 3:
            return None
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        return (high - low) / statistics.median(samples)

    def best(self, row: str, environments: tuple[str, ...], more_is_better: bool) -> tuple[float, str] | None:
        """The better median of several environments, and whose it is."""
        found = [(median, name) for name in environments if (median := self.median(row, name)) is not None]
        if not found:
            return None
        return max(found) if more_is_better else min(found)

    def as_json(self) -> dict[str, object]:
        return {"samples": self.values, "refusals": self.refusals}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> "Samples":
        samples = cls()
        samples.values = data["samples"]  # type: ignore[assignment]
        samples.refusals = data["refusals"]  # type: ignore[assignment]
        return samples
