"""The synthetic clinic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runbook.training import clinic

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def people() -> clinic.Clinic:
    return clinic.make(7, NOW)


def test_the_same_seed_makes_the_same_clinic(people: clinic.Clinic) -> None:
    assert clinic.make(7, NOW) == people
    assert clinic.make(8, NOW) != people


def test_it_is_of_the_promised_size(people: clinic.Clinic) -> None:
    assert (len(people.patients), len(people.appointments), len(people.notes)) == (3000, 9000, 4000)


def test_the_newest_booking_is_75_minutes_old_and_nothing_is_younger(people: clinic.Clinic) -> None:
    newest = NOW - timedelta(minutes=75)
    assert max(one.booked_at for one in people.appointments) == newest
    assert max(one.written_at for one in people.notes) <= newest
    assert max(one.registered_at for one in people.patients) < min(one.booked_at for one in people.appointments)


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
