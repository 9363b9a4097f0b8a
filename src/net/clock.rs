//! Times as text: RFC 3339, UTC, whatever a clock says.
//!
//! A clock may stand before 1970 or beyond year 9999, by a mistake or an empty battery, and certificates and tokens name
//! any time. Such a year is written as ISO 8601 has it, with a sign: `+12000-01-01T00:00:00Z`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// To the second.
pub fn seconds(time: SystemTime) -> String {
    let (days, secs, _) = parts(time);
    text(days, secs, "")
}

/// To the millisecond.
pub fn millis(time: SystemTime) -> String {
    let (days, secs, millis) = parts(time);
    text(days, secs, &format!(".{millis:03}"))
}

/// A time of RFC 3339, with whatever offset; a space may stand in place of the `T`.
pub fn parse(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return humantime::parse_rfc3339_weak(local).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let offset = Duration::from_secs(hours * 3600 + minutes * 60);
    let local = humantime::parse_rfc3339_weak(local).ok()?;
    match sign {
        "+" => local.checked_sub(offset),
        "-" => local.checked_add(offset),
        _ => None,
    }
}

/// A duration in milliseconds, to the microsecond: what is done on one machine takes less than one.
pub fn fractional_millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// So many seconds after 1970 began.
pub fn since_1970(secs: u64) -> String {
    text(i128::from(secs / DAY), secs % DAY, "")
}

/// The day alone.
pub fn day(time: SystemTime) -> String {
    date(parts(time).0)
}

/// Whether a `Date` header can name it: those have years of four digits, and ours none before 1970.
pub fn has_http_date(time: SystemTime) -> bool {
    time.duration_since(UNIX_EPOCH).is_ok_and(|since| since.as_secs() < 253_402_300_800)
}

/// Days since 1970, seconds of the day, milliseconds.
fn parts(time: SystemTime) -> (i128, u64, u32) {
    let split = |since: Duration| (i128::from(since.as_secs() / DAY), since.as_secs() % DAY, since.subsec_millis());
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => split(since),
        Err(error) => {
            let before = error.duration();
            // Counted from the beginning of a day that is early enough.
            let days = before.as_secs() / DAY + 1;
            let (_, secs, millis) = split(Duration::from_secs(days * DAY).saturating_sub(before));
            let whole = Duration::from_secs(days * DAY).saturating_sub(before) >= Duration::from_secs(DAY);
            (i128::from(whole) - i128::from(days), secs, millis)
        }
    }
}

fn text(days: i128, secs: u64, fraction: &str) -> String {
    let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}{fraction}Z", date(days))
}

/// The day by its number since 1970, in the Gregorian calendar.
fn date(days: i128) -> String {
    /// Days of four hundred years, after which the calendar repeats itself.
    const ERA: i128 = 146_097;
    // Years are counted from March on, so that the day that not all have is the last.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i128::from(month <= 2);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+05}-{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_four_digit_years_are_as_anybody_writes_them() {
        for secs in (0..253_402_300_800u64).step_by(86_413 * 97).chain([951_782_399, 951_782_400, 253_402_300_799]) {
            let time = UNIX_EPOCH + Duration::new(secs, 7_000_001);
            assert_eq!(seconds(time), humantime::format_rfc3339_seconds(time).to_string());
            assert_eq!(millis(time), humantime::format_rfc3339_millis(time).to_string());
            assert_eq!(since_1970(secs), seconds(time));
            assert_eq!(day(time), seconds(time)[..10]);
        }
    }

    #[test]
    fn a_time_is_read_with_any_offset() {
        for text in [
            "2026-01-01T00:00:00.1234567Z",
            "2026-01-01 00:00:00.123z",
            "2026-01-01T00:00:00.1234567+00:00",
            "2026-01-01T05:30:00.123+05:30",
            "2025-12-31T23:00:00.123-01:00",
        ] {
            assert_eq!(parse(text).map(millis).as_deref(), Some("2026-01-01T00:00:00.123Z"), "{text}");
        }
        for text in [
            "",
            "Z",
            "17",
            "now",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00é+1:0",
            "2026-01-01T00:00:00+ab:cd",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_before_1970_or_beyond_year_9999_is_shown_as_it_is() {
        assert_eq!(seconds(UNIX_EPOCH + Duration::from_secs(253_402_300_800)), "+10000-01-01T00:00:00Z");
        assert_eq!(millis(UNIX_EPOCH - Duration::from_millis(1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(seconds(UNIX_EPOCH - Duration::from_secs(DAY)), "1969-12-31T00:00:00Z");
        assert_eq!(seconds(UNIX_EPOCH - Duration::from_secs(DAY + 1)), "1969-12-30T23:59:59Z");
        assert_eq!(day(UNIX_EPOCH - Duration::from_secs(62_167_219_201)), "-0001-12-31");
        assert_eq!(since_1970(u64::MAX), "+584554051223-11-09T07:00:15Z");
    }
}
