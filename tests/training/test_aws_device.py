"""The practice operator's MFA device keeps to RFC 6238 and to AWS's rules."""

from __future__ import annotations

import pytest

from runbook.training.servers.aws_device import WINDOW_S, Device


class Clock:
    seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def device(clock: Clock) -> Device:
    return Device("arn:aws:iam::111122223333:mfa/cto", clock)


def test_a_code_has_six_digits_and_is_good_once(device: Device) -> None:
    code = device.next_code()
    assert len(code) == 6
    assert code.isdecimal()
    assert device.accepts(code)
    assert not device.accepts(code)


def test_another_code_than_the_devices_is_refused(device: Device) -> None:
    right = device.next_code()
    assert not device.accepts(f"{(int(right) + 1) % 1_000_000:06}")
    assert device.accepts(right), "a wrong one uses nothing up"


def test_each_window_near_enough_is_shown_once_and_accepted(device: Device) -> None:
    shown = []
    for _ in range(3):
        shown.append(device.next_code())
        assert device.accepts(shown[-1])
    assert len(set(shown)) == 3
    assert not device.accepts(device.next_code()), "two windows ahead is too far, for now"


def test_what_is_too_early_is_accepted_in_its_time(device: Device, clock: Clock) -> None:
    for _ in range(3):
        assert device.accepts(device.next_code())
    early = device.next_code()
    clock.seconds += WINDOW_S
    assert device.accepts(early)


@pytest.mark.parametrize(("windows", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_device_may_be_off_by_one_window(device: Device, clock: Clock, windows: int, accepted: bool) -> None:  # noqa: FBT001 - a table
    code = device.next_code()
    clock.seconds -= windows * WINDOW_S
    assert device.accepts(code) is accepted


def test_two_devices_show_different_codes(clock: Clock) -> None:
    shown = {Device("serial", clock).next_code() for _ in range(4)}
    assert len(shown) > 1
