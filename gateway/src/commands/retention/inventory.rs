//! What there is of each session, in the store and on disk, and until when it stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use ecluse_policy::documents::RetentionRules;
use ecluse_policy::retention::{Due, due};
use ecluse_policy::{ClientId, Documents, SessionId, TargetId, Timestamp};
use ecluse_recordings::{SealedRecording, State as OnDisk, list};

use crate::store::{Session, SessionQuery, Store};

/// Sessions read at once.
const PAGE: u32 = 1000;

/// Everything that is kept.
pub(super) struct Inventory {
    /// Sessions, the oldest first.
    pub(super) kept: Vec<Kept>,
    /// Directories of sessions that the store does not know, and what they are.
    pub(super) strays: Vec<(PathBuf, &'static str)>,
    /// The rules of each client that documents name.
    pub(super) rules: BTreeMap<ClientId, RetentionRules>,
    /// Where recordings are.
    pub(super) root: PathBuf,
    /// When this was looked at.
    pub(super) at: Timestamp,
}

/// What there is of one session.
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) session: SessionId,
    pub(super) client: ClientId,
    pub(super) target: TargetId,
    /// When it ended; none while it is live.
    pub(super) ended: Option<Timestamp>,
    pub(super) state: State,
    pub(super) due: Due,
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
    /// It never had one, or its files and its record are gone.
    Nothing,
    /// Its destruction is on record, and files are left: a removal was interrupted.
    Leftover { dir: PathBuf },
    /// It cannot be told whether removing it removes what is on record.
    Doubtful(String),
}

impl State {
    /// Why it is not removed though it is due.
    pub(super) fn obstacle(&self) -> Option<String> {
        match self {
            Self::Sealed { .. } | Self::Nothing | Self::Leftover { .. } => None,
            Self::Live => Some("the session goes on".to_owned()),
            Self::Doubtful(problem) => Some(format!("kept to be examined: {problem}")),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed { .. } => "sealed",
            Self::Live => "live",
            Self::Nothing => "no recording",
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
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let rules: BTreeMap<ClientId, RetentionRules> = documents
            .clients()
            .iter()
            .filter(|(id, _)| client.is_none_or(|client| client == *id))
            // A document that is not the one on record destroys nothing.
            .filter(|(id, _)| !documents.is_closed(id))
            .map(|(id, client)| (id.clone(), client.retention.clone()))
            .collect();
        let mut kept = Vec::new();
        let mut known = BTreeSet::new();
        for session in sessions(store, client).await? {
            let state = state(store, root, &session).await?;
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
                client: session.start.client,
                target: session.start.target,
                ended: session.end.map(|end| end.at),
                state,
                due,
            });
        }
        kept.reverse();
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
            root: root.to_owned(),
            at: now,
        })
    }

    /// The rules of a client that documents name.
    pub(super) fn rules_of(&self, client: &ClientId) -> Option<&RetentionRules> {
        self.rules.get(client)
    }
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

async fn state(store: &Store, root: &Path, session: &Session) -> anyhow::Result<State> {
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
    Ok(match (on_record, dir) {
        (Some(sealed), Some(dir)) if sealed.destroyed => State::Leftover { dir },
        (Some(sealed), None) if sealed.destroyed => State::Nothing,
        (Some(_), None) => State::Doubtful("its files are missing".to_owned()),
        (Some(sealed), Some(dir)) => compared(dir, sealed.manifest_sha256),
        (None, Some(dir)) => State::Doubtful(format!("it is not sealed ({})", dir.display())),
        (None, None) => {
            State::Doubtful("its files are missing, and no seal is on record".to_owned())
        }
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
    if dir.join(ecluse_recordings::layout::DAMAGED).exists() {
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
