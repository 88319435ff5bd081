//! Which lines a search means: of which kinds, and of what passed, which way and how much of it.

use std::collections::BTreeSet;

use ecluse_policy::ByteCount;
use ecluse_recordings::search::{Gram, Line, LineKind, Questions};
use ecluse_recordings::{ChannelKind, Direction, OpenRecording};

use super::Search;
use crate::deeds::Wants;
use crate::deeds::typed::{Kind, Size, Way};
use crate::receipts;

/// The kinds of lines that tell of bytes that passed.
const CARRIED: [LineKind; 2] = [LineKind::File, LineKind::Forward];

/// The lines that are meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    kind: Option<Kind>,
    towards: Option<Direction>,
    larger: Option<ByteCount>,
}

impl Lines {
    /// Those that somebody asks for, or what is wrong with that.
    pub(super) fn of(ask: &Search) -> Result<Self, Wants> {
        let lines = Self {
            kind: ask.lines,
            towards: ask.way.map(|Way(way)| match way {
                receipts::Way::Out => Direction::ToTechnician,
                receipts::Way::In => Direction::ToTarget,
            }),
            larger: ask.larger.map(|Size(size)| size),
        };
        let carried = |kind| matches!(kind, Kind::Of(kind) if CARRIED.contains(&kind));
        if lines.is_carried() && lines.kind.is_some_and(|kind| !carried(kind)) {
            return Err(Wants::Carried);
        }
        let narrowed = ask.lines.is_some() || ask.all;
        if ask.words.is_empty() && narrowed && !lines.are_listed() {
            return Err(Wants::Words);
        }
        Ok(lines)
    }

    /// Only what tells of bytes is meant.
    fn is_carried(self) -> bool {
        self.towards.is_some() || self.larger.is_some()
    }

    /// Whether without words there is a list of these lines: what nobody can guess a word of, and what passed.
    pub(super) fn are_listed(self) -> bool {
        let listed = matches!(
            self.kind,
            Some(Kind::Hidden | Kind::Of(LineKind::Refusal | LineKind::File | LineKind::Forward))
        );
        listed || self.is_carried()
    }

    /// Those that were typed and not echoed.
    pub(super) fn are_hidden(self) -> bool {
        self.kind == Some(Kind::Hidden)
    }

    /// Whether lines of this kind are looked at.
    pub(super) fn look_at(self, kind: LineKind) -> bool {
        match self.kind {
            Some(chosen) => chosen == Kind::Of(kind),
            None => !self.is_carried() || CARRIED.contains(&kind),
        }
    }

    /// What a recording's filter must hold: all of one of these.
    pub(super) fn grams(self, question: &Questions) -> Vec<Vec<Gram>> {
        let kinds: &[LineKind] = match self.kind {
            // No filter knows what was not echoed.
            Some(Kind::Hidden) => return vec![Vec::new()],
            Some(Kind::Of(ref kind)) => std::slice::from_ref(kind),
            None if self.is_carried() => &CARRIED,
            None => return question.grams(),
        };
        let asked = question.grams();
        let with = |kind: &LineKind| {
            let of = Gram::of(*kind);
            asked
                .iter()
                .map(move |grams| grams.iter().copied().chain([of]).collect())
        };
        kinds.iter().flat_map(with).collect()
    }

    /// Whether it is meant.
    pub(super) fn mean(self, line: &Line) -> bool {
        if !self.look_at(line.kind) {
            return false;
        }
        let ways = [Direction::ToTarget, Direction::ToTechnician];
        let mut passed = ways
            .into_iter()
            .filter(|way| self.towards.is_none_or(|towards| towards == *way))
            .filter_map(|way| line.passed(way));
        !self.is_carried()
            || passed.any(|bytes| self.larger.is_none_or(|larger| bytes > larger.as_u64()))
    }
}

/// The channels of a recording that are forwards: where one goes once stood in a line as a command does.
pub(super) fn forwards(recording: &OpenRecording) -> BTreeSet<u32> {
    let channels = recording.record().channels.iter();
    channels
        .filter(|channel| channel.kind() == ChannelKind::Forward)
        .map(|channel| channel.number)
        .collect()
}

/// A line as it is called.
pub(super) fn called(mut line: Line, forwards: &BTreeSet<u32>) -> Line {
    if line.kind == LineKind::Command && forwards.contains(&line.channel) {
        line.kind = LineKind::Forward;
    }
    line
}
