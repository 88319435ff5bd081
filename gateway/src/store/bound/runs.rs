//! How each gateway of the store began and ended, by the log: no file beside it decides whether one ended in order, and no fact
//! of the store with which settings it began.

use std::collections::BTreeMap;

use ecluse_policy::Timestamp;
use ecluse_recordings::log::Entry;

use super::super::settings::{NODE, SETTINGS};
use super::super::{Store, StoreError};
use super::said::Said;
use crate::audit::AuditKind;

/// The last word about each, by its node; by none, those of an earlier version, which named none at an end.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs(BTreeMap<Option<String>, Last>);

#[derive(Debug, Clone, Default)]
struct Last {
    /// The last entry that it began, and when that was.
    began: Option<(u64, i64)>,
    /// The last entry that it ended, in order or not.
    ended: u64,
    /// The last entry with which settings it began, by the digest of what the store keeps of them.
    settings: Option<(u64, String)>,
}

impl Runs {
    /// Takes in an entry. In whatever order they come, what is known in the end is what their places make of it.
    pub(super) fn see(&mut self, seq: u64, entry: &Entry, sound: bool) {
        let kind = AuditKind::parse(&entry.kind).filter(|_| sound);
        let is_start = kind == Some(AuditKind::GatewayStart);
        let is_end = kind == Some(AuditKind::GatewayStop) || kind == Some(AuditKind::ServeCutShort);
        if !is_start && !is_end {
            return;
        }
        let node = entry.detail_text(NODE).map(str::to_owned);
        let last = self.0.entry(node).or_default();
        if is_end {
            last.ended = last.ended.max(seq);
            return;
        }
        if last.began.is_none_or(|(began, _)| began < seq) {
            last.began = Some((seq, entry.at_us));
        }
        if let Some(digest) = entry.detail_text(SETTINGS)
            && last.settings.as_ref().is_none_or(|(began, _)| *began < seq)
        {
            last.settings = Some((seq, digest.to_owned()));
        }
    }

    /// When a gateway began whose end is not on record, and by which entry.
    fn unended(&self, node: &str) -> Option<(u64, Timestamp)> {
        let last = self.0.get(&Some(node.to_owned()))?;
        let (seq, at) = last.began?;
        // An earlier version's end is of whichever gateway there was.
        let of_any = self.0.get(&None).map_or(0, |last| last.ended);
        (seq > last.ended.max(of_any)).then(|| (seq, Timestamp::from_micros(at)))
    }
}

impl Said {
    /// By the digest of what the store keeps of them, with which settings each gateway began last, and with which entry.
    pub(in crate::store) fn settings(&self) -> BTreeMap<Option<&str>, (u64, &str)> {
        let all = self.runs.0.iter();
        all.filter_map(|(node, last)| {
            let (seq, digest) = last.settings.as_ref()?;
            Some((node.as_deref(), (*seq, digest.as_str())))
        })
        .collect()
    }
}

impl Store {
    /// When a gateway began whose end is not on record: it was stopped out of order; and whether that is sure, since its end may be
    /// among words that are not there. Not while it serves, as a matter of course.
    ///
    /// # Errors
    /// The store failed.
    pub async fn unended_run(&self, node: &str) -> Result<Option<(Timestamp, bool)>, StoreError> {
        self.follow().await?;
        let said = self.said();
        let unended = said.runs.unended(node);
        Ok(unended.map(|(seq, at)| (at, !said.may_end_after(seq))))
    }
}
