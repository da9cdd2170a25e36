# SPDX-License-Identifier: MPL-2.0
"""check(): all rules over all files; the entry for the command line, the loader and tests. Reads files, runs none of them."""

from collections.abc import Iterable

from cruck.safety.checker import Checker
from cruck.safety.findings import Finding
from cruck.safety.graph import Graph
from cruck.safety.sources import Source, SourceSet


def check(arguments: Iterable[str]) -> list[Finding]:
    """Findings in files, trees and dotted modules, in order of file and line. Errors: SourceError: one does not exist."""
    sources = SourceSet()
    for argument in arguments:
        sources.add(argument)
    return check_sources(sources)


def check_text(text: str | bytes, name: str = "service") -> list[Finding]:
    """Findings in one module given as text."""
    sources = SourceSet()
    data = text.encode() if isinstance(text, str) else text
    sources.files[name] = Source(name, f"{name}.py", False, data)
    return check_sources(sources)


def check_sources(sources: SourceSet) -> list[Finding]:
    graph = Graph(sources)
    findings = list(sources.findings)
    for source in sources.all_files():
        findings += _check_one(source, graph)
    return sorted(set(findings))


def _check_one(source: Source, graph: Graph) -> list[Finding]:
    try:
        return Checker(source, graph.parse(source), graph).run()
    except SyntaxError as error:
        return [Finding(source.path, error.lineno or 1, error.offset or 1, "syntax", f"{error.msg}")]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Finding(source.path, 1, 1, "syntax", f"cannot be parsed ({type(error).__name__}: {error})")]
