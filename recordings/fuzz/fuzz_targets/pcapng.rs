//! Forwards as packets: whatever passed on however many connections, the file reads back block by block as what passed.

#![no_main]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ecluse_recordings::Direction::{ToTarget, ToTechnician};
use ecluse_recordings::pcapng::{Conversation, Event, Nanoseconds, Pcapng, PcapngError, Place};
use libfuzzer_sys::fuzz_target;

/// What was written of one connection, and what its streams hold.
struct Written {
    conversation: Conversation,
    streams: [Vec<u8>; 2],
    ended: [bool; 2],
}

fuzz_target!(|data: &[u8]| {
    let mut script = Script(data);
    let about = String::from_utf8_lossy(script.bytes()).into_owned();
    let mut pcapng = Pcapng::new(Vec::new(), &about).unwrap();
    let mut written: Vec<Written> = Vec::new();
    let (mut now, mut latest) = (1_764_000_000_000_000_000u64, 0);
    while let Some(what) = script.next() {
        // No clock of a recording goes back; who says one is refused.
        now = match script.next() {
            Some(u8::MAX) => now.saturating_sub(1_000),
            step => now.saturating_add(u64::from(step.unwrap_or_default()) << 20),
        };
        let (at, is_back) = (Nanoseconds(now), now < latest);
        if what % 8 == 0 || written.is_empty() {
            let place = script.place();
            match pcapng.open(at, &place, &about) {
                Ok(conversation) => written.push(Written {
                    conversation,
                    streams: Default::default(),
                    ended: [false; 2],
                }),
                Err(PcapngError::Backwards) => assert!(is_back),
                Err(error) => panic!("{error}"),
            }
            latest = latest.max(now);
            continue;
        }
        let many = written.len();
        let one = &mut written[usize::from(script.next().unwrap_or_default()) % many];
        let (towards, way) = match what & 0x10 {
            0 => (ToTarget, 0),
            _ => (ToTechnician, 1),
        };
        let bytes;
        let event = match what % 8 {
            6 => Event::Eof(towards),
            7 => Event::Close,
            // Longer than a segment, now and then.
            5 => {
                bytes = script.bytes().repeat(2_000);
                Event::Bytes(towards, &bytes)
            }
            _ => Event::Bytes(towards, script.bytes()),
        };
        match pcapng.event(&mut one.conversation, at, event) {
            Ok(()) => match event {
                Event::Bytes(_, bytes) => one.streams[way].extend_from_slice(bytes),
                Event::Eof(_) => one.ended[way] = true,
                Event::Close => one.ended = [true; 2],
            },
            Err(PcapngError::Backwards) => assert!(is_back),
            Err(PcapngError::AfterEnd) => assert!(one.ended[way]),
            Err(error) => panic!("{error}"),
        }
        latest = latest.max(now);
    }
    let file = pcapng.finish().unwrap();
    let read = read_back(&file);
    assert_eq!(
        read.len(),
        written.len(),
        "one connection, one conversation"
    );
    for (one, (streams, ended)) in written.iter().zip(read) {
        assert!(one.streams == streams && one.ended == ended);
    }
});

/// The streams of each conversation in the order in which they began, and which of them ended.
fn read_back(file: &[u8]) -> Vec<([Vec<u8>; 2], [bool; 2])> {
    let mut found: Vec<([Vec<u8>; 2], [bool; 2])> = Vec::new();
    // By both ends: which conversation, which way, which number comes next.
    let mut ways: BTreeMap<(Vec<u8>, Vec<u8>), (usize, usize, u32)> = BTreeMap::new();
    let mut latest = 0;
    for (kind, body) in blocks(file) {
        if kind != 6 {
            continue;
        }
        let at = u64::from(number(body, 4)) << 32 | u64::from(number(body, 8));
        assert!(at >= latest, "times go on");
        latest = at;
        let length = number(body, 12) as usize;
        let packet = &body[20..20 + length];
        let (head, from, to) = match packet[0] >> 4 {
            4 => (20, &packet[12..16], &packet[16..20]),
            _ => (40, &packet[8..24], &packet[24..40]),
        };
        let tcp = &packet[head..];
        let end = |address: &[u8], port: &[u8]| [address, port].concat();
        let (from, to) = (end(from, &tcp[..2]), end(to, &tcp[2..4]));
        let sequence = u32::from_be_bytes(tcp[4..8].try_into().unwrap());
        let data = &tcp[usize::from(tcp[12] >> 4) * 4..];
        let (has, key) = (|flag: u8| tcp[13] & flag != 0, (from.clone(), to.clone()));
        let (fin, syn, ack) = (has(1), has(2), has(16));
        if syn && !ack {
            let known = ways.insert(key.clone(), (found.len(), 0, sequence));
            assert!(known.is_none(), "two conversations of one address and port");
            found.push(Default::default());
        } else if syn {
            let (which, ..) = ways[&(to, from)];
            ways.insert(key.clone(), (which, 1, sequence));
        }
        let (which, way, next) = ways.get_mut(&key).expect("of a conversation that began");
        assert_eq!(*next, sequence, "no gap and nothing twice");
        let passed = data.len() as u32 + u32::from(fin) + u32::from(syn);
        *next = next.wrapping_add(passed);
        found[*which].0[*way].extend_from_slice(data);
        found[*which].1[*way] |= fin;
    }
    found
}

/// Every block, its lengths checked.
fn blocks(mut file: &[u8]) -> Vec<(u32, &[u8])> {
    let mut blocks = Vec::new();
    while !file.is_empty() {
        let length = number(file, 4) as usize;
        assert!(length.is_multiple_of(4) && (12..=file.len()).contains(&length));
        assert_eq!(number(file, length - 4) as usize, length);
        blocks.push((number(file, 0), &file[8..length - 4]));
        file = &file[length..];
    }
    blocks
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Bytes that are read as decisions.
struct Script<'d>(&'d [u8]);

impl<'d> Script<'d> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self) -> &'d [u8] {
        let most = usize::from(self.next().unwrap_or_default());
        let (first, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        first
    }

    fn place(&mut self) -> Place {
        let kind = self.next().unwrap_or_default();
        let port = u16::from(self.next().unwrap_or_default()) << 8 | u16::from(kind);
        let bytes = self.bytes();
        let text = || String::from_utf8_lossy(bytes).repeat(1 + usize::from(kind / 8));
        match kind % 4 {
            0 => {
                let mut four = [10; 4];
                four.iter_mut()
                    .zip(bytes)
                    .for_each(|(to, from)| *to = *from);
                Place::Address(IpAddr::V4(Ipv4Addr::from(four)), port)
            }
            1 => {
                let mut all = [0xfd; 16];
                all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                Place::Address(IpAddr::V6(Ipv6Addr::from(all)), port)
            }
            2 => Place::Name(text(), port),
            _ => Place::Socket(text()),
        }
    }
}
