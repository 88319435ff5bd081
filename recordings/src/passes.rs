//! How many times a journal is read to write its files: so often that what is open at once fits into memory.
//!
//! Every file that is being written has a compressor and a cipher of its own. A session may have hundreds of channels
//! open at once, each with several files, and whoever opened them must not decide how much memory sealing takes.

use crate::survey::ChannelSurvey;
use crate::{Event, Stream, artefact};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Memory for the files of all channels that are open at once. **Unit**: bytes.
pub(crate) const MEMORY: u64 = 48 * 1024 * 1024;

/// Which channels one reading of the journal writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// `None` for all of them.
    channels: Option<BTreeSet<u32>>,
    /// Also what belongs to no channel, and the lines to search: in the first only.
    pub(crate) is_first: bool,
    /// Channels that another pass writes, while they are open.
    elsewhere: BTreeSet<u32>,
}

impl Pass {
    /// The only one.
    pub(crate) fn of_everything() -> Self {
        Pass {
            channels: None,
            is_first: true,
            elsewhere: BTreeSet::new(),
        }
    }

    /// Whether an event belongs to a channel that another pass writes. To be asked about every event, in order.
    pub(crate) fn leaves(&mut self, number: u32, event: &Event<'_>) -> bool {
        if self
            .channels
            .as_ref()
            .is_none_or(|channels| channels.contains(&number))
        {
            return false;
        }
        match event {
            Event::ChannelOpened(_)
            | Event::Output(_)
            | Event::ErrorOutput(_)
            | Event::Input(_) => {
                self.elsewhere.insert(number);
                true
            }
            Event::ChannelClosed(_) => self.elsewhere.remove(&number),
            Event::Resize { .. }
            | Event::Marker(_)
            | Event::Eof(_)
            | Event::ExitStatus(_)
            | Event::ExitSignal(_)
            | Event::Note(_)
            | Event::Refusal(_)
            | Event::File(_) => self.elsewhere.contains(&number),
            Event::SessionEnd(_) | Event::Clock(_) => false,
        }
    }
}

/// Shares the channels out among as few passes as `memory` allows; never none. A channel that alone takes more has a
/// pass of its own.
pub(crate) fn plan(channels: &BTreeMap<u32, ChannelSurvey>, memory: u64) -> Vec<Pass> {
    let mut in_order: Vec<(u32, &ChannelSurvey)> = channels
        .iter()
        .map(|(number, channel)| (*number, channel))
        .collect();
    in_order.sort_by_key(|(_, channel)| channel.frames.0);
    let mut rooms: Vec<Room> = vec![Room::default()];
    for (number, channel) in in_order {
        let cost = cost(channel);
        let (first, last) = channel.frames;
        let room = rooms
            .iter_mut()
            .find_map(|room| room.has(cost, first, memory).then_some(room));
        match room {
            Some(room) => room.take(number, cost, last),
            None => {
                let mut room = Room::default();
                room.take(number, cost, last);
                rooms.push(room);
            }
        }
    }
    if rooms.len() == 1 {
        return vec![Pass::of_everything()];
    }
    let passes = rooms.into_iter().enumerate().map(|(at, room)| Pass {
        channels: Some(room.channels),
        is_first: at == 0,
        elsewhere: BTreeSet::new(),
    });
    passes.collect()
}

/// What one pass has open, while channels are handed out in the order of their opening.
#[derive(Default)]
struct Room {
    channels: BTreeSet<u32>,
    /// Last frame and cost of those open, the first to close on top.
    open: BinaryHeap<Reverse<(u64, u64)>>,
    used: u64,
}

impl Room {
    fn has(&mut self, cost: u64, from: u64, memory: u64) -> bool {
        while let Some(Reverse((last, freed))) = self.open.peek().copied() {
            if last >= from {
                break;
            }
            self.open.pop();
            self.used = self.used.saturating_sub(freed);
        }
        self.open.is_empty() || self.used.saturating_add(cost) <= memory
    }

    fn take(&mut self, number: u32, cost: u64, last: u64) {
        self.channels.insert(number);
        self.open.push(Reverse((last, cost)));
        self.used = self.used.saturating_add(cost);
    }
}

/// Memory for all the files of a channel.
fn cost(channel: &ChannelSurvey) -> u64 {
    let raw = Stream::ALL
        .into_iter()
        .filter(|stream| *channel.needs_raw.of(*stream))
        .map(|stream| artefact::memory(*channel.bytes.of(stream)));
    let unechoed = (!channel.masks.is_empty()).then(|| artefact::memory(channel.about_unechoed()));
    let cast = artefact::memory(channel.about_cast());
    raw.chain(unechoed)
        .fold(cast, |total, one| total.saturating_add(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(frames: (u64, u64), bytes: u64) -> ChannelSurvey {
        ChannelSurvey {
            frames,
            shown: (bytes, 1),
            ..ChannelSurvey::default()
        }
    }

    fn of(spans: &[(u64, u64)], bytes: u64) -> BTreeMap<u32, ChannelSurvey> {
        let channels = spans.iter().map(|frames| channel(*frames, bytes));
        (1..).zip(channels).collect()
    }

    /// What is open at once in a pass, at its worst.
    fn worst(pass: &Pass, channels: &BTreeMap<u32, ChannelSurvey>) -> u64 {
        let mine = |number: &u32| {
            pass.channels
                .as_ref()
                .is_none_or(|own| own.contains(number))
        };
        let spans: Vec<_> = channels.iter().filter(|(number, _)| mine(number)).collect();
        let open_at = |frame: u64| {
            let open = spans
                .iter()
                .filter(|(_, channel)| channel.frames.0 <= frame && frame <= channel.frames.1);
            open.map(|(_, channel)| cost(channel)).sum::<u64>()
        };
        let worst = spans.iter().map(|(_, channel)| open_at(channel.frames.0));
        worst.max().unwrap_or(0)
    }

    #[test]
    fn channels_one_after_the_other_need_one_pass_however_many() {
        let spans: Vec<(u64, u64)> = (0..5000).map(|n| (n * 10, n * 10 + 9)).collect();
        assert_eq!(plan(&of(&spans, 1 << 30), 8 << 20), [Pass::of_everything()]);
        assert_eq!(plan(&BTreeMap::new(), 8 << 20), [Pass::of_everything()]);
    }

    #[test]
    fn what_is_open_at_once_fits_into_memory_and_every_channel_has_one_pass() {
        let spans: Vec<(u64, u64)> = (0..300).map(|n| (n, 100 + n * 7 % 300)).collect();
        let channels = of(&spans, 1 << 30);
        let memory = 20 << 20;
        let passes = plan(&channels, memory);
        assert!(passes.len() > 10, "{}", passes.len());
        for pass in &passes {
            assert!(worst(pass, &channels) <= memory);
        }
        let mut seen = BTreeSet::new();
        for pass in &passes {
            for number in pass.channels.as_ref().unwrap() {
                assert!(seen.insert(*number), "channel {number} twice");
            }
        }
        assert_eq!(seen.len(), 300);
        assert_eq!(passes.iter().filter(|pass| pass.is_first).count(), 1);
    }

    #[test]
    fn small_channels_share_a_pass() {
        let spans = vec![(0, 1000); 300];
        assert_eq!(plan(&of(&spans, 2000), MEMORY), [Pass::of_everything()]);
    }

    #[test]
    fn a_channel_too_large_has_a_pass_of_its_own() {
        let passes = plan(&of(&[(0, 9), (1, 9), (2, 9)], 1 << 30), 1);
        assert_eq!(passes.len(), 3);
    }
}
