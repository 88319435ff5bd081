//! Accompaniment (I4): what passes only while somebody of the client watches it, and who counts as that somebody.
//!
//! A flow asks for it, with `accompanied = true` beside its approval. A session of such a flow waits until an operator of its
//! client watches it, and waits again once the last one leaves. Whether a client program answers is the gateway's to find out;
//! by what right somebody counts, and for how many sessions at once, is asked here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::documents::Documents;
use crate::flow::Scope;
use crate::mandate::AsOperator;
use crate::matrix::{allowed, flows_for};
use crate::name::{ClientId, FlowName, PersonId, SessionId};
use crate::time::Timestamp;

/// How a flow is accompanied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accompanied {
    /// How many sessions one operator accompanies at most; at least one.
    pub sessions_per_operator: u32,
}

impl Accompanied {
    /// What holds where one of several flows is in use: each of them, so the strictest.
    #[must_use]
    pub fn strictest(all: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        all.into_iter().flatten().min()
    }
}

impl fmt::Display for Accompanied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, plural) = match self.sessions_per_operator {
            1 => (1, ""),
            sessions => (sessions, "s"),
        };
        write!(
            formatter,
            "accompanied: nothing passes unless an operator watches, each {sessions} session{plural} at most"
        )
    }
}

/// Somebody who watches a session that is to be accompanied, and who may, and whose client program answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watcher {
    /// Who.
    pub operator: PersonId,
    /// What they watch.
    pub session: SessionId,
    /// How that is accompanied.
    pub rule: Accompanied,
}

/// Who accompanies what, of those who watch, in the order in which they began: first come, first counted. Each session of
/// somebody is within the number that its own flow says, so that a strict flow is not eased by another.
#[must_use]
pub fn accompanying(watchers: &[Watcher]) -> BTreeSet<(PersonId, SessionId)> {
    let mut counted: BTreeMap<&PersonId, BTreeMap<SessionId, Accompanied>> = BTreeMap::new();
    for Watcher {
        operator,
        session,
        rule,
    } in watchers
    {
        let of_theirs = counted.entry(operator).or_default();
        let strictest = Accompanied::strictest(of_theirs.values().chain([rule]).copied().map(Some));
        let at_most = strictest.map_or(0, |strictest| strictest.sessions_per_operator);
        let is_known = of_theirs.contains_key(session);
        if is_known || usize::try_from(at_most).is_ok_and(|at_most| of_theirs.len() < at_most) {
            of_theirs.entry(*session).or_insert(*rule);
        }
    }
    let all = counted.into_iter();
    all.flat_map(|(operator, sessions)| {
        let sessions = sessions.into_keys();
        sessions.map(|session| (operator.clone(), session))
    })
    .collect()
}

impl AsOperator<'_> {
    /// Whether their watching counts for a session of `technician` at `client`: asked again for as long as they watch.
    #[must_use]
    pub fn may_accompany(&self, client: &ClientId, technician: &PersonId) -> bool {
        self.client() == client && self.person() != technician
    }
}

/// The flows that give some of `scope` to a technician at `now` and are accompanied: what whoever asks and whoever says yes
/// is told.
#[must_use]
pub fn accompanied_flows(
    documents: &Documents,
    person: &PersonId,
    scope: &Scope,
    now: Timestamp,
) -> BTreeMap<FlowName, Accompanied> {
    let mut found = BTreeMap::new();
    for target in &scope.targets {
        for account in &scope.accounts {
            for flow in flows_for(documents, person, target, account) {
                let gives = |asked| allowed(flow, now).any(|one| one.common(asked).is_some());
                if let Some(rule) = flow.approval.accompanied()
                    && scope.capabilities.iter().any(gives)
                {
                    found.insert(flow.name.clone(), rule);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn watcher(operator: u8, session: u8, sessions_per_operator: u32) -> Watcher {
        Watcher {
            operator: PersonId::parse(&format!("operator{operator}")).unwrap(),
            session: SessionId::from_uuid(Uuid::from_u128(u128::from(session))),
            rule: Accompanied {
                sessions_per_operator,
            },
        }
    }

    fn pair(watcher: &Watcher) -> (PersonId, SessionId) {
        (watcher.operator.clone(), watcher.session)
    }

    /// I4: who watches two sessions of a flow that says one accompanies the first, until they leave it.
    #[test]
    fn i4_one_operator_accompanies_one_session_unless_the_flow_says_how_many() {
        let (first, second) = (watcher(1, 1, 1), watcher(1, 2, 1));
        let both = accompanying(&[first.clone(), second.clone()]);
        assert_eq!(both, BTreeSet::from([pair(&first)]));
        let left = accompanying(std::slice::from_ref(&second));
        assert_eq!(left, BTreeSet::from([pair(&second)]));
        // Another operator does not wait for the first.
        let other = watcher(2, 2, 1);
        let all = accompanying(&[first.clone(), second, other.clone()]);
        assert_eq!(all, BTreeSet::from([pair(&first), pair(&other)]));
        let (first, second) = (watcher(1, 1, 2), watcher(1, 2, 2));
        let both = accompanying(&[first.clone(), second.clone()]);
        assert_eq!(both, BTreeSet::from([pair(&first), pair(&second)]));
        // A strict flow is not eased by another, whichever came first.
        let strict = watcher(1, 3, 1);
        for all in [[&strict, &second], [&second, &strict]] {
            let counted = accompanying(&all.map(Clone::clone));
            assert_eq!(counted, BTreeSet::from([pair(all[0])]));
        }
    }

    prop_compose! {
        /// Each session has one rule, whoever watches it.
        fn watchers()(
            rules in vec(1u32..4, 6),
            seen in vec((0u8..3, 0u8..6), 0..24),
        ) -> Vec<Watcher> {
            let rule = |session: u8| rules.get(usize::from(session)).copied().unwrap_or(1);
            seen.into_iter().map(|(who, what)| watcher(who, what, rule(what))).collect()
        }
    }

    proptest! {
        /// I4: nobody accompanies what they do not watch, nor more sessions than the flow of any of them says.
        #[test]
        fn i4_nobody_accompanies_more_than_each_flow_says(watchers in watchers()) {
            let counted = accompanying(&watchers);
            for (operator, session) in &counted {
                let of_theirs = counted.iter().filter(|(who, _)| who == operator).count();
                let mut rules = watchers.iter().filter(|one| one.session == *session && one.operator == *operator);
                let rule = rules.next();
                prop_assert!(rule.is_some());
                prop_assert!(of_theirs <= rule.map_or(0, |one| one.rule.sessions_per_operator as usize));
            }
        }

        /// I4: who comes later takes nobody's place, and the first that somebody watches always counts.
        #[test]
        fn i4_who_comes_later_takes_nobodys_place(watchers in watchers(), more in watchers()) {
            // The rule of a session is the same throughout.
            let rule = |session| watchers.iter().find(|one| one.session == session).map(|one| one.rule);
            let more = more.into_iter().map(|one| Watcher { rule: rule(one.session).unwrap_or(one.rule), ..one });
            let all: Vec<Watcher> = watchers.iter().cloned().chain(more).collect();
            let before = accompanying(&watchers);
            prop_assert!(before.is_subset(&accompanying(&all)));
            let mut seen = BTreeSet::new();
            for first in watchers.iter().filter(|one| seen.insert(one.operator.clone())) {
                prop_assert!(before.contains(&pair(first)));
            }
        }
    }
}
