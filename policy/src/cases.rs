//! A client's own cases: what the documents must allow and refuse, asked of the same answer as the gateway gives (M11).
//!
//! A case says who, where, what for and when, and which answer is right. [`crate::explain`] answers, by the table that decides for
//! every channel; the station and the account, which it is not asked, are looked at here as a log-on looks at them.

use crate::documents::{DocumentError, Documents, read_cases};
use crate::explain::{Explanation, explain};
use crate::flow::FlowRequest;
use crate::name::{AccountName, FlowName, Lang, PersonId, StationId, TargetId};
use crate::time::Timestamp;

/// The cases of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases {
    /// In which language what fails is told; English unless the file says it.
    pub lang: Lang,
    /// In their order; never empty.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The line of the file where it begins.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// Who.
    pub person: PersonId,
    /// From where; any station they may use, without it.
    pub station: Option<StationId>,
    /// Where.
    pub target: TargetId,
    /// As whom; any account that the line gives, without it.
    pub account: Option<AccountName>,
    /// What for, as it is asked.
    pub asks: FlowRequest,
    /// When; at the time of the run, without it.
    pub at: Option<Timestamp>,
    /// In heightened posture, or in normal; as it is, without it.
    pub posture: Option<bool>,
    /// Which answer is right.
    pub expects: Expects,
}

/// The right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expects {
    /// A line allows it, after an approval.
    Allowed {
        /// The flow that has to, where it matters.
        by: Option<FlowName>,
    },
    /// None does.
    Refused {
        /// Words that stand in the reasons, where it matters: `hours`, `station`.
        because: Option<String>,
    },
}

/// What the documents say to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// These flows allow it, each with file and line.
    Allowed(Vec<(FlowName, String)>),
    /// Everything that is missing.
    Refused(Vec<String>),
}

impl Cases {
    /// Reads a file of cases; `asks` reads what is asked for, in the words of `allow`.
    ///
    /// # Errors
    /// Everything that is wrong, by line.
    pub fn parse(
        file: &str,
        text: &str,
        asks: impl Fn(&str) -> Result<FlowRequest, String>,
    ) -> Result<Self, Vec<DocumentError>> {
        read_cases(file, text, asks)
    }
}

impl Case {
    /// What the documents say, at `now` where the case has no time of its own.
    #[must_use]
    pub fn answered(&self, documents: &Documents, now: Timestamp) -> Answered {
        let at = self.at.unwrap_or(now);
        let documents = match self.posture {
            Some(true) => documents.clone().as_if_heightened(at, "asked beforehand"),
            Some(false) => documents.clone().as_written(),
            None => documents.clone(),
        };
        let mut missing = self.station_lacks(&documents);
        let owner = documents.target(&self.target).map(|(client, _)| &client.id);
        if let Some(client) = owner.filter(|client| documents.is_closed(client)) {
            missing.push(format!(
                "the door of {client} is closed: its document is not the one that was put in force"
            ));
        }
        match explain(&documents, &self.person, &self.target, &self.asks, at) {
            Explanation::Allowed(lines) => {
                let is_meant = |accounts: &[AccountName]| {
                    let mut asked = self.account.iter();
                    asked.all(|account| accounts.contains(account))
                };
                let by: Vec<(FlowName, String)> = lines
                    .into_iter()
                    .filter(|line| is_meant(&line.accounts))
                    .map(|line| (line.flow, format!("{}:{}", line.file, line.line)))
                    .collect();
                if let (true, Some(account)) = (by.is_empty(), &self.account) {
                    missing.push(format!("accounts: {account} is not named"));
                }
                if missing.is_empty() {
                    Answered::Allowed(by)
                } else {
                    Answered::Refused(missing)
                }
            }
            Explanation::Missing { general, flows } => {
                missing.extend(general);
                for lacking in flows {
                    let (file, line, flow) = (lacking.file, lacking.line, lacking.flow);
                    let lacks = lacking.lacks.into_iter();
                    missing.extend(lacks.map(|lack| format!("{file}:{line}: flow {flow}: {lack}")));
                }
                Answered::Refused(missing)
            }
        }
    }

    /// What a log-on from the station lacks: asked as [`crate::identity`] asks it.
    fn station_lacks(&self, documents: &Documents) -> Vec<String> {
        let Some(station) = &self.station else {
            return Vec::new();
        };
        let person = documents.technician(&self.person);
        let found = documents.station(station);
        let lack = match (person, found) {
            (_, None) => Some(format!("station: {station} is in no document")),
            (_, Some((_, found))) if found.disabled => {
                Some(format!("station: {station} is switched off"))
            }
            (Some((provider, person)), Some((of, _))) => (provider.id != of.id
                || !person.stations.allow(station))
            .then(|| format!("station: {} may not come from {station}", self.person)),
            // That nobody has this name is said already.
            (None, Some(_)) => None,
        };
        let client = documents.target(&self.target).map(|(client, _)| client);
        let kept = client.filter(|client| documents.keeps_out(&client.id, station));
        let kept = kept.map(|client| format!("station: {} keeps {station} out", client.id));
        lack.into_iter().chain(kept).collect()
    }

    /// Whether an answer is the right one.
    #[must_use]
    pub fn is_right(&self, answered: &Answered) -> bool {
        match (&self.expects, answered) {
            (Expects::Allowed { by: None }, Answered::Allowed(_))
            | (Expects::Refused { because: None }, Answered::Refused(_)) => true,
            (Expects::Allowed { by: Some(flow) }, Answered::Allowed(flows)) => {
                flows.iter().any(|(one, _)| one == flow)
            }
            (
                Expects::Refused {
                    because: Some(words),
                },
                Answered::Refused(missing),
            ) => missing.iter().any(|one| one.contains(words)),
            (Expects::Allowed { .. }, Answered::Refused(_))
            | (Expects::Refused { .. }, Answered::Allowed(_)) => false,
        }
    }
}
