# SPDX-License-Identifier: MPL-2.0
"""Names and scopes of one module: what binds a name, and which scope a use of it reads. No flow: a name is all it is ever bound to.

Used by checker.py and by graph.py (what a module's name is). Follows Python's rules: class scopes are invisible to functions inside,
comprehensions have their own scope, `:=` binds outside of it, global and nonlocal redirect.
"""

import ast
from dataclasses import dataclass, field
from typing import Final

MODULE: Final = "module"
CLASS: Final = "class"
FUNCTION: Final = "function"
COMPREHENSION: Final = "comprehension"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Binding:
    kind: str  # import, alias, class, function, parameter, other
    node: ast.AST
    target: str = ""  # import: the dotted thing; "?" if unknown (star)
    module: str = ""  # import by `from`: the module, so that target is module.name
    value: ast.expr | None = None  # alias: what was assigned
    is_firm: bool = False  # a statement directly in the scope's body: it surely ran before what follows it


@dataclass
class Scope:
    kind: str
    node: ast.AST
    parent: "Scope | None"
    names: dict[str, list[Binding]] = field(default_factory=dict)
    redirected: dict[str, str] = field(default_factory=dict)  # name → "global" | "nonlocal"

    def bind(self, name: str, binding: Binding) -> None:
        owner = self
        where = self.redirected.get(name)
        if where == "global":
            while owner.parent is not None:
                owner = owner.parent
            binding.is_firm = False
        elif where == "nonlocal":
            found = self.parent.find(name) if self.parent is not None else None
            owner = found or self
        owner.names.setdefault(name, []).append(binding)

    def find(self, name: str) -> "Scope | None":
        """The scope a use of `name` in this one reads; None: the built-ins. Errors: none."""
        scope: Scope | None = self
        is_own = True
        while scope is not None:
            if scope.redirected.get(name) == "global" and (is_own or scope.kind != CLASS):
                while scope.parent is not None:
                    scope = scope.parent
                return scope if name in scope.names else None
            if name in scope.names and (is_own or scope.kind != CLASS):
                return scope
            is_own = False
            scope = scope.parent
        return None


class ScopeTree:
    tree: ast.Module
    root: Scope
    of: dict[ast.AST, Scope]  # functions, lambdas, classes and comprehensions → their scope
    parents: dict[ast.AST, ast.AST]
    deleted: set[str]  # names that some `del`, or the end of an except clause, unbinds
    has_redirections: bool  # is there a `global` or `nonlocal`?

    def __init__(self, tree: ast.Module, module: str, is_package: bool) -> None:
        self.tree = tree
        self.module = module
        self.is_package = is_package
        self.root = Scope(MODULE, tree, None)
        self.of = {tree: self.root}
        self.parents = {}
        self.deleted = set()
        self.has_redirections = False
        for node in ast.walk(tree):
            if isinstance(node, ast.Global | ast.Nonlocal):
                self.has_redirections = True
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        self._statements(tree.body, self.root)

    def _statements(self, body: list[ast.stmt], scope: Scope) -> None:
        if self.has_redirections:
            for statement in body:
                self._redirections(statement, scope)
        for statement in body:
            self._visit(statement, scope, True)

    def _redirections(self, node: ast.AST, scope: Scope) -> None:
        """`global` may stand anywhere in the function: found before anything is bound."""
        if isinstance(node, ast.Global | ast.Nonlocal):
            for name in node.names:
                scope.redirected[name] = "global" if isinstance(node, ast.Global) else "nonlocal"
        if isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            return
        for child in ast.iter_child_nodes(node):
            self._redirections(child, scope)

    def _visit(self, node: ast.AST, scope: Scope, is_firm: bool = False) -> None:
        child: ast.AST
        if isinstance(node, ast.Import):
            for alias in node.names:
                target = alias.name if alias.asname else alias.name.partition(".")[0]
                scope.bind(alias.asname or target, Binding("import", node, target, is_firm=is_firm))
            return
        if isinstance(node, ast.ImportFrom):
            module = self.absolute(node)
            for alias in node.names:
                binding = Binding("import", node, f"{module}.{alias.name}", module, is_firm=is_firm)
                scope.bind(alias.asname or alias.name, binding)
            return
        if isinstance(node, FunctionNode):
            scope.bind(node.name, Binding("function", node, is_firm=is_firm))
            self._function(node, scope, node.body)
            return
        if isinstance(node, ast.Lambda):
            self._function(node, scope, None)
            return
        if isinstance(node, ast.ClassDef):
            scope.bind(node.name, Binding("class", node, is_firm=is_firm))
            outside: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords]
            for part in outside:
                self._visit(part, scope)
            inner = self._new(CLASS, node, scope)
            self._type_parameters(node, inner)
            self._statements(node.body, inner)
            return
        if isinstance(node, _COMPREHENSIONS):
            self._visit(node.generators[0].iter, scope)
            inner = self._new(COMPREHENSION, node, scope)
            for index, generator in enumerate(node.generators):
                self._visit(generator.target, inner)
                if index:
                    self._visit(generator.iter, inner)
                for condition in generator.ifs:
                    self._visit(condition, inner)
            for element in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
                self._visit(element, inner)
            return
        if isinstance(node, ast.NamedExpr):
            owner = scope
            while owner.kind == COMPREHENSION and owner.parent is not None:
                owner = owner.parent
            owner.bind(node.target.id, Binding("alias", node, value=node.value))
            self._visit(node.value, scope)
            return
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for place in targets:
                if isinstance(place, ast.Name):
                    if node.value is not None:
                        scope.bind(place.id, Binding("alias", node, value=node.value, is_firm=is_firm))
                    elif scope.kind == FUNCTION:
                        scope.bind(place.id, Binding("other", node))
                else:
                    self._visit(place, scope)
            if isinstance(node, ast.AnnAssign):
                self._visit(node.annotation, scope)
            if node.value is not None:
                self._visit(node.value, scope)
            return
        if isinstance(node, ast.ExceptHandler) and node.name:
            scope.bind(node.name, Binding("other", node))
            self.deleted.add(node.name)
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            scope.bind(node.name, Binding("other", node))
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.bind(node.rest, Binding("other", node))
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                scope.bind(node.id, Binding("other", node))
            elif isinstance(node.ctx, ast.Del):
                scope.bind(node.id, Binding("other", node))
                self.deleted.add(node.id)
        elif type(node).__name__ == "TypeAlias":  # 3.12
            scope.bind(node.name.id, Binding("other", node))  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)

    def _function(self, node: FunctionNode | ast.Lambda, scope: Scope, body: list[ast.stmt] | None) -> None:
        arguments = node.args
        outside: list[ast.AST] = [*arguments.defaults, *[default for default in arguments.kw_defaults if default is not None]]
        inner = self._new(FUNCTION, node, scope)
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        everything += [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        for argument in everything:
            inner.bind(argument.arg, Binding("parameter", argument))
            if argument.annotation is not None:
                outside.append(argument.annotation)
        if not isinstance(node, ast.Lambda):
            outside += node.decorator_list
            if node.returns is not None:
                outside.append(node.returns)
            self._type_parameters(node, inner)
        for child in outside:
            self._visit(child, scope)
        if body is None:
            assert isinstance(node, ast.Lambda)
            self._visit(node.body, inner)
        else:
            self._statements(body, inner)

    def _type_parameters(self, node: ast.AST, scope: Scope) -> None:
        for parameter in getattr(node, "type_params", ()):  # 3.12
            scope.bind(parameter.name, Binding("other", parameter))

    def _new(self, kind: str, node: ast.AST, parent: Scope) -> Scope:
        scope = Scope(kind, node, parent)
        self.of[node] = scope
        return scope

    def absolute(self, node: ast.ImportFrom) -> str:
        """The module a `from` statement names; "?" if it climbs out of the package."""
        if not node.level:
            return node.module or "?"
        parts = self.module.split(".")
        drop = node.level - 1 if self.is_package else node.level
        if drop >= len(parts):
            return "?"
        return ".".join([*parts[: len(parts) - drop], *([node.module] if node.module else [])])

    def scope_at(self, node: ast.AST) -> Scope:
        """The scope in which `node` is evaluated: a default, decorator or annotation belongs to the scope around its function."""
        child, parent = node, self.parents.get(node)
        while parent is not None:
            if parent in self.of and not self._is_outside(parent, child, node):
                return self.of[parent]
            child, parent = parent, self.parents.get(parent)
        return self.root

    def _is_outside(self, owner: ast.AST, child: ast.AST, node: ast.AST) -> bool:
        if isinstance(owner, FunctionNode):
            return child not in owner.body and not isinstance(child, _type_parameter_nodes())
        if isinstance(owner, ast.Lambda):
            return child is owner.args
        if isinstance(owner, ast.ClassDef):
            return child in owner.decorator_list or child in owner.bases or child in owner.keywords
        if isinstance(owner, _COMPREHENSIONS):
            first = owner.generators[0]
            if child is not first:
                return False
            step: ast.AST | None = node
            while step is not None and step is not first:
                if step is first.iter:
                    return True
                step = self.parents.get(step)
        return False


def _type_parameter_nodes() -> tuple[type[ast.AST], ...]:
    return tuple(getattr(ast, name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple") if hasattr(ast, name))
