"""What was judged together leaves, or is judged anew, before anything else is judged: caps count what has left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from situations import NOW

from crmkit import FixedClock, Medium, Purpose, State, Touch
from crmkit.campaigns.judge import Judged
from crmkit.delivery.claimed import Claimed
from crmkit.delivery.verdicts import VALID, Verdicts
from crmkit.delivery.window import Preparation, Window, Written

SECOND = timedelta(seconds=1)
#: The size of each window, how many are judged together, and how many seconds pass before it.
steps = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from([0, 1, 3, 6])), min_size=1)


def touch(number: int, medium: Medium) -> Touch:
    key = f"T{number:03}"
    return Touch(
        "card", "once", key, key, 1, "core.birthday", Purpose.MARKETING, medium, key, State.CLAIMED, "", *3 * [NOW]
    )


def judged(one: Touch) -> Judged:
    return Judged(one, cast("Any", None))


class Judging:
    """Lets all leave that is judged, and remembers what has been judged and has not left."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.outstanding: dict[str, Any] = {}

    def verdicts(self, claimed: Sequence[Touch]) -> Verdicts:
        now = self.clock.now()
        assert all(now - at > VALID for at in self.outstanding.values())
        assert len({one.medium for one in claimed}) <= 1
        self.outstanding = {one.key: now for one in claimed}
        return Verdicts(now, tuple((one, judged(one)) for one in claimed))

    def written(self, verdicts: Verdicts) -> Window:
        return Window(verdicts.at, tuple(Written(was, one.touch, cast("Any", None)) for was, one in verdicts.going))


@given(st.lists(st.sampled_from([Medium.EMAIL, Medium.SMS]), max_size=12), steps)
def test_windows_of_several_media_are_never_judged_side_by_side(media: list[Medium], steps: list[Any]) -> None:
    clock = FixedClock(NOW)
    judging = Judging(clock)
    touches = [touch(number, medium) for number, medium in enumerate(media)]
    claimed = Claimed(cast("Preparation", judging), clock, list(touches))
    left: list[str] = []
    for size, windows, seconds in steps * 12:
        if not claimed:
            break
        clock.move(seconds * SECOND)
        window = claimed.window(claimed.medium, size, windows=windows)
        assert len(window.written) <= size
        claimed.without(window)
        for one in window.written:
            del judging.outstanding[one.touch.key]
            left.append(one.touch.key)
    assert sorted([*left, *(one.key for one in claimed.touches)]) == [one.key for one in touches]


def test_whom_a_later_message_speaks_for_waits_with_it() -> None:
    one, two, third, fourth = (touch(number, Medium.EMAIL) for number in range(4))
    carried = third.changed(state=State.CARRIED, carried_by=two.key)
    going = ((one, judged(one)), (two, judged(two)))
    first, rest = Verdicts(NOW, going, ((third, carried), (fourth, fourth))).parted(1)
    assert (first.going, first.staying) == (going[:1], ((fourth, fourth),))
    assert (rest.going, rest.staying) == (going[1:], ((third, carried),))
