//! One question to one time server: SNTP version 4 (RFC 4330), checked before it is believed.
//!
//! The question carries 64 random bits where a client's own time would stand: only an answer that repeats them is
//! looked at, so that nobody off the path can answer, and the machine's own time is told to nobody. NTP as such is not
//! authenticated: whoever stands on the path can lie, which is why several servers are asked and compared
//! ([`super::agreement`]), and why an answer is put on record and never sets a clock.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};

use crate::clock;
use crate::secrets::random;
use crate::settings::NtpServer;

/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Questions before a server counts as silent: one packet lost is no silence.
const TRIES: u32 = 2;
/// Longest round trip: half of it is how wrong the answer may be.
const ROUND_TRIP: i64 = 1_000_000;
/// Farthest that a server may be from its own reference (RFC 5905, MAXDIST).
const DISTANCE: i64 = 1_000_000;
/// How much longer than the round trip a server may say it took; clocks tick at different rates.
const SLACK: i64 = 1_000;
/// Bytes of a message without extensions.
const MESSAGE: usize = 48;
/// Seconds from 1900 to 1970.
const UNIX_IN_NTP: i64 = 2_208_988_800;

/// What a server said, checked. Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// The server's time minus ours.
    pub(super) offset_us: i64,
    /// How far from the truth that may be: half the round trip, and the server's own distance.
    pub(super) error_us: i64,
    /// 1 for a server with a clock of its own.
    pub(super) stratum: u8,
}

/// Why a server told us nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("its name is not known: {0}")]
    Unresolved(String),
    #[error("it does not answer")]
    Silent,
    #[error("the network refuses: {0}")]
    Network(String),
    #[error("it says that its own clock is not set")]
    NotSet,
    #[error("it asks to be left alone ({0})")]
    Kiss(String),
    #[error("its stratum {0} is none of a set clock")]
    Stratum(u8),
    #[error("its answer took {0} µs, too long to mean anything")]
    Slow(i64),
    #[error("it is {0} µs from its own reference")]
    Distant(i64),
    #[error("its answer contradicts itself")]
    Absurd,
}

/// Asks `server` what time it is.
pub(super) async fn ask(server: &NtpServer) -> Result<Answer, NoAnswer> {
    let resolved = tokio::time::timeout(PATIENCE, lookup_host((server.host(), server.port())));
    let address = match resolved.await {
        Ok(Ok(mut addresses)) => addresses
            .next()
            .ok_or_else(|| NoAnswer::Unresolved("no address".to_owned()))?,
        Ok(Err(error)) => return Err(NoAnswer::Unresolved(error.to_string())),
        Err(_) => {
            return Err(NoAnswer::Unresolved(
                "the name service is silent".to_owned(),
            ));
        }
    };
    let mut last = NoAnswer::Silent;
    for _ in 0..TRIES {
        match ask_address(address).await {
            Ok(answer) => return Ok(answer),
            // Asking again is what it asked not to do.
            Err(kiss @ NoAnswer::Kiss(_)) => return Err(kiss),
            Err(other) => last = other,
        }
    }
    Err(last)
}

async fn ask_address(address: SocketAddr) -> Result<Answer, NoAnswer> {
    let network = |error: io::Error| NoAnswer::Network(error.to_string());
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await.map_err(network)?;
    // Connected: the kernel drops what comes from anywhere else.
    socket.connect(address).await.map_err(network)?;
    let token: [u8; 8] = random().map_err(|error| NoAnswer::Network(error.to_string()))?;
    let sent_at = clock::now().as_micros();
    let sent = clock::monotonic();
    socket.send(&question(token)).await.map_err(network)?;
    let deadline = tokio::time::Instant::from_std(sent + PATIENCE);
    let mut bytes = [0; 512];
    loop {
        let Ok(received) = tokio::time::timeout_at(deadline, socket.recv(&mut bytes)).await else {
            return Err(NoAnswer::Silent);
        };
        // By the monotonic clock, so that a jump meanwhile does not look like a slow network.
        let took = i64::try_from(sent.elapsed().as_micros()).unwrap_or(i64::MAX);
        let received = received.map_err(network)?;
        // What is no answer to this question is not the server's doing: the wait goes on, to its deadline.
        if let Some(message) = Message::parse(bytes.get(..received).unwrap_or_default(), token) {
            return message.judge(sent_at, took);
        }
    }
}

/// Version 4, from a client; the token where our time would be.
fn question(token: [u8; 8]) -> [u8; MESSAGE] {
    let mut bytes = [0; MESSAGE];
    bytes[0] = (4 << 3) | 3;
    if let Some(transmitted) = bytes.last_chunk_mut() {
        *transmitted = token;
    }
    bytes
}

/// The fields of an answer to our question.
#[derive(Debug, Clone, Copy)]
struct Message {
    leap: u8,
    stratum: u8,
    root_delay: i64,
    root_dispersion: i64,
    reference: [u8; 4],
    received: u64,
    transmitted: u64,
}

impl Message {
    /// The message in `bytes`, if it answers the question that carried `token`.
    fn parse(bytes: &[u8], token: [u8; 8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<MESSAGE>()?;
        let word = |at: usize| -> Option<[u8; 4]> { bytes.get(at..at + 4)?.try_into().ok() };
        let long = |at: usize| -> Option<[u8; 8]> { bytes.get(at..at + 8)?.try_into().ok() };
        let [first, stratum, ..] = *bytes;
        let (version, mode) = ((first >> 3) & 7, first & 7);
        if !(3..=4).contains(&version) || mode != 4 || long(24)? != token {
            return None;
        }
        Some(Self {
            leap: first >> 6,
            stratum,
            root_delay: short_micros(word(4)?),
            root_dispersion: short_micros(word(8)?),
            reference: word(12)?,
            received: u64::from_be_bytes(long(32)?),
            transmitted: u64::from_be_bytes(long(40)?),
        })
    }

    /// What it says, asked at `sent_at` by our clock and answered after `took`; both in microseconds.
    fn judge(self, sent_at: i64, took: i64) -> Result<Answer, NoAnswer> {
        match self.stratum {
            0 => {
                let code = self.reference.escape_ascii().to_string();
                return Err(NoAnswer::Kiss(code));
            }
            1..=15 => {}
            other => return Err(NoAnswer::Stratum(other)),
        }
        if self.leap == 3 {
            return Err(NoAnswer::NotSet);
        }
        if self.received == 0 || self.transmitted == 0 {
            return Err(NoAnswer::Absurd);
        }
        let (received, transmitted) = (unix_micros(self.received), unix_micros(self.transmitted));
        let inside = transmitted - received;
        if inside < 0 || inside > took.saturating_add(SLACK) {
            return Err(NoAnswer::Absurd);
        }
        let round_trip = (took - inside).max(0);
        if round_trip > ROUND_TRIP {
            return Err(NoAnswer::Slow(round_trip));
        }
        let distance = self.root_delay / 2 + self.root_dispersion;
        if distance > DISTANCE {
            return Err(NoAnswer::Distant(distance));
        }
        let answered_at = sent_at.saturating_add(took);
        let there = received.saturating_sub(sent_at);
        let back = transmitted.saturating_sub(answered_at);
        Ok(Answer {
            offset_us: there.saturating_add(back) / 2,
            error_us: round_trip / 2 + distance,
            stratum: self.stratum,
        })
    }
}

/// An NTP short format (16.16 seconds), in microseconds.
fn short_micros(bytes: [u8; 4]) -> i64 {
    i64::try_from((u64::from(u32::from_be_bytes(bytes)) * 1_000_000) >> 16).unwrap_or(i64::MAX)
}

/// An NTP timestamp, in microseconds since 1970. The first half of its era counts as the next one: from 1968 to 2104.
fn unix_micros(timestamp: u64) -> i64 {
    const ERA: i64 = 1 << 32;
    let (seconds, fraction) = (timestamp >> 32, timestamp & 0xffff_ffff);
    let mut seconds = i64::try_from(seconds).unwrap_or(0);
    if seconds < ERA / 2 {
        seconds += ERA;
    }
    let micros = i64::try_from((fraction * 1_000_000) >> 32).unwrap_or(0);
    (seconds - UNIX_IN_NTP) * 1_000_000 + micros
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: [u8; 8] = *b"12345678";
    /// 2026-01-01T00:00:00Z.
    const NOON: i64 = 1_767_225_600_000_000;

    /// An answer of a server that is `ahead` and needs no time.
    fn answer(ahead: i64) -> [u8; MESSAGE] {
        let mut bytes = [0; MESSAGE];
        bytes[0] = (4 << 3) | 4;
        bytes[1] = 2;
        bytes[24..32].copy_from_slice(&TOKEN);
        let time = crate::time_source::fake::ntp(NOON + ahead).to_be_bytes();
        bytes[32..40].copy_from_slice(&time);
        bytes[40..48].copy_from_slice(&time);
        bytes
    }

    fn judged(bytes: &[u8], took: i64) -> Result<Answer, NoAnswer> {
        Message::parse(bytes, TOKEN).unwrap().judge(NOON, took)
    }

    #[test]
    fn the_offset_is_the_servers_time_minus_ours_with_half_the_round_trip_as_error() {
        let said = judged(&answer(5_000_000), 40_000).unwrap();
        assert!((said.offset_us - 4_980_000).abs() <= 1, "{said:?}");
        assert_eq!(said.error_us, 20_000);
        let behind = judged(&answer(-3_600_000_000), 0).unwrap();
        assert!((behind.offset_us + 3_600_000_000).abs() <= 1, "{behind:?}");
    }

    #[test]
    fn only_an_answer_to_this_question_is_looked_at() {
        let good = answer(0);
        assert!(Message::parse(&good, TOKEN).is_some());
        assert!(
            Message::parse(&good, *b"other---").is_none(),
            "another's origin"
        );
        assert!(Message::parse(&good[..47], TOKEN).is_none(), "too short");
        for first in [(4 << 3) | 3, (2 << 3) | 4, (7 << 3) | 4, (4 << 3) | 5] {
            let mut other = good;
            other[0] = first;
            assert!(Message::parse(&other, TOKEN).is_none(), "{first:#x}");
        }
    }

    #[test]
    fn a_server_without_a_set_clock_is_not_believed() {
        let mut alarm = answer(0);
        alarm[0] |= 3 << 6;
        assert_eq!(judged(&alarm, 0), Err(NoAnswer::NotSet));
        for stratum in [16, 255] {
            let mut other = answer(0);
            other[1] = stratum;
            assert_eq!(judged(&other, 0), Err(NoAnswer::Stratum(stratum)));
        }
        let mut kiss = answer(0);
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"RA\x1bE");
        let Err(NoAnswer::Kiss(code)) = judged(&kiss, 0) else {
            panic!("a kiss is no answer");
        };
        assert!(!code.contains('\x1b'), "{code}");
        let mut distant = answer(0);
        distant[8..12].copy_from_slice(&(2u32 << 16).to_be_bytes());
        assert_eq!(judged(&distant, 0), Err(NoAnswer::Distant(2_000_000)));
    }

    #[test]
    fn an_answer_that_contradicts_itself_or_took_too_long_is_not_believed() {
        assert_eq!(
            judged(&answer(0), ROUND_TRIP + 1),
            Err(NoAnswer::Slow(ROUND_TRIP + 1))
        );
        let mut backwards = answer(0);
        backwards[40..48]
            .copy_from_slice(&crate::time_source::fake::ntp(NOON - 1_000_000).to_be_bytes());
        assert_eq!(judged(&backwards, 100), Err(NoAnswer::Absurd));
        let mut long = answer(0);
        long[40..48]
            .copy_from_slice(&crate::time_source::fake::ntp(NOON + 9_000_000).to_be_bytes());
        assert_eq!(
            judged(&long, 100),
            Err(NoAnswer::Absurd),
            "longer inside than outside"
        );
        let mut never = answer(0);
        never[40..48].fill(0);
        assert_eq!(judged(&never, 100), Err(NoAnswer::Absurd));
    }

    /// The era of 1900 ends in 2036.
    #[test]
    fn times_after_2036_are_read() {
        let later = 2_208_988_800_000_000;
        assert_eq!(unix_micros(crate::time_source::fake::ntp(later)), later);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..80), took in 0i64..i64::MAX, at: i64) {
            let mut bytes = bytes;
            if bytes.len() >= 32 {
                bytes[0] = (bytes[0] & 0xc0) | (4 << 3) | 4;
                bytes[24..32].copy_from_slice(&TOKEN);
            }
            if let Some(message) = Message::parse(&bytes, TOKEN) {
                let _ = message.judge(at, took);
            }
        }
    }
}
