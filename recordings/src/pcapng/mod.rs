//! Forwarded connections as packets, for Wireshark's tools: a view made from what was recorded, never read back.
//!
//! A forward is two streams of bytes with their times; packets it never was, for the gateway. So each is written as one TCP conversation of
//! our making: a handshake when it was opened, a segment (several, of 65,495 bytes at most) when bytes passed and an acknowledgement at the same
//! instant, a `FIN` for the end of each direction. What is real: the bytes, their order, their times, which side ended first, where it
//! went. What is made up and says so in the first comment of the file: addresses of technicians (198.18.0.0/16, 2001:db8:ec::/48, reserved for
//! tests and for documents), addresses of destinations that were named and not numbered (198.19.0.0/16, with their name beside), ports
//! of technicians, sequence numbers, windows, acknowledgements.
//!
//! The file: a section header, one interface (raw IP, nanoseconds), then blocks as things happened, those of many conversations side by
//! side. One connection, one conversation: two never share an address and a port. Nothing is known before and nothing after: a
//! file that ends early is whole as far as it goes.

mod block;
mod segment;

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use self::block::Blocks;
use self::segment::{ACK, FIN, Flow, LONGEST_DATA, PSH, SYN};
use crate::Direction;

/// Ports of technicians, from the first that nobody has by name.
const FIRST_PORT: u16 = 49_152;
/// Conversations of one address of a technician.
const PORTS: u32 = 16_384;
/// Addresses of technicians and of names, at most.
const ADDRESSES: u32 = 65_000;
/// What the file says of itself.
const ABOUT: &str = "Forwarded connections, rebuilt as TCP. Real: bytes, order, times, ends. Made up: addresses 198.18.0.0/15 and 2001:db8::/32, ports of the technician's side, sequence numbers, windows, acknowledgements.";

/// When something happened. **Unit**: nanoseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanoseconds(pub u64);

/// Where a connection went, as it was permitted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// An address.
    Address(IpAddr, u16),
    /// A name, which the target resolved.
    Name(String, u16),
    /// A socket on the target's file system.
    Socket(String),
}

/// What happens on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Bytes pass this way.
    Bytes(Direction, &'a [u8]),
    /// No more come this way.
    Eof(Direction),
    /// Nothing more comes either way, ended or not.
    Close,
}

/// Why a connection is not written.
#[derive(Debug, thiserror::Error)]
pub enum PcapngError {
    /// The writer failed.
    #[error("writing packets: {0}")]
    Io(#[from] io::Error),
    /// More connections, or more names, than there are addresses for.
    #[error("more connections than one file of packets holds")]
    TooMany,
    /// Something passed behind its own end.
    #[error("bytes behind the end of their direction")]
    AfterEnd,
    /// Bytes of an older time than some that are written.
    #[error("an event before one that is written already")]
    Backwards,
}

/// One connection of a file. It belongs to the [`Pcapng`] that opened it.
#[derive(Debug)]
pub struct Conversation {
    flow: Flow,
    /// Which directions have ended: to the target, to the technician.
    ended: [bool; 2],
}

/// A file of packets that is being written.
#[derive(Debug)]
pub struct Pcapng<W> {
    blocks: Blocks<W>,
    opened: u32,
    names: HashMap<String, Ipv4Addr>,
    last: Nanoseconds,
}

impl<W: Write> Pcapng<W> {
    /// Begins a file. `about` is for whoever opens it: which session, whose.
    ///
    /// # Errors
    /// A [`PcapngError::Io`].
    pub fn new(out: W, about: &str) -> Result<Self, PcapngError> {
        let mut blocks = Blocks::new(out);
        blocks.section(&[ABOUT, about])?;
        blocks.interface("ecluse")?;
        Ok(Self {
            blocks,
            opened: 0,
            names: HashMap::new(),
            last: Nanoseconds::default(),
        })
    }

    /// A connection begins: the target has said yes to it. `about` stands beside its first packet, behind where it went.
    ///
    /// # Errors
    /// A [`PcapngError`].
    pub fn open(
        &mut self,
        at: Nanoseconds,
        to: &Place,
        about: &str,
    ) -> Result<Conversation, PcapngError> {
        self.not_before(at)?;
        let (host, port, comment) = match to {
            Place::Address(IpAddr::V6(host), port) => (
                IpAddr::V6(*host),
                *port,
                format!("forward to [{host}]:{port}"),
            ),
            Place::Address(host, port) => (*host, *port, format!("forward to {host}:{port}")),
            Place::Name(name, port) => (
                self.named(name)?,
                *port,
                format!("forward to {name}:{port}"),
            ),
            Place::Socket(path) => (
                self.named(path)?,
                u16::MAX,
                format!("forward to the socket {path}"),
            ),
        };
        let number = self.opened;
        let (address, from_port) = (number / PORTS, number % PORTS);
        if address >= ADDRESSES {
            return Err(PcapngError::TooMany);
        }
        self.opened += 1;
        let low = u16::try_from(address + 1).unwrap_or(u16::MAX);
        let [high, lower] = low.to_be_bytes();
        let technician = match host {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(198, 18, high, lower)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xec, 0, 0, 0, 0, low)),
        };
        let port_of = FIRST_PORT.saturating_add(u16::try_from(from_port).unwrap_or(u16::MAX));
        let mut flow = Flow::new((technician, port_of), (host, port));
        let comment = match about {
            "" => comment,
            about => format!("{comment}; {about}"),
        };
        self.packet(&mut flow, at, Direction::ToTarget, SYN, &[], &comment)?;
        self.packet(&mut flow, at, Direction::ToTechnician, SYN | ACK, &[], "")?;
        self.packet(&mut flow, at, Direction::ToTarget, ACK, &[], "")?;
        Ok(Conversation {
            flow,
            ended: [false; 2],
        })
    }

    /// Something happens on a connection.
    ///
    /// # Errors
    /// A [`PcapngError`]; nothing of the event is written where it does not fit what was before.
    pub fn event(
        &mut self,
        of: &mut Conversation,
        at: Nanoseconds,
        event: Event<'_>,
    ) -> Result<(), PcapngError> {
        self.not_before(at)?;
        match event {
            Event::Bytes(_, []) => Ok(()),
            Event::Bytes(towards, bytes) => {
                if of.has_ended(towards) {
                    return Err(PcapngError::AfterEnd);
                }
                let mut parts = bytes.chunks(LONGEST_DATA).peekable();
                while let Some(part) = parts.next() {
                    let push = if parts.peek().is_none() { PSH } else { 0 };
                    self.packet(&mut of.flow, at, towards, ACK | push, part, "")?;
                }
                self.packet(&mut of.flow, at, other(towards), ACK, &[], "")
            }
            Event::Eof(towards) => self.end(of, at, towards, ""),
            Event::Close => {
                let mut comment = "closed without an end of both directions";
                for towards in [Direction::ToTarget, Direction::ToTechnician] {
                    if !of.has_ended(towards) {
                        self.end(of, at, towards, comment)?;
                        comment = "";
                    }
                }
                Ok(())
            }
        }
    }

    /// Flushes what is written. Connections that are open stay so in the file.
    ///
    /// # Errors
    /// A [`PcapngError::Io`].
    pub fn finish(self) -> Result<W, PcapngError> {
        Ok(self.blocks.finish()?)
    }

    /// Writes one connection from its events.
    ///
    /// # Errors
    /// A [`PcapngError`] of the first that does not fit.
    pub fn connection<'e>(
        &mut self,
        at: Nanoseconds,
        to: &Place,
        about: &str,
        events: impl IntoIterator<Item = (Nanoseconds, Event<'e>)>,
    ) -> Result<(), PcapngError> {
        let mut conversation = self.open(at, to, about)?;
        events
            .into_iter()
            .try_for_each(|(at, event)| self.event(&mut conversation, at, event))
    }

    fn end(
        &mut self,
        of: &mut Conversation,
        at: Nanoseconds,
        towards: Direction,
        comment: &str,
    ) -> Result<(), PcapngError> {
        // To say it twice says nothing.
        if std::mem::replace(of.ended_mut(towards), true) {
            return Ok(());
        }
        self.packet(&mut of.flow, at, towards, FIN | ACK, &[], comment)?;
        self.packet(&mut of.flow, at, other(towards), ACK, &[], "")
    }

    fn packet(
        &mut self,
        flow: &mut Flow,
        at: Nanoseconds,
        towards: Direction,
        flags: u8,
        data: &[u8],
        comment: &str,
    ) -> Result<(), PcapngError> {
        let head = flow.head(towards, flags, data);
        Ok(self.blocks.packet(at, &head, data, comment)?)
    }

    fn not_before(&mut self, at: Nanoseconds) -> Result<(), PcapngError> {
        if at < self.last {
            return Err(PcapngError::Backwards);
        }
        self.last = at;
        Ok(())
    }

    /// An address for a name, which the file tells beside it.
    fn named(&mut self, name: &str) -> Result<IpAddr, PcapngError> {
        if let Some(address) = self.names.get(name) {
            return Ok(IpAddr::V4(*address));
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        if number >= ADDRESSES {
            return Err(PcapngError::TooMany);
        }
        let [high, low] = u16::try_from(number + 1).unwrap_or(u16::MAX).to_be_bytes();
        let address = Ipv4Addr::new(198, 19, high, low);
        self.blocks.name(address, name)?;
        self.names.insert(name.to_owned(), address);
        Ok(IpAddr::V4(address))
    }
}

impl Conversation {
    const fn has_ended(&self, towards: Direction) -> bool {
        let [to_target, to_technician] = self.ended;
        match towards {
            Direction::ToTarget => to_target,
            Direction::ToTechnician => to_technician,
        }
    }

    const fn ended_mut(&mut self, towards: Direction) -> &mut bool {
        let [to_target, to_technician] = &mut self.ended;
        match towards {
            Direction::ToTarget => to_target,
            Direction::ToTechnician => to_technician,
        }
    }
}

const fn other(towards: Direction) -> Direction {
    match towards {
        Direction::ToTarget => Direction::ToTechnician,
        Direction::ToTechnician => Direction::ToTarget,
    }
}

#[cfg(test)]
mod tests;
