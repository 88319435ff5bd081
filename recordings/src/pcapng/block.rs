//! Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as many kinds as are needed here. Little-endian.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::Nanoseconds;

/// Raw IP, of either version (`LINKTYPE_RAW`).
const RAW_IP: u16 = 101;
/// Longest comment or name, in bytes.
const LONGEST_TEXT: usize = 1_000;

mod kind {
    pub(super) const SECTION: u32 = 0x0A0D_0D0A;
    pub(super) const INTERFACE: u32 = 1;
    pub(super) const NAMES: u32 = 4;
    pub(super) const PACKET: u32 = 6;
}

mod option {
    pub(super) const COMMENT: u16 = 1;
    pub(super) const INTERFACE_NAME: u16 = 2;
    pub(super) const APPLICATION: u16 = 4;
    pub(super) const RESOLUTION: u16 = 9;
}

/// Writes blocks.
#[derive(Debug)]
pub(super) struct Blocks<W> {
    out: W,
    /// Kept between blocks, so that each costs no allocation.
    body: Vec<u8>,
}

impl<W: Write> Blocks<W> {
    pub(super) const fn new(out: W) -> Self {
        Self {
            out,
            body: Vec::new(),
        }
    }

    pub(super) fn section(&mut self, comments: &[&str]) -> io::Result<()> {
        self.body.clear();
        self.body.extend_from_slice(&0x1A2B_3C4Du32.to_le_bytes());
        self.body.extend_from_slice(&1u16.to_le_bytes());
        self.body.extend_from_slice(&0u16.to_le_bytes());
        // Its length is not known before it ends.
        self.body.extend_from_slice(&(-1i64).to_le_bytes());
        self.option(option::APPLICATION, b"ecluse");
        for comment in comments.iter().filter(|comment| !comment.is_empty()) {
            self.option(option::COMMENT, shown(comment).as_bytes());
        }
        self.end_of_options();
        self.write(kind::SECTION)
    }

    pub(super) fn interface(&mut self, name: &str) -> io::Result<()> {
        self.body.clear();
        self.body.extend_from_slice(&RAW_IP.to_le_bytes());
        self.body.extend_from_slice(&0u16.to_le_bytes());
        // Packets of any length.
        self.body.extend_from_slice(&0u32.to_le_bytes());
        self.option(option::INTERFACE_NAME, name.as_bytes());
        self.option(option::RESOLUTION, &[9]);
        self.end_of_options();
        self.write(kind::INTERFACE)
    }

    pub(super) fn name(&mut self, address: Ipv4Addr, name: &str) -> io::Result<()> {
        let name = shown(name);
        let mut record = address.octets().to_vec();
        record.extend_from_slice(name.as_bytes());
        record.push(0);
        self.body.clear();
        // A record has the shape of an option, and so has the end of them.
        self.option(1, &record);
        self.end_of_options();
        self.write(kind::NAMES)
    }

    /// One packet, in two parts.
    pub(super) fn packet(
        &mut self,
        at: Nanoseconds,
        head: &[u8],
        data: &[u8],
        comment: &str,
    ) -> io::Result<()> {
        let length = u32::try_from(head.len() + data.len()).map_err(io::Error::other)?;
        self.body.clear();
        self.body.extend_from_slice(&0u32.to_le_bytes());
        let [high, low] =
            [at.0 >> 32, at.0 & 0xFFFF_FFFF].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
        for number in [high, low, length, length] {
            self.body.extend_from_slice(&number.to_le_bytes());
        }
        self.body.extend_from_slice(head);
        self.body.extend_from_slice(data);
        self.pad();
        if !comment.is_empty() {
            self.option(option::COMMENT, shown(comment).as_bytes());
            self.end_of_options();
        }
        self.write(kind::PACKET)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        // Every value here is a comment, cut to length, or a few bytes.
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.body.extend_from_slice(&code.to_le_bytes());
        self.body.extend_from_slice(&length.to_le_bytes());
        self.body.extend_from_slice(value);
        self.pad();
    }

    fn end_of_options(&mut self) {
        self.body.extend_from_slice(&[0; 4]);
    }

    fn pad(&mut self) {
        let length = self.body.len().next_multiple_of(4);
        self.body.resize(length, 0);
    }

    fn write(&mut self, kind: u32) -> io::Result<()> {
        let length = u32::try_from(self.body.len() + 12)
            .map_err(io::Error::other)?
            .to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(&self.body)?;
        self.out.write_all(&length)
    }
}

/// A text on one line, without anything that could move a cursor where it is printed.
fn shown(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => line.push(character),
            other => line.extend(other.escape_debug()),
        }
    }
    let end = line.floor_char_boundary(LONGEST_TEXT);
    line.truncate(end);
    line
}
