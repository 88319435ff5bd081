//! What one channel rests on: the permit of its own rule. A lost rule ends its channels and no others (invariant 6).

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ecluse_policy::{Accompanied, Bounds, EndReason, FileGrants, Permit, Span};
use tokio::sync::watch;

use crate::extraction::budgeted::Budgeted;
use crate::extraction::toll::Toll;

/// How the last channel of a session ended, as far as a right did it: a session that nothing rests on any more was not left
/// by its technician.
#[derive(Clone, Default)]
pub(super) struct LastEnd(Arc<Mutex<Option<EndReason>>>);

impl LastEnd {
    /// The right that its last channel lost; none where that channel ended otherwise.
    pub(super) fn reason(&self) -> Option<EndReason> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    fn is(&self, reason: Option<EndReason>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

/// The permit of a channel, watched over by its session for as long as the channel holds it.
pub(crate) struct Right {
    permit: Permit,
    lost: watch::Sender<Option<EndReason>>,
    /// After how long without anybody the channel ends.
    idle: watch::Sender<Option<Span>>,
    /// The lines of a channel of files that stand.
    files: watch::Sender<Option<FileGrants>>,
    /// How it is to be accompanied.
    accompanied: Mutex<Option<Accompanied>>,
    /// What the channel pays by, once it does.
    toll: Mutex<Weak<Toll>>,
    last: LastEnd,
}

impl Right {
    /// It stands.
    pub(super) fn new(permit: Permit, last: LastEnd) -> Self {
        Self {
            idle: watch::Sender::new(permit.terms().idle()),
            accompanied: Mutex::new(permit.terms().accompanied()),
            files: watch::Sender::new(permit.terms().files().cloned()),
            permit,
            last,
            lost: watch::Sender::new(None),
            toll: Mutex::default(),
        }
    }

    /// The channel pays by `toll`.
    pub(super) fn pays_by(&self, toll: &Arc<Toll>) {
        *self.toll.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(toll);
    }

    /// What the channel pays by, where it does.
    pub(super) fn toll(&self) -> Option<Arc<Toll>> {
        let toll = self.toll.lock().unwrap_or_else(PoisonError::into_inner);
        toll.upgrade()
    }

    /// After how long without anybody the channel ends, as that changes.
    pub(super) fn idle(&self) -> watch::Receiver<Option<Span>> {
        self.idle.subscribe()
    }

    /// The lines of a channel of files that stand, as they change.
    pub(super) fn files(&self) -> watch::Receiver<Option<FileGrants>> {
        self.files.subscribe()
    }

    /// How what it permits is to be accompanied (I4).
    pub(super) fn accompanied(&self) -> Option<Accompanied> {
        let accompanied = self.accompanied.lock();
        *accompanied.unwrap_or_else(PoisonError::into_inner)
    }

    /// It stands, within these bounds: what passes from here on is paid by its budgets.
    pub(super) fn stands_with(&self, bounds: Bounds) {
        let Bounds {
            budgets,
            idle,
            accompanied,
            files,
        } = bounds;
        self.files.send_if_modified(|known| {
            let is_new = *known != files;
            *known = files;
            is_new
        });
        let known = self.accompanied.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = accompanied;
        self.idle.send_if_modified(|known| {
            let is_new = *known != idle;
            *known = idle;
            is_new
        });
        let Some(toll) = self.toll() else { return };
        let before = toll.budgeted();
        if before.budgets != budgets {
            let counted = before.counted.clone();
            toll.renew(Arc::new(Budgeted { budgets, counted }));
        }
    }

    /// What is asked of policy again.
    pub(super) const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// It does not stand any more; the first reason is the one that is told.
    pub(super) fn lose(&self, reason: EndReason) {
        self.lost.send_if_modified(|lost| {
            let first = lost.is_none();
            if first {
                self.last.is(Some(reason.clone()));
                *lost = Some(reason);
            }
            first
        });
    }

    /// Waits until it is lost.
    pub(crate) async fn until_lost(&self) -> EndReason {
        let mut lost = self.lost.subscribe();
        loop {
            if let Some(reason) = lost.borrow_and_update().clone() {
                return reason;
            }
            if lost.changed().await.is_err() {
                // Cannot be: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if self.lost.borrow().is_none() {
            self.last.is(None);
        }
    }
}
