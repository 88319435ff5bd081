//! What operators, or signals, do by hand to a session in passage, and what of it stands (X3).
//!
//! A hold by hand and one by a budget are two: neither a top-up nor another document ends the first, and no hand ends the
//! second. What takes away asks for no code of now, and giving that back gives nobody more than was approved.

use std::fmt;

use super::bytes::ByteRate;
use crate::mandate::AsOperator;
use crate::name::ClientId;
use crate::signals::By;

/// What an operator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// Nothing passes, either way.
    Hold {
        /// Why, if said.
        reason: Option<String>,
    },
    /// The technician is to explain something (N1): nothing passes meanwhile, as for a hold.
    Ask {
        /// What is asked.
        question: String,
    },
    /// What somebody held passes again, as far as budgets let it.
    Resume,
    /// Nothing passes faster than this, either way; as fast as the documents let it, where that is none.
    Slow {
        /// How fast at most.
        rate: Option<ByteRate>,
    },
}

/// Who holds a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    /// Who.
    pub by: By,
    /// Why, if said.
    pub reason: Option<String>,
}

impl fmt::Display for HeldBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} holds the session", self.by)?;
        match &self.reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

/// Who slows a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowedBy {
    /// Who.
    pub by: By,
    /// How fast at most.
    pub rate: ByteRate,
}

/// What stands of all that was done to one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hands {
    held: Option<HeldBy>,
    slowed: Option<SlowedBy>,
}

/// What was done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Laid {
    /// Who.
    pub by: By,
    /// What.
    pub hand: Hand,
}

impl Hands {
    /// Who holds it.
    #[must_use]
    pub const fn held(&self) -> Option<&HeldBy> {
        self.held.as_ref()
    }

    /// Who slows it.
    #[must_use]
    pub const fn slowed(&self) -> Option<&SlowedBy> {
        self.slowed.as_ref()
    }

    /// The same once this was done: the last word counts.
    #[must_use]
    pub fn after(&self, laid: &Laid) -> Self {
        let (mut after, by) = (self.clone(), laid.by.clone());
        match (&laid.hand, &by) {
            // What an operator holds is theirs, whatever fires meanwhile.
            (Hand::Hold { .. }, By::Signal(_)) if after.held.is_some() => {}
            // Nor is why forgotten: whoever holds it again without a reason changes nothing, unless a signal holds it.
            (Hand::Hold { reason: None }, By::Person(_))
                if matches!(
                    &after.held,
                    Some(HeldBy {
                        by: By::Person(_),
                        ..
                    })
                ) => {}
            (Hand::Hold { reason }, _) => {
                let reason = reason.clone();
                after.held = Some(HeldBy { by, reason });
            }
            (Hand::Ask { .. }, _) => {
                let reason = None;
                after.held.get_or_insert(HeldBy { by, reason });
            }
            (Hand::Resume, _) => after.held = None,
            (Hand::Slow { rate }, _) => {
                let rate = *rate;
                after.slowed = rate.map(|rate| SlowedBy { by, rate });
            }
        }
        after
    }
}

impl AsOperator<'_> {
    /// What is done to a session of `client` on which `standing` stands; nothing where the session is not theirs, or where it
    /// changes nothing. Each question is one more.
    #[must_use]
    pub fn lays(&self, hand: Hand, client: &ClientId, standing: &Hands) -> Option<Laid> {
        let laid = Laid {
            by: By::Person(self.person().clone()),
            hand,
        };
        let is_new = matches!(laid.hand, Hand::Ask { .. }) || standing.after(&laid) != *standing;
        (client == self.client() && is_new).then_some(laid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PersonId;
    use crate::signals::Signal;

    fn laid(by: &str, hand: Hand) -> Laid {
        Laid {
            by: Signal::parse(by)
                .map_or_else(|| By::Person(PersonId::parse(by).unwrap()), By::Signal),
            hand,
        }
    }

    fn hold(reason: &str) -> Hand {
        Hand::Hold {
            reason: Some(reason.to_owned()),
        }
    }

    fn slow(rate: &str) -> Hand {
        Hand::Slow {
            rate: Some(ByteRate::parse(rate).unwrap()),
        }
    }

    /// X3: the last word about holding counts, and the last about slowing, each for itself.
    #[test]
    fn x3_the_last_word_counts_of_holding_and_of_slowing() {
        let mut hands = Hands::default();
        let said = |hands: &Hands| {
            let held = hands.held().map(ToString::to_string);
            let slowed = hands
                .slowed()
                .map(|slowed| format!("{} {}", slowed.by, slowed.rate));
            (held.unwrap_or_default(), slowed.unwrap_or_default())
        };
        for (by, hand, held, slowed) in [
            ("odile", slow("8 KiB/s"), "", "odile 8 KiB/s"),
            (
                "omar",
                hold("what is that?"),
                "omar holds the session (what is that?)",
                "odile 8 KiB/s",
            ),
            (
                "odile",
                Hand::Ask {
                    question: "and that?".to_owned(),
                },
                "omar holds the session (what is that?)",
                "odile 8 KiB/s",
            ),
            (
                "odile",
                Hand::Hold { reason: None },
                "omar holds the session (what is that?)",
                "odile 8 KiB/s",
            ),
            (
                "odile",
                hold("another doubt"),
                "odile holds the session (another doubt)",
                "odile 8 KiB/s",
            ),
            (
                "omar",
                slow("1 MiB/s"),
                "odile holds the session (another doubt)",
                "omar 1 MiB/s",
            ),
            (
                "base64",
                Hand::Hold { reason: None },
                "odile holds the session (another doubt)",
                "omar 1 MiB/s",
            ),
            ("omar", Hand::Resume, "", "omar 1 MiB/s"),
            (
                "base64",
                Hand::Hold { reason: None },
                "the signal base64 holds the session",
                "omar 1 MiB/s",
            ),
            (
                "omar",
                Hand::Hold { reason: None },
                "omar holds the session",
                "omar 1 MiB/s",
            ),
            (
                "odile",
                Hand::Hold { reason: None },
                "omar holds the session",
                "omar 1 MiB/s",
            ),
            (
                "odile",
                hold("a doubt"),
                "odile holds the session (a doubt)",
                "omar 1 MiB/s",
            ),
            ("omar", Hand::Resume, "", "omar 1 MiB/s"),
            ("odile", Hand::Slow { rate: None }, "", ""),
            ("odile", Hand::Resume, "", ""),
            (
                "odile",
                Hand::Ask {
                    question: "and that?".to_owned(),
                },
                "odile holds the session",
                "",
            ),
        ] {
            hands = hands.after(&laid(by, hand));
            assert_eq!(said(&hands), (held.to_owned(), slowed.to_owned()));
        }
    }
}
