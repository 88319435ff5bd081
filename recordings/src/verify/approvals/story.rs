//! Who asked, who said yes, that it was opened and what began, in this order: what the entries of one session lack.

use std::collections::BTreeSet;

use super::super::Verdict;
use super::{Approvals, ENDS, Problem, SessionSaid, Step, Story};
use crate::evidence::manifest::Manifest;

impl Approvals {
    /// What is missing or differs in the entries themselves, of the sessions asked for.
    #[must_use]
    pub fn problems(&self, of: impl Fn(&str) -> bool) -> Vec<Problem> {
        let mut found = Vec::new();
        for (session, said) in self.sessions.iter().filter(|(session, _)| of(session)) {
            let before = found.len();
            self.session_problems(session, said, &mut found);
            if self.is_demanded(said) {
                continue;
            }
            // From before there were digests.
            for problem in found.iter_mut().skip(before) {
                problem.verdict = None;
            }
            found.push(Problem {
                verdict: None,
                place: place_of(session),
                text: "it began before the journal had digests of interventions and documents: that those are what was approved then, only the words of the entries show".to_owned(),
            });
        }
        found
    }

    fn is_demanded(&self, said: &SessionSaid) -> bool {
        said.digest.is_some() || self.from.is_some_and(|from| from < said.seq)
    }

    fn session_problems(&self, session: &str, said: &SessionSaid, found: &mut Vec<Problem>) {
        let mut add = |verdict: Verdict, text: String| {
            found.push(Problem {
                verdict: Some(verdict),
                place: place_of(session),
                text,
            });
        };
        let Some(id) = &said.intervention else {
            return add(
                Verdict::Missing,
                format!("entry {}: it names no intervention", said.seq),
            );
        };
        let none = Story::default();
        let story = self.interventions.get(id).unwrap_or(&none);
        // Nothing that led to it goes while it stays itself, as today's programs remove; older ones did.
        let forgotten = self.may_be_removed(said.client.as_deref(), said.seq);
        let before: Vec<&Step> = story
            .steps
            .iter()
            .filter(|step| step.seq < said.seq)
            .collect();
        let of = |kind: &'static str| before.iter().filter(move |step| step.kind == kind);
        if forgotten && of("request").next().is_none() {
            found.push(Problem {
                verdict: None,
                place: place_of(session),
                text: "entries of its request were removed under retention".to_owned(),
            });
            return;
        }
        let asked = of("request").next();
        match asked {
            None if story.found => {}
            None => add(
                Verdict::Missing,
                format!("no entry tells who asked for its intervention {id}"),
            ),
            Some(asked) if asked.person != said.person => add(
                Verdict::Altered,
                format!(
                    "{} asked for it (entry {}), and {} came (entry {})",
                    shown(asked.person.as_ref()),
                    asked.seq,
                    shown(said.person.as_ref()),
                    said.seq
                ),
            ),
            Some(_) => {}
        }
        if story.client.is_some() && story.client != said.client {
            add(
                Verdict::Altered,
                format!("its intervention {id} is another client's"),
            );
        }
        let approvals: Vec<&&Step> = of("approval").collect();
        let last = approvals.last();
        let granted = approvals
            .iter()
            .rfind(|step| step.state.as_deref() == Some("approved"));
        match (granted, last) {
            (None, _) if story.found => {}
            (None, _) => {
                let later = story
                    .steps
                    .iter()
                    .find(|step| step.kind == "approval" && step.seq > said.seq);
                match later {
                    Some(later) => add(
                        Verdict::Reordered,
                        format!(
                            "it began with entry {}, and was approved with entry {} only",
                            said.seq, later.seq
                        ),
                    ),
                    None => add(
                        Verdict::Missing,
                        format!("no entry tells that somebody approved its intervention {id}"),
                    ),
                }
            }
            (Some(granted), _) => {
                let people: BTreeSet<_> = approvals
                    .iter()
                    .filter(|step| step.seq <= granted.seq)
                    .filter_map(|step| step.person.as_ref())
                    .collect();
                let wanted = granted.approvals.unwrap_or(1);
                if !story.found && u64::try_from(people.len()).unwrap_or(u64::MAX) < wanted {
                    add(
                        Verdict::Missing,
                        format!(
                            "entry {} is the approval number {wanted}, and {} people approved it",
                            granted.seq,
                            people.len()
                        ),
                    );
                }
            }
        }
        if let Some(asked) = asked
            && let Some(own) = approvals.iter().find(|step| step.person == asked.person)
        {
            add(
                Verdict::Altered,
                format!("entry {}: who asked for it approved it", own.seq),
            );
        }
        let opened = of("opening").next();
        match (opened, granted) {
            (None, _) if story.found => {}
            (None, _) => add(
                Verdict::Missing,
                format!("no entry tells that its intervention {id} was opened"),
            ),
            (Some(opened), Some(granted)) if opened.seq < granted.seq => add(
                Verdict::Reordered,
                format!(
                    "its intervention was opened with entry {}, before it was approved with entry {}",
                    opened.seq, granted.seq
                ),
            ),
            (Some(_), _) => {}
        }
        if let Some(end) = before
            .iter()
            .find(|step| ENDS.contains(&step.kind.as_str()))
        {
            add(
                Verdict::Altered,
                format!(
                    "it began with entry {}, when its intervention was over (entry {}, {})",
                    said.seq, end.seq, end.kind
                ),
            );
        }
        // The clock may have been turned, which is on record by itself.
        let mut times = before.iter().filter(|step| step.kind != "permit");
        let mut last = i64::MIN;
        if times.any(|step| std::mem::replace(&mut last, step.at) > step.at) || last > said.at {
            found.push(Problem {
                verdict: None,
                place: place_of(session),
                text: "the times of its entries do not follow their order: the clock was turned"
                    .to_owned(),
            });
        }
        self.digest_problems(session, said, story, found);
        self.document_problems(session, said, found);
    }

    fn digest_problems(
        &self,
        session: &str,
        said: &SessionSaid,
        story: &Story,
        found: &mut Vec<Problem>,
    ) {
        let mut add = |verdict: Verdict, text: String| {
            found.push(Problem {
                verdict: Some(verdict),
                place: place_of(session),
                text,
            });
        };
        let mut current: Option<&Step> = None;
        for step in &story.steps {
            let demanded = self.from.is_some_and(|from| from < step.seq);
            if step.digest.is_none() && demanded {
                add(
                    Verdict::Missing,
                    format!("entry {} ({}) has no digest", step.seq, step.kind),
                );
            } else if step.kind != "permit" {
                current = Some(step);
            } else if let (Some(before), Some(digest)) = (current, &step.digest)
                && before.digest.as_ref().is_some_and(|said| said != digest)
            {
                add(
                    Verdict::Altered,
                    format!(
                        "its intervention was changed in the store between entry {} and entry {}",
                        before.seq, step.seq
                    ),
                );
            }
        }
        let mut steps = story.steps.iter().filter(|step| step.kind != "permit");
        let before = steps.rfind(|step| step.seq < said.seq);
        let latest = before.and_then(|step| Some((step.seq, step.digest.as_ref()?)));
        match (latest, &said.digest) {
            (Some((seq, wanted)), Some(digest)) if wanted != digest => add(
                Verdict::Altered,
                format!(
                    "it began under another intervention than the one on record with entry {seq}"
                ),
            ),
            (_, None) if self.from.is_some_and(|from| from < said.seq) => add(
                Verdict::Missing,
                format!("entry {} (session-start) has no digest", said.seq),
            ),
            (None | Some(_), _) => {}
        }
    }

    fn document_problems(&self, session: &str, said: &SessionSaid, found: &mut Vec<Problem>) {
        let Some(version) = said.version else { return };
        if said.digest.is_none() {
            return;
        }
        for (owner, digest) in &said.documents {
            let mut all = self.documents.get(owner).into_iter().flatten();
            let last = all.rfind(|one| one.seq < said.seq && one.version <= version);
            let forgotten = self.may_be_removed(owner.strip_prefix("client "), said.seq);
            let (verdict, text) = match last {
                Some(last) if last.digest.as_ref() == Some(digest) => continue,
                Some(last) => (
                    Some(Verdict::Altered),
                    format!(
                        "it began under another document of {owner} than the one of entry {}",
                        last.seq
                    ),
                ),
                None if forgotten => (
                    None,
                    format!("the entry of the document of {owner} was removed under retention"),
                ),
                None if !self.whole && owner.starts_with("provider ") => (
                    None,
                    format!(
                        "the entry that put the document of {owner} in force is not among this client's, as from before clients were told whom they begin to reach: entry {} vouches for it",
                        said.seq
                    ),
                ),
                None => (
                    Some(Verdict::Missing),
                    format!("no entry put the document of {owner} in force"),
                ),
            };
            found.push(Problem {
                verdict,
                place: place_of(session),
                text,
            });
        }
    }

    /// What a recording says of itself against what the entries say of its session.
    #[must_use]
    pub fn manifest(&self, manifest: &Manifest) -> Vec<Problem> {
        let session = manifest.session().to_string();
        let Some(said) = self.sessions.get(&session) else {
            return Vec::new();
        };
        let facts = &manifest.facts;
        let intervention = facts.intervention.map(|id| id.to_string());
        let version = u64::try_from(facts.documents_version).ok();
        let account = said.account.as_ref();
        let mut differs = vec![
            ("intervention", said.intervention != intervention),
            ("person", said.person.as_deref() != Some(&facts.person)),
            ("station", said.station != facts.station),
            ("client", said.client.as_deref() != Some(&facts.client)),
            ("target", said.target.as_deref() != Some(&facts.target)),
            (
                "account",
                account.is_some_and(|account| !facts.accounts.contains(account)),
            ),
            (
                "version of the documents",
                said.version.is_some() && said.version != version,
            ),
        ];
        let mut missing = Vec::new();
        let story = intervention.and_then(|id| self.interventions.get(&id));
        if let Some(story) = story.filter(|story| !story.found) {
            let asked = story.steps.iter().find(|step| step.kind == "request");
            let reason = asked.and_then(|asked| asked.reason.as_ref());
            differs.push(("reason", reason.is_some_and(|said| *said != facts.reason)));
            let has = |by: &str, at: i64| {
                let mut steps = story.steps.iter();
                steps.any(|step| {
                    step.kind == "approval" && step.person.as_deref() == Some(by) && step.at == at
                })
            };
            let approvals = facts.approvals.iter();
            missing.extend(
                approvals
                    .filter(|approval| !has(&approval.by, approval.at))
                    .map(|approval| approval.by.clone()),
            );
            differs.push((
                "approvals",
                facts.approvals.is_empty() && self.is_demanded(said),
            ));
        }
        let verdict = |verdict| self.is_demanded(said).then_some(verdict);
        let differs = differs.into_iter().filter(|(_, differs)| *differs);
        let differs = differs.map(|(what, _)| Problem {
            verdict: verdict(Verdict::Altered),
            place: place_of(&session),
            text: format!(
                "its recording tells of another {what} than entry {} or its intervention",
                said.seq
            ),
        });
        let missing = missing.into_iter().map(|by| Problem {
            verdict: verdict(Verdict::Missing),
            place: place_of(&session),
            text: format!("its recording tells of a yes of {by} that no entry tells of"),
        });
        differs.chain(missing).collect()
    }
}

fn place_of(session: &str) -> String {
    format!("session {session}")
}

fn shown(person: Option<&String>) -> &str {
    person.map_or("nobody", String::as_str)
}
