"""Which laws there are, by the version of the contract that introduced them. Nothing is ever taken out of this list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType


def _of(kind: str, names: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{name}" for name in names.split())


#: Version of the contract to the ids of the laws that it introduced.
BY_VERSION: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "1.0": (
            *_of(
                "source",
                "declares canonical tells_the_place same_twice every_row_once as_found no_guessing "
                "patients_first cursor_goes_forward nothing_lost complete_is_whole strange_cursor "
                "bounded_batches failure_is_told no_patient_told fetch_agrees fetch_is_fresh "
                "fetch_of_strangers fetch_failure_is_told core_takes_it",
            ),
            *_of(
                "channel",
                "declares one_receipt no_foreign_receipt empty_batch order_does_not_matter "
                "size_does_not_matter never_raises changes_nothing keeps_its_limit threads "
                "no_patient_in_receipts no_patient_in_logs no_patient_in_repr right_address whole_text "
                "once_each keyed_by_message refusal_is_not_sent overload_is_temporary unreachable_is_retry "
                "only_a_refusal_is_permanent "
                "lost_answer_is_unknown nonsense_is_unknown retry_has_not_left recovers asks_truly core_takes_it "
                "each_its_own_answer failed_answer_is_unknown "
                "late_answer_is_unknown offline_is_retry asks_in_trouble comes_back",
            ),
            *_of(
                "message_type",
                "declares compiles names_its_needs renders says_from_whom knows_guardians offers_english "
                "same_parts no_stray_files",
            ),
            *_of(
                "guard",
                "declares one_verdict same_answer_twice batches_do_not_matter any_zone asks_nothing_else "
                "changes_nothing loosens_nothing defers_forward says_why no_patient_in_verdicts "
                "no_patient_in_logs difficult_days core_takes_it",
            ),
            *_of(
                "metric",
                "declares any_split any_order same_twice keeps_states empty_panel adds_up exact no_patient_told "
                "core_takes_it",
            ),
            *_of(
                "field",
                "declares answers same_twice own_patient own_practice every_operator of_its_kind keeps_known "
                "asks_no_clock",
            ),
            *_of(
                "event_parser",
                "declares reads_samples any_bytes same_ids different_ids quotes_nothing refuses_altered "
                "asks_nothing_else bounded_work core_takes_it",
            ),
            *_of(
                "plugin",
                "info admitted real_hooks registers own_names import_does_no_work no_module_state "
                "two_practices closes_twice opens_quietly declares_secrets keeps_secrets",
            ),
        ),
    }
)


def missing(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the laws of the list that are not among these."""
    there = frozenset(ids)
    return tuple(id_ for listed in BY_VERSION.values() for id_ in listed if id_ not in there)
