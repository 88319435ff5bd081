//! A recording is opened as the session that it says it is, and for the client that it says it is of.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{ClientId, PersonId, SessionId};
use ecluse_recordings::search::{self, Line, Questions};
use ecluse_recordings::{
    JournalFrames, OpenRecording, Playback, ReadError, SESSION, SealedRecording, SessionFacts,
    layout,
};

use crate::evidence::EvidenceKeys;
use crate::gateway::Gateway;
use crate::readers::Reading;
use crate::store::Session;
use crate::texts::Unreadable;

/// Bytes of lines read in one go.
const READ: usize = 64 * 1024;

/// Where a session's recording is, where it has one.
pub(super) fn directory(house: &Gateway, session: &Session) -> Option<PathBuf> {
    let path = session.start.recording.as_ref()?;
    Some(house.settings.recordings.directory.join(path))
}

/// Reads a session's sealed recording, once its signature holds, for somebody.
pub(crate) fn read<T: Send + 'static>(
    house: &Gateway,
    reader: &PersonId,
    session: &Session,
    work: impl FnOnce(OpenRecording) -> Result<T, Unreadable> + Send + 'static,
) -> Reading<Result<T, Unreadable>> {
    let keys = Arc::clone(house.keeper.keys());
    let dir = directory(house, session);
    let (id, client) = (session.start.id, session.start.client.clone());
    // Comparing digests takes as long as the recording is large.
    house.readers.read(reader, move || {
        let dir = dir.ok_or(Unreadable::None)?;
        work(open(&dir, id, &client, &keys)?)
    })
}

/// A sealed recording, once its signature holds.
fn open(
    dir: &Path,
    session: SessionId,
    client: &ClientId,
    keys: &EvidenceKeys,
) -> Result<OpenRecording, Unreadable> {
    let sealed = SealedRecording::open(dir)?;
    belongs(&sealed.manifest().facts, session, client)?;
    sealed
        .verify_signature(&keys.allowed_signers())
        .map_err(|error| {
            tracing::warn!(directory = %dir.display(), %error, "a recording is not shown");
            Unreadable::NotSigned
        })?;
    Ok(sealed.unlock(keys.identities())?)
}

/// What is recorded so far of a channel that is in passage, or whose recording is being sealed; none where it does not open.
pub(super) fn live(
    journal: &Path,
    session: SessionId,
    client: &ClientId,
    keys: &EvidenceKeys,
    channel: u32,
) -> Result<Option<Playback>, Unreadable> {
    let Ok(frames) = JournalFrames::open(journal) else {
        return Ok(None);
    };
    belongs(&frames.header().facts, session, client)?;
    let key = keys.unwrap(&frames.header().wrapped);
    Ok(key.and_then(|key| Playback::live(journal, &key, channel).ok()))
}

/// Whether a recording is the one that the table of sessions says it is. Whose it is, the recording says, and no table (O4).
fn belongs(facts: &SessionFacts, session: SessionId, client: &ClientId) -> Result<(), Unreadable> {
    if facts.session != session.as_uuid() {
        return Err(Unreadable::OtherSession {
            found: facts.session.to_string(),
        });
    }
    if facts.client != client.as_str() {
        return Err(Unreadable::OtherClient);
    }
    Ok(())
}

/// Hands over the lines of a recording in which `question` is found, until `each` says `false`.
pub(crate) fn find_lines(
    recording: &OpenRecording,
    questions: &Questions,
    each: impl FnMut(Line) -> bool,
) -> Result<(), Unreadable> {
    let text = recording.open(layout::TEXT)?;
    let mut text = BufReader::with_capacity(READ, text);
    search::find(&mut text, questions, each).map_err(|source| {
        let path = recording.dir().join(layout::TEXT);
        Unreadable::of(&ReadError::Io { path, source })
    })
}

/// Where a replay of the line's channel has to go to show it; none for what concerns no channel.
pub(crate) fn offset(recording: &OpenRecording, line: &Line) -> Option<Duration> {
    let channels = &recording.record().channels;
    let channel = channels
        .iter()
        .find(|channel| channel.number == line.channel && line.channel != SESSION)?;
    Some(Duration::from_micros(
        line.at_us.saturating_sub(channel.opened_us),
    ))
}
