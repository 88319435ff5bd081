//! What passed on each channel of a session, as it is counted and as entries of the log tell it (X1).
//!
//! The largest are told one by one, with their command; of what an automation opens by the hundred, the small ones that have
//! ended are told together. The sum is exact either way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecluse_recordings::ChannelKind;
use ecluse_recordings::evidence::manifest::Manifest;
use serde::{Deserialize, Serialize};

use crate::audit::AuditRecord;

/// The detail of an entry that has it.
const CHANNELS: &str = "channels";
/// Channels that are told one by one.
const MOST: usize = 20;
/// What of a command is told, in characters: the whole stands in the entry of its permit.
const LONGEST: usize = 100;

/// What passed on one channel, or on several together. **Unit**: payload bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfChannel {
    /// Its number in the session; none of several together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<u32>,
    /// Whether it was a shell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) shell: bool,
    /// Its command, escaped for display and cut; none of a shell, and where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    /// To the technician.
    #[serde(default)]
    pub(crate) out: u64,
    /// To the target.
    #[serde(default, rename = "in")]
    pub(crate) into: u64,
}

/// Counts what is sent on one channel: to the technician, and to the target.
pub(super) type Sent = [AtomicU64; 2];

/// The channels of a session.
#[derive(Debug, Default)]
pub(super) struct ByChannel(Mutex<Channels>);

#[derive(Debug, Default)]
struct Channels {
    /// One by one, by their number.
    each: BTreeMap<u32, Counted>,
    /// What of those that are told together passed on commands, and on shells.
    together: [[u64; 2]; 2],
}

#[derive(Debug)]
struct Counted {
    is_shell: bool,
    command: Option<String>,
    sent: Arc<Sent>,
    ended: bool,
}

impl Counted {
    fn bytes(&self) -> [u64; 2] {
        self.sent.each_ref().map(|one| one.load(Relaxed))
    }
}

impl ByChannel {
    /// A channel on which nothing has passed: a shell, or this command.
    pub(super) fn open(&self, channel: u32, command: Option<&str>) -> Arc<Sent> {
        let sent: Arc<Sent> = Arc::default();
        let counted = Counted {
            is_shell: command.is_none(),
            command: command.map(|command| command.chars().take(LONGEST).collect()),
            sent: Arc::clone(&sent),
            ended: false,
        };
        self.lock().each.insert(channel, counted);
        sent
    }

    /// Nothing more passes on a channel.
    pub(super) fn ended(&self, channel: u32) {
        let mut channels = self.lock();
        let Channels { each, together } = &mut *channels;
        if let Some(counted) = each.get_mut(&channel) {
            counted.ended = true;
        }
        while each.len() > MOST {
            let over = each.iter().filter(|(_, one)| one.ended);
            let smallest = over.min_by_key(|(_, one)| one.bytes().iter().sum::<u64>());
            let Some(number) = smallest.map(|(number, _)| *number) else {
                return;
            };
            if let Some(counted) = each.remove(&number) {
                let [commands, shells] = together;
                let sum = if counted.is_shell { shells } else { commands };
                for (sum, bytes) in sum.iter_mut().zip(counted.bytes()) {
                    *sum += bytes;
                }
            }
        }
    }

    /// What passed so far, the channels in their order; what is told together comes last.
    pub(super) fn told(&self) -> Vec<OfChannel> {
        let channels = self.lock();
        let each = channels.each.iter().map(|(number, counted)| {
            let [out, into] = counted.bytes();
            OfChannel {
                channel: Some(*number),
                shell: counted.is_shell,
                command: counted.command.clone(),
                out,
                into,
            }
        });
        let together = channels.together.iter().zip([false, true]);
        let together =
            together
                .filter(|(bytes, _)| **bytes != [0, 0])
                .map(|([out, into], shell)| OfChannel {
                    shell,
                    out: *out,
                    into: *into,
                    ..OfChannel::default()
                });
        each.chain(together).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Channels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a recording holds of each channel, which is at least what passed; as [`ByChannel`] tells it. Nothing where the gateway
/// could not read it.
pub(crate) fn recorded(manifest: &Manifest) -> Vec<OfChannel> {
    let all = ByChannel::default();
    for channel in &manifest.channels {
        let is_shell = channel.kind == ChannelKind::Shell;
        let sent = all.open(channel.number, (!is_shell).then_some(""));
        let bytes = &channel.recorded;
        let [out, into] = &*sent;
        out.store(bytes.output.saturating_add(bytes.error_output), Relaxed);
        into.store(bytes.input, Relaxed);
        all.ended(channel.number);
    }
    let mut told = all.told();
    // What was asked for stands in the recording.
    for channel in &mut told {
        channel.command = None;
    }
    told
}

/// A record with what passed on each channel.
pub(crate) fn with_channels(record: AuditRecord, channels: &[OfChannel]) -> AuditRecord {
    // Numbers and texts: there is nothing that JSON cannot hold.
    match serde_json::to_value(channels) {
        Ok(told) if !channels.is_empty() => record.detail(CHANNELS, told),
        Ok(_) | Err(_) => record,
    }
}

/// What a record has of each channel; none where it tells nothing.
pub(crate) fn channels_of(record: &AuditRecord) -> Option<Vec<OfChannel>> {
    let told = record.detail.get(CHANNELS)?;
    serde_json::from_value(told.clone()).ok()
}

#[cfg(test)]
mod tests {
    use ecluse_policy::Timestamp;

    use super::*;
    use crate::audit::AuditKind;

    /// X1: of many channels the largest and those that are open are told one by one, and the sum stays exact, through an entry too.
    #[test]
    fn x1_many_channels_are_told_with_an_exact_sum() {
        let all = ByChannel::default();
        let open = all.open(1, None);
        let [_, typed] = &*open;
        typed.store(3, Relaxed);
        for number in 2..200_u32 {
            let sent = all.open(number, Some(&format!("command {number}")));
            let [out, _] = &*sent;
            out.store(u64::from(number), Relaxed);
            all.ended(number);
        }
        let record = AuditRecord::new(AuditKind::SessionEnd, Timestamp::from_micros(0));
        let told = channels_of(&with_channels(record, &all.told())).unwrap();
        assert_eq!(told, all.told());
        let sum: u64 = told.iter().map(|one| one.out).sum();
        assert_eq!(sum, (2..200).sum::<u64>());
        let numbers: Vec<Option<u32>> = told.iter().map(|one| one.channel).collect();
        let mut expected: Vec<Option<u32>> = std::iter::once(1).chain(181..200).map(Some).collect();
        expected.push(None);
        assert_eq!(numbers, expected);
        assert_eq!(
            told.first().map(|one| (one.shell, one.into)),
            Some((true, 3))
        );
    }
}
