//! Room for recordings: told to operators while there is still some, and no new session where there is too little (R2).
//!
//! Looked at every few seconds and before each session begins. Sessions that run are not touched: they freeze and end
//! when a byte can no longer be recorded. What closing a recording needs is kept aside in a [`Reserve`].

mod reserve;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ecluse_policy::Timestamp;
use tokio::sync::watch;

pub(crate) use self::reserve::Reserve;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::settings::SpaceBounds;
use crate::store::Store;

/// How often the room is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Enough.
    Enough,
    /// Little: operators are told.
    Low,
    /// Too little: no new session.
    Full,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::Low => "low",
            Self::Full => "full",
        }
    }
}

/// The room at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Whether it is enough.
    pub(crate) level: Level,
    /// Since when the level is this.
    pub(crate) since: Timestamp,
    /// Bytes left.
    pub(crate) free: u64,
}

/// Watches the file system that recordings are written to.
#[derive(Debug)]
pub(crate) struct Space {
    directory: PathBuf,
    bounds: SpaceBounds,
    reserve: Reserve,
    room: watch::Sender<Room>,
}

impl Space {
    /// A watch over `directory`; looks for the first time.
    pub(crate) fn over(directory: &Path, bounds: SpaceBounds) -> Self {
        let room = Room {
            level: Level::Enough,
            since: clock::now(),
            free: u64::MAX,
        };
        let space = Self {
            directory: directory.to_owned(),
            bounds,
            reserve: Reserve::in_directory(directory, bounds.reserve),
            room: watch::Sender::new(room),
        };
        space.look();
        space
    }

    /// What closing a recording may use on a full disk.
    pub(crate) fn reserve(&self) -> Reserve {
        self.reserve.clone()
    }

    /// The room as it is now.
    pub(crate) fn look(&self) -> Room {
        match free(&self.directory) {
            Ok(free) => self.found(free),
            // Whoever wants to record there hears of it at once and in better words; the level stays.
            Err(error) => {
                tracing::warn!(directory = %self.directory.display(), %error, "the room for recordings is unknown");
            }
        }
        self.last()
    }

    /// The room as it was found last.
    pub(crate) fn last(&self) -> Room {
        *self.room.borrow()
    }

    /// What the level is measured by.
    pub(crate) fn bounds(&self) -> SpaceBounds {
        self.bounds
    }

    fn found(&self, free: u64) {
        self.room.send_if_modified(|room| {
            let level = level(&self.bounds, free, room.level);
            let changed = level != room.level;
            if changed {
                room.since = clock::now();
            }
            (room.level, room.free) = (level, free);
            changed
        });
    }

    /// Looks every few seconds, puts each crossing on record, and sets the reserve aside again, until it is dropped.
    pub(crate) async fn run(&self, store: Store) {
        let mut room = self.room.subscribe();
        let mut on_record = Level::Enough;
        let mut reserved = true;
        loop {
            let now = self.look();
            if now.level < Level::Full {
                self.keep_reserve(&mut reserved).await;
            }
            if now.level != on_record {
                tell(now, &self.bounds);
                match store.record(&[record(now, &self.bounds)]).await {
                    Ok(()) => on_record = now.level,
                    Err(error) => tracing::error!(%error, "low space could not be put on record"),
                }
            }
            // The sender is `self`: it cannot be gone. A failed record is tried again at the next look.
            let _ = tokio::time::timeout(LOOK_EVERY, room.changed()).await;
        }
    }
}

impl Space {
    /// Sets the reserve aside where it is missing; told when that changes only.
    async fn keep_reserve(&self, reserved: &mut bool) {
        let reserve = self.reserve.clone();
        // Allocating may take a while.
        let Ok(kept) = tokio::task::spawn_blocking(move || reserve.restore()).await else {
            return;
        };
        let stands = *kept.as_ref().unwrap_or(&false);
        if stands != std::mem::replace(reserved, stands) {
            match kept {
                Ok(true) => tracing::info!("the reserve for closing recordings is set aside again"),
                Ok(false) => {
                    tracing::warn!("too little room for the reserve that closing recordings needs")
                }
                Err(error) => {
                    tracing::warn!(%error, "the reserve for closing recordings cannot be set aside")
                }
            }
        }
    }
}

/// The level at so many bytes. A better level needs an eighth more than its bound, so that a disk at the bound does not
/// fill the audit trail.
fn level(bounds: &SpaceBounds, free: u64, before: Level) -> Level {
    let below = |bound: u64, level: Level| {
        let left_at = bound.saturating_add(bound / 8);
        free < bound || (before >= level && free < left_at)
    };
    if below(bounds.refuse_below, Level::Full) {
        Level::Full
    } else if below(bounds.warn_below, Level::Low) {
        Level::Low
    } else {
        Level::Enough
    }
}

fn record(room: Room, bounds: &SpaceBounds) -> AuditRecord {
    AuditRecord::new(AuditKind::LowSpace, clock::now())
        .reason(room.level.name())
        .detail("free", room.free)
        .detail("warn-below", bounds.warn_below)
        .detail("refuse-below", bounds.refuse_below)
}

fn tell(room: Room, bounds: &SpaceBounds) {
    let (free, refuse_below) = (room.free, bounds.refuse_below);
    match room.level {
        Level::Enough => tracing::info!(free, "there is room for recordings again"),
        Level::Low => tracing::warn!(
            free,
            refuse_below,
            "little room is left for recordings: make some before sessions are refused"
        ),
        Level::Full => tracing::error!(
            free,
            refuse_below,
            "no session begins: there is too little room for its recording"
        ),
    }
}

/// Bytes that an ordinary user may still write to the file system of `directory`.
fn free(directory: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes as mebibytes, for people.
pub(crate) fn mebibytes(bytes: u64) -> String {
    (bytes >> 20).to_string()
}
