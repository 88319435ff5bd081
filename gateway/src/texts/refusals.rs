//! What the policy crate decided, said in the person's language.

use ecluse_policy::capability::{CommandRefused, EnvRefused};
use ecluse_policy::verdict::{Argument, Arguments};
use ecluse_policy::{Barred, EndReason, Lang, Refusal, Timestamp};

use ecluse_recordings::asked;

use super::{Texts, Value, language, sizes, times};

impl Texts {
    /// A refusal, for the person who met it.
    pub fn refusal(&self, lang: Lang, refusal: &Refusal, now: Timestamp) -> String {
        let mut args = refusal.args();
        // The reasons inside are sentences too.
        if let Some(reason) = self.inner_reason(lang, refusal) {
            args.retain(|(name, _)| *name != "reason");
            args.push(("reason", Argument::Text(reason)));
        }
        // Nobody types this one, so it need not be as it is typed.
        if let Refusal::CodeWanted { within } = refusal {
            args = vec![("within", Argument::Text(times::spelled(lang, *within)))];
        }
        self.say_arguments(lang, refusal.text_id(), args, now)
    }

    /// Why no code of somebody whose keys are proven is looked at, for them.
    pub fn barred(&self, lang: Lang, barred: &Barred, now: Timestamp) -> String {
        let why = self.say_arguments(lang, barred.text_id(), barred.args(), now);
        format!("{why} {}", self.say(lang, "login-whom-to-ask", &[]))
    }

    /// Why something that was permitted ended, for the person it ended for.
    pub fn end_reason(&self, lang: Lang, reason: &EndReason, now: Timestamp) -> String {
        self.say_arguments(lang, reason.text_id(), reason.args(), now)
    }

    fn inner_reason(&self, lang: Lang, refusal: &Refusal) -> Option<String> {
        let (id, args): (&str, Vec<(&str, Value<'_>)>) =
            if let Refusal::Command { reason, .. } = refusal {
                match reason {
                    CommandRefused::OtherWords => ("why-command-other-words", vec![]),
                    CommandRefused::ShellMeaning { shown } => {
                        ("why-command-shell-meaning", vec![("shown", shown.into())])
                    }
                    CommandRefused::Spacing => ("why-command-spacing", vec![]),
                    CommandRefused::Hole { hole, .. } => {
                        ("why-command-hole", vec![("hole", hole.into())])
                    }
                    CommandRefused::TooLong => ("why-command-too-long", vec![]),
                    CommandRefused::EmptyOrNul => ("why-command-empty", vec![]),
                }
            } else if let Refusal::Env { reason, .. } = refusal {
                match reason {
                    EnvRefused::NotListed => ("why-env-not-listed", vec![]),
                    EnvRefused::Dangerous => ("why-env-dangerous", vec![]),
                    EnvRefused::Value => ("why-env-value", vec![]),
                }
            } else {
                return None;
            };
        Some(self.say(lang, id, &args))
    }

    fn say_arguments(&self, lang: Lang, id: &str, args: Arguments, now: Timestamp) -> String {
        let args: Vec<(&str, Value<'_>)> = args
            .into_iter()
            .map(|(name, value)| {
                // What was asked for is named in English on record.
                if ["flow", "missing"].contains(&name)
                    && let Argument::Text(text) = value
                {
                    let said = asked(language(lang), &text).unwrap_or(text);
                    return (name, Value::Exact(said.into()));
                }
                (name, said(value, lang, now))
            })
            .collect();
        self.say(lang, id, &args)
    }
}

fn said(argument: Argument, lang: Lang, now: Timestamp) -> Value<'static> {
    match argument {
        // It may be a command that was asked for.
        Argument::Text(text) => Value::Exact(text.into()),
        Argument::Time(at) => times::moment(at, now, None).into(),
        Argument::Day(at) => times::dated(at).into(),
        Argument::Span(span) => times::length_in(lang, span).into(),
        Argument::Number(number) => number.into(),
        Argument::Bytes(bytes) => sizes::size_in(lang, bytes).into(),
        Argument::List(texts) => texts.join(", ").into(),
    }
}

#[cfg(test)]
pub(super) mod tests;
