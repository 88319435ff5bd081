//! One entry of a flow's `allow`: a capability, and the terms under which the client gives it.

use std::fmt;

use super::files::Protocol;
use super::transfer::Transfer;
use super::{Capability, CommandTemplate};
use crate::derogation::Derogation;
use crate::time::Timestamp;

/// One entry of `allow`.
///
/// Invariant: what it allows can be had through [`Allowed::at`] alone, which looks at its end. A derogation that has no
/// owner and no end, as documents of earlier versions wrote `command: *`, is never in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    capability: Capability,
    terminal: bool,
    why: Option<String>,
    derogation: Option<Derogation>,
}

/// Whether an entry of `allow` is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It is.
    InForce,
    /// It was a derogation, and its last day has passed.
    Over(&'a Derogation),
    /// It is a derogation that nobody answers for, without an end.
    Unanswered,
}

impl Allowed {
    /// An entry without a derogation's owner and end, as a string writes it.
    pub(crate) fn plain(capability: Capability) -> Self {
        Self {
            terminal: gives_terminal(&capability),
            capability,
            why: None,
            derogation: None,
        }
    }

    /// An entry as a table writes it. `terminal` counts for templates of commands only.
    pub(crate) fn with(
        capability: Capability,
        terminal: bool,
        why: Option<String>,
        derogation: Option<Derogation>,
    ) -> Self {
        let entry = Self::plain(capability);
        Self {
            terminal: entry.terminal
                || (terminal && matches!(entry.capability, Capability::Command(_))),
            capability: entry.capability,
            why,
            derogation,
        }
    }

    /// What it allows at `now`; nothing once it is over.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<&Capability> {
        match self.standing(now) {
            Standing::InForce => Some(&self.capability),
            Standing::Over(_) | Standing::Unanswered => None,
        }
    }

    /// Whether it is in force at `now`, and if not, why.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing<'_> {
        match &self.derogation {
            Some(derogation) if derogation.holds_at(now) => Standing::InForce,
            Some(derogation) => Standing::Over(derogation),
            None if needs_derogation(&self.capability) => Standing::Unanswered,
            None => Standing::InForce,
        }
    }

    /// The capability as it is written, in force or not: for people, not for deciding.
    #[must_use]
    pub fn line(&self) -> String {
        self.capability.to_string()
    }

    /// The same as a value, to compare what was permitted with: not for deciding.
    pub(crate) const fn as_written(&self) -> &Capability {
        &self.capability
    }

    /// The protocol that it is a line of files of, in force or not.
    pub(crate) const fn protocol(&self) -> Option<Protocol> {
        match &self.capability {
            Capability::File(line) => Some(line.protocol()),
            Capability::Shell
            | Capability::Command(_)
            | Capability::Env(_)
            | Capability::Forward(_) => None,
        }
    }

    /// Whose lines it would go around, where it is written as a command that copies: beside one of them it gives none.
    pub(crate) fn copies_by(&self) -> Option<Protocol> {
        copies_by(&self.capability)
    }

    /// The holes of its template that take a plain name.
    pub(crate) fn plain_holes(&self) -> Vec<&str> {
        match &self.capability {
            Capability::Command(template) => template.plain_holes(),
            Capability::Shell
            | Capability::Env(_)
            | Capability::File(_)
            | Capability::Forward(_) => Vec::new(),
        }
    }

    /// What cannot be sent of its variables, and why.
    pub(crate) fn never_sent(&self) -> Vec<String> {
        match &self.capability {
            Capability::Env(names) => names.never_sent(),
            Capability::Shell
            | Capability::Command(_)
            | Capability::File(_)
            | Capability::Forward(_) => Vec::new(),
        }
    }

    /// Whether it brings a terminal.
    #[must_use]
    pub const fn terminal(&self) -> bool {
        self.terminal
    }

    /// Why the client allows it, in its own words.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Who answers for it and until when, where it is a derogation.
    #[must_use]
    pub const fn derogation(&self) -> Option<&Derogation> {
        self.derogation.as_ref()
    }

    /// Its end, where it has one. **Range**: end excluded.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.derogation.as_ref().map(Derogation::ends_at)
    }
}

/// Whose lines a capability would go around, where it is written as a command that copies.
pub(crate) fn copies_by(capability: &Capability) -> Option<Protocol> {
    match capability {
        Capability::Command(CommandTemplate::Words(_)) => {
            let line = capability.to_string();
            let mut words = line.split_whitespace().skip(1);
            let program = words.next().unwrap_or_default();
            Transfer::protocol_named(program, words.next().unwrap_or_default())
        }
        Capability::Command(CommandTemplate::Any)
        | Capability::Shell
        | Capability::Env(_)
        | Capability::File(_)
        | Capability::Forward(_) => None,
    }
}

/// Whether a capability is against the rule, so that somebody must answer for it and it must end.
pub(crate) fn needs_derogation(capability: &Capability) -> bool {
    match capability {
        Capability::Command(CommandTemplate::Any) => true,
        Capability::File(line) => line.writes_anywhere(),
        Capability::Command(CommandTemplate::Words(_))
        | Capability::Shell
        | Capability::Env(_)
        | Capability::Forward(_) => false,
    }
}

/// Whether a terminal comes with it by itself. With `command: *` it bars nothing: any command can make its own.
pub(crate) const fn gives_terminal(capability: &Capability) -> bool {
    match capability {
        Capability::Shell | Capability::Command(CommandTemplate::Any) => true,
        Capability::Command(CommandTemplate::Words(_))
        | Capability::Env(_)
        | Capability::File(_)
        | Capability::Forward(_) => false,
    }
}

impl fmt::Display for Allowed {
    /// `command: * (owner Odile, until 2027-03-31)`: the entry with everything that was written beside it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capability,
            terminal,
            why,
            derogation,
        } = self;
        let mut terms = Vec::new();
        if *terminal && !gives_terminal(capability) {
            terms.push("terminal".to_owned());
        }
        terms.extend(derogation.as_ref().map(ToString::to_string));
        terms.extend(why.as_ref().map(|why| format!("why: {why}")));
        if terms.is_empty() {
            capability.fmt(formatter)
        } else {
            write!(formatter, "{capability} ({})", terms.join(", "))
        }
    }
}
