"""feeds.dates: moments as documents write them."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.dates import rfc822, rfc3339

YEAR_1800, YEAR_2100 = datetime.fromisoformat("1800-01-02"), datetime.fromisoformat("2100-01-01")


class Unsettled(tzinfo):
    """A zone that does not know its offset: such a datetime is naive for all its tzinfo."""

    def utcoffset(self, moment: datetime | None) -> None:
        return None


def test_moments_are_written_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 11, 26, 1, 30, 5, 999999, tzinfo=timezone(-timedelta(hours=7, minutes=30)))
    assert rfc822(moment) == "Thu, 26 Nov 2026 09:00:05 GMT"
    assert rfc3339(moment) == "2026-11-26T09:00:05Z"


def test_years_have_four_digits() -> None:
    assert rfc822(datetime(926, 1, 2, tzinfo=UTC)) == "Wed, 02 Jan 0926 00:00:00 GMT"
    assert rfc3339(datetime(26, 1, 2, tzinfo=UTC)) == "0026-01-02T00:00:00Z"


@pytest.mark.parametrize("write", [rfc822, rfc3339])
@pytest.mark.parametrize("zone", [None, Unsettled()])
def test_a_datetime_without_a_zone_is_refused(write, zone) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        write(datetime(2026, 11, 26, tzinfo=zone))


@settings(max_examples=100, deadline=None)
@given(st.datetimes(YEAR_1800, YEAR_2100, timezones=st.timezones()))
def test_what_is_written_reads_back_as_the_same_second(moment: datetime) -> None:
    second = moment.astimezone(UTC).replace(microsecond=0)
    assert datetime.fromisoformat(rfc3339(moment)) == second
    assert parsedate_to_datetime(rfc822(moment)) == second
