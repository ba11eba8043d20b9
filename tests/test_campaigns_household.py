"""One copy for each address: exactly one touch leaves, and all others say whose it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.campaigns.household import Copy, carriers

COPIES = st.lists(
    st.builds(
        Copy,
        key=st.integers(0, 99).map("K{}".format),
        patient=st.integers(0, 9).map("P{}".format),
        same=st.sampled_from(["a", "b", "c"]).map(lambda address: ("core.newsletter", "2026-q4", address, "en")),
        own=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda copy: copy.key,
)
A = ("core.newsletter", "2026-q4", "a", "en")


@settings(deadline=None)
@given(COPIES)
def test_exactly_one_leaves_for_each_address(copies: list[Copy]) -> None:
    carried = carriers(copies, {})
    leaving = [copy for copy in copies if copy.key not in carried]
    assert sorted(copy.same for copy in leaving) == sorted({copy.same for copy in copies})
    by_key = {copy.key: copy for copy in leaving}
    for copy in copies:
        if copy.key in carried:
            key, patient = carried[copy.key]
            assert (by_key[key].same, by_key[key].patient) == (copy.same, patient)


@settings(deadline=None)
@given(COPIES)
def test_where_somebody_reads_it_for_himself_he_carries_it(copies: list[Copy]) -> None:
    carried = carriers(copies, {})
    for leaving in (copy for copy in copies if copy.key not in carried):
        others = [copy for copy in copies if copy.same == leaving.same]
        assert leaving.own or not any(copy.own for copy in others)


@settings(deadline=None)
@given(COPIES, st.randoms(use_true_random=False))
def test_the_order_in_which_copies_come_makes_no_difference(copies: list[Copy], chance: object) -> None:
    # Two copies of one patient for one address do not occur: a touch is unique in patient and occasion.
    unique = list({(copy.patient, copy.same): copy for copy in copies}.values())
    shuffled = list(unique)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert carriers(shuffled, {}) == carriers(unique, {})


@settings(deadline=None)
@given(COPIES)
def test_what_has_left_already_carries_all_that_are_the_same(copies: list[Copy]) -> None:
    carried = carriers(copies, {A: ("K-sent", "P-sent")})
    assert all(carried[copy.key] == ("K-sent", "P-sent") for copy in copies if copy.same == A)


def test_another_language_or_occasion_is_another_message() -> None:
    german, next_ = (*A[:3], "de"), (A[0], "2027-q1", *A[2:])
    copies = [Copy(f"K{n}", f"P{n}", same, own=True) for n, same in enumerate((A, german, next_, A))]
    assert carriers(copies, {}) == {"K3": ("K0", "P0")}
