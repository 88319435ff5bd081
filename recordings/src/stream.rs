//! The three byte streams of a channel, and telling text from binary.

use serde::{Deserialize, Serialize};

/// One stream of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output, or all output where there is a terminal.
    Output,
    /// Standard error.
    ErrorOutput,
    /// What the technician sent.
    Input,
}

impl Stream {
    /// All of them.
    pub const ALL: [Stream; 3] = [Stream::Output, Stream::ErrorOutput, Stream::Input];

    /// The word used in file names and markers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Stream::Output => "output",
            Stream::ErrorOutput => "error-output",
            Stream::Input => "input",
        }
    }
}

/// One value for each stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerStream<T> {
    output: T,
    error_output: T,
    input: T,
}

impl<T> PerStream<T> {
    pub(crate) fn of(&self, stream: Stream) -> &T {
        match stream {
            Stream::Output => &self.output,
            Stream::ErrorOutput => &self.error_output,
            Stream::Input => &self.input,
        }
    }

    pub(crate) fn of_mut(&mut self, stream: Stream) -> &mut T {
        match stream {
            Stream::Output => &mut self.output,
            Stream::ErrorOutput => &mut self.error_output,
            Stream::Input => &mut self.input,
        }
    }
}

/// Smallest frame that is judged alone.
const ALONE: usize = 64;
/// So many control bytes in a stream, and its small frames are judged too.
const ENOUGH: u64 = 64 * 1024;
/// What is looked at, three times a frame, to find bytes that are not UTF-8: looking costs most where there are many.
const SAMPLE: usize = 256;

/// Decides frame by frame whether a stream shows text or carries binary, so that a gigabyte of zeros
/// becomes a marker in the cast and not six gigabytes of `\u0000`. Depends on the frames alone, so
/// that both passes over a journal agree.
#[derive(Clone, Debug, Default)]
pub(crate) struct BinaryGauge {
    bad: u64,
}

impl BinaryGauge {
    pub(crate) fn is_binary(&mut self, frame: &[u8]) -> bool {
        let controls = count_controls(frame);
        let bad = controls.max(estimate_invalid(frame));
        let mostly_bad = bad.saturating_mul(4) > frame.len();
        self.bad = self.bad.saturating_add(controls as u64);
        mostly_bad && (frame.len() >= ALONE || self.bad > ENOUGH)
    }
}

/// Control bytes that terminals rarely get: JSON needs six characters for each.
fn count_controls(bytes: &[u8]) -> usize {
    // In blocks that fit a byte counter, which the compiler turns into vector instructions.
    bytes
        .chunks(255)
        .map(|block| {
            let count: u8 = block.iter().fold(0, |count, &byte| {
                let low = u8::from(byte < 0x20) | u8::from(byte == 0x7f);
                let usual = u8::from(byte.wrapping_sub(7) < 7) | u8::from(byte == 0x1b);
                count.wrapping_add(low & (usual ^ 1))
            });
            usize::from(count)
        })
        .sum()
}

/// Bytes that are no UTF-8, extrapolated from three samples.
fn estimate_invalid(bytes: &[u8]) -> usize {
    let invalid = |part: &[u8]| {
        part.utf8_chunks()
            .map(|chunk| chunk.invalid().len())
            .sum::<usize>()
    };
    if bytes.len() <= 3 * SAMPLE {
        return if bytes.is_ascii() { 0 } else { invalid(bytes) };
    }
    let middle = bytes.len() / 2;
    let sampled: usize = [0, middle, bytes.len() - SAMPLE]
        .into_iter()
        .filter_map(|from| bytes.get(from..from + SAMPLE))
        .map(invalid)
        .sum();
    sampled.saturating_mul(bytes.len() / (3 * SAMPLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(frame: &[u8]) -> bool {
        BinaryGauge::default().is_binary(frame)
    }

    #[test]
    fn text_in_any_script_or_colour_is_text() {
        assert!(!alone("\x1b[31mécluse\x1b[0m\r\n".repeat(100).as_bytes()));
        assert!(!alone("水門\n".repeat(3000).as_bytes()));
        assert!(!alone(&b"caf\xe9 cr\xe8me\r\n".repeat(500)));
        assert!(!alone(b"\0\0\0"));
    }

    #[test]
    fn binary_is_binary() {
        assert!(alone(&[0; 4096]));
        assert!(alone(&[0; 64]));
        assert!(alone(&[0xff; 32 * 1024]));
        let mut word = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            word = word
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (word >> 33) as u8
        })
        .take(32 * 1024)
        .collect();
        assert!(alone(&noise));
    }

    #[test]
    fn many_small_frames_of_zeros_end_up_binary() {
        let mut gauge = BinaryGauge::default();
        let binary = (0..4000).filter(|_| gauge.is_binary(&[0; 40])).count();
        assert!(binary > 2000, "{binary}");
    }
}
