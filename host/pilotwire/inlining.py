"""Puts private functions that are called at one place into their callers.

A function costs the charger some 90 bytes besides its code: two objects, two entries in tables, the call. So what the sources
divide for the reader, the build joins again: a private function or method (`_decide`) of which the whole module says the name
once, in a call, becomes part of the caller. Called are

    self._decide(now)            its returns must be at its ends
    x = self._decide(now)        the same
    if self._decide(now):        the same; also `not`
    return self._decide(now)     anywhere
    a + self._decide(b)          it is one `return`, and its arguments are names or constants
    await self._decide()         as the others, of a coroutine

In a coroutine or generator the locals of what went into it are set to None after it: else they would live as long as it waits.
What is no plain function (generators, inner functions, decorators, `*`) stays as it is. Tracebacks name the caller.
"""

import ast
import copy
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_INNER = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_LOCAL = re.compile(r"v\d+_")  # what a local of a function that went into another is called
_BLOCKS = ("body", "orelse", "finalbody")


class _Stays(Exception):
    """This function can not be put into its caller."""


def inline(text: str, is_private: Callable[[str], bool]) -> str:
    """The source of a module with fewer functions; as it was, to the letter, if none can go.

    Args:
        text: source of the module.
        is_private: is this a name that no other module says?
    """
    tree = ast.parse(text)
    if any(isinstance(node, ast.Global) for node in ast.walk(tree)):  # an argument could be another by the time it is used
        return text
    numbers = itertools.count()
    stays: set[str] = set()
    gone = False
    while found := _next(tree, is_private, stays):
        owner, function = found
        try:
            _put(tree, owner, function, numbers)
        except _Stays:
            stays.add(function.name)
        else:
            gone = True
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n" if gone else text


def _next(
    tree: ast.Module, is_private: Callable[[str], bool], stays: set[str]
) -> tuple[ast.Module | ast.ClassDef, _Function] | None:
    """A function that may go, with the class or module it is in."""
    said = Counter[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            said[node.id] += 1
        elif isinstance(node, ast.Attribute):
            said[node.attr] += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            said[node.value] += 2
    for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in owner.body:
            if isinstance(node, _Function) and node.name not in stays and is_private(node.name) and said[node.name] == 1:
                return owner, node
    return None


def _put(tree: ast.Module, owner: ast.Module | ast.ClassDef, function: _Function, numbers: Iterator[int]) -> None:
    _check(function)
    functions = [owner] if isinstance(owner, ast.ClassDef) else [tree, *(n for n in tree.body if isinstance(n, ast.ClassDef))]
    for scope in functions:
        for caller in scope.body:
            if isinstance(caller, _Function) and caller is not function and _into(caller, owner, function, numbers):
                owner.body.remove(function)
                if not owner.body:
                    owner.body.append(ast.Pass())
                return
    raise _Stays


def _check(function: _Function) -> None:
    arguments = function.args
    if function.decorator_list or arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise _Stays
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, _INNER | ast.Yield | ast.YieldFrom | ast.Global | ast.Nonlocal):
                raise _Stays
    if not all(isinstance(default, ast.Constant) for default in arguments.defaults):
        raise _Stays


def _into(caller: _Function, owner: ast.AST, function: _Function, numbers: Iterator[int]) -> bool:
    """Is the call in this function, and was it replaced?"""
    method = isinstance(owner, ast.ClassDef)
    if method and not (caller.args.args and caller.args.args[0].arg == "self" and not caller.decorator_list):
        return False

    def is_call(node: ast.AST) -> bool:
        if isinstance(function, ast.AsyncFunctionDef):
            if not isinstance(node, ast.Await):
                return False
            node = node.value
        if not isinstance(node, ast.Call):
            return False
        if method:
            of = node.func
            return isinstance(of, ast.Attribute) and of.attr == function.name and getattr(of.value, "id", "") == "self"
        return isinstance(node.func, ast.Name) and node.func.id == function.name

    if not any(is_call(node) for node in ast.walk(caller)):
        return False
    for node in ast.walk(caller):  # a call in an inner function would be made later
        if node is not caller and isinstance(node, _INNER) and any(is_call(inner) for inner in ast.walk(node)):
            raise _Stays
        if isinstance(node, _INNER) and node is not caller:
            continue
        for block in _BLOCKS:
            statements = getattr(node, block, None)
            if not isinstance(statements, list):
                continue
            for at, statement in enumerate(statements):
                new = _replaced(statement, is_call, function, method, numbers)
                if new is not None:
                    statements[at : at + 1] = _let_go(caller, statement, new)
                    return True
    if isinstance(function, ast.FunctionDef) and _as_expression(caller, is_call, function, method):
        return True
    raise _Stays


def _let_go(caller: _Function, statement: ast.stmt, new: list[ast.stmt]) -> list[ast.stmt]:
    """`new`, without its locals at the end where the caller waits: what they hold, a whole module perhaps, would live as long."""
    waits = any(isinstance(node, ast.Await | ast.Yield | ast.YieldFrom) for node in ast.walk(caller))
    if not waits or isinstance(statement, ast.Return):
        return new
    body = new[:-1] if isinstance(statement, ast.If) else new
    said = statement.test if isinstance(statement, ast.If) else statement
    known = {node.id for node in ast.walk(said) if isinstance(node, ast.Name)}
    stored = {
        node.id
        for part in body
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and _LOCAL.fullmatch(node.id)
    }
    gone: list[ast.expr] = [ast.Name(name, ast.Store()) for name in sorted(stored - known)]
    return [*body, *([ast.Assign(gone, ast.Constant(None))] if gone else ()), *new[len(body) :]]


def _replaced(
    statement: ast.stmt, is_call: Callable[[ast.AST], bool], function: _Function, method: bool, numbers: Iterator[int]
) -> list[ast.stmt] | None:
    """What stands in place of a statement that calls, None if it is not of a kind that can be replaced."""
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Return) and value and is_call(value):
        body = _bound(value, function, method, numbers)
        return body if _ends(body) else [*body, ast.Return(None)]
    if isinstance(statement, ast.Expr) and is_call(statement.value):
        return _tail(_bound(statement.value, function, method, numbers), _dropped) or [ast.Pass()]
    if isinstance(statement, ast.Assign) and is_call(statement.value):
        targets = statement.targets
        if not all(isinstance(target, ast.Name) for target in targets) and len(targets) > 1:
            return None

        def assigned(value: ast.expr | None) -> list[ast.stmt]:
            return [ast.Assign(copy.deepcopy(targets), value or ast.Constant(None))]

        return _tail(_bound(statement.value, function, method, numbers), assigned)
    if isinstance(statement, ast.If):
        test = statement.test
        inverted = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        asked = test.operand if isinstance(test, ast.UnaryOp) and inverted else test
        if is_call(asked):
            name = f"v{next(numbers)}_"

            def kept(value: ast.expr | None) -> list[ast.stmt]:
                return [ast.Assign([ast.Name(name, ast.Store())], value or ast.Constant(None))]

            before = _tail(_bound(asked, function, method, numbers), kept)
            known: ast.expr = ast.Name(name, ast.Load())
            statement.test = ast.UnaryOp(ast.Not(), known) if inverted else known
            return [*before, statement]
    return None


def _dropped(value: ast.expr | None) -> list[ast.stmt]:
    return [] if value is None or isinstance(value, ast.Constant | ast.Name) else [ast.Expr(value)]


def _bound(call: ast.AST, function: _Function, method: bool, numbers: Iterator[int]) -> list[ast.stmt]:
    """The body with locals of its own, its arguments assigned."""
    call = call.value if isinstance(call, ast.Await) else call
    assert isinstance(call, ast.Call)
    body = copy.deepcopy(function.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]  # its docstring
    given = _given(call, function, method)
    stored = {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del)
    }
    stored |= {n.name for s in body for n in ast.walk(s) if isinstance(n, ast.ExceptHandler) and n.name}
    new: dict[str, ast.expr] = {}
    before: list[ast.stmt] = []
    for name, value in given.items():
        if name not in stored and isinstance(value, ast.Name | ast.Constant):
            new[name] = value
        else:
            local = f"v{next(numbers)}_"
            before.append(ast.Assign([ast.Name(local, ast.Store())], value))
            new[name] = ast.Name(local, ast.Load())
    for name in sorted(stored - given.keys()):
        new[name] = ast.Name(f"v{next(numbers)}_", ast.Load())
    return [*before, *(_Renamed(new).visit(statement) for statement in body)]


def _given(call: ast.Call, function: _Function, method: bool) -> dict[str, ast.expr]:
    names = [argument.arg for argument in function.args.args][1 if method else 0 :]
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        raise _Stays
    given = dict(zip(names, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in names or keyword.arg in given:
            raise _Stays
        given[keyword.arg] = keyword.value
    for name, default in zip(reversed(names), reversed(function.args.defaults), strict=False):
        given.setdefault(name, default)
    if given.keys() != set(names) or len(call.args) > len(names):
        raise _Stays
    return given


class _Renamed(ast.NodeTransformer):
    def __init__(self, new: dict[str, ast.expr]):
        self._new = new

    def visit_Name(self, node: ast.Name) -> ast.expr:  # noqa: N802
        new = self._new.get(node.id)
        if new is None:
            return node
        new = copy.deepcopy(new)
        if isinstance(new, ast.Name):
            new.ctx = node.ctx
        return new

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:  # noqa: N802
        new = self._new.get(node.name or "")
        if isinstance(new, ast.Name):
            node.name = new.id
        return self.generic_visit(node)


def _ends(body: Sequence[ast.stmt]) -> bool:
    """Does no path leave it at its end?"""
    last = body[-1] if body else None
    if isinstance(last, ast.If):
        return _ends(last.body) and _ends(last.orelse)
    return isinstance(last, ast.Return | ast.Raise)


def _tail(body: Sequence[ast.stmt], end: Callable[[ast.expr | None], list[ast.stmt]]) -> list[ast.stmt]:
    """The body with `end(value)` in place of its returns, and what follows one in the other branch."""
    made: list[ast.stmt] = []
    for at, statement in enumerate(body):
        if isinstance(statement, ast.Return):
            return [*made, *end(statement.value)]
        if isinstance(statement, ast.Raise):
            return [*made, statement]
        if not any(isinstance(node, ast.Return) for node in ast.walk(statement)):
            made.append(statement)
            continue
        rest = body[at + 1 :]
        if not isinstance(statement, ast.If):
            raise _Stays
        if _ends(statement.body) or not rest:
            first, second = statement.body, [*statement.orelse, *rest]
        elif _ends(statement.orelse):
            first, second = [*statement.body, *rest], statement.orelse
        else:
            raise _Stays
        first, second = _tail(first, end), _tail(second, end)
        test = statement.test
        if not first and second:
            test, first, second = ast.UnaryOp(ast.Not(), test), second, []
        return [*made, ast.If(test, first or [ast.Pass()], second)]
    return [*made, *end(None)]


def _as_expression(caller: _Function, is_call: Callable[[ast.AST], bool], function: _Function, method: bool) -> bool:
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return False
    value = body[0].value

    class Replaced(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            node = self.generic_visit(node)
            if is_call(node):
                assert isinstance(node, ast.Call)
                given = _given(node, function, method)
                if not all(isinstance(argument, ast.Name | ast.Constant) for argument in given.values()):
                    raise _Stays
                return _Renamed(given).visit(copy.deepcopy(value))
            return node

    Replaced().visit(caller)
    return True
