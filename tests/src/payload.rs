//! Bytes to send, and their digests.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// What the bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Cannot be compressed.
    Noise,
    /// Lines of a log.
    Log,
}

/// A generator of bytes, the same for the same seed.
#[derive(Debug)]
pub struct Payload {
    kind: Kind,
    state: u64,
    left: u64,
    line: Vec<u8>,
}

impl Payload {
    /// `length` bytes of `kind`.
    #[must_use]
    pub fn new(kind: Kind, length: u64, seed: u64) -> Self {
        Self {
            kind,
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            left: length,
            line: Vec::new(),
        }
    }

    /// All of it, in memory.
    #[must_use]
    pub fn bytes(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Reading from memory does not fail.
        let _ = self.read_to_end(&mut bytes);
        bytes
    }

    fn next(&mut self) -> u64 {
        // xorshift64*: fast, and nothing here needs secrecy.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn fill_line(&mut self) {
        let (a, b) = (self.next(), self.next());
        let text = format!(
            "2026-11-23T{:02}:{:02}:{:02}Z db01 postgres[{}]: LOG:  duration: {}.{:03} ms  statement: SELECT * FROM beds WHERE ward = {}\n",
            a % 24,
            (a >> 8) % 60,
            (a >> 16) % 60,
            a % 32_768,
            b % 400,
            (b >> 16) % 1_000,
            (b >> 32) % 90
        );
        self.line = text.into_bytes();
    }
}

impl Read for Payload {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wanted = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(room) = buffer.get_mut(..wanted) else {
            return Ok(0);
        };
        match self.kind {
            Kind::Noise => {
                for piece in room.chunks_mut(8) {
                    let word = self.next().to_le_bytes();
                    for (to, from) in piece.iter_mut().zip(word) {
                        *to = from;
                    }
                }
            }
            Kind::Log => {
                let mut rest = room;
                while !rest.is_empty() {
                    if self.line.is_empty() {
                        self.fill_line();
                    }
                    let take = rest.len().min(self.line.len());
                    let (now, later) = rest.split_at_mut(take);
                    for (to, from) in now.iter_mut().zip(self.line.drain(..take)) {
                        *to = from;
                    }
                    rest = later;
                }
            }
        }
        self.left = self.left.saturating_sub(u64::try_from(wanted).unwrap_or(0));
        Ok(wanted)
    }
}

/// The SHA-256 of `bytes`, in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The SHA-256 and length of all that `from` gives.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(mut from: impl Read) -> Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0_u8; 256 * 1024];
    let mut total = 0_u64;
    loop {
        let length = from.read(&mut chunk)?;
        let bytes = chunk
            .get(..length)
            .context("a reader returned more than it was given room for")?;
        if bytes.is_empty() {
            return Ok((hexadecimal(&hash.finalize()), total));
        }
        hash.update(bytes);
        total = total.saturating_add(u64::try_from(length)?);
    }
}

/// Copies `from` to `to` and returns the SHA-256 of what passed.
///
/// # Errors
/// When either fails.
pub fn copy_with_digest(mut from: impl Read, mut to: impl Write) -> Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0_u8; 256 * 1024];
    loop {
        let length = from.read(&mut chunk)?;
        let bytes = chunk
            .get(..length)
            .context("a reader returned more than it was given room for")?;
        if bytes.is_empty() {
            to.flush()?;
            return Ok(hexadecimal(&hash.finalize()));
        }
        hash.update(bytes);
        to.write_all(bytes)?;
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
