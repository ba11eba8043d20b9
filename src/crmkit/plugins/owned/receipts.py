"""What a channel answered to a hand-over, sorted out: exactly one receipt for each message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs

from crmkit.delivery.channel import Outcome, Receipt
from crmkit.plugins.failure import Kind
from crmkit.plugins.owned.private_words import one_line, quotes

_WITHHELD = "withheld, for it quoted the reader"


@attrs.frozen
class Sorted:
    """What became of an answer.

    Attributes:
        receipts: By key, only of messages that were handed over.
        problems: What was wrong with the answer.
    """

    receipts: Mapping[str, Receipt]
    problems: Sequence[tuple[Kind, str]] = ()


def sort_out(asked: Mapping[str, Sequence[str]], given: Iterable[Any]) -> Sorted:
    """Return what of an answer can be used, and what was wrong with the rest.

    A repeated receipt counts once; two that contradict each other leave their message unknown.

    Args:
        asked: By key of each message, the words that no receipt may quote: the reader's address and name.
        given: What the channel gave.
    """
    problems: dict[Kind, str] = {}
    answers: dict[str, list[Receipt]] = defaultdict(list)
    for one in given:
        if type(one) is not Receipt or type(one.key) is not str or type(one.outcome) is not Outcome:
            problems[Kind.WRONG_TYPE] = "gave something that is no receipt"
        elif one.key not in asked:
            problems[Kind.FOREIGN] = "gave a receipt for a message that it was not handed"
        else:
            answers[one.key].append(one)
    receipts = {key: _one_of(key, asked[key], found, problems) for key, found in answers.items()}
    if len(receipts) < len(asked):
        problems.setdefault(Kind.COUNT, "gave fewer receipts than it was handed messages")
    return Sorted(receipts, list(problems.items()))


def _one_of(key: str, private: Sequence[str], found: Sequence[Receipt], problems: dict[Kind, str]) -> Receipt:
    if len(found) == 1:
        return _discreet(found[0], private, problems)
    problems[Kind.REPEATED] = "gave several receipts for one message"
    if len({one.outcome for one in found}) > 1:
        problems[Kind.CONTRADICTORY] = "gave receipts for one message that contradict each other"
        return Receipt(key, Outcome.UNKNOWN, evidence="contradictory receipts")
    # Where the copies differ, the address is given the benefit of the doubt.
    sure = all(one.permanent is True for one in found)
    return _discreet(found[0] if sure else attrs.evolve(found[0], permanent=False), private, problems)


def _discreet(receipt: Receipt, private: Sequence[str], problems: dict[Kind, str]) -> Receipt:
    """Return a receipt that can be written down: short lines that do not quote the reader."""
    texts = []
    for text in (receipt.reference, receipt.evidence):
        if type(text) is not str:
            problems[Kind.WRONG_TYPE] = "gave a receipt whose reference or evidence is no text"
            texts.append("")
        elif quotes(text, private):
            problems[Kind.QUOTED] = "gave a receipt that quotes the reader"
            texts.append(_WITHHELD)
        else:
            texts.append(one_line(text))
    permanent = receipt.permanent
    if permanent is not False:
        permanent = _at_fault(receipt, problems)
    wait = receipt.retry_after
    if wait is not None and not (type(wait) is timedelta and wait >= timedelta(0)):
        problems[Kind.WRONG_TYPE] = "gave a receipt whose retry_after is no length of time"
        wait = None
    if texts == [receipt.reference, receipt.evidence] and (permanent, wait) == (receipt.permanent, receipt.retry_after):
        return receipt
    reference, evidence = texts
    return Receipt(receipt.key, receipt.outcome, reference, evidence, permanent, wait)


def _at_fault(receipt: Receipt, problems: dict[Kind, str]) -> bool:
    """Tell whether the address is at fault, as far as the receipt is to be believed."""
    if type(receipt.permanent) is not bool:
        problems[Kind.WRONG_TYPE] = "gave a receipt whose permanent is neither true nor false"
    elif receipt.outcome is not Outcome.REFUSED:
        problems[Kind.CONTRADICTORY] = "gave a receipt that finds the address at fault, and is no refusal"
    else:
        return True
    return False
