"""Templates that can print fields and choose between words, and do nothing else.

Jinja's sandbox is the second line. The first is a list of the few constructs that a template may use, checked over
its own syntax tree before anything runs: no calls, no loops, no arithmetic, and only fields that exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import attrs
from jinja2 import StrictUndefined, Template, Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crmkit.errors import MissingField, TemplateError, nearest
from crmkit.messages.views import READER, MessageView, View

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Filter,
)
# Names are greeted as stored, so there is no filter that rewrites one.
_FILTERS = frozenset({"default", "e", "escape"})
_MEND = "a template may print fields, and use if, and, or, not, comparisons and default"


class Empty(Undefined):
    """A known field without a value: false in an `if`, replaced by `default`, and never printed."""

    __slots__ = ()

    def __str__(self) -> str:
        raise self._undefined_exception(self._undefined_message)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja with strict undefined, escaping in `.html`, and an eye for nothing but views."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=_is_html, lstrip_blocks=True)
        self.globals = {}
        self.tests = {}
        self.filters = {name: self.filters[name] for name in _FILTERS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a view's field, or `Empty` where it has no value."""
        value = getattr(obj, attribute, None) if isinstance(obj, View) else None
        if not isinstance(value, str) or attribute.startswith("_"):
            raise SecurityError(f"{attribute} is not a field of a view")
        return value or Empty(hint=f"{obj.word}.{attribute}", exc=MissingField)  # type: ignore[arg-type]


@attrs.frozen
class Part:
    """One compiled template.

    Attributes:
        where: Its file.
        fields: All dotted fields and plain names that it looks at.
        prints: The dotted fields that it prints whatever the data, for readers who are the patient (False) and for
            those who are not (True).
        weighs: Whether it compares what a reader's field holds, and not only asks whether it is empty.
    """

    where: str
    template: Template = attrs.field(repr=False)
    fields: frozenset[str]
    prints: Mapping[bool, frozenset[str]]
    weighs: bool

    def render(self, context: Mapping[str, object]) -> str:
        """Return the text.

        Raises:
            MissingField: If a field that it prints is empty.
            TemplateError: If it compares what cannot be compared.
        """
        try:
            return self.template.render(context)
        except MissingField as lack:
            raise MissingField(lack.field, where=self.where, mend="fill it in, or print it within an if") from None
        except (TypeError, ValueError) as problem:
            # What it says may hold what stands in a field.
            what = f"what is compared in it does not fit ({type(problem).__name__})"
            raise TemplateError(what, where=self.where, mend="compare text with text") from None


def compile_part(sandbox: Sandbox, source: str, where: str, known: Mapping[str, frozenset[str]]) -> Part:
    """Return a compiled template after reading its syntax tree.

    Args:
        sandbox: Where it will run.
        source: Its text.
        where: Its file; a name that ends in `.html` is escaped.
        known: The names that it may use, each with its fields.

    Raises:
        TemplateError: With file and line, if it uses a construct or a field that it may not.
    """
    read = _read(source, where, tuple(known.items()))
    template = sandbox.template_class.from_code(sandbox, read.code, {})
    return Part(where, template, read.fields, read.prints, read.weighs)


@attrs.frozen
class _Read:
    code: CodeType
    fields: frozenset[str]
    prints: Mapping[bool, frozenset[str]]
    weighs: bool


# A layout stands around every message type, and a host that opens many practices reads the same templates for each.
@lru_cache(maxsize=256)
def _read(source: str, where: str, known: tuple[tuple[str, frozenset[str]], ...]) -> _Read:
    sandbox = Sandbox()
    try:
        tree = sandbox.parse(source, where, where)
        fields = frozenset(_checked(tree, where, dict(known)))
        prints = {child: unconditional_fields(tree, for_child=child) for child in (False, True)}
        weighs = any(_of_reader(one) for one in tree.find_all(nodes.Compare))
        return _Read(sandbox.compile(tree, where, where), fields, prints, weighs)
    except TemplateSyntaxError as problem:
        raise TemplateError(
            f"the template cannot be read: {problem.message}", where=f"{where}:{problem.lineno}"
        ) from None


def unconditional_fields(tree: nodes.Template, *, for_child: bool) -> frozenset[str]:
    """Return the dotted fields that are printed whatever the data, given whether the reader is the patient."""
    return frozenset(_printed(tree.body, for_child))


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


def _checked(tree: nodes.Template, where: str, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for node in _all_nodes(tree):
        place = f"{where}:{_line(node)}"
        if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.Filter) and node.name not in _FILTERS):
            raise TemplateError(f"{_construct(node)} is not allowed in a template", where=place, mend=_MEND)
        if isinstance(node, nodes.CondExpr) and node.expr2 is None:
            raise TemplateError("an if within a line needs an else", where=place, mend='add else ""')
        if isinstance(node, nodes.Compare) and any(map(_is_number, (node.expr, *(one.expr for one in node.ops)))):
            raise TemplateError("a field is text, and no number", where=place, mend='write it as in "2027"')
        if isinstance(node, nodes.Name | nodes.Getattr):
            yield _known(node, place, known)


def _is_number(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and type(node.value) in (int, float)


def _all_nodes(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    # A field is looked at as a whole, so the name in front of its dot is not visited by itself.
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return
    for child in node.iter_child_nodes():
        yield from _all_nodes(child)


def _line(node: nodes.Node) -> int:
    # A few constructs know their line only further in.
    return node.lineno or next((inner.lineno for inner in node.find_all(nodes.Node) if inner.lineno), 1)


def _construct(node: nodes.Node) -> str:
    if isinstance(node, nodes.Filter):
        return f"the filter {node.name}"
    return f"the construct {type(node).__name__.lower()}"


def _known(node: nodes.Name | nodes.Getattr, place: str, known: Mapping[str, frozenset[str]]) -> str:
    word = _dotted(node)
    name, _, field = word.partition(".")
    if name in known and (field in known[name] if field else not known[name]):
        return word
    choices = {f"{view}.{field}" for view, fields in known.items() for field in fields}
    choices |= {value for value, fields in known.items() if not fields}
    near = {choice for choice in choices if choice.startswith(f"{name}.")} or choices
    raise TemplateError(f"the field {word} is unknown", where=place, mend=nearest(word, near))


def _of_reader(compare: nodes.Compare) -> bool:
    # What stands in the layout as the message was made of a reader's fields too.
    return any(name.name in READER or name.name == MessageView.word for name in compare.find_all(nodes.Name))


def _dotted(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{_dotted(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else "(...)"


def _printed(body: Iterable[nodes.Node], for_child: bool) -> Iterator[str]:
    for node in body:
        if isinstance(node, nodes.Output):
            yield from (word for inner in node.nodes for word in _bare(inner))
        elif isinstance(node, nodes.If):
            yield from _printed(_taken(node, for_child), for_child)


def _bare(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Getattr):
        yield _dotted(node)
    elif isinstance(node, nodes.Filter) and node.name != "default" and node.node is not None:
        yield from _bare(node.node)


def _taken(choice: nodes.If, for_child: bool) -> list[nodes.Node]:
    test = choice.test
    turned = isinstance(test, nodes.Not)
    asked = test.node if isinstance(test, nodes.Not) else test
    if not isinstance(asked, nodes.Name) or asked.name != "for_child":
        return []
    if for_child is not turned:
        return choice.body
    return list(choice.elif_) or choice.else_
