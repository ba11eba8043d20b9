"""The grammar of a segment's text, and the parser, which is built when the first text is read."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

from lark import Lark

# `and` binds tighter than `or`, `not` tightest. Keywords end where a name would go on, so `in` is not read from
# `insurer`; which of them may stand where is the grammar's, so a field or a bare word may be spelt like one elsewhere.
GRAMMAR = r"""
?start: any
?any: all (OR all)*
?all: unary (AND unary)*
?unary: NOT unary -> negation
    | "(" any ")"
    | EVERYBODY -> everybody
    | FIELD test -> rule
    | FIELD back test -> counted
    | FIELD back -> recent

back: IN LAST span
span: NUMBER UNIT

?test: (IS | EQUAL | ON) value -> is
    | (IS NOT | UNEQUAL) value -> is_not
    | IS EMPTY -> empty
    | IS NOT EMPTY -> not_empty
    | ORDER value -> order
    | BEFORE value -> before
    | AFTER value -> after
    | ON OR BEFORE value -> on_or_before
    | ON OR AFTER value -> on_or_after
    | BETWEEN value AND value -> between
    | IN choices -> in
    | NOT IN choices -> not_in
    | IN NEXT span -> in_next
    | WITHIN span -> in_next
    | IN MONTH NUMBER -> in_month
    | STARTS WITH value -> starts_with
    | CONTAINS value -> contains

choices: "(" value ("," value)* ")"
value: NUMBER | DATE | TEXT | WORD | NAMED | NUMBER UNIT (AGO | FROM NOW)

EVERYBODY.3: /everybody(?![\w.-])/i
AND.3: /and(?![\w.-])/i
OR.3: /or(?![\w.-])/i
NOT.3: /not(?![\w.-])/i
IS.3: /is(?![\w.-])/i
ON.3: /on(?![\w.-])/i
IN.3: /in(?![\w.-])/i
EMPTY.3: /empty(?![\w.-])/i
LAST.3: /last(?![\w.-])/i
NEXT.3: /next(?![\w.-])/i
WITHIN.3: /within(?![\w.-])/i
MONTH.3: /month(?![\w.-])/i
BEFORE.3: /before(?![\w.-])/i
AFTER.3: /after(?![\w.-])/i
BETWEEN.3: /between(?![\w.-])/i
STARTS.3: /starts(?![\w.-])/i
WITH.3: /with(?![\w.-])/i
CONTAINS.3: /contains(?![\w.-])/i
AGO.3: /ago(?![\w.-])/i
FROM.3: /from(?![\w.-])/i
NOW.3: /now(?![\w.-])/i
UNIT.3: /(day|week|month|year)s?(?![\w.-])/i
NAMED.3: /(today|yesterday|tomorrow)(?![\w.-])/i
EQUAL: "="
UNEQUAL: "!="
ORDER: /[<>]=?/
DATE.4: /[0-9]+[-.\/][0-9]+[-.\/][0-9]+/
NUMBER.2: /-?[0-9]+(\.[0-9]+)?/
TEXT: /"([^"\\\n]|\\.)*"/
FIELD: /[a-z_]\w*(\.[\w-]+)*/i
WORD: /[^\W\d_][\w-]*/

%import common.WS
%ignore WS
"""

#: What a reader may write where the grammar expects a terminal.
WRITTEN = MappingProxyType(
    {
        "FIELD": "a field",
        "NUMBER": "a number",
        "DATE": "a date as YYYY-MM-DD",
        "TEXT": 'text as "..."',
        "WORD": "a word",
        "NAMED": "today",
        "UNIT": "days, weeks, months or years",
        "EQUAL": "=",
        "UNEQUAL": "!=",
        "ORDER": "<, <=, > or >=",
        "LPAR": "(",
        "RPAR": ")",
        "COMMA": "a comma",
        "STARTS": "starts with",
        "FROM": "from now",
        "$END": "the end",
    }
)

KEYWORDS = frozenset(
    (
        *("everybody", "and", "or", "not", "is", "on", "empty", "in", "last", "next", "within", "month", "before"),
        *("after", "between", "starts", "with", "contains", "ago", "from", "now", "day", "days", "week", "weeks"),
        *("months", "year", "years", "today", "yesterday", "tomorrow"),
    )
)


@lru_cache(maxsize=1)
def parser() -> Lark:
    """Return the parser, built once."""
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)
