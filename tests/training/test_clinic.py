"""The synthetic clinic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runbook.training import clinic
from runbook.training.servers.aws_names import LAST_WRITTEN

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SNAPSHOTS = tuple(NOW - timedelta(minutes=70, days=day) for day in reversed(range(30)))


@pytest.fixture(scope="module")
def people() -> clinic.Clinic:
    return clinic.make(7, NOW, SNAPSHOTS)


def test_the_same_seed_makes_the_same_clinic(people: clinic.Clinic) -> None:
    assert clinic.make(7, NOW, SNAPSHOTS) == people
    assert clinic.make(8, NOW, SNAPSHOTS) != people


def test_it_is_of_the_promised_size(people: clinic.Clinic) -> None:
    assert (len(people.patients), len(people.appointments), len(people.notes)) == (3000, 9000, 4000)


def test_bookings_go_on_until_two_minutes_ago_and_nothing_is_younger(people: clinic.Clinic) -> None:
    newest = NOW - timedelta(minutes=2)
    assert max(one.booked_at for one in people.appointments) == newest
    assert max(one.written_at for one in people.notes) <= newest
    assert max(one.registered_at for one in people.patients) < min(one.booked_at for one in people.appointments)


def test_around_each_snapshot_there_are_the_planned_bookings_and_no_others(people: clinic.Clinic) -> None:
    booked = [one.booked_at for one in people.appointments]
    for snapshot in SNAPSHOTS:
        near = [at - snapshot for at in booked if abs(at - snapshot) <= clinic.QUIET]
        assert near == sorted(clinic.AROUND)
        assert max(at for at in near if at <= timedelta(0)) == -LAST_WRITTEN


def test_messages_wait_in_every_copy_of_the_newest_snapshot(people: clinic.Clinic) -> None:
    assert len(people.messages) == clinic.WAITING
    assert all(SNAPSHOTS[-1] - timedelta(hours=4) < one.created_at < SNAPSHOTS[-1] for one in people.messages)


def test_every_one_of_the_last_thirty_days_has_bookings_and_notes(people: clinic.Clinic) -> None:
    for moments in ([one.booked_at for one in people.appointments], [one.written_at for one in people.notes]):
        ages = {(NOW - moment).days for moment in moments}
        assert set(range(31)) <= ages


def test_everything_refers_to_something(people: clinic.Clinic) -> None:
    patients = {one.id for one in people.patients}
    appointments = {one.id: one for one in people.appointments}
    assert all(one.patient_id in patients for one in people.appointments)
    assert all(appointments[one.appointment_id].patient_id == one.patient_id for one in people.notes)


def test_nhs_numbers_are_test_numbers_with_a_right_check_digit(people: clinic.Clinic) -> None:
    numbers = [one.nhs_number for one in people.patients]
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        assert number.startswith("999")
        assert sum(int(digit) * (10 - place) for place, digit in enumerate(number[:9])) % 11 == (-int(number[9])) % 11


def test_tables_are_those_of_the_schema() -> None:
    made = {line.split()[2] for line in clinic.SCHEMA.splitlines() if line.startswith("create table")}
    assert made == set(clinic.TABLES)
    assert {table.removeprefix("public.") for table in clinic.WRITTEN} < made
