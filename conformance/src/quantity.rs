//! Values of limits as people write and read them: `512 MiB`, `2 s`, `64`.

use hookproof_harness::Limit;

/// A text that is no value of a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read {text:?} as {what}")]
pub struct QuantityError {
    text: String,
    what: &'static str,
}

/// Units of bytes: powers of 1024, except where the SI spelling is written out.
const SIZES: &[(&str, u64)] = &[
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1000),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("gb", 1_000_000_000),
    ("t", 1 << 40),
    ("tib", 1 << 40),
    ("tb", 1_000_000_000_000),
];
const TIMES: &[(&str, u64)] = &[("", 1), ("s", 1), ("seconds", 1), ("min", 60), ("h", 3600)];
const COUNTS: &[(&str, u64)] = &[("", 1)];
/// Units in which bytes are shown, the largest first.
const SHOWN: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// The value of a limit, in its own [unit](Limit::unit).
///
/// Bytes need a unit: `64M`, `64 MiB` and `64mib` are the same, `64MB` is 64,000,000 bytes. Seconds may have one (`2`,
/// `2 s`, `1 min`), counts have none. Fractions of bytes and seconds are rounded up.
///
/// ```
/// use hookproof::quantity::parse;
/// use hookproof_harness::Limit;
///
/// assert_eq!(parse(Limit::AddressSpace, "1.5 GiB"), Ok(3 << 29));
/// assert_eq!(parse(Limit::Cpu, "2 s"), Ok(2));
/// assert_eq!(parse(Limit::OpenFiles, "64"), Ok(64));
/// assert!(parse(Limit::Data, "64").is_err());
/// ```
///
/// # Errors
/// [`QuantityError`] if the text is no number, has no unit that fits, or is no more than nothing.
pub fn parse(limit: Limit, text: &str) -> Result<u64, QuantityError> {
    let (units, what) = match limit.unit() {
        "bytes" => (SIZES, "a size with its unit, such as 64M or 1GiB"),
        "seconds" => (TIMES, "a number of seconds, such as 2 or 2s"),
        _ => (COUNTS, "a number, such as 64"),
    };
    let fail = || QuantityError { text: text.to_owned(), what };
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or_else(fail)?;
    // Whole numbers are read exactly, however large they are.
    let value = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(*factor).ok_or_else(fail)?,
        Err(_) if units == COUNTS => return Err(fail()),
        Err(_) => {
            let value = (number.parse::<f64>().map_err(|_| fail())? * *factor as f64).ceil();
            if value >= u64::MAX as f64 {
                return Err(fail());
            }
            value as u64
        }
    };
    if value == 0 { Err(fail()) } else { Ok(value) }
}

/// A value for people: `7.1 MiB`, `2 s`, `64 descriptors`.
///
/// ```
/// use hookproof::quantity::shown;
/// use hookproof_harness::Limit;
///
/// assert_eq!(shown(Limit::AddressSpace, 7_445_000), "7.1 MiB");
/// assert_eq!(shown(Limit::OpenFiles, 1), "1 descriptor");
/// ```
#[must_use]
pub fn shown(limit: Limit, value: u64) -> String {
    match limit.unit() {
        "bytes" => bytes(value),
        "seconds" => format!("{value} s"),
        unit if value == 1 => format!(
            "1 {}",
            unit.strip_suffix("es").filter(|_| unit == "processes").unwrap_or_else(|| unit.trim_end_matches('s'))
        ),
        unit => format!("{value} {unit}"),
    }
}

fn bytes(value: u64) -> String {
    let Some((unit, size)) = SHOWN.iter().find(|(_, size)| value >= *size) else {
        return format!("{value} B");
    };
    let number = value as f64 / *size as f64;
    // Three digits that count: floors are found to 2 %.
    let digits = if number < 9.995 { 2 } else { usize::from(number < 99.95) };
    let text = format!("{number:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// A round value that is at least half as much again, so that a longer document or the next version of an interpreter
/// does not break what works today. Counts and seconds get one more at least.
///
/// ```
/// use hookproof::quantity::with_margin;
/// use hookproof_harness::Limit;
///
/// assert_eq!(with_margin(Limit::AddressSpace, 13 << 20), 20 << 20);
/// assert_eq!(with_margin(Limit::Cpu, 1), 2);
/// ```
#[must_use]
pub fn with_margin(limit: Limit, value: u64) -> u64 {
    let enough = value.saturating_add(value.div_ceil(2)).max(value.saturating_add(1));
    if limit.unit() != "bytes" {
        return enough;
    }
    // Two digits of the unit that it is shown in, of which the second may be a half.
    let unit = SHOWN.iter().find(|(_, size)| enough >= *size).map_or(1, |(_, size)| *size);
    let mut step = if enough / unit < 10 { unit.div_ceil(2) } else { unit };
    while enough / step >= 100 {
        step = step.saturating_mul(10);
    }
    enough.div_ceil(step).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Limit::Memory, "512 MiB", 512 << 20)]
    #[case(Limit::Memory, "512m", 512 << 20)]
    #[case(Limit::AddressSpace, " 1GiB ", 1 << 30)]
    #[case(Limit::AddressSpace, "100 b", 100)]
    #[case(Limit::FileSize, "64KB", 64_000)]
    #[case(Limit::Data, "0.5K", 512)]
    #[case(Limit::Cpu, "2", 2)]
    #[case(Limit::Cpu, "1.2 s", 2)]
    #[case(Limit::Cpu, "1 min", 60)]
    #[case(Limit::OpenFiles, "64", 64)]
    #[case(Limit::Memory, "16777215 T", 16_777_215 << 40)]
    fn values_are_read(#[case] limit: Limit, #[case] text: &str, #[case] value: u64) {
        assert_eq!(parse(limit, text), Ok(value));
    }

    #[rstest]
    fn nonsense_is_refused(
        #[values(Limit::Memory, Limit::Cpu, Limit::Processes)] limit: Limit,
        #[values("", "MiB", "-1 s", "x", "64 Q", "1.2.3 s", "0", "0 MiB", "16777216 T", "99999999999999999999", ". s")]
        text: &str,
    ) {
        let error = parse(limit, text).expect_err("is none").to_string();
        assert!(error.starts_with("failed to read ") && error.contains("such as"), "{error}");
    }

    #[rstest]
    #[case(Limit::Memory, "64")]
    #[case(Limit::OpenFiles, "1.5")]
    #[case(Limit::OpenFiles, "64 MiB")]
    #[case(Limit::Cpu, "2 MiB")]
    fn units_must_fit(#[case] limit: Limit, #[case] text: &str) {
        assert!(parse(limit, text).is_err());
    }

    #[rstest]
    #[case(Limit::Memory, 1, "1 B")]
    #[case(Limit::Memory, 1023, "1023 B")]
    #[case(Limit::Memory, 64 << 10, "64 KiB")]
    #[case(Limit::Memory, 7_445_000, "7.1 MiB")]
    #[case(Limit::Memory, 3_120_000, "2.98 MiB")]
    #[case(Limit::Memory, 100 << 20, "100 MiB")]
    #[case(Limit::Memory, 10 << 20, "10 MiB")]
    #[case(Limit::Memory, 768 << 20, "768 MiB")]
    #[case(Limit::Memory, 40 << 30, "40 GiB")]
    #[case(Limit::Cpu, 1, "1 s")]
    #[case(Limit::Processes, 1, "1 process")]
    #[case(Limit::Processes, 2, "2 processes")]
    #[case(Limit::OpenFiles, 1, "1 descriptor")]
    #[case(Limit::OpenFiles, 20, "20 descriptors")]
    fn values_are_shown(#[case] limit: Limit, #[case] value: u64, #[case] text: &str) {
        assert_eq!(shown(limit, value), text);
    }

    #[test]
    fn a_margin_is_round_and_at_least_half_as_much_again() {
        for power in 0..60 {
            for offset in [0, 1, 12_345] {
                let value = (1_u64 << power) + offset;
                let more = with_margin(Limit::Memory, value);
                assert!(more as f64 >= value as f64 * 1.5 && more as f64 <= value as f64 * 2.5 + 2.0, "{value} {more}");
            }
        }
        assert_eq!(with_margin(Limit::OpenFiles, 20), 30);
        assert_eq!(shown(Limit::Memory, with_margin(Limit::Memory, 712 << 20)), "1.5 GiB");
    }
}
