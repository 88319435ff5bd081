//! What the tests share: facts, channels, and streams read back from the final files.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use ecluse_recordings::{
    Bytes, ChannelKind, ChannelOpened, ChannelRecord, FinishedRecording, SessionFacts, Stream,
    rebuild,
};
use std::path::Path;
use uuid::Uuid;

pub fn facts() -> SessionFacts {
    facts_of(Uuid::from_u128(0x0193_5a7e_0000_7000_8000_0000_0000_0001))
}

pub fn facts_of(session: Uuid) -> SessionFacts {
    SessionFacts {
        session,
        client: "hopital".into(),
        person: "alice".into(),
        provider: Some("maintech".into()),
        station: Some("maintech-st1".into()),
        source: "127.0.0.1:53122".into(),
        terminal: "ssh 127.0.0.1:53122".into(),
        target: "db01".into(),
        accounts: vec!["postgres".into()],
        intervention: Some(Uuid::from_u128(17)),
        started: 1_795_428_000_000_000,
        documents_version: 3,
        reason: "vérifier la réplication".into(),
    }
}

pub fn shell(cols: u32, rows: u32) -> ChannelOpened {
    ChannelOpened {
        kind: ChannelKind::Shell,
        command: None,
        account: Some("postgres".into()),
        pty: Some(ecluse_recordings::Pty {
            term: "xterm-256color".into(),
            cols,
            rows,
        }),
        env: vec![(Bytes::from("LANG"), Bytes::from("fr_FR.UTF-8"))],
    }
}

pub fn exec(command: &str) -> ChannelOpened {
    ChannelOpened {
        kind: ChannelKind::Exec,
        command: Some(command.into()),
        account: None,
        pty: None,
        env: vec![],
    }
}

/// A stream as the files give it back, unmasked.
pub fn stream(recording: &FinishedRecording, channel: &ChannelRecord, stream: Stream) -> Vec<u8> {
    stream_of(recording.dir(), channel, stream, true)
}

pub fn stream_of(dir: &Path, channel: &ChannelRecord, stream: Stream, unmask: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    rebuild(dir, channel, unmask, |piece| {
        if piece.stream == stream {
            bytes.extend_from_slice(piece.bytes);
        }
        Ok(())
    })
    .unwrap();
    bytes
}

/// A directory in memory where there is one: these tests sync thousands of small files.
pub fn fast_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}
