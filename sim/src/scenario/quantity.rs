//! Quantities with units as text: times, sizes, rates and a point of the week, read and written.
//!
//! Case counts, since `Mbit` and `mbit` differ by a factor of 10^9. Decimal prefixes are powers of 1,000, binary
//! ones of 1,024 (IEC 80000-13). A number may have decimals; the result is rounded to a whole base unit.

use ledgerlab_consensus::Span;

use crate::scenario::problem::{Flaw, nearest};

/// A kind of quantity: its name, its units in ascending order with their factor, and an example.
pub(crate) struct Kind {
    name: &'static str,
    units: &'static [(&'static str, u64)],
    example: &'static str,
}

/// Nanoseconds.
pub(crate) const TIME: Kind = Kind {
    name: "time",
    units: &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ],
    example: "40 ms",
};

/// Bytes.
pub(crate) const SIZE: Kind = Kind {
    name: "size",
    units: &[
        ("B", 1),
        ("kB", 1_000),
        ("KiB", 1_024),
        ("MB", 1_000_000),
        ("MiB", 1_048_576),
        ("GB", 1_000_000_000),
        ("GiB", 1_073_741_824),
    ],
    example: "512 B",
};

/// Bits per second.
pub(crate) const BIT_RATE: Kind = Kind {
    name: "bit rate",
    units: &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)],
    example: "1 Gbit/s",
};

/// Bytes per second.
pub(crate) const BYTE_RATE: Kind = Kind {
    name: "byte rate",
    units: &[("B/s", 1), ("kB/s", 1_000), ("MB/s", 1_000_000), ("GB/s", 1_000_000_000)],
    example: "1 GB/s",
};

impl Kind {
    /// The word for it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The units, for a message.
    pub(crate) fn units(&self) -> String {
        format!("units are {}", self.units.iter().map(|u| u.0).collect::<Vec<_>>().join(", "))
    }

    /// An example with quotes.
    pub(crate) fn example(&self) -> String {
        format!("\"{}\"", self.example)
    }

    /// `text` in base units.
    pub(crate) fn parse(&self, text: &str) -> Result<u64, Flaw> {
        let text = text.trim();
        let digits = text.find(|c: char| !(c.is_ascii_digit() || "+-._".contains(c))).unwrap_or(text.len());
        let (number, unit) = (text[..digits].replace('_', ""), text[digits..].trim());
        if number.is_empty() {
            return Err(Flaw::new(format!("not a {}", self.name))
                .limit(self.units())
                .hint(format!("write it as {}", self.example())));
        }
        let value: f64 = number.parse().map_err(|_| {
            let flaw = Flaw::new(format!("`{number}` is not a number"));
            flaw.hint(format!("write it as {}", self.example()))
        })?;
        if value < 0.0 {
            return Err(Flaw::new(format!("a {} cannot be negative", self.name))
                .limit("at least 0")
                .hint(format!("write it as {}", self.example())));
        }
        self.scaled(value, unit)
    }

    fn scaled(&self, value: f64, unit: &str) -> Result<u64, Flaw> {
        let Some((_, factor)) = self.units.iter().find(|(name, _)| *name == unit) else {
            return Err(self.wrong_unit(unit));
        };
        let base = (value * *factor as f64 + 0.5).floor();
        if base >= 9.2e18 {
            let flaw = Flaw::new(format!("the {} is too large", self.name)).limit("below 9.2e18 base units");
            return Err(flaw.hint(format!("write it as {}", self.example())));
        }
        Ok(base as u64)
    }

    fn wrong_unit(&self, unit: &str) -> Flaw {
        let names = || self.units.iter().map(|u| u.0);
        let what = if unit.is_empty() {
            format!("the unit is missing: a {} is a string with a unit", self.name)
        } else {
            format!("`{unit}` is not a unit of {}", self.name)
        };
        let hint = match nearest(unit, names()) {
            Some(near) if !unit.is_empty() => format!("did you mean `{near}`?"),
            _ => format!("write it as {}", self.example()),
        };
        Flaw::new(what).limit(self.units()).hint(hint)
    }

    /// `base` in the largest unit that divides it; binary prefixes are not used.
    pub(crate) fn show(&self, base: u64) -> String {
        let fits = |u: &&(&str, u64)| base.is_multiple_of(u.1) && !u.0.ends_with("iB");
        let (name, factor) = match base {
            0 => self.units[self.units.iter().position(|u| u.0 == "s").unwrap_or(0)],
            _ => *self.units.iter().rev().find(fits).expect("the base unit divides everything"),
        };
        format!("{} {name}", base / factor)
    }
}

/// A span as text, `never` for the longest.
pub(crate) fn show_span(span: Span) -> String {
    if span.0 == u64::MAX { "never".into() } else { TIME.show(span.0) }
}

/// A span for a message, to the millisecond.
pub(crate) fn show_rough(span: Span) -> String {
    if span < Span::secs(1) {
        return format!("{:.0} ms", span.as_secs_f64() * 1e3);
    }
    let text = format!("{:.3}", span.as_secs_f64());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A point of the week, `monday 10:00`, as time since Monday 00:00.
pub(crate) fn parse_start(text: &str) -> Result<Span, Flaw> {
    let flaw = |what: String| Flaw::new(what).limit("a weekday and a time of day").hint("write it as \"monday 10:00\"");
    let (day, time) = text.trim().split_once(' ').unwrap_or((text.trim(), "00:00"));
    let Some(day_index) = DAYS.iter().position(|d| *d == day.to_lowercase()) else {
        let near = nearest(day, DAYS).map(|d| format!("did you mean `{d}`?"));
        let mut flaw = flaw(format!("`{day}` is not a weekday"));
        flaw.hint = near.or(flaw.hint);
        return Err(flaw);
    };
    let clock = time.trim().split_once(':').and_then(|(h, m)| Some((h.parse::<u64>().ok()?, m.parse::<u64>().ok()?)));
    match clock {
        Some((h, m)) if h < 24 && m < 60 => Ok(Span::secs(((day_index as u64 * 24 + h) * 60 + m) * 60)),
        _ => Err(flaw(format!("`{time}` is not a time of day"))),
    }
}

/// The inverse of [`parse_start`].
pub(crate) fn show_start(start: Span) -> String {
    let minutes = start.0 / Span::secs(60).0;
    let (day, hour, minute) = (minutes / 1_440 % 7, minutes / 60 % 24, minutes % 60);
    format!("{} {hour:02}:{minute:02}", DAYS[day as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_scale_and_read_back() {
        let cases: [(&Kind, &str, u64); 10] = [
            (&TIME, "40 ms", 40_000_000),
            (&TIME, "0.3ms", 300_000),
            (&TIME, "2 h", 7_200_000_000_000),
            (&TIME, "0 s", 0),
            (&SIZE, "512 B", 512),
            (&SIZE, "1 KiB", 1_024),
            (&SIZE, "1.5 MB", 1_500_000),
            (&BIT_RATE, "1 Gbit/s", 1_000_000_000),
            (&BIT_RATE, "100 kbit/s", 100_000),
            (&BYTE_RATE, "80 MB/s", 80_000_000),
        ];
        for (kind, text, base) in cases {
            assert_eq!(kind.parse(text), Ok(base), "{text}");
            assert_eq!(kind.parse(&kind.show(base)), Ok(base), "{text} shown as {}", kind.show(base));
        }
        assert_eq!(TIME.show(120_000_000_000), "2 min");
        assert_eq!(TIME.show(0), "0 s");
        assert_eq!(SIZE.show(1_024), "1024 B");
    }

    #[test]
    fn wrong_units_are_named_with_the_nearest() {
        let flaw = SIZE.parse("500 mb").unwrap_err();
        assert_eq!(flaw.what, "`mb` is not a unit of size");
        assert_eq!(flaw.hint.as_deref(), Some("did you mean `MB`?"));
        assert!(TIME.parse("120").unwrap_err().what.contains("unit is missing"));
        assert!(TIME.parse("NaN s").is_err() && TIME.parse("inf s").is_err() && TIME.parse("").is_err());
        assert_eq!(TIME.parse("-1 s").unwrap_err().limit.as_deref(), Some("at least 0"));
        assert!(TIME.parse("1.2.3 s").is_err() && TIME.parse("1e30 s").is_err() && TIME.parse("999999999 d").is_err());
    }

    #[test]
    fn a_start_is_a_weekday_and_a_time() {
        assert_eq!(parse_start("monday 00:00"), Ok(Span::ZERO));
        assert_eq!(parse_start("Tuesday 10:30"), Ok(Span::secs((34 * 60 + 30) * 60)));
        assert_eq!(show_start(Span::secs((34 * 60 + 30) * 60)), "tuesday 10:30");
        assert!(parse_start("monday 24:00").is_err() && parse_start("noday 10:00").is_err());
    }
}
