//! Counts of bytes, for people.

use ecluse_policy::extraction::{AtLimit, ByteCount, Threshold};
use ecluse_policy::{ClientId, Lang};

use super::sizes::size_in;
use super::{Texts, Value};
use crate::extraction::Reached;
use crate::live::budget_key;

/// The units, from the largest: how many bytes, and their names.
const UNITS: [(u64, &str, &str); 4] = [
    (1 << 40, "TiB", "Tio"),
    (1 << 30, "GiB", "Gio"),
    (1 << 20, "MiB", "Mio"),
    (1 << 10, "KiB", "Kio"),
];

/// So many bytes, to a tenth of the unit: `12.3 MiB`, `12,3 Mio`. Never rounded up: what is left is never more than is said.
pub(crate) fn size(lang: Lang, bytes: u64) -> String {
    let unit = UNITS.into_iter().find(|(one, ..)| *one <= bytes);
    let Some((one, english, french)) = unit else {
        return match lang {
            Lang::En => format!("{bytes} B"),
            Lang::Fr => format!("{bytes} o"),
        };
    };
    let (whole, tenth) = (bytes / one, bytes % one * 10 / one);
    match (lang, tenth) {
        (Lang::En, 0) => format!("{whole} {english}"),
        (Lang::En, _) => format!("{whole}.{tenth} {english}"),
        (Lang::Fr, 0) => format!("{whole} {french}"),
        (Lang::Fr, _) => format!("{whole},{tenth} {french}"),
    }
}

/// So many bytes, exactly.
pub(crate) fn exactly(lang: Lang, bytes: u64) -> String {
    match lang {
        Lang::En => format!("{bytes} B"),
        Lang::Fr => format!("{bytes} o"),
    }
}

/// So many bytes, exactly, as they are typed: `50MiB`.
pub(crate) fn typed(bytes: u64) -> String {
    let exact = |(one, ..): &(u64, &str, &str)| *one <= bytes && bytes.is_multiple_of(*one);
    match UNITS.iter().find(|unit| exact(unit)) {
        Some((one, unit, _)) => format!("{}{unit}", bytes / one),
        None => format!("{bytes}B"),
    }
}

/// A key of a document and how much of it, `session 100 KiB`, with the unit in the reader's language.
pub(crate) fn in_words(lang: Lang, key_and_size: &str) -> String {
    let size = |(key, size): (&str, &str)| {
        let bytes = ByteCount::parse(size).ok()?;
        Some(format!("{key} {}", size_in(lang, bytes)))
    };
    let rate = |(key, rate): (&str, &str)| {
        let bytes = ByteCount::parse(rate.strip_suffix("/s")?).ok()?;
        Some(format!("{key} {}/s", size_in(lang, bytes)))
    };
    let parts = key_and_size.split_once(' ');
    parts
        .and_then(|parts| size(parts).or_else(|| rate(parts)))
        .unwrap_or_else(|| key_and_size.to_owned())
}

/// So many bytes a second.
pub(crate) fn rate(lang: Lang, bytes: u64) -> String {
    format!("{}/s", size(lang, bytes))
}

/// What part of a budget is spent, in percent, rounded down.
pub(crate) fn percent(spent: u64, limit: u64) -> u64 {
    let percent = u128::from(spent) * 100 / u128::from(limit.max(1));
    u64::try_from(percent).unwrap_or(u64::MAX)
}

impl Texts {
    /// What a budget is called, by its key in documents and records; one of a later version as it is called there.
    pub(crate) fn budget(&self, lang: Lang, key: &str) -> String {
        let args = [
            ("key", Value::from(key)),
            ("name", key.replace(' ', "-").into()),
        ];
        self.say(lang, "budget-name", &args)
    }

    /// What a technician is told of a budget that has reached a mark; none where it has no limit.
    pub(crate) fn budget_reached(&self, lang: Lang, reached: &Reached) -> Option<String> {
        let budget = &reached.budget;
        let limit = budget.bytes.bytes()?;
        let size_of = |bytes: ByteCount| Value::from(size(lang, bytes.as_u64()));
        let mut args = vec![
            (
                "key",
                Value::from(self.budget(lang, &budget_key(budget.level, budget.way))),
            ),
            ("limit", size_of(limit)),
            ("spent", Value::from(size(lang, reached.spent))),
            ("percent", percent(reached.spent, limit.as_u64()).into()),
        ];
        let id = match (reached.what, budget.at_limit) {
            (Threshold::Warn, AtLimit::End) => "budget-warn-end",
            (Threshold::Warn, AtLimit::Hold) => "budget-warn-hold",
            (Threshold::Limit | Threshold::Ceiling, AtLimit::Hold) => "budget-spent",
            (Threshold::Warn, AtLimit::Slow { .. }) => "budget-warn-slow",
            (Threshold::Limit | Threshold::Ceiling, AtLimit::Slow { .. }) => "budget-slowed",
            (Threshold::Limit | Threshold::Ceiling, AtLimit::End) => "budget-spent",
        };
        if let AtLimit::Slow { rate: pace, .. } = budget.at_limit {
            args.push(("rate", rate(lang, pace.as_u64()).into()));
            args.push(("ceiling", size_of(budget.ceiling().unwrap_or(limit))));
        }
        Some(self.say(lang, id, &args))
    }

    /// What passed in a session, and what is taken of a budget in all where that is another number. **Unit**: bytes.
    pub(crate) fn passed(&self, lang: Lang, passed: u64, taken: u64) -> String {
        if passed == taken {
            return exactly(lang, passed);
        }
        let args = [
            ("passed", Value::from(exactly(lang, passed))),
            ("taken", exactly(lang, taken).into()),
        ];
        self.say(lang, "quota-passed-apart", &args)
    }

    /// What a technician is told when a budget holds what they have open.
    pub(crate) fn budget_held(&self, lang: Lang, reached: &Reached, client: &ClientId) -> String {
        let budget = &reached.budget;
        let limit = budget.bytes.bytes().map_or(0, ByteCount::as_u64);
        let args = [
            (
                "key",
                Value::from(self.budget(lang, &budget_key(budget.level, budget.way))),
            ),
            ("limit", size(lang, limit).into()),
            ("client", client.as_str().into()),
        ];
        self.say(lang, "budget-held", &args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is proposed is of the budget's own size, and what a document says is read with the reader's units.
    #[test]
    fn sizes_are_proposed_as_they_are_typed_and_said_in_each_language() {
        for (bytes, as_typed) in [
            (1 << 20, "1MiB"),
            (50 << 20, "50MiB"),
            (150 << 10, "150KiB"),
            (1000, "1000B"),
        ] {
            assert_eq!(typed(bytes), as_typed);
        }
        for (english, french) in [
            ("session 100 KiB", "session 100 Kio"),
            ("rate 8 KiB/s", "rate 8 Kio/s"),
            ("session unlimited", "session unlimited"),
        ] {
            assert_eq!(in_words(Lang::Fr, english), french);
            assert_eq!(in_words(Lang::En, english), english);
        }
    }

    /// Every budget is called something in the reader's language, and not as documents write it.
    #[test]
    fn every_budget_has_a_name_in_both_languages() {
        use ecluse_policy::extraction::{Level, Way};
        let texts = Texts::load().unwrap();
        for level in Level::ALL {
            for way in Way::ALL {
                let key = budget_key(level, way);
                let [english, french] = [Lang::En, Lang::Fr].map(|lang| texts.budget(lang, &key));
                assert!(!english.contains("up-"), "{key}: {english}");
                let foreign = ["technician", "day", "channel", "up", "gateway", "target"];
                assert!(
                    foreign.iter().all(|word| !french.contains(word)),
                    "{key}: {french}"
                );
            }
        }
        assert_eq!(texts.budget(Lang::Fr, "of-later"), "of-later");
    }

    #[test]
    fn sizes_are_said_in_the_readers_units_and_never_rounded_up() {
        for (bytes, english, french) in [
            (0, "0 B", "0 o"),
            (1023, "1023 B", "1023 o"),
            (1024, "1 KiB", "1 Kio"),
            (52_428_800, "50 MiB", "50 Mio"),
            (52_428_799, "49.9 MiB", "49,9 Mio"),
            (u64::MAX, "16777215.9 TiB", "16777215,9 Tio"),
        ] {
            assert_eq!(size(Lang::En, bytes), english);
            assert_eq!(size(Lang::Fr, bytes), french);
        }
        assert_eq!(percent(7, 10), 70);
        assert_eq!(percent(1, 0), 100);
        assert_eq!(percent(u64::MAX, 1), u64::MAX);
        assert_eq!(rate(Lang::Fr, 8192), "8 Kio/s");
        assert_eq!(exactly(Lang::En, 52_428_799), "52428799 B");
    }
}
