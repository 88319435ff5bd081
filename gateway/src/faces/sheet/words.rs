//! What several forms say alike, in the reader's language.

use ecluse_policy::review::Towards;
use ecluse_policy::{ByteCount, Lang, Schedule, Span, Timestamp};
use jiff::tz::TimeZone;

use crate::deeds::matrix::{AccountOf, DerogationOf, FlowOf, LineOf, Matrix, SeenOf, State};
use crate::texts::{Texts, Value, hours, sizes, times};

/// A reader's words.
pub(super) struct Words<'t> {
    texts: &'t Texts,
    lang: Lang,
    zone: Option<TimeZone>,
    now: Timestamp,
}

impl<'t> Words<'t> {
    pub(super) fn of(texts: &'t Texts, lang: Lang, zone: &str, now: Timestamp) -> Self {
        let zone = TimeZone::get(zone).ok();
        Self {
            texts,
            lang,
            zone,
            now,
        }
    }

    pub(super) const fn lang(&self) -> Lang {
        self.lang
    }

    pub(super) fn say(&self, id: &str, args: &[(&str, Value<'_>)]) -> String {
        self.texts.say(self.lang, id, args)
    }

    /// A word that takes nothing.
    pub(super) fn word(&self, id: &str) -> String {
        self.say(id, &[])
    }

    /// A moment with its date: whoever keeps the sheet reads it on another day.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        times::moment(at, Timestamp::from_micros(0), self.zone.as_ref())
    }

    /// A day in the client's zone.
    pub(super) fn day(&self, at: Timestamp) -> String {
        let moment = self.moment(at);
        let there = moment.split_once('(').map(|(_, there)| there);
        let there = there.filter(|there| there.starts_with(|first: char| first.is_ascii_digit()));
        let day = there
            .filter(|there| there.get(4..5) == Some("-"))
            .unwrap_or(&moment);
        day.chars().take(10).collect()
    }

    /// Somebody's words as they are told.
    pub(super) fn told(&self, words: &str) -> String {
        crate::texts::told(words)
    }

    pub(super) fn why(&self, why: Option<&str>) -> String {
        why.map_or_else(|| self.word("matrix-no-why"), |why| self.told(why))
    }

    pub(super) fn length(&self, span: Span) -> String {
        times::length_in(self.lang, span)
    }

    /// When the hours are that a flow is written with.
    pub(super) fn hours(&self, written: &str) -> String {
        let schedule = Schedule::parse(written);
        schedule.map_or_else(|_| written.to_owned(), |it| hours::hours(self.lang, &it))
    }

    pub(super) fn towards(&self, line: &LineOf) -> String {
        self.word(match line.towards {
            Towards::Target => "matrix-to-target",
            Towards::Technician => "matrix-to-technician",
            Towards::Both => "matrix-both-ways",
        })
    }

    /// Who a flow is for, each selector with whom it names today.
    pub(super) fn technicians(&self, flow: &FlowOf) -> Vec<String> {
        let who = flow.technicians.iter().map(|who| {
            let args = [
                ("who", who.selector.as_str().into()),
                ("people", self.list(&who.people).into()),
                ("count", who.people.len().into()),
            ];
            self.say("matrix-who", &args)
        });
        who.collect()
    }

    /// From where they come.
    pub(super) fn stations(&self, flow: &FlowOf) -> String {
        let mut all: Vec<&String> = flow
            .technicians
            .iter()
            .flat_map(|who| &who.stations)
            .collect();
        all.sort();
        all.dedup();
        match all.is_empty() {
            true => self.word("matrix-nowhere"),
            false => self.list(&all),
        }
    }

    pub(super) fn targets(&self, flow: &FlowOf) -> Vec<String> {
        let targets = flow.targets.iter();
        let targets = targets.map(|one| format!("{} ({}, {})", one.id, one.address, one.protocol));
        targets.collect()
    }

    pub(super) fn approval(&self, flow: &FlowOf) -> String {
        let args = [
            ("by", flow.approvals.into()),
            ("length", self.length(flow.at_most).into()),
        ];
        let approval = self.say("matrix-approval", &args);
        match flow.accompanied {
            Some(each) => {
                let args = [("approval", approval.into()), ("each", each.into())];
                self.say("matrix-approval-accompanied", &args)
            }
            None => approval,
        }
    }

    /// How much may pass, a line for each target that differs.
    pub(super) fn bounds(&self, flow: &FlowOf) -> Vec<String> {
        let each = flow.extraction.iter().map(|one| {
            let bounds = one
                .bounds
                .iter()
                .map(|(key, value)| format!("{key} {}", self.size(value)));
            let bounds = bounds.collect::<Vec<_>>().join(", ");
            match &one.target {
                Some(target) => self.say(
                    "matrix-bounds-of",
                    &[("target", target.into()), ("bounds", bounds.into())],
                ),
                None => bounds,
            }
        });
        let each: Vec<String> = each.filter(|one| !one.is_empty()).collect();
        match each.is_empty() {
            true => vec![self.word("matrix-no-bounds")],
            false => each,
        }
    }

    fn size(&self, value: &str) -> String {
        let (size, pace) = match value.strip_suffix("/s") {
            Some(size) => (size, "/s"),
            None => (value, ""),
        };
        if value == "unlimited" {
            return self.word("matrix-unlimited");
        }
        let bytes = ByteCount::parse(size);
        bytes.map_or_else(
            |_| value.to_owned(),
            |bytes| format!("{}{pace}", sizes::size_in(self.lang, bytes)),
        )
    }

    /// What was seen of a line.
    pub(super) fn state(&self, line: &LineOf, days: u64) -> String {
        match (line.state, line.since) {
            (State::Used, _) => self.seen(&line.seen),
            (State::Dead, _) => {
                let args = [("days", days.into()), ("granted", line.seen.granted.into())];
                self.say("matrix-dead", &args)
            }
            (State::NotYet, Some(since)) => {
                self.say("matrix-not-yet", &[("since", self.day(since).into())])
            }
            (State::NotYet, None) | (State::Unknown, _) => self.word("matrix-unknown"),
        }
    }

    /// How much, and when last.
    pub(super) fn seen(&self, seen: &SeenOf) -> String {
        let args = [
            ("uses", seen.uses.into()),
            ("sessions", seen.sessions.into()),
            ("granted", seen.granted.into()),
            (
                "last",
                seen.last
                    .map_or_else(String::new, |last| self.day(last))
                    .into(),
            ),
        ];
        self.say("matrix-seen", &args)
    }

    /// What stands beside a line: its terms, its reason, and whether it is in force.
    pub(super) fn terms(&self, line: &LineOf) -> Vec<String> {
        let mut terms = Vec::new();
        if line.terminal {
            terms.push(self.word("matrix-terminal"));
        }
        if let Some(it) = &line.derogation {
            let args = [
                ("owner", it.owner.as_str().into()),
                ("until", it.until.as_str().into()),
                ("days", it.days_left.unwrap_or_default().into()),
            ];
            terms.push(self.say(
                match it.days_left {
                    Some(_) => "matrix-derogation",
                    None => "matrix-derogation-over",
                },
                &args,
            ));
        } else if !line.in_force {
            terms.push(self.word("matrix-unanswered"));
        }
        if let Some(why) = &line.why {
            terms.push(self.say("matrix-line-why", &[("why", why.into())]));
        }
        terms
    }

    /// How a derogation stands.
    pub(super) fn stands(&self, one: &DerogationOf) -> String {
        match one.answered.as_ref().map(|it| it.days_left) {
            None => self.word("matrix-unanswered"),
            Some(None) => self.word("matrix-over"),
            Some(Some(days)) => self.say("matrix-days-left", &[("days", days.into())]),
        }
    }

    /// What the gateway logs on to an account with.
    pub(super) fn credential(&self, account: &AccountOf) -> String {
        match (&account.credential, account.credential_set_at) {
            (Some(kind), Some(at)) => {
                let args = [("kind", kind.into()), ("since", self.day(at).into())];
                self.say("matrix-credential", &args)
            }
            (Some(_), None) | (None, _) => self.word("matrix-no-credential"),
        }
    }

    /// Of what and of when it is: a line each.
    pub(super) fn head(&self, matrix: &Matrix) -> Vec<(String, String)> {
        let document = &matrix.document;
        let since = match document.applied_at {
            Some(at) => self.say(
                "matrix-since-version",
                &[
                    ("version", document.version.into()),
                    ("at", self.moment(at).into()),
                    ("by", document.applied_by.as_str().into()),
                ],
            ),
            None => String::new(),
        };
        let field = |id: &str, value: String| (self.word(id), value);
        let mut head = vec![
            field(
                "matrix-client",
                format!("{} ({})", self.told(&matrix.name), matrix.client),
            ),
            field("matrix-at", self.moment(matrix.at)),
            field("matrix-version", matrix.version.to_string()),
            field("matrix-document", document.file.clone()),
            field("matrix-digest", document.sha256.clone()),
            field("matrix-since", since),
        ];
        if let Some(since) = matrix.posture_high_since {
            let since = self.say(
                "matrix-posture-since",
                &[("since", self.moment(since).into())],
            );
            head.push(field("matrix-posture", since));
        }
        head.retain(|(_, value)| !value.is_empty());
        head
    }

    /// The report of what is not as the rules ask (P15): derogations that are over, uses that no line accounts for, what says no reason.
    pub(super) fn remarks(&self, matrix: &Matrix) -> Vec<String> {
        let over = matrix.derogations.iter().filter(|one| !one.in_force);
        let over = over.map(|one| {
            let answered = one.answered.as_ref();
            let args = [
                ("what", one.what.as_str().into()),
                ("place", format!("{}:{}", one.key, one.line).into()),
                ("owner", answered.map_or("–", |it| &it.owner).into()),
                ("until", answered.map_or("–", |it| &it.until).into()),
            ];
            self.say("matrix-remark-over", &args)
        });
        let mut remarks: Vec<String> = over.collect();
        for (id, count) in [
            ("matrix-gone", matrix.uses_of_lines_gone),
            ("matrix-wordless", matrix.entries_without_words),
        ] {
            if count > 0 {
                remarks.push(self.say(id, &[("count", count.into())]));
            }
        }
        if !matrix.without_why.is_empty() {
            let all = self.list(&matrix.without_why);
            remarks.push(self.say("matrix-without-why", &[("all", all.into())]));
        }
        remarks
    }

    pub(super) fn list(&self, all: &[impl AsRef<str>]) -> String {
        let all: Vec<&str> = all.iter().map(AsRef::as_ref).collect();
        all.join(", ")
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }
}
