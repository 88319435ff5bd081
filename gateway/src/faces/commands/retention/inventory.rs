//! What there is of each session, in the store and on disk, and until when it stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use ecluse_policy::documents::{RetentionRules, parse_client};
use ecluse_policy::retention::{Due, due, due_before_of_nobody};
use ecluse_policy::{ClientId, Documents, InterventionId, SessionId, TargetId, Timestamp};
use ecluse_recordings::{SealedRecording, State as OnDisk, layout, list};

use crate::faces::commands::carried::Carriers;
use crate::live::Because;
use crate::store::{LastText, Session, SessionFault, SessionQuery, Store, read};

/// Sessions read at once.
const PAGE: u32 = 1000;

/// What is said of a recording that waits for its seal.
pub(super) const BEING_SEALED: &str =
    "its recording waits for its seal; a gateway does that, at its next start at the latest";

/// What is said of a session that its gateway left without an end when it died.
pub(super) const UNENDED: &str =
    "its gateway does not run and left it without an end; it gets one at that gateway's next start";

/// Everything that is kept.
pub(super) struct Inventory {
    /// Sessions, the oldest first.
    pub(super) kept: Vec<Kept>,
    /// Directories of sessions that the store does not know, and what they are.
    pub(super) strays: Vec<(PathBuf, &'static str)>,
    /// The rules of each client, those that left included.
    pub(super) rules: BTreeMap<ClientId, RetentionRules>,
    /// The clients that no document names any more.
    pub(super) departed: BTreeSet<ClientId>,
    /// Sessions and interventions that the log contradicts, or that are gone.
    pub(super) contradicted: Vec<Contradiction>,
    /// Sessions that the log tells of and that are gone.
    pub(super) gone: Vec<SessionFault>,
    /// Before when the traces that concern no client are due; none where they are not, or one client alone is looked at.
    pub(super) nobody_before: Option<Timestamp>,
    /// Where recordings are.
    pub(super) root: PathBuf,
    /// When this was looked at.
    pub(super) at: Timestamp,
}

/// What there is of one session.
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) session: SessionId,
    pub(super) intervention: InterventionId,
    pub(super) client: ClientId,
    pub(super) target: TargetId,
    /// When it ended; none while it is live, and where its gateway did not end it.
    pub(super) ended: Option<Timestamp>,
    /// No gateway was left to end it: it ended then at the earliest.
    pub(super) at_least: bool,
    pub(super) state: State,
    pub(super) due: Due,
    /// What of it the log contradicts: nothing of it is destroyed.
    pub(super) fault: Option<SessionFault>,
}

/// What the store has otherwise than the log, or does not have, beside the sessions that are listed.
pub(super) struct Contradiction {
    /// Whose words stay therefore; none where that cannot be told: then everybody's.
    pub(super) client: Option<ClientId>,
    pub(super) problem: String,
}

/// The state of a session's recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Its files are what is on record.
    Sealed {
        dir: PathBuf,
        manifest_sha256: String,
    },
    /// The session goes on.
    Live,
    /// The session has no end, and no gateway carries it.
    Unended,
    /// The session has ended, and its recording waits for its seal.
    BeingSealed,
    /// It never had one, or its files and its record are gone.
    Nothing,
    /// Its destruction is on record, and files are left: a removal was interrupted.
    Leftover { dir: PathBuf },
    /// Its files lie on the disk of another gateway that shares the store.
    Elsewhere(String),
    /// It cannot be told whether removing it removes what is on record.
    Doubtful(String),
}

impl State {
    /// Why it is not removed though it is due.
    pub(super) fn obstacle(&self) -> Option<String> {
        match self {
            Self::Sealed { .. } | Self::Nothing | Self::Leftover { .. } => None,
            Self::Live => Some("the session goes on".to_owned()),
            Self::Unended => Some(UNENDED.to_owned()),
            Self::BeingSealed => Some(BEING_SEALED.to_owned()),
            Self::Elsewhere(gateway) => Some(format!(
                "its recording lies on the disk of {gateway}: remove it there, by this command"
            )),
            Self::Doubtful(problem) => Some(format!("kept to be examined: {problem}")),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed { .. } => "sealed",
            Self::Live => "live",
            Self::Unended => "without an end",
            Self::BeingSealed => "being sealed",
            Self::Nothing => "no recording",
            Self::Elsewhere(_) => "elsewhere",
            Self::Leftover { .. } => "partly removed",
            Self::Doubtful(_) => "doubtful",
        })
    }
}

impl Inventory {
    /// Looks at the sessions of one client, or of all.
    pub(super) async fn take(
        store: &Store,
        documents: &Documents,
        root: &Path,
        client: Option<&ClientId>,
        carriers: &Carriers,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let mut rules: BTreeMap<ClientId, RetentionRules> = documents
            .clients()
            .iter()
            // A document that is not the one on record destroys nothing.
            .filter(|(id, _)| !documents.is_closed(id))
            .map(|(id, client)| (id.clone(), client.retention.clone()))
            .collect();
        let mut left = store.clients_on_record().await?;
        left.retain(|client| !rules.contains_key(client));
        // One whose document was taken out by hand has not departed.
        let gone: BTreeSet<_> = left
            .iter()
            .filter(|id| !documents.is_closed(id))
            .cloned()
            .collect();
        let of_left = departed(store, &gone).await?;
        // Of a client whose rules cannot be told nothing is due, and so nothing that may be evidence for it.
        let all_known = of_left.len() == left.len();
        rules.extend(of_left);
        let nobody_before = match client {
            None if all_known => due_before_of_nobody(rules.values(), now),
            Some(_) | None => None,
        };
        rules.retain(|id, _| client.is_none_or(|client| client == id));
        let mut kept = Vec::new();
        let mut known = BTreeSet::new();
        for session in sessions(store, client).await? {
            let mut state = state(store, root, &session, carriers).await?;
            if matches!(state, State::Live) && !carriers.carry(&session) {
                state = State::Unended;
            }
            if let Some(recording) = &session.start.recording {
                known.insert(root.join(recording));
            }
            let recorded = session.end.as_ref().map_or(now, |end| end.at);
            let due = rules.get(&session.start.client).map_or(
                // Nobody says when its service ended.
                Due::KeepUntilServiceEnds,
                |rules| due(rules, recorded, now),
            );
            kept.push(Kept {
                number: session.number,
                session: session.start.id,
                intervention: session.start.intervention,
                client: session.start.client,
                target: session.start.target,
                at_least: session
                    .end
                    .as_ref()
                    .is_some_and(|end| matches!(end.because, Some(Because::Recovered { .. }))),
                ended: session.end.map(|end| end.at),
                state,
                due,
                fault: session.fault.map(|fault| *fault),
            });
        }
        kept.reverse();
        let gone = store.sessions_gone(client).await?;
        let contradicted = contradicted(store, &kept, &gone).await?;
        let found = list(root, client.map(ClientId::as_str))
            .with_context(|| format!("cannot read {}", root.display()))?;
        let strays = found
            .into_iter()
            .filter(|listed| !known.contains(&listed.dir))
            .map(|listed| (listed.dir, on_disk(&listed.state)))
            .collect();
        Ok(Self {
            kept,
            strays,
            rules,
            departed: left,
            contradicted,
            gone,
            nobody_before,
            root: root.to_owned(),
            at: now,
        })
    }

    /// The rules of a client that documents name, or named.
    pub(super) fn rules_of(&self, client: &ClientId) -> Option<&RetentionRules> {
        self.rules.get(client)
    }
}

/// The rules of clients that no document names any more: the last that one said. Their service ended when the document was
/// taken out. Text and time are those that the log tells of; the tables count only for what is older than its digests.
async fn departed(
    store: &Store,
    left: &BTreeSet<ClientId>,
) -> anyhow::Result<BTreeMap<ClientId, RetentionRules>> {
    let mut found = BTreeMap::new();
    let mut untold = BTreeMap::new();
    for client in left {
        match store.last_text(client).await? {
            LastText::Known { file, text, out } => {
                if let Ok(named) = parse_client(&file, &text) {
                    let rules = RetentionRules {
                        service_ended: Some(out),
                        ..named.retention
                    };
                    found.insert(client.clone(), rules);
                }
            }
            // Somebody changed the store: nobody says when that ended.
            LastText::Lost => {}
            LastText::Untold { up_to } => {
                untold.insert(client.clone(), up_to);
            }
        }
    }
    let (mut removed_at, mut removed_with) = (None, None);
    for version in store.document_versions().await? {
        if untold.is_empty() {
            break;
        }
        // What does not read any more may name any of them: nobody says when that ended.
        let Ok(documents) = read(&store.document_texts(version.version).await?) else {
            break;
        };
        untold.retain(|client, up_to| {
            let Some(named) = documents.client(client) else {
                return true;
            };
            let vouched_for = match (*up_to, removed_with) {
                (Some(up_to), Some(version)) => version <= up_to,
                (None, _) => true,
                (Some(_), None) => false,
            };
            if vouched_for {
                let rules = RetentionRules {
                    service_ended: removed_at,
                    ..named.retention.clone()
                };
                found.insert(client.clone(), rules);
            }
            false
        });
        (removed_at, removed_with) = (Some(version.applied_at), Some(version.version));
    }
    Ok(found)
}

/// What keeps words though they are due: whoever changed the store must not choose what is destroyed.
async fn contradicted(
    store: &Store,
    kept: &[Kept],
    gone: &[SessionFault],
) -> anyhow::Result<Vec<Contradiction>> {
    let mut found = Vec::new();
    for fault in kept
        .iter()
        .filter_map(|kept| kept.fault.as_ref())
        .chain(gone)
    {
        // Of the client that the row names, and of the one that the log names.
        let clients: BTreeSet<_> = [&fault.client, &fault.of].into_iter().flatten().collect();
        found.extend(clients.into_iter().map(|client| Contradiction {
            client: Some(client.clone()),
            problem: fault.to_string(),
        }));
    }
    for fault in store.contradicted_interventions().await? {
        found.push(Contradiction {
            client: fault.client.clone(),
            problem: fault.to_string(),
        });
    }
    for gone in store.interventions_gone().await? {
        if !gone.was_removed {
            found.push(Contradiction {
                client: gone.client.clone(),
                problem: gone.to_string(),
            });
        }
    }
    Ok(found)
}

/// The latest first.
async fn sessions(store: &Store, client: Option<&ClientId>) -> anyhow::Result<Vec<Session>> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let query = SessionQuery {
            client: client.cloned(),
            before,
            limit: Some(PAGE),
            ..SessionQuery::default()
        };
        let page = store.sessions(&query).await?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        before = Some(last.number);
        all.extend(page);
    }
}

async fn state(
    store: &Store,
    root: &Path,
    session: &Session,
    carriers: &Carriers,
) -> anyhow::Result<State> {
    if let Some(fault) = &session.fault {
        return Ok(State::Doubtful(format!(
            "{fault}; run: ecluse journal verify"
        )));
    }
    if session.end.is_none() {
        return Ok(State::Live);
    }
    let Some(recording) = &session.start.recording else {
        return Ok(State::Nothing);
    };
    let dir = match directory(root, recording, session) {
        Ok(dir) => dir,
        Err(problem) => return Ok(State::Doubtful(problem)),
    };
    let on_record = store.sealed_recording(session.start.id).await?;
    let elsewhere = carriers.elsewhere(session);
    Ok(match (on_record, dir) {
        (Some(sealed), Some(dir)) if sealed.destroyed => State::Leftover { dir },
        (Some(sealed), None) if sealed.destroyed => State::Nothing,
        (Some(_), None) => elsewhere.map_or_else(
            || State::Doubtful("its files are missing".to_owned()),
            State::Elsewhere,
        ),
        (Some(sealed), Some(dir)) => compared(dir, sealed.manifest_sha256),
        (None, Some(dir)) if dir.join(layout::LIVE).exists() => State::BeingSealed,
        (None, Some(dir)) => State::Doubtful(format!("it is not sealed ({})", dir.display())),
        (None, None) => elsewhere.map_or_else(
            || State::Doubtful("its files are missing, and no seal is on record".to_owned()),
            State::Elsewhere,
        ),
    })
}

/// Whether the files are those on record, as far as names and lengths tell.
fn compared(dir: PathBuf, manifest_sha256: String) -> State {
    let sealed = match SealedRecording::open(&dir) {
        Ok(sealed) => sealed,
        Err(error) => return State::Doubtful(error.to_string()),
    };
    if sealed.manifest_sha256() != manifest_sha256 {
        return State::Doubtful("its manifest is not the one on record".to_owned());
    }
    if dir.join(layout::DAMAGED).exists() {
        return State::Doubtful("a damaged journal lies beside it".to_owned());
    }
    for file in &sealed.manifest().files {
        let length = fs::symlink_metadata(dir.join(&file.name)).map(|found| found.len());
        if length.ok() != Some(file.bytes) {
            return State::Doubtful(format!("{} is not as it was sealed", file.name));
        }
    }
    State::Sealed {
        dir,
        manifest_sha256,
    }
}

/// The directory of a session's recording, where it is there.
///
/// The store names it, and whoever can write there must not choose what is removed: it ends with the session, begins with
/// its client, and no part of it leads elsewhere.
pub(super) fn directory(
    root: &Path,
    recording: &str,
    session: &Session,
) -> Result<Option<PathBuf>, String> {
    let refused = |why: &str| format!("the store names {recording:?} as its place, which {why}");
    let path = Path::new(recording);
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => return Err(refused("leads elsewhere")),
        }
    }
    let begins = parts.first().copied() == Some(session.start.client.as_str().as_ref());
    let id = session.start.id.to_string();
    let ends = parts.last().copied() == Some(id.as_ref());
    if !begins || !ends || parts.len() != 5 {
        return Err(refused("is no place of this session"));
    }
    let mut dir = root.to_owned();
    for part in parts {
        dir.push(part);
        match fs::symlink_metadata(&dir) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(refused("is no directory, or a link")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(&format!("does not read: {error}"))),
        }
    }
    Ok(Some(dir))
}

fn on_disk(state: &OnDisk) -> &'static str {
    match state {
        OnDisk::Sealed(_) => "sealed",
        OnDisk::Live(_) => "a journal that is open or not sealed yet",
        OnDisk::Damaged(_) => "damaged",
        OnDisk::Unreadable(_) => "unreadable",
    }
}
