//! Which part of a file passed, in whatever order it did.

use std::fmt;

/// Ranges that are told apart; a file with more holes is sparse, whatever fills them later.
const MOST_RANGES: usize = 64;

/// Makes the digest of what passes in order. The gateway gives one, or none where the digest is made behind the path.
pub(crate) trait Digest: Send {
    /// Takes the next bytes.
    fn update(&mut self, bytes: &[u8]);
    /// The digest of all of them: SHA-256, 32 bytes.
    fn finish(self: Box<Self>) -> [u8; 32];
}

/// Makes [`Digest`]s.
pub(crate) type MakeDigest = Box<dyn Fn() -> Box<dyn Digest> + Send>;

/// What passed of one file in one direction.
///
/// Invariant: the ranges are sorted, none is empty, and no two touch.
pub(crate) struct Coverage {
    ranges: Vec<(u64, u64)>,
    bytes: u64,
    has_lost_track: bool,
    digest: Option<Box<dyn Digest>>,
    /// Up to where the digest is of the file, from its beginning on.
    digested: u64,
}

/// How much of a file passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Nothing.
    Nothing,
    /// All of it.
    Whole,
    /// One part.
    Partial,
    /// Several parts, with holes between them.
    Sparse,
}

impl Coverage {
    /// Nothing yet.
    #[must_use]
    pub(crate) fn new(digest: Option<Box<dyn Digest>>) -> Self {
        Self {
            ranges: Vec::new(),
            bytes: 0,
            has_lost_track: false,
            digest,
            digested: 0,
        }
    }

    /// Takes a part that passed.
    pub(crate) fn add(&mut self, offset: u64, data: &[u8]) {
        self.hash(offset, data);
        self.arrived(offset, u64::try_from(data.len()).unwrap_or(u64::MAX));
    }

    /// Takes the bytes of a part that is on its way: whether it arrives, whoever gets it says ([`Self::arrived`]).
    pub(crate) fn hash(&mut self, offset: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        // A digest goes from the beginning on, each byte once.
        if self.digested == offset {
            if let Some(digest) = &mut self.digest {
                digest.update(data);
            }
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.digested = self.digested.saturating_add(length);
        } else {
            self.digest = None;
        }
    }

    /// A part has passed. **Unit**: bytes.
    pub(crate) fn arrived(&mut self, offset: u64, length: u64) {
        if length > 0 {
            self.bytes = self.bytes.saturating_add(length);
            self.cover(offset, offset.saturating_add(length));
        }
    }

    /// What passed is not known any more: it failed, or was copied on the target itself.
    pub(crate) fn lose_track(&mut self) {
        self.digest = None;
        self.has_lost_track = true;
    }

    fn cover(&mut self, start: u64, end: u64) {
        let touches = |range: &(u64, u64)| range.0 <= end && start <= range.1;
        let from = self.ranges.partition_point(|range| range.1 < start);
        let many = self
            .ranges
            .iter()
            .skip(from)
            .take_while(|range| touches(range))
            .count();
        let joined = self
            .ranges
            .drain(from..from + many)
            .fold((start, end), |all, range| {
                (all.0.min(range.0), all.1.max(range.1))
            });
        if self.ranges.len() < MOST_RANGES {
            self.ranges.insert(from, joined);
        } else {
            self.has_lost_track = true;
        }
    }

    /// Bytes that passed, those that passed twice counted twice.
    #[must_use]
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the last of it ends.
    #[must_use]
    pub(crate) fn end(&self) -> u64 {
        self.ranges.last().map_or(0, |range| range.1)
    }

    /// How much of a file of `size` bytes passed, if that is known.
    #[must_use]
    pub(crate) fn extent(&self, size: Option<u64>) -> Extent {
        match self.ranges.as_slice() {
            _ if self.has_lost_track => Extent::Sparse,
            [] if self.bytes == 0 && size == Some(0) => Extent::Whole,
            [] => Extent::Nothing,
            [(0, end)] if size.is_some_and(|size| *end >= size) => Extent::Whole,
            [_] => Extent::Partial,
            [_, _, ..] => Extent::Sparse,
        }
    }

    /// The digest of the whole file, where the whole passed in order.
    #[must_use]
    pub(crate) fn digest(self, size: Option<u64>) -> Option<[u8; 32]> {
        (self.extent(size) == Extent::Whole && self.digested == self.end())
            .then_some(self.digest)
            .flatten()
            .map(Digest::finish)
    }
}

impl fmt::Debug for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Coverage")
            .field("ranges", &self.ranges)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Keeps(Vec<u8>);

    impl Digest for Keeps {
        fn update(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
        fn finish(self: Box<Self>) -> [u8; 32] {
            let mut digest = [0; 32];
            digest[..self.0.len()].copy_from_slice(&self.0);
            digest
        }
    }

    fn covered(parts: &[(u64, &[u8])]) -> Coverage {
        let mut coverage = Coverage::new(Some(Box::new(Keeps(Vec::new()))));
        parts
            .iter()
            .for_each(|(offset, data)| coverage.add(*offset, data));
        coverage
    }

    #[test]
    fn whole_partial_and_sparse_are_told_apart() {
        assert_eq!(covered(&[]).extent(Some(0)), Extent::Whole);
        assert_eq!(covered(&[]).extent(Some(1)), Extent::Nothing);
        assert_eq!(
            covered(&[(0, b"ab"), (2, b"c")]).extent(Some(3)),
            Extent::Whole
        );
        assert_eq!(
            covered(&[(2, b"c"), (0, b"ab")]).extent(Some(3)),
            Extent::Whole
        );
        assert_eq!(covered(&[(0, b"ab")]).extent(Some(3)), Extent::Partial);
        assert_eq!(covered(&[(0, b"ab")]).extent(None), Extent::Partial);
        assert_eq!(covered(&[(1, b"bc")]).extent(Some(3)), Extent::Partial);
        assert_eq!(
            covered(&[(0, b"a"), (2, b"c")]).extent(Some(3)),
            Extent::Sparse
        );
        assert_eq!(covered(&[(u64::MAX, b"a")]).end(), u64::MAX);
    }

    #[test]
    fn a_digest_is_of_the_whole_in_order_or_there_is_none() {
        assert_eq!(
            covered(&[(0, b"ab"), (2, b"c")]).digest(Some(3)).unwrap()[..3],
            *b"abc"
        );
        assert_eq!(covered(&[(2, b"c"), (0, b"ab")]).digest(Some(3)), None);
        assert_eq!(covered(&[(0, b"ab"), (0, b"ab")]).digest(Some(2)), None);
        assert_eq!(covered(&[(0, b"ab")]).digest(Some(3)), None);
    }

    #[test]
    fn a_thousand_holes_cost_no_more_than_sixty_four() {
        let mut coverage = Coverage::new(None);
        (0..10_000).for_each(|hole| coverage.add(hole * 2, b"x"));
        assert!(coverage.ranges.len() <= MOST_RANGES);
        assert_eq!(coverage.extent(Some(1)), Extent::Sparse);
        assert_eq!(coverage.bytes(), 10_000);
    }

    proptest! {
        #[test]
        fn ranges_are_those_of_a_map_of_bytes(parts in proptest::collection::vec((0u64..200, 1usize..40), 0..40)) {
            let mut coverage = Coverage::new(None);
            let mut map = [false; 256];
            for (offset, length) in parts {
                coverage.add(offset, &vec![0; length]);
                map[usize::try_from(offset).unwrap()..][..length].fill(true);
            }
            let mut read = [false; 256];
            for (start, end) in &coverage.ranges {
                read[usize::try_from(*start).unwrap()..usize::try_from(*end).unwrap()].fill(true);
            }
            prop_assert_eq!(read, map);
            prop_assert!(coverage.ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
