//! What every dialogue has in its hands: the person's terminal, the gateway, and who the person is.

use std::collections::BTreeSet;
use std::sync::Arc;

use ecluse_policy::{Lang, PersonId, Refusal, Role, Span, TargetId};
use ecluse_recordings::search::QueryError;

use super::commands::Command;
use super::words::Misuse;
use super::{next, shown, unshown};
use crate::actor::Actor;
use crate::clock;
use crate::deeds::alerts::Known;
use crate::deeds::evidence::Medium;
use crate::deeds::start::Start;
use crate::deeds::typed::{FAMILIES, Kind, Unclear, What};
use crate::deeds::{Subject, Undone, Wants};
use crate::gateway::{Applied, Gateway};
use crate::store::StoreError;
use crate::terminal::{Left, Terminal};
use crate::texts::{Value, times};

/// Exit statuses of commands.
pub(crate) mod status {
    /// It was done.
    pub(crate) const DONE: u32 = 0;
    /// It could not be done; the text says why.
    pub(crate) const PROBLEM: u32 = 1;
    /// It was written wrongly.
    pub(crate) const MISUSE: u32 = 2;
    /// The gateway did not let through: refused, expired, cancelled (as `ssh` itself uses 255).
    pub(crate) const NOT_ADMITTED: u32 = 254;
}

/// Why a dialogue cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Nobody is there any more.
    #[error(transparent)]
    Left(#[from] Left),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command was written wrongly.
    #[error("a command was written wrongly: {0:?}")]
    Misused(Misuse),
    /// What was asked was not done.
    #[error("what was asked was not done: {0:?}")]
    Undone(Undone),
}

impl From<Misuse> for Trouble {
    fn from(misuse: Misuse) -> Self {
        Self::Misused(misuse)
    }
}

impl From<Undone> for Trouble {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Store(error) => Self::Store(error),
            Undone::Unclear(unclear) => Self::Misused(Misuse::Unclear(unclear)),
            // Whoever could be asked was.
            Undone::Wants(Wants::Reason(_) | Wants::Why) => {
                Self::Misused(Misuse::Missing("usage-no-reason"))
            }
            Undone::Wants(Wants::Words) => Self::Misused(Misuse::Missing("search-no-words")),
            Undone::Wants(Wants::Carried) => Self::Misused(Misuse::Missing("search-no-bytes")),
            Undone::Wants(Wants::Sentence) => Self::Misused(Misuse::Missing("usage-no-sentence")),
            Undone::Wants(Wants::Code(_))
            | Undone::Refused(_)
            | Undone::NoSuch(_)
            | Undone::SeveralTimes { .. }
            | Undone::Unshown(_)
            | Undone::Unsearchable(_)
            | Undone::TooOften => Self::Undone(undone),
        }
    }
}

/// One person's dialogue with the gateway.
pub(crate) struct Desk<'a> {
    pub(crate) terminal: &'a mut Terminal,
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) visitor: &'a Actor,
    /// Whether there is a prompt (and a person) rather than one command.
    pub(crate) interactive: bool,
    /// The alerts that were told in it: each is, once, and what happens again in the same minute is another.
    pub(crate) alerted: BTreeSet<Known>,
    /// Whether a handful of them was told once.
    pub(crate) looked_in: bool,
}

impl<'a> Desk<'a> {
    pub(crate) fn lang(&self) -> Lang {
        self.terminal.lang()
    }

    pub(crate) fn person(&self) -> &'a PersonId {
        self.visitor.person()
    }

    /// How things are shown here.
    pub(crate) fn medium(&self) -> Medium {
        match self.terminal.is_plain() {
            true => Medium::Text,
            false => Medium::Screen,
        }
    }

    /// The documents as they are now.
    pub(crate) fn applied(&self) -> Arc<Applied> {
        self.gateway.applied()
    }

    pub(crate) fn say(&self, id: &str, args: &[(&str, Value<'_>)]) -> String {
        self.gateway.texts.say(self.lang(), id, args)
    }

    /// A sentence on standard output.
    pub(crate) async fn line(&mut self, id: &str, args: &[(&str, Value<'_>)]) -> Result<(), Left> {
        let text = self.say(id, args);
        self.terminal.line(&text).await
    }

    /// A sentence about what went wrong, on standard error.
    pub(crate) async fn problem(
        &mut self,
        id: &str,
        args: &[(&str, Value<'_>)],
    ) -> Result<u32, Trouble> {
        let text = self.say(id, args);
        self.terminal.err_line(&text).await?;
        Ok(status::PROBLEM)
    }

    /// A refusal of policy, in the person's language.
    pub(crate) async fn refused(&mut self, refusal: &Refusal) -> Result<u32, Trouble> {
        let text = self
            .gateway
            .texts
            .refusal(self.lang(), refusal, clock::now());
        self.terminal.err_line(&text).await?;
        if let Some(helps) = next::after(self.gateway, self.visitor, refusal, self.interactive) {
            self.terminal.err_line(&helps).await?;
        }
        Ok(status::PROBLEM)
    }

    /// A command that was written wrongly: what is wrong, and how it is used.
    pub(crate) async fn misused(
        &mut self,
        command: &Command,
        misuse: &Misuse,
    ) -> Result<u32, Trouble> {
        let text = match misuse {
            Misuse::UnknownOption(option) => {
                self.say("usage-unknown-option", &[("option", option.into())])
            }
            Misuse::NoValue(option) => self.say("usage-no-value", &[("option", option.into())]),
            Misuse::Twice(option) => self.say("usage-twice", &[("option", option.into())]),
            Misuse::TooManyWords(word) => {
                self.say("usage-too-many-words", &[("word", word.into())])
            }
            Misuse::Missing(id) => self.say(id, &[]),
            Misuse::Unclear(unclear) => self.unclear(unclear),
        };
        self.terminal.err_line(&text).await?;
        let usage = self.say(
            "usage-line",
            &[(
                "usage",
                command
                    .usage_for(self.visitor.authenticated.role(), self.lang())
                    .into(),
            )],
        );
        self.terminal.err_line(&usage).await?;
        Ok(status::MISUSE)
    }

    /// What a word was to be that means nothing where it stands.
    fn unclear(&self, unclear: &Unclear) -> String {
        let (families, kinds) = (FAMILIES.join(", "), Kind::words().collect::<Vec<_>>());
        let (id, known) = match unclear.what {
            What::Name => ("lobby-name-unclear", None),
            What::Number => ("usage-number-unclear", None),
            What::Length => ("lobby-length-unclear", None),
            What::Size => ("lobby-size-unclear", None),
            What::Rate => ("lobby-rate-unclear", None),
            What::Start => ("lobby-time-unclear", None),
            What::Family => ("usage-flow-unknown", Some(families)),
            What::Past => ("auditor-time-unclear", None),
            What::Place => ("replay-place-unclear", None),
            What::Speed => ("auditor-speed-unclear", None),
            What::Kind => ("search-kind-unknown", Some(kinds.join(", "))),
            What::Answer => ("people-answer-unclear", None),
            What::Posture => ("posture-unclear", None),
            What::Nth => ("confirm-unclear", None),
            What::Way => ("receipts-way-unclear", None),
            What::Line => ("usage-line-unclear", None),
            What::Format => ("matrix-format-unclear", None),
        };
        let known = known.map(|known| ("known", known.into()));
        let typed = ("typed", unclear.typed.as_str().into());
        let args: Vec<(&str, Value<'_>)> = [typed].into_iter().chain(known).collect();
        self.say(id, &args)
    }

    /// What was asked was not done, and why.
    pub(crate) async fn undone(&mut self, undone: Undone) -> Result<u32, Trouble> {
        match undone {
            Undone::Refused(refusal) | Undone::Wants(Wants::Code(refusal)) => {
                self.refused(&refusal).await
            }
            Undone::NoSuch(Subject::Intervention(number)) => {
                let args = [
                    ("id", number.to_string().into()),
                    ("command", "interventions".into()),
                ];
                self.problem("common-no-such-intervention", &args).await
            }
            Undone::NoSuch(Subject::Waiting(nth)) => {
                let args = [("nth", nth.to_string().into())];
                self.problem("confirm-none-such", &args).await
            }
            Undone::NoSuch(Subject::ToCut(typed)) => {
                self.problem("operator-cut-none", &[("what", typed.into())])
                    .await
            }
            Undone::NoSuch(Subject::ToKeepOut { typed, client }) => {
                let args = [("what", typed.into()), ("client", client.as_str().into())];
                self.problem("keep-out-none", &args).await
            }
            Undone::NoSuch(Subject::Technician { typed, client }) => {
                let args = [("person", typed.into()), ("client", client.as_str().into())];
                self.problem("people-unknown", &args).await
            }
            Undone::NoSuch(Subject::Flow { typed, known }) => {
                let args = [
                    ("flow", typed.into()),
                    ("known", shown::names(known).into()),
                ];
                self.problem("lobby-no-such-flow", &args).await
            }
            Undone::NoSuch(Subject::Session(number)) => {
                let id = [("id", number.into())];
                // `live` is for operators alone.
                let id_of = match self.visitor.authenticated.role() {
                    Role::Technician { .. } => "common-no-session-of-yours",
                    Role::Operator { .. } | Role::Auditor { .. } => "common-no-such-session",
                };
                self.problem(id_of, &id).await
            }
            Undone::NoSuch(Subject::Recording(number)) => {
                let id = [("id", number.into())];
                self.problem("auditor-no-such-recording", &id).await
            }
            Undone::NoSuch(Subject::Receipt(number)) => {
                let id = [("id", number.into())];
                self.problem("receipts-none-such", &id).await
            }
            Undone::NoSuch(Subject::Name { typed, client }) => {
                let args = [("typed", typed.into()), ("client", client.as_str().into())];
                self.problem("auditor-name-unknown", &args).await
            }
            Undone::SeveralTimes { typed, read } => {
                let moment = |start: &Start| times::moment(start.at, start.now, Some(&start.zone));
                let mut one = read.iter().map(|start| start.at.to_string());
                let args = [
                    ("typed", typed.into()),
                    ("read", shown::names(read.iter().map(moment)).into()),
                    ("one", one.next().unwrap_or_default().into()),
                ];
                self.problem("lobby-time-several", &args).await
            }
            Undone::Unshown(why) => unshown::tell(self, &why).await,
            Undone::Unsearchable(QueryError::TooShort) => unshown::too_short(self).await,
            Undone::Unsearchable(QueryError::TooLong) => self.problem("search-too-long", &[]).await,
            Undone::TooOften => self.problem("common-looks-too-often", &[]).await,
            Undone::Unclear(_)
            | Undone::Wants(
                Wants::Reason(_) | Wants::Why | Wants::Words | Wants::Carried | Wants::Sentence,
            )
            | Undone::Store(_) => Err(undone.into()),
        }
    }

    /// Why the person may not be here any more, in their language, if that is so (A8).
    pub(crate) fn ended(&self) -> Option<String> {
        let now = clock::now();
        let ended = self
            .visitor
            .authenticated
            .still_valid(&self.applied().documents, now)
            .err()?;
        Some(
            self.gateway
                .texts
                .refusal(self.lang(), &Refusal::Ended(ended), now),
        )
    }

    /// The longest intervention that some flow of the matrix offers this person on a target.
    pub(crate) fn at_most(&self, target: &TargetId) -> Span {
        next::at_most(&self.applied(), self.visitor, target)
    }
}
