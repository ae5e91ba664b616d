"""The fault matrix: what becomes of a submission, for each fault at each point of its way, and the tests that show it.

`python -m tests.delivery.matrix` prints docs/faults.md; tests/delivery/test_matrix.py holds the table against the tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass

POINTS = {
    "A": "before the approval is committed",
    "B": "the approval is committed, no bell rung",
    "C": "the bell is in the broker or with a worker",
    "D": "a worker prepares the sending",
    "E": "the intent is committed, nothing sent",
    "F": "the request is in flight",
    "G": "the answer is here, but not stored",
    "H": "the outcome is unknown, AWS is searched",
    "I": "the case id is stored",
}


@dataclass(frozen=True)
class Cell:
    """What becomes of it; `tests` show that, each as path::name or path::name[case]. Or why it can not be."""

    end: str
    tests: tuple[str, ...] = ()
    impossible: bool = False


def _cell(end: str, *tests: str) -> Cell:
    return Cell(end, tuple(_located(test) for test in tests))


def _never(why: str) -> Cell:
    return Cell(why, impossible=True)


def _located(test: str) -> str:
    """`sender::test_x` is tests/delivery/test_sender.py::test_x, `e2e/kills::test_x` tests/e2e/test_kills.py::test_x."""
    place, _, name = test.partition("::")
    folder, _, module = place.rpartition("/")
    return f"tests/{folder or 'delivery'}/test_{module}.py::{name}"


NO_SENDING = _never("nothing is sent to AWS yet")
KILLED = "matrix::test_death_of_a_worker_ends_in_one_case"
BROKER = "matrix::test_a_dead_broker_changes_nothing"
CUT = "matrix::test_a_cut_line_costs_time_only"
REVOKED = "matrix::test_a_role_revoked_meanwhile_sends_nothing_more"
TWICE = "matrix::test_a_second_bell_at_any_point_changes_nothing"
STEP = "matrix::test_a_step_of_the_clock_ends_in_one_case"
STOP = "matrix::test_a_stop_at_any_point_leaves_nothing_half_done"
BACKUP = "matrix::test_a_backup_taken_at_any_point_opens_no_second_case"
RESTARTED = "restarts::test_a_database_that_is_restarted_meanwhile_costs_no_case_and_no_second_one"
REPORT = "matrix::test_a_report_waits_for_the_database"
GARBLED = "matrix::test_a_case_that_aws_opened_behind_a_garbled_answer_is_found"
RESTORED = "restore::test_a_case_sent_after_the_backup_is_opened_no_second_time"

MATRIX: dict[str, dict[str, Cell]] = {
    "kill -9": {
        "A": _cell(
            "not approved",
            "matrix::test_death_before_the_commit_approves_nothing",
            "e2e/kills::test_death_before_the_commit_leaves_the_case_unapproved",
        ),
        "B": _cell(
            "the dispatcher rings within 15 s",
            "matrix::test_death_before_the_bell_leaves_it_to_the_dispatcher",
            "e2e/kills::test_death_before_the_bell_is_noticed_by_the_dispatcher",
        ),
        "C": _cell("rung for again", KILLED, "e2e/kills::test_death_before_the_intent_costs_nothing[C]"),
        "D": _cell(
            "queued again when the lease ends",
            KILLED,
            "e2e/kills::test_death_before_the_intent_costs_nothing[D]",
            "e2e/kills::test_death_while_files_go_costs_none_of_them",
        ),
        "E": _cell(
            "unknown, proven absent, then sent",
            KILLED,
            "e2e/kills::test_death_between_intent_and_request_sends_once_its_absence_is_proven",
        ),
        "F": _cell(
            "unknown, then found, or proven absent and sent again",
            "matrix::test_death_in_flight_ends_in_one_case",
            "matrix::test_death_while_the_request_is_still_on_its_way_ends_in_one_case",
            "e2e/kills::test_death_in_flight_is_made_up_for_by_a_look",
            "e2e/kills::test_request_lost_in_flight_is_sent_again_once_its_absence_is_proven",
        ),
        "G": _cell(
            "unknown, then found; the id is in the log, too",
            KILLED,
            "e2e/kills::test_death_before_the_report_is_made_up_for_by_a_look",
            "sender::test_the_case_id_is_logged_before_the_database_knows_it",
        ),
        "H": _cell("the look is repeated", KILLED, "e2e/kills::test_death_at_the_look_has_it_repeated"),
        "I": _cell("nothing changes", KILLED, "e2e/kills::test_death_after_the_report_changes_nothing"),
    },
    "broker flushed, down, hung": {
        "A": _cell(
            "approving works and waits for nobody",
            BROKER,
            "pacing/bell::test_a_hung_broker_costs_a_page_nothing_and_the_ringer_an_end",
        ),
        "B": _cell(
            "the dispatcher does the work itself after 60 s",
            BROKER,
            "dispatcher::test_work_that_nobody_takes_for_a_minute_is_done_here",
            "e2e/story::test_approval_without_a_broker_is_sent_by_the_dispatcher_and_the_worker_comes_back",
        ),
        "C": _cell(
            "rung for again",
            BROKER,
            "e2e/story::test_broker_that_forgets_everything_before_the_worker_hears_loses_nothing",
        ),
        **{point: _cell("nothing changes", BROKER) for point in "DEFGHI"},
    },
    "database restart, locked, full": {
        "A": _cell(
            "an error page in words, not approved",
            "database_trouble::test_approval_that_can_not_be_stored_is_told_and_not_given",
        ),
        "B": _cell("stays queued", "matrix::test_database_trouble_after_the_commit_leaves_it_queued"),
        "C": _cell("stays queued", "matrix::test_database_trouble_when_the_bell_is_heard_leaves_it_queued"),
        "D": _cell("not sent, queued", "matrix::test_an_intent_that_can_not_be_stored_sends_nothing", RESTARTED),
        "E": _cell(
            "a commit in doubt is not sent and closed; else sent, and the report is tried for 10 minutes",
            REPORT,
            RESTARTED,
            "doubt::test_an_intent_whose_commit_is_in_doubt_sends_nothing",
            "doubt::test_after_a_doubtful_intent_the_case_is_sent_once",
        ),
        "F": _cell(
            "the report is tried for 10 minutes, else unknown, then found",
            REPORT,
            RESTARTED,
            "matrix::test_a_report_that_is_never_stored_is_made_up_for_by_a_look",
        ),
        "G": _cell(
            "the same",
            REPORT,
            RESTARTED,
            "sender::test_a_report_waits_for_the_database_and_the_call_is_not_repeated",
            "sender::test_a_report_gives_up_after_ten_minutes_and_the_case_is_found",
        ),
        "H": _cell("the look is repeated", "matrix::test_a_look_that_can_not_be_stored_is_repeated"),
        "I": _cell(
            "stays delivered; what AWS shows is read again",
            "matrix::test_what_aws_shows_is_read_again_where_it_could_not_be_stored",
            RESTARTED,
        ),
    },
    "network cut, slow, reset": {
        "A": NO_SENDING,
        "B": NO_SENDING,
        "C": _cell("queued, tried again later", CUT),
        "D": _cell(
            "queued, tried again later",
            CUT,
            "classification::test_an_sts_that_fails_is_the_lines_trouble",
            "uploads::test_fault_in_a_call_about_files_ends_in_one_case_with_all_of_them",
        ),
        "E": _cell(
            "not sent, tried again later",
            CUT,
            "classification::test_what_never_connected_waits_and_counts_for_the_circuit",
        ),
        "F": _cell(
            "unknown, then found or proven absent",
            "classification::test_trouble_on_the_line",
            "classification::test_an_answer_that_proves_nothing",
            GARBLED,
        ),
        "G": _never("the answer is here"),
        "H": _cell("the look fails and does not count", CUT, "reconcile::test_an_unread_page_spoils_the_look"),
        "I": _cell("nothing changes; what AWS shows is read again", CUT),
    },
    "throttled, quota used up": {
        "A": NO_SENDING,
        "B": NO_SENDING,
        "C": NO_SENDING,
        "D": _cell("queued, tried again later", "matrix::test_a_session_that_aws_throttles_is_fetched_later"),
        "E": _never("AWS is not asked between the intent and the request"),
        "F": _cell(
            "queued; the gate slows, or is held until the hour frees up",
            "report::test_throttling_slows_the_account_and_the_row_waits_for_it",
            "report::test_throttling_and_quota_count_toward_neither",
            "report::test_cases_that_others_opened_hold_the_account_for_ten_minutes",
            "two_sites::test_two_sites_on_one_account_find_its_hour_by_being_refused",
        ),
        "G": _never("the answer is here"),
        "H": _cell("looked for later", "matrix::test_a_throttled_look_is_made_later_and_counts_for_nothing"),
        "I": _cell(
            "nothing changes; what AWS shows is read later",
            "matrix::test_a_read_after_success_that_aws_refuses_is_made_later",
        ),
    },
    "credentials expired, role revoked": {
        "A": NO_SENDING,
        "B": NO_SENDING,
        "C": NO_SENDING,
        "D": _cell(
            "queued, the gate is stopped",
            REVOKED,
            "classification::test_without_credentials_nothing_is_tried_and_the_account_stops",
            "classification::test_a_role_that_can_not_be_assumed_stops_the_account",
        ),
        "E": _cell(
            "AWS refuses it: queued; a fresh session once, then the gate is stopped",
            REVOKED,
            "report::test_the_first_expired_session_is_replaced_at_once",
            "report::test_the_second_expired_session_stops_the_account",
        ),
        "F": _cell(
            "AWS refuses it: queued, the gate is stopped",
            REVOKED,
            "work::test_a_refused_write_is_tried_by_dry_runs_until_aws_lets_us_in",
        ),
        "G": _cell("delivered", REVOKED),
        "H": _cell(
            "a lead is asked after an hour",
            "reconcile::test_a_look_that_fails_counts_for_nothing_and_an_hour_of_them_needs_a_person",
        ),
        "I": _cell(
            "nothing changes; what AWS shows is read later",
            "matrix::test_a_read_after_success_that_aws_refuses_is_made_later",
        ),
    },
    "doorbell twice, redelivery": {
        "A": _never("no bell is rung before the commit"),
        "B": _never("no bell is rung yet"),
        "C": _cell("the second finds nothing", TWICE, "claim::test_a_hundred_claims_at_once_take_each_row_once"),
        "D": _cell("its claim is lost", TWICE, "claim::test_of_two_that_saw_the_same_row_one_gets_it"),
        **{point: _cell("nothing changes", TWICE) for point in "EFGHI"},
    },
    "pause, suspend, longer than the lease": {
        "A": _never("no lease is held; the commit comes later or not at all"),
        "B": _never("no lease is held; the dispatcher rings, as after a kill"),
        "C": _never("no lease is held; the bell expires and is rung again, as after a kill"),
        "D": _cell("the claim is lost, another worker sends", "sender::test_who_lost_the_lease_sends_nothing"),
        "E": _cell(
            "held for more than 30 s it is not sent, and queued",
            "sender::test_a_request_held_for_30_seconds_after_its_intent_does_not_leave",
        ),
        "F": _cell(
            "unknown, and the late answer is merged",
            "report::test_an_unclear_end_that_comes_after_the_lease_changes_nothing",
            "report::test_a_refusal_that_comes_after_the_lease_is_merged",
        ),
        "G": _cell(
            "the late report is merged",
            "report::test_a_success_that_comes_after_the_lease_is_merged",
            "report::test_a_success_is_merged_whatever_a_lead_decided_meanwhile",
        ),
        "H": _cell(
            "the look ends nothing, the next one does",
            "reconcile::test_a_look_whose_lease_ran_out_leaves_the_end_to_the_next",
        ),
        "I": _never("no lease is held that matters"),
    },
    "clock step of an hour": {
        "A": _never("no time has been written down yet"),
        "B": _cell("due early, or an hour late", STEP),
        "C": _cell("due early, or an hour late", STEP),
        "D": _cell("the lease ends early: queued, and sent by whoever claims it next", STEP),
        "E": _cell(
            "not sent, or AWS refuses the signature: queued",
            STEP,
            "sender::test_a_request_held_for_30_seconds_after_its_intent_does_not_leave",
            "matrix::test_a_signature_of_another_hour_is_refused_and_made_anew",
        ),
        "F": _cell(
            "AWS decides by its own clock", STEP, "matrix::test_a_signature_of_another_hour_is_refused_and_made_anew"
        ),
        "G": _cell("nothing changes", STEP),
        "H": _cell(
            "only AWS's date lets a look count",
            "reconcile::test_only_the_date_of_aws_decides_whether_a_negative_look_counts",
        ),
        "I": _cell("nothing changes", STEP),
    },
    "SIGTERM, deploy": {
        "A": _cell("the page is answered first", "web/stop::test_web_server_that_is_stopped_answers_what_it_began[A]"),
        "B": _cell("the bell is rung first", "web/stop::test_web_server_that_is_stopped_answers_what_it_began[B]"),
        "C": _cell("left in the queue, rung for again", STOP, "work::test_a_process_that_stops_claims_nothing_more"),
        "D": _cell(
            "sent, or given back where files are on their way",
            STOP,
            "uploads::test_shutdown_gives_the_row_back_with_what_was_finished",
        ),
        "E": _cell("sent", STOP),
        "F": _cell("ends within 35 s", STOP, "e2e/shutdown::test_a_stopped_worker_stores_the_answer_it_waits_for"),
        "G": _cell("stored", STOP),
        "H": _cell("the look is made to its end", STOP),
        "I": _cell("nothing changes", STOP),
    },
    "poison input": {
        "A": _never("the form lets nothing through that AWS's limits forbid"),
        "B": _never("nobody has read it yet"),
        "C": _never("a bell carries nothing but the account"),
        "D": _cell(
            "failed with words; what kills its worker three times is a lead's",
            "sender::test_a_choice_that_aws_no_longer_offers_fails_with_words",
            "sender::test_aws_takes_8000_characters_with_the_reference_line",
            "dispatcher::test_the_third_lease_lost_in_a_row_needs_a_person",
        ),
        "E": _cell(
            "what the SDK refuses is not sent, and failed",
            "classification::test_a_parameter_that_the_sdk_refuses_is_not_sent_and_fails",
        ),
        "F": _cell("refused for good: failed, with AWS's words", "classification::test_an_error_that_aws_answers"),
        "G": _cell(
            "200 without a case id: unknown", "classification::test_an_answer_that_is_not_of_aws_proves_nothing"
        ),
        "H": _never("AWS took it or did not; what it holds decides nothing any more"),
        "I": _never("AWS has it"),
    },
    "answer garbled, 5xx after the commit": {
        **dict.fromkeys("ABCDE", NO_SENDING),
        "F": _cell("unknown, then found", GARBLED, "classification::test_an_answer_that_proves_nothing"),
        "G": _never("the answer was understood"),
        "H": _cell("the look fails and does not count", "reconcile::test_an_unread_page_spoils_the_look"),
        "I": _never("the answer was understood"),
    },
    "database restored from a backup": {
        "A": _cell(
            "searched for at AWS before it is sent",
            f"{RESTORED}[before approving]",
            f"{RESTORED}[before submitting]",
            "restore::test_drafts_rows_and_leases_are_in_doubt_and_open_cases_are_not",
        ),
        "B": _cell(
            "searched for at AWS before it is sent",
            f"{RESTORED}[before sending]",
            "restore::test_what_was_never_sent_goes_out_once_when_the_search_has_counted",
        ),
        "C": _cell("the same", BACKUP),
        "D": _cell("queued, searched for before it is sent", BACKUP),
        "E": _cell("unknown, then found", BACKUP),
        "F": _cell("unknown, then found", BACKUP),
        "G": _cell("unknown, then found", BACKUP),
        "H": _cell("the look is repeated", BACKUP),
        "I": _cell("found again, or delivered as before", BACKUP, RESTORED),
    },
}


def all_tests() -> set[str]:
    return {test for row in MATRIX.values() for cell in row.values() for test in cell.tests}


def points_shown(fault: str, name: str) -> list[str]:
    """The points of a fault that a test of test_matrix.py shows."""
    named = f"tests/delivery/test_matrix.py::{name}"
    return [point for point, cell in MATRIX[fault].items() if named in cell.tests]


def as_markdown() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Every cell"
    yield ""
    yield "What becomes of a submission for each fault at each point of its way, and the tests that show it; a dash says why nothing"
    yield "can happen there. Tests of `delivery` and `pacing` run on SQLite, and by `make test-postgres` on PostgreSQL; one of them restarts"
    yield "a PostgreSQL of its own. `make docs` prints this page from `tests/delivery/matrix.py`, and a test fails where a cell has none."
    yield "What the words mean stands in [delivery.md](delivery.md)."
    yield ""
    yield "| point | where the submission is |"
    yield "| --- | --- |"
    for point, words in POINTS.items():
        yield f"| {point} | {words} |"
    for fault, row in MATRIX.items():
        yield ""
        yield f"## {fault[0].upper()}{fault[1:]}"
        yield ""
        yield "| point | what becomes of it | shown by |"
        yield "| --- | --- | --- |"
        for point, cell in row.items():
            shown = ", ".join(f"`{test.removeprefix('tests/')}`" for test in cell.tests)
            yield f"| {point} | {'— ' if cell.impossible else ''}{cell.end} | {shown} |"


if __name__ == "__main__":
    print(as_markdown(), end="")
