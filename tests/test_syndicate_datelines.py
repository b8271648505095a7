"""Datelines: what newspapers print becomes a date with its precision, or one clear line."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.datelines import MONTHS, BadDateline, Dateline


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("March 2009", "2009-03"),
        ("march, 2009", "2009-03"),
        ("Mar 2009", "2009-03"),
        ("Mar. 2009", "2009-03"),
        ("August 10, 2004", "2004-08-10"),
        ("Aug. 10, 2004", "2004-08-10"),
        ("AUGUST 10 2004", "2004-08-10"),
        ("Sept. 3, 1998", "1998-09-03"),
        ("Sep 3, 1998", "1998-09-03"),
        ("10 August 2004", "2004-08-10"),
        ("1st May 2004", "2004-05-01"),
        ("May 22nd, 2004", "2004-05-22"),
        ("Tuesday, August 10, 2004", "2004-08-10"),
        ("2/6/09", "2009-02-06"),
        ("02/06/2009", "2009-02-06"),
        ("12/31/89", "2089-12-31"),
        ("1/1/90", "1990-01-01"),
        ("1/1/99", "1999-01-01"),
        ("2/29/00", "2000-02-29"),
        ("2009", "2009"),
        ("2009-03-14", "2009-03-14"),
        ("2009-03", "2009-03"),
        ("Spring 2009", "2009"),
        ("March/April 2009", "2009-03"),
        ("July-August 2005", "2005-07"),
        ("August 10-16, 2004", "2004-08-10"),
        ("March '09", "2009-03"),
        ("  August\u00a010,\n 2004 ", "2004-08-10"),
    ],
)
def test_what_newspapers_print_is_read(printed: str, text: str) -> None:
    assert Dateline.printed(printed).text == text


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "soon",
        "March",
        "March 32, 2009",
        "February 29, 2009",
        "13/2/09",
        "2/30/09",
        "0/1/09",
        "1/0/09",
        "2/6/9",
        "2/6/009",
        "2/6",
        "1799",
        "2101",
        "March 1066",
        "Marching 2009",
        "March 2009 -- Somewhere",
        "٢٠٠٩",
        "3" * 5000,
        "March 2009\x00",
        "Mayhem 2009",
        "March-Hare 2009",
    ],
)
def test_what_is_no_date_is_refused_in_one_line(printed: str) -> None:
    with pytest.raises(BadDateline) as refused:
        Dateline.printed(printed)
    assert refused.value.status == 2
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("text", ["2009", "2009-03", "2009-03-14", "1800-01-01", "2100-12-31", " 2009-03\n"])
def test_iso_is_kept(text: str) -> None:
    assert Dateline.iso(text).text == text.strip()


@pytest.mark.parametrize(
    "text", ["09", "2009-3", "2009-13", "2009-02-29", "2009-03-", "March 2009", "20090314", "2009\n-03"]
)
def test_iso_refuses_everything_else(text: str) -> None:
    with pytest.raises(BadDateline):
        Dateline.iso(text)
    with pytest.raises(BadDateline):
        Dateline(text)


def test_the_length_is_the_precision_and_the_first_day_follows() -> None:
    year, month, day = Dateline("2009"), Dateline("2009-03"), Dateline("2009-03-14")
    assert [d.precision for d in (year, month, day)] == ["year", "month", "day"]
    assert [d.first_day for d in (year, month, day)] == [date(2009, 1, 1), date(2009, 3, 1), date(2009, 3, 14)]
    assert [d.display() for d in (year, month, day)] == ["2009", "March 2009", "14 March 2009"]
    assert [d.display("en-GB") for d in (year, month, day)] == ["2009", "March 2009", "14 March 2009"]
    assert [d.display("es") for d in (year, month, day)] == ["2009", "marzo de 2009", "14 de marzo de 2009"]
    assert [d.display("pt-BR") for d in (month, day)] == ["março de 2009", "14 de março de 2009"]
    assert [d.display(unknown) for d in (month, day) for unknown in ("xx-none", "??")] == [month.text] * 2 + [
        day.text
    ] * 2
    assert str(day) == "2009-03-14"


def test_datelines_sort_by_time_and_the_vaguer_first() -> None:
    right = ["1999-12-31", "2009", "2009-01", "2009-01-01", "2009-03", "2009-03-14", "2010"]
    assert [d.text for d in sorted(Dateline(text) for text in reversed(right))] == right


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2009-03", "America/New_York", "2009-03-01T05:00:00+00:00"),
        ("2009", "Asia/Tokyo", "2008-12-31T15:00:00+00:00"),
        # No midnight: clocks went from 00:00 to 01:00, the day began at 01:00.
        ("2017-10-15", "America/Sao_Paulo", "2017-10-15T03:00:00+00:00"),
        # Midnight came twice: the first.
        ("2020-11-01", "America/Havana", "2020-11-01T04:00:00+00:00"),
        # The whole day was left out: the instant at which the next began.
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_the_first_instant_is_when_the_day_began_there(text: str, zone: str, instant: str) -> None:
    began = Dateline(text).first_instant(ZoneInfo(zone))
    assert began.isoformat() == instant
    assert began.utcoffset() == timedelta(0)
    before = began - timedelta(seconds=1)
    assert before.astimezone(ZoneInfo(zone)).date() < Dateline(text).first_day


@settings(max_examples=60)
@given(st.dates(date(1800, 1, 1), date(2100, 12, 31)))
def test_every_day_is_read_back_from_every_way_of_printing_it(day: date) -> None:
    name = MONTHS[day.month - 1]
    ways = [
        f"{name} {day.day}, {day.year}",
        f"{name[:3]}. {day.day}, {day.year}",
        f"{day.day} {name} {day.year}",
        f"{day.month}/{day.day}/{day.year}",
        day.isoformat(),
        Dateline(day.isoformat()).display(),
    ]
    assert {Dateline.printed(way).text for way in ways} == {day.isoformat()}
    assert Dateline.printed(f"{name} {day.year}").text == day.isoformat()[:7]
    if 1990 <= day.year < 2090:
        assert Dateline.printed(f"{day.month}/{day.day}/{day.year % 100:02d}").first_day == day


@settings(max_examples=150)
@given(st.text(max_size=80))
def test_any_text_is_a_dateline_or_a_clear_refusal(text: str) -> None:
    try:
        read = Dateline.printed(text)
    except BadDateline:
        return
    assert Dateline.iso(read.text) == read
    assert read.first_instant(ZoneInfo("UTC")) <= datetime(2100, 12, 31, tzinfo=UTC)
