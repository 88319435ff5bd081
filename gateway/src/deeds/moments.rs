//! Places in a recording as people type them: `12m03.482s`.

use std::time::Duration;

use ecluse_policy::Span;

use crate::texts::times::parse_length;

/// The place as `replay --at` takes it. Rounded up to the millisecond: what happened at it is shown there.
pub(crate) fn written(place: Duration) -> String {
    let millis = place.as_micros().div_ceil(1000);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = match millis {
        0 => String::new(),
        millis => format!(".{millis:03}"),
    };
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{fraction}s"),
        (0, minutes) => format!("{minutes}m{seconds:02}{fraction}s"),
        (hours, minutes) => format!("{hours}h{minutes:02}m{seconds:02}{fraction}s"),
    }
}

/// Reads a place: a length, whose seconds may have up to three decimals.
pub(crate) fn read(typed: &str) -> Option<Duration> {
    let typed = typed.trim();
    let Some((whole, fraction)) = typed.split_once('.') else {
        return parse_length(typed).map(Span::to_std);
    };
    let digits = fraction.strip_suffix('s')?;
    if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let millis: u64 = format!("{digits:0<3}").parse().ok()?;
    let whole = parse_length(&format!("{whole}s"))?.to_std();
    whole.checked_add(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_read_as_people_write_them() {
        assert_eq!(read("5m30s"), Some(Duration::from_secs(330)));
        assert_eq!(read("1h02m03.5s"), Some(Duration::from_millis(3_723_500)));
        assert_eq!(read("0.25s"), Some(Duration::from_millis(250)));
        for nonsense in ["", "12.5", "1.s", "1.2345s", "1m.5h", "x.5s", "1.-5s"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(written(Duration::from_micros(723_481_001)), "12m03.482s");
        assert_eq!(written(Duration::from_secs(3600)), "1h00m00s");
        assert_eq!(written(Duration::ZERO), "0s");
    }

    proptest! {
        /// A place that is written lands at what happened there, and less than a millisecond later.
        #[test]
        fn a_written_place_lands(micros in 0u64..400_000_000_000) {
            let place = Duration::from_micros(micros);
            let landed = read(&written(place)).unwrap();
            prop_assert!(landed >= place && landed - place < Duration::from_millis(1));
        }
    }
}
