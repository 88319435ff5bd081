//! Why a session ended, for those who read of it afterwards.

use ecluse_policy::{Lang, Timestamp};
use ecluse_recordings::spoken;

use super::{Texts, Value, amounts, language, times};
use crate::live::{Because, KnownBy};

impl Texts {
    /// What is on record in English, in the reader's words where this program knows the sentence; else as it is, and called
    /// English.
    pub(crate) fn on_record(&self, lang: Lang, text: &str) -> String {
        spoken(language(lang), text)
            .unwrap_or_else(|| self.say(lang, "over-in-english", &[("reason", text.into())]))
    }

    /// Why a session ended, in a few words; `ended` is when, as far as that is known.
    pub(crate) fn because(
        &self,
        lang: Lang,
        because: &Because,
        ended: Timestamp,
        now: Timestamp,
    ) -> String {
        let time = |at: &Timestamp| ("time", Value::from(times::moment(*at, now, None)));
        let (id, args): (&str, Vec<(&str, Value<'_>)>) = match because {
            Because::Closed => ("over-closed", vec![]),
            Because::TargetLost => ("over-target-lost", vec![]),
            Because::Idle => ("over-idle", vec![]),
            Because::WindowOver { at } => ("over-window", vec![time(at)]),
            Because::HoursOver { flow, at } => {
                ("over-hours", vec![("flow", flow.into()), time(at)])
            }
            Because::DerogationOver { line, flow, at } => (
                "over-derogation",
                vec![
                    ("line", line.into()),
                    ("flow", flow.into()),
                    ("time", times::dated(*at).into()),
                ],
            ),
            Because::AccountEnded => ("over-account", vec![]),
            Because::KeyEnded => ("over-key", vec![]),
            Because::PlaceEnded => ("over-place", vec![]),
            Because::InterventionEnded {
                number,
                by: Some(by),
                reason: Some(reason),
            } => (
                "over-intervention-by",
                vec![
                    ("number", number.to_string().into()),
                    ("person", by.into()),
                    ("reason", reason.into()),
                ],
            ),
            Because::InterventionEnded {
                number,
                by: Some(by),
                reason: None,
            } => (
                "over-intervention-finished",
                vec![("number", number.to_string().into()), ("person", by.into())],
            ),
            Because::InterventionEnded { number, .. } => (
                "over-intervention",
                vec![("number", number.to_string().into())],
            ),
            Because::MatrixChanged { target } => ("over-matrix", vec![("target", target.into())]),
            Because::NotOnRecord { number } => (
                "over-not-on-record",
                vec![("number", number.to_string().into())],
            ),
            Because::DoorClosed => ("over-door-closed", vec![]),
            Because::KeptOut { by, reason } => (
                "over-kept-out",
                vec![("person", by.into()), ("reason", reason.into())],
            ),
            Because::Posture { by, reason, bars } => (
                match bars.as_str() {
                    "yes" => "over-posture-yes",
                    "line" => "over-posture-line",
                    _ => "over-posture-window",
                },
                vec![("person", by.into()), ("reason", reason.into())],
            ),
            Because::NotAccepted { by: Some(by) } => {
                ("over-person-refused", vec![("person", by.into())])
            }
            Because::NotAccepted { by: None } => ("over-not-accepted", vec![]),
            Because::Cut { by, reason: None } => ("over-cut", vec![("person", by.into())]),
            Because::Cut {
                by,
                reason: Some(reason),
            } => (
                "over-cut-because",
                vec![("person", by.into()), ("reason", reason.into())],
            ),
            Because::Unrecorded { problem } => {
                ("over-unrecorded", vec![("problem", problem.into())])
            }
            Because::Quota(over) => (
                "over-quota",
                vec![
                    ("key", self.budget(lang, &over.key).into()),
                    ("limit", amounts::size(lang, over.limit).into()),
                    // What was kept before has what was taken alone.
                    (
                        "spent",
                        self.passed(lang, over.passed.unwrap_or(over.spent), over.spent)
                            .into(),
                    ),
                ],
            ),
            Because::Overflow => ("over-overflow", vec![]),
            Because::Unread { session } => {
                ("over-unread", vec![("session", session.to_string().into())])
            }
            Because::EndedOnRecord => ("over-ended-on-record", vec![]),
            Because::GatewayStops => ("over-gateway-stops", vec![]),
            Because::Orphaned => ("over-orphaned", vec![]),
            Because::Recovered { by, latest } => {
                let id = match by {
                    KnownBy::Frame => "over-recovered-frame",
                    KnownBy::Write => "over-recovered-write",
                    KnownBy::Log => "over-recovered-log",
                };
                let after = ("after", times::to_the_second(ended, now).into());
                let when = match latest {
                    None => self.say(lang, "over-ended-after", &[after]),
                    Some(latest) => {
                        let latest = times::to_the_second(*latest, now);
                        let args = [after, ("latest", latest.into())];
                        self.say(lang, "over-ended-between", &args)
                    }
                };
                (id, vec![("when", when.into())])
            }
        };
        self.say(lang, id, &args)
    }
}
