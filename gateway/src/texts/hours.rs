//! Hours that are not those of an intervention's period, said to both sides before anybody says yes.

use ecluse_policy::intervention::{ShortHours, Within};
use ecluse_policy::{Lang, Schedule, Timestamp};
use jiff::tz::TimeZone;

use super::{Texts, times};

impl Texts {
    /// What a flow's hours leave of a period.
    pub(crate) fn short_hours(&self, lang: Lang, short: &ShortHours, now: Timestamp) -> String {
        let ShortHours {
            flow,
            targets,
            hours,
            within,
        } = short;
        let zones = zones(hours);
        let moment = |at: &Timestamp| times::moment(*at, now, zones.first());
        let targets: Vec<&str> = targets.iter().map(|target| target.as_str()).collect();
        let (id, times) = match within {
            Within::Never {
                opens_at: Some(opens_at),
                ends_at,
            } => (
                "hours-never",
                vec![("opens", moment(opens_at)), ("ends", moment(ends_at))],
            ),
            Within::Never {
                opens_at: None,
                ends_at,
            } => ("hours-never-known", vec![("ends", moment(ends_at))]),
            Within::Later { opens_at } => ("hours-later", vec![("opens", moment(opens_at))]),
            Within::Shorter { closes_at } => ("hours-shorter", vec![("closes", moment(closes_at))]),
        };
        let mut args = vec![
            ("flow", flow.as_str().into()),
            ("targets", targets.join(", ").into()),
        ];
        args.extend(times.into_iter().map(|(name, time)| (name, time.into())));
        self.say(lang, id, &args)
    }
}

/// Hours as a reader of `lang` reads them.
pub(crate) fn hours(lang: Lang, hours: &Schedule) -> String {
    const DAYS: [(&str, &str); 7] = [
        ("mon", "lun"),
        ("tue", "mar"),
        ("wed", "mer"),
        ("thu", "jeu"),
        ("fri", "ven"),
        ("sat", "sam"),
        ("sun", "dim"),
    ];
    let written = hours.to_string();
    match (lang, written.as_str()) {
        (Lang::En, _) => written,
        (Lang::Fr, "always") => "à toute heure".to_owned(),
        (Lang::Fr, windows) => {
            let window = |window: &str| match window.split_once(' ') {
                // The days stand before the hours and the zone, which has letters of its own.
                Some((days, rest)) => {
                    let days = DAYS
                        .iter()
                        .fold(days.to_owned(), |days, (english, french)| {
                            days.replace(english, french)
                        });
                    format!("{days} {rest}")
                }
                None => window.to_owned(),
            };
            let windows: Vec<String> = windows.split("; ").map(window).collect();
            windows.join("\u{a0}; ")
        }
    }
}

/// The time zones that a schedule names, each once; none where it is always.
pub(crate) fn zones(hours: &Schedule) -> Vec<TimeZone> {
    let mut zones: Vec<TimeZone> = Vec::new();
    for zone in hours.zones() {
        if let Ok(zone) = TimeZone::get(&zone.to_string())
            && !zones.contains(&zone)
        {
            zones.push(zone);
        }
    }
    zones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_in_french() {
        for (written, french) in [
            ("always", "à toute heure"),
            (
                "mon-fri 05:50-20:00 Europe/Paris; sat,sun 08:00-12:00 America/Monterrey",
                "lun-ven 05:50-20:00 Europe/Paris\u{a0}; sam,dim 08:00-12:00 America/Monterrey",
            ),
        ] {
            let schedule = Schedule::parse(written).unwrap();
            assert_eq!(hours(Lang::Fr, &schedule), french);
            assert_eq!(hours(Lang::En, &schedule), written);
        }
    }
}
