# SPDX-License-Identifier: MPL-2.0
"""`cruck check`: every evasion of the corpus is caught by its rule, what is clean passes, our own services are clean."""

import ast
from pathlib import Path

import pytest

from cruck.safety import RULES
from cruck.safety.allowed import BUILTINS, CAPABILITIES, FORBIDDEN, FORMS, FRAMEWORK, STANDARD
from cruck.safety.check import check, check_text

from .evasions import CLEAN, EVASIONS

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "cruck"


@pytest.mark.parametrize("name", EVASIONS)
def test_evasion_is_caught(name: str) -> None:
    rule, text = EVASIONS[name]
    found = {finding.rule for finding in check_text(text)}
    assert rule in found, f"{name}: found {found or 'nothing'}\n{text}"


@pytest.mark.parametrize("name", CLEAN)
def test_clean_code_passes(name: str) -> None:
    assert [finding.text() for finding in check_text(CLEAN[name])] == []


def test_corpus_is_large_and_covers_every_rule() -> None:
    assert len(EVASIONS) >= 60
    assert {rule for rule, _ in EVASIONS.values()} == set(RULES) - {"native-module"}


@pytest.mark.parametrize("name", RULES)
def test_examples_of_a_rule_are_true(name: str) -> None:
    rule = RULES[name]
    if name != "native-module":
        assert {finding.rule for finding in check_text(rule.bad)} == {name}
    assert [finding.text() for finding in check_text(rule.good)] == []


def test_services_are_clean() -> None:
    assert [finding.text() for finding in check([str(PACKAGE / "kernel"), str(PACKAGE / "abi")])] == []


def test_public_api_names_what_the_framework_has() -> None:
    for module, names in FRAMEWORK.items():
        path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
        defined = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                defined.add(node.name)
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    defined |= {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}
            elif isinstance(node, ast.If):
                defined |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        assert names <= defined, f"{module}: {sorted(names - defined)}"
    for module, name in CAPABILITIES:
        assert name in FRAMEWORK[module]


def test_lists_do_not_contradict_each_other() -> None:
    assert not BUILTINS & set(FORBIDDEN)
    assert not FORMS & (BUILTINS | set(FORBIDDEN))
    assert not {"os", "sys", "ctypes", "gc", "inspect", "pickle", "importlib", "operator", "io"} & set(STANDARD)


def test_diagnostic_has_place_rule_reason_and_replacement() -> None:
    (finding,) = check_text("x = 1\nimport os\n")
    text = finding.text()
    assert text.startswith("service.py:2:1: import-not-allowed module os is not on the allow-list; ")
    assert RULES["import-not-allowed"].reason in text and RULES["import-not-allowed"].instead in text
