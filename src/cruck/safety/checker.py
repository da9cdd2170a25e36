# SPDX-License-Identifier: MPL-2.0
"""Checker: the rules over one module's syntax tree. Strict where it cannot know: no data flow, so values that lead to the framework or
to a module may only be used where they are named.

Works on names (scopes.py) and what they stand for (graph.py). What it does not see: docs/soundness/threat-model.md.
"""

import ast
from typing import Final

from cruck.safety.allowed import (
    BUILTINS,
    CAPABILITIES,
    DECORATORS,
    FORBIDDEN,
    FORMS,
    FRAMEWORK,
    INTERPRETER_ATTRIBUTES,
    PUBLIC_UNDERSCORED,
    READABLE_ATTRIBUTES,
    READABLE_NAMES,
    SPECIAL_METHODS,
    SUPER_ATTRIBUTES,
    WRITABLE_NAMES,
)
from cruck.safety.findings import Finding
from cruck.safety.format_string import reaches_attributes
from cruck.safety.graph import Graph, Refusal, Target, defined_private_names, framework_methods, framework_private_names
from cruck.safety.scopes import CLASS, FUNCTION, MODULE, Binding, FunctionNode, Scope, ScopeTree
from cruck.safety.sources import Source

_MAX_ALIASES: Final = 20
_framework_private: Final = framework_private_names()
_framework_methods: Final = framework_methods()


class Checker:
    def __init__(self, source: Source, scopes: ScopeTree, graph: Graph) -> None:
        self.source = source
        self.graph = graph
        self.scopes = scopes
        self.defined_private = defined_private_names(scopes.tree)
        self.own_private = self.defined_private - _framework_private
        self.bound: dict[int, list[Target]] = {}  # by id of a Binding
        self.findings: list[Finding] = []

    def run(self) -> list[Finding]:
        for node in list(self.scopes.parents):
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
            elif isinstance(node, ast.Name):
                self._name(node)
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, FunctionNode):
                self._function(node)
            elif isinstance(node, ast.ClassDef):
                self._class(node)
            elif isinstance(node, ast.MatchClass):
                for name in node.kwd_attrs:
                    self._attribute_name(node, name, None)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
                self._bound_name(node, node.name)
            elif isinstance(node, ast.MatchMapping):
                self._bound_name(node, node.rest)
        return self.findings

    def _add(self, node: ast.AST, rule: str, message: str) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        self.findings.append(Finding(self.source.path, line, column + 1, rule, message))

    # Imports.

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._bound_name(node, alias.asname)
            found = self.graph.module(alias.name)
            if isinstance(found, Refusal):
                self._add(node, found.rule, found.message)
            self._private_parts(node, alias.name)

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = self.scopes.absolute(node)
        if any(alias.name == "*" for alias in node.names):
            self._add(node, "star-import", f"from {module} import *")
        found = self.graph.module(module)
        if isinstance(found, Refusal):
            self._add(node, found.rule, found.message)
            return
        self._private_parts(node, module)
        for alias in node.names:
            if alias.name == "*":
                continue
            self._bound_name(node, alias.asname)
            imported = self.graph.step(found, alias.name)
            if isinstance(imported, Refusal):
                self._add(node, imported.rule, imported.message)
            elif not _is_public(alias.name, found):
                self._add(node, "private-attribute", f"{alias.name} is private to {module}")

    def _bound_name(self, node: ast.AST, name: str | None) -> None:
        if name is not None and _is_special(name) and name not in WRITABLE_NAMES:
            self._add(node, "special-method", f"{name} is bound")

    def _private_parts(self, node: ast.AST, dotted: str) -> None:
        for part in dotted.split("."):
            if part.startswith("_") and part != "__future__":
                self._add(node, "private-attribute", f"{part} in {dotted} is private")

    # What an expression stands for.

    def _bindings(self, node: ast.Name) -> tuple[Scope | None, list[Binding]]:
        scope = self.scopes.scope_at(node).find(node.id)
        return scope, scope.names[node.id] if scope is not None else []

    def targets(self, node: ast.expr, depth: int = 0) -> list[Target]:
        """The modules or their names that `node` may stand for; none for everything else. What is refused is reported where it is used."""
        if depth > _MAX_ALIASES:
            return []
        found: list[Target] = []
        if isinstance(node, ast.Name):
            _, bindings = self._bindings(node)
            for binding in bindings:
                found += self._bound(binding, depth)
        elif isinstance(node, ast.Attribute):
            for base in self.targets(node.value, depth + 1):
                if not base.name:
                    step = self.graph.step(base, node.attr)
                    if isinstance(step, Target):
                        found.append(step)
        elif isinstance(node, ast.NamedExpr):
            return self.targets(node.value, depth + 1)
        elif isinstance(node, ast.IfExp):
            return self.targets(node.body, depth + 1) + self.targets(node.orelse, depth + 1)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                found += self.targets(value, depth + 1)
        return found

    def _bound(self, binding: Binding, depth: int) -> list[Target]:
        found = self.bound.get(id(binding))
        if found is None:
            self.bound[id(binding)] = []  # a name that is bound to itself adds nothing
            found = self.bound[id(binding)] = self._bound_anew(binding, depth)
        return found

    def _bound_anew(self, binding: Binding, depth: int) -> list[Target]:
        if binding.kind == "alias" and binding.value is not None:
            return self.targets(binding.value, depth + 1)
        if binding.kind != "import":
            return []
        module = self.graph.module(binding.module or binding.target)
        if isinstance(module, Refusal):
            return []
        if not binding.module:
            return [module]
        step = self.graph.step(module, binding.target.removeprefix(binding.module + "."))
        return [step] if isinstance(step, Target) else []

    # Names.

    def _name(self, node: ast.Name) -> None:
        name = node.id
        if not isinstance(node.ctx, ast.Load):
            self._bound_name(node, name)
            return
        scope, bindings = self._bindings(node)
        is_builtin = scope is None or self._may_be_builtin(node, scope, bindings)
        if name in FORBIDDEN and is_builtin:
            if name == "memoryview" and self._is_annotation(node):
                return  # a parameter that accepts one is read like bytes
            self._add(node, FORBIDDEN[name], f"the built-in {name}")
            return
        if _is_special(name):
            if name not in READABLE_NAMES and not (name in WRITABLE_NAMES and bindings):
                self._add(node, "dunder-reach", f"the name {name}")
            return
        if is_builtin and name in FORMS:
            self._form(node)
            return
        if scope is None:
            if name not in BUILTINS:
                self._add(node, "unknown-name", f"{name} is not defined here")
            return
        for target in self.targets(node):
            self._value(node, target)

    def _may_be_builtin(self, node: ast.Name, scope: Scope, bindings: list[Binding]) -> bool:
        """A name of a module or class is the built-in before it is bound and after it is deleted; a function's is then an error."""
        if scope.kind not in (MODULE, CLASS):
            return False
        if node.id in self.scopes.deleted:
            return True
        for binding in bindings:
            end = getattr(binding.node, "end_lineno", None) or 0
            if binding.is_firm and end < node.lineno:
                return False
            if binding.is_firm and binding.kind in ("class", "function") and self._is_inside(node, binding.node):
                return self._runs_early(node, binding.node)
        return True

    def _is_inside(self, node: ast.AST, owner: ast.AST) -> bool:
        step: ast.AST | None = node
        while step is not None:
            if step is owner:
                return True
            step = self.scopes.parents.get(step)
        return False

    def _runs_early(self, node: ast.AST, owner: ast.AST) -> bool:
        """Is `node`, inside the definition of its own name, evaluated before that is bound? A body of a function is not."""
        step: ast.AST | None = node
        while step is not None and step is not owner:
            parent = self.scopes.parents.get(step)
            if isinstance(parent, FunctionNode) and step in parent.body:
                return False
            step = parent
        return True

    def _form(self, node: ast.Name) -> None:
        """getattr, setattr, type and super: in one form only."""
        parent = self.scopes.parents.get(node)
        call = parent if isinstance(parent, ast.Call) and parent.func is node else None
        if node.id == "type":
            if not self._is_annotation(node) and not (call is not None and self._is_type_question(call)):
                self._add(node, "dynamic-type", "type other than in `type(x) is Y`, `type(x).__name__` or an annotation")
        elif node.id == "super":
            if call is None or call.args or call.keywords or not isinstance(self.scopes.parents.get(call), ast.Attribute):
                self._add(node, "super-arguments", "super other than super().method")
        else:
            self._attribute_call(node, call)

    def _is_type_question(self, call: ast.Call) -> bool:
        if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
            return False
        parent = self.scopes.parents.get(call)
        if isinstance(parent, ast.Attribute):
            return parent.attr in READABLE_ATTRIBUTES and isinstance(parent.ctx, ast.Load)
        return isinstance(parent, ast.Compare)

    def _attribute_call(self, node: ast.Name, call: ast.Call | None) -> None:
        if call is None:
            self._add(node, "computed-attribute", f"{node.id} as a value")
            return
        literal = call.args[1] if len(call.args) > 1 and not isinstance(call.args[0], ast.Starred) else None
        if not isinstance(literal, ast.Constant) or not isinstance(literal.value, str):
            self._add(node, "computed-attribute", f"{node.id} with a computed name")
            return
        self._attribute_name(call, literal.value, call.args[0])
        if literal.value in ("format", "format_map") and not self._has_own_member(call.args[0], literal.value):
            self._add(call, "format-reach", f"{node.id} of .{literal.value}")
        if node.id in ("setattr", "delattr"):
            self._store(call, call.args[0], literal.value)

    # Values that must stay where they are named.

    def _value(self, node: ast.expr, target: Target) -> None:
        """`node` stands for a module or a module's name: may it stand here?"""
        parent = self.scopes.parents.get(node)
        if not target.name:
            if not (isinstance(parent, ast.Attribute) and parent.value is node):
                self._add(node, "module-as-value", f"module {target.module} is used as a value")
            return
        if target.module not in FRAMEWORK or not _is_class(target.name):
            return
        is_capability = (target.module, target.name) in CAPABILITIES
        if isinstance(parent, ast.Call) and parent.func is node or isinstance(parent, ast.ClassDef) and node in parent.bases:
            if is_capability:
                verb = "is made" if isinstance(parent, ast.Call) else "is subclassed"
                self._add(node, "forged-capability", f"a {target.name} {verb} by a service")
            return
        if self._is_annotation(node) or self._is_class_position(node, parent):
            return
        self._add(node, "class-as-value", f"{target.text()} is used as a value")

    def _is_class_position(self, node: ast.expr, parent: ast.AST | None) -> bool:
        if isinstance(parent, ast.Tuple):
            return self._is_class_position(parent, self.scopes.parents.get(parent))
        if isinstance(parent, ast.BinOp):
            return isinstance(parent.op, ast.BitOr)
        if isinstance(parent, ast.Attribute | ast.Compare | ast.Raise):
            return True
        if isinstance(parent, ast.ExceptHandler):
            return parent.type is node
        if isinstance(parent, ast.MatchClass):
            return parent.cls is node
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
            if parent.func.id in ("isinstance", "issubclass"):
                return self._bindings(parent.func)[0] is None and node in parent.args[1:]
            return parent.args[:1] == [node] and Target("typing", "cast") in self.targets(parent.func)
        return False

    def _is_annotation(self, node: ast.expr) -> bool:
        child: ast.AST = node
        parent = self.scopes.parents.get(child)
        while isinstance(parent, ast.Subscript | ast.BinOp | ast.Tuple | ast.List | ast.Attribute | ast.Constant):
            child, parent = parent, self.scopes.parents.get(parent)
        if isinstance(parent, ast.AnnAssign | ast.arg):
            return parent.annotation is child
        return isinstance(parent, FunctionNode) and parent.returns is child

    # Attributes.

    def _attribute(self, node: ast.Attribute) -> None:
        is_load = isinstance(node.ctx, ast.Load)
        bases = self.targets(node.value)
        for base in bases:
            if base.name:
                continue
            step = self.graph.step(base, node.attr)
            if isinstance(step, Refusal):
                self._add(node, step.rule, step.message)
                return
            if is_load:
                self._value(node, step)
        is_of_module = any(not base.name for base in bases)
        if is_of_module and node.attr.startswith("_"):
            if not all(_is_public(node.attr, base) for base in bases):
                self._add(node, "private-attribute", f"{node.attr} of a module")
        else:
            self._attribute_name(node, node.attr, node.value)
        if not is_load:
            self._store(node, node.value, node.attr)
        elif node.attr in ("format", "format_map") and not is_of_module:
            self._format(node)

    def _attribute_name(self, node: ast.AST, name: str, value: ast.expr | None) -> None:
        """`value.name`, or a match pattern's `name=` if value is None."""
        if _is_special(name):
            if name in READABLE_ATTRIBUTES and isinstance(getattr(node, "ctx", None), ast.Load):
                return
            if name in SUPER_ATTRIBUTES and value is not None and self._is_super(value):
                return
            self._add(node, "dunder-reach", f"the attribute {name}")
        elif name in INTERPRETER_ATTRIBUTES:
            self._add(node, "interpreter-internals", f"the attribute {name}")
        elif name.startswith("_") and name not in PUBLIC_UNDERSCORED:
            if name in _framework_private and name in self._inherited_private(value):
                self._add(node, "private-attribute", f"{name} is private to the framework")
            elif value is None or not (self._is_own_object(value) or name in self.own_private):
                self._add(node, "private-attribute", f"{name} of another module's object")

    def _is_super(self, value: ast.expr) -> bool:
        return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super"

    def _is_own_object(self, value: ast.expr) -> bool:
        """self or cls of the method we are in, never bound to anything else; super()."""
        if self._is_super(value):
            return True
        if not isinstance(value, ast.Name):
            return False
        scope, bindings = self._bindings(value)
        return scope is not None and len(bindings) == 1 and self._is_first_parameter(scope, bindings[0])

    def _is_first_parameter(self, scope: Scope, binding: Binding) -> bool:
        function = scope.node
        if scope.kind != FUNCTION or not isinstance(function, FunctionNode) or scope.parent is None or scope.parent.kind != CLASS:
            return False
        if any(isinstance(decorator, ast.Name) and decorator.id == "staticmethod" for decorator in function.decorator_list):
            return False
        first = (*function.args.posonlyargs, *function.args.args)[:1]
        return bool(first) and first[0] is binding.node

    def _class_of(self, value: ast.expr) -> ast.ClassDef | None:
        """The class statement that `value`, an own object, is of."""
        step: ast.AST | None = value
        while step is not None and not isinstance(step, ast.ClassDef):
            step = self.scopes.parents.get(step)
        return step

    def _has_own_member(self, value: ast.expr, name: str) -> bool:
        owner = self._class_of(value) if self._is_own_object(value) else None
        for part in owner.body if owner is not None else ():
            if isinstance(part, FunctionNode) and part.name == name:
                return True
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id == name:
                return True
        return False

    def _inherited_private(self, value: ast.expr | None) -> frozenset[str]:
        """Private names that are the framework's own in `value`: all, except where `value` is an object of a class of services only."""
        if value is not None and self._is_own_object(value):
            owner = self._class_of(value)
            if owner is not None and not self._has_framework_base(owner):
                return _framework_private - self.defined_private
        return _framework_private

    def _has_framework_base(self, node: ast.ClassDef, depth: int = 0) -> bool:
        for base in node.bases:
            for target in self.targets(base):
                if target.module in FRAMEWORK:
                    return True
            if isinstance(base, ast.Name) and depth < _MAX_ALIASES:
                for binding in self._bindings(base)[1]:
                    if isinstance(binding.node, ast.ClassDef) and self._has_framework_base(binding.node, depth + 1):
                        return True
        return False

    def _store(self, node: ast.AST, value: ast.expr, name: str) -> None:
        """`value.name = …`, `del value.name`."""
        root: ast.expr = value
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if name in _framework_methods and not self._is_own_object(value):
            self._add(node, "monkey-patch", f"{name}, a method of the framework's objects, is replaced")
            return
        if self.targets(root):
            self._add(node, "monkey-patch", f"{ast.unparse(value)}.{name} is changed, which belongs to an imported module")
            return
        if isinstance(value, ast.Name):
            scope, bindings = self._bindings(value)
            for binding in bindings:
                if self._is_class_or_function(binding, 0) or self._is_class_parameter(scope, binding):
                    self._add(node, "monkey-patch", f"{value.id}.{name} is changed, an attribute of a class or function")
                    return

    def _is_class_or_function(self, binding: Binding, depth: int) -> bool:
        if binding.kind in ("class", "function"):
            return True
        if binding.kind != "alias" or not isinstance(binding.value, ast.Name) or depth > _MAX_ALIASES:
            return False
        return any(self._is_class_or_function(other, depth + 1) for other in self._bindings(binding.value)[1])

    def _is_class_parameter(self, scope: Scope | None, binding: Binding) -> bool:
        if scope is None or not self._is_first_parameter(scope, binding):
            return False
        assert isinstance(scope.node, FunctionNode)
        return any(isinstance(decorator, ast.Name) and decorator.id == "classmethod" for decorator in scope.node.decorator_list)

    def _format(self, node: ast.Attribute) -> None:
        parent = self.scopes.parents.get(node)
        is_call = isinstance(parent, ast.Call) and parent.func is node
        if is_call and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            if not reaches_attributes(node.value.value):
                return
        elif self._has_own_member(node.value, node.attr):
            return
        self._add(node, "format-reach", f".{node.attr} of something other than a literal with plain fields")

    # Calls and definitions.

    def _call(self, node: ast.Call) -> None:
        for target in self.targets(node.func):
            if target == Target("collections", "namedtuple") and any(keyword.arg == "module" for keyword in node.keywords):
                self._add(node, "dunder-reach", "namedtuple with a foreign module")

    def _function(self, node: FunctionNode) -> None:
        if _is_special(node.name):
            is_method = isinstance(self.scopes.parents.get(node), ast.ClassDef)
            is_reduce = node.name == "__reduce__" and self._rebuilds_own_class(node)
            if not is_method or not is_reduce and node.name not in SPECIAL_METHODS:
                self._add(node, "special-method", f"{node.name} is defined")
        for decorator in node.decorator_list:
            self._decorator(decorator, node.name)

    def _rebuilds_own_class(self, node: FunctionNode) -> bool:
        """Does this __reduce__ name a class of this module as what is called to unpickle?"""
        returns = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
        for value in returns:
            if not isinstance(value, ast.Tuple) or not value.elts or not isinstance(value.elts[0], ast.Name):
                return False
            bindings = self._bindings(value.elts[0])[1]
            if not bindings or any(binding.kind != "class" for binding in bindings):
                return False
        return bool(returns)

    def _class(self, node: ast.ClassDef) -> None:
        if _is_special(node.name):
            self._add(node, "special-method", f"{node.name} is bound")
        for keyword in node.keywords:
            if keyword.arg == "metaclass" or keyword.arg is None:
                self._add(keyword.value, "dynamic-type", "a metaclass")
        for decorator in node.decorator_list:
            self._decorator(decorator, node.name)

    def _decorator(self, node: ast.expr, name: str) -> None:
        expression = node.func if isinstance(node, ast.Call) else node
        if isinstance(expression, ast.Attribute) and expression.attr in ("setter", "getter", "deleter"):
            if isinstance(expression.value, ast.Name) and expression.value.id == name:
                return
        targets = self.targets(expression)
        if targets and all((target.module, target.name) in DECORATORS or self._is_service(target) for target in targets):
            return
        if isinstance(expression, ast.Name):
            scope, bindings = self._bindings(expression)
            if scope is None and ("", expression.id) in DECORATORS:
                return
            if bindings and all(binding.kind == "function" for binding in bindings):
                return
        self._add(node, "decorator", f"@{ast.unparse(node)}")

    def _is_service(self, target: Target) -> bool:
        return bool(target.name) and self.graph.tree(target.module) is not None


def _is_special(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def _is_class(name: str) -> bool:
    return name[:1].isupper() and not name.isupper() and name not in ("HostStat", "Stop")


def _is_public(name: str, module: Target) -> bool:
    """C's own constants begin with underscores (__O_TMPFILE) and are public in cruck.abi."""
    if not name.startswith("_"):
        return True
    is_abi = module.module.startswith("cruck.abi")
    return module.module == "__future__" or is_abi and name.isupper() and not name.endswith("__")
