//! The forwards of a recording as packets ([`crate::pcapng`]), for Wireshark's tools: a view made when it is asked for.
//!
//! What is recorded of a forward is its two streams, exact, and in its cast when each piece of them passed. So nothing is sealed
//! twice, and a recording in either form, of a bundle too, gives the same packets (`adr/0025`).

use crate::cast::{CastReader, Code, MARK};
use crate::pcapng::{Conversation, Event, Nanoseconds, Pcapng, PcapngError, Place};
use crate::{ChannelKind, ChannelRecord, Direction, OpenRecording, ReadError, Stream};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{Read, Write};
use std::net::IpAddr;

/// What the recorder notes once the target has reached the place: from then on there is a connection.
pub const REACHED: &str = "connected: the target has reached it";
/// How much of a piece is read at once.
const PIECE: usize = 64 * 1024;

/// Writes the forwards of a recording as one file of packets: one connection, one conversation, in the order of time. How many
/// there are; nothing is written of one that did not reach its place.
///
/// # Errors
/// When a file does not read, or `out` fails.
pub fn forwards(recording: &OpenRecording, out: impl Write) -> Result<u64, ReadError> {
    let record = recording.record();
    let fail = |error: PcapngError| ReadError::foreign(recording.dir(), error.to_string());
    let about = format!(
        "session {} of {} on {}",
        record.facts.session, record.facts.person, record.facts.target
    );
    let mut pcapng = Pcapng::new(out, &about).map_err(fail)?;
    let mut channels: Vec<&ChannelRecord> = record
        .channels
        .iter()
        .filter(|channel| channel.kind() == ChannelKind::Forward)
        .collect();
    // The next to begin is the last.
    channels.sort_by_key(|channel| Reverse(channel.opened_us));
    let mut open: Vec<Option<Forward>> = Vec::new();
    // What comes next of each that is open: its time, its channel, its place.
    let mut next: BinaryHeap<Reverse<(u64, u32, usize)>> = BinaryHeap::new();
    let mut connections = 0;
    loop {
        let begins = channels.last().map(|channel| channel.opened_us);
        let first = next.peek().map(|Reverse((at_us, _, _))| *at_us);
        if begins.is_some_and(|begins| first.is_none_or(|first| begins <= first)) {
            let Some(channel) = channels.pop() else { break };
            let mut forward = Forward::open(recording, channel)?;
            if let Some(at_us) = forward.step()? {
                let place = open.iter().position(Option::is_none).unwrap_or(open.len());
                if place == open.len() {
                    open.push(None);
                }
                next.push(Reverse((at_us, channel.number, place)));
                if let Some(slot) = open.get_mut(place) {
                    *slot = Some(forward);
                }
            }
            continue;
        }
        let Some(Reverse((at_us, number, place))) = next.pop() else {
            break;
        };
        let Some(slot) = open.get_mut(place) else {
            break;
        };
        let Some(forward) = slot.as_mut() else { break };
        let started = u64::try_from(record.facts.started).unwrap_or(0);
        let at = Nanoseconds(started.saturating_add(at_us).saturating_mul(1_000));
        connections += u64::from(forward.write(&mut pcapng, at, recording)?);
        match forward.step()? {
            // No clock of a recording goes back; should one, what follows is of the same moment.
            Some(then) => next.push(Reverse((then.max(at_us), number, place))),
            None => *slot = None,
        }
    }
    pcapng.finish().map_err(fail)?;
    Ok(connections)
}

/// What happens next on a forward.
enum Next {
    Reached,
    Bytes(Stream, u64),
    Eof(Direction),
    Closed,
}

/// One forward that is being read.
struct Forward {
    number: u32,
    opened_us: u64,
    place: Place,
    cast: CastReader,
    files: [Option<Box<dyn Read + Send>>; 2],
    conversation: Option<Conversation>,
    next: Option<Next>,
}

impl Forward {
    fn open(recording: &OpenRecording, channel: &ChannelRecord) -> Result<Self, ReadError> {
        let file = |stream| -> Result<_, ReadError> {
            let name = channel.files.raw(stream);
            name.map(|name| recording.open(name)).transpose()
        };
        let went = channel.opened.command.as_ref();
        let went = went.map(|bytes| String::from_utf8_lossy(bytes.as_ref()).into_owned());
        Ok(Self {
            number: channel.number,
            opened_us: channel.opened_us,
            place: place(&went.unwrap_or_default()),
            cast: recording.cast(&channel.files.cast)?,
            files: [file(Stream::Input)?, file(Stream::Output)?],
            conversation: None,
            next: None,
        })
    }

    /// Reads on to what happens next; when, since the session's start.
    fn step(&mut self) -> Result<Option<u64>, ReadError> {
        while let Some(event) = self.cast.next_event()? {
            let Code::Marker = event.code else { continue };
            let Some(own) = event.text.strip_prefix(MARK) else {
                continue;
            };
            self.next = next(own);
            if self.next.is_some() {
                return Ok(Some(self.opened_us.saturating_add(event.at_us)));
            }
        }
        Ok(None)
    }

    /// Writes what comes next; whether the connection began with it.
    fn write<W: Write>(
        &mut self,
        pcapng: &mut Pcapng<W>,
        at: Nanoseconds,
        recording: &OpenRecording,
    ) -> Result<bool, ReadError> {
        let fail = |error: PcapngError| ReadError::foreign(recording.dir(), error.to_string());
        let Some(next) = self.next.take() else {
            return Ok(false);
        };
        let (conversation, begins) = match (self.conversation.take(), &next) {
            // It did not come to a connection.
            (None, Next::Closed | Next::Eof(_)) => return Ok(false),
            (None, Next::Reached | Next::Bytes(..)) => {
                let about = format!("channel {}", self.number);
                (pcapng.open(at, &self.place, &about).map_err(fail)?, true)
            }
            (Some(conversation), _) => (conversation, false),
        };
        let conversation = self.conversation.insert(conversation);
        match next {
            Next::Reached => {}
            Next::Eof(towards) => pcapng
                .event(conversation, at, Event::Eof(towards))
                .map_err(fail)?,
            Next::Closed => pcapng.event(conversation, at, Event::Close).map_err(fail)?,
            Next::Bytes(stream, length) => {
                let [up, down] = &mut self.files;
                let (file, towards) = match stream {
                    Stream::Input => (up, Direction::ToTarget),
                    Stream::Output | Stream::ErrorOutput => (down, Direction::ToTechnician),
                };
                let short = || ReadError::foreign(recording.dir(), "a stream is too short");
                let file = file.as_mut().ok_or_else(short)?;
                let mut left = length;
                let mut buffer = vec![0; PIECE];
                while left > 0 {
                    let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                    let piece = buffer.get_mut(..most).unwrap_or_default();
                    file.read_exact(piece).map_err(|_| short())?;
                    pcapng
                        .event(conversation, at, Event::Bytes(towards, piece))
                        .map_err(fail)?;
                    left = left.saturating_sub(most as u64);
                }
            }
        }
        Ok(begins)
    }
}

/// What a marker of a cast tells of a forward.
fn next(own: &str) -> Option<Next> {
    if own.strip_prefix("note ") == Some(REACHED) {
        return Some(Next::Reached);
    }
    match own {
        "eof to-target" => return Some(Next::Eof(Direction::ToTarget)),
        "eof to-technician" => return Some(Next::Eof(Direction::ToTechnician)),
        _ => {}
    }
    if own.starts_with("closed ") {
        return Some(Next::Closed);
    }
    let told = own.strip_prefix("binary ")?;
    let value = |key: &str| {
        told.split(' ')
            .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
    };
    let stream = value("stream")?;
    let stream = Stream::ALL.into_iter().find(|it| it.word() == stream)?;
    if stream == Stream::ErrorOutput {
        // No connection has one; an older recording may hold what the target said at the log-on.
        return None;
    }
    Some(Next::Bytes(stream, value("length")?.parse().ok()?))
}

/// Where a forward went, as its line of the matrix is written.
fn place(line: &str) -> Place {
    if let Some(path) = line.strip_prefix("socket: ") {
        return Place::Socket(path.to_owned());
    }
    let line = line.strip_prefix("forward: ").unwrap_or(line);
    let (host, port) = line.rsplit_once(':').unwrap_or((line, ""));
    let port = port.parse().unwrap_or(0);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => Place::Address(address, port),
        Err(_) => Place::Name(host.to_owned(), port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_as_lines_of_the_matrix_are_written() {
        let name = |host: &str, port| Place::Name(host.to_owned(), port);
        let address = |host: &str, port| Place::Address(host.parse().unwrap(), port);
        for (line, wanted) in [
            ("forward: 127.0.0.1:5432", address("127.0.0.1", 5432)),
            ("forward: [2001:db8::1]:443", address("2001:db8::1", 443)),
            ("forward: db.example.org:80", name("db.example.org", 80)),
            ("socket: /run/a:1", Place::Socket("/run/a:1".to_owned())),
        ] {
            assert_eq!(place(line), wanted, "{line}");
        }
    }

    #[test]
    fn markers_tell_what_happened_and_others_tell_nothing() {
        assert!(matches!(
            next("binary stream=output offset=10 length=7 file=x"),
            Some(Next::Bytes(Stream::Output, 7))
        ));
        assert!(matches!(
            next("eof to-target"),
            Some(Next::Eof(Direction::ToTarget))
        ));
        assert!(matches!(next("closed cut by odile"), Some(Next::Closed)));
        let reached = format!("note {REACHED}");
        assert!(matches!(next(&reached), Some(Next::Reached)));
        for other in [
            "note other",
            "binary stream=none length=1",
            "binary stream=input",
            "",
        ] {
            assert!(next(other).is_none(), "{other}");
        }
    }
}
