//! What is written, read back by a reader of a few lines; Wireshark's own are in `tests/wireshark.rs`.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A packet, taken apart.
#[derive(Debug, Clone)]
struct Packet {
    at: u64,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    data: Vec<u8>,
    comment: Option<String>,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Every block, its lengths checked.
fn blocks(mut file: &[u8]) -> Vec<(u32, &[u8])> {
    let mut blocks = Vec::new();
    while !file.is_empty() {
        let length = number(file, 4) as usize;
        assert!(length.is_multiple_of(4) && length >= 12);
        assert_eq!(number(file, length - 4) as usize, length);
        blocks.push((number(file, 0), &file[8..length - 4]));
        file = &file[length..];
    }
    blocks
}

fn sums_to_nothing(bytes: &[u8]) -> bool {
    let mut sum = 0u64;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum == 0xFFFF
}

fn read(body: &[u8]) -> Packet {
    let length = number(body, 12) as usize;
    assert_eq!(number(body, 16) as usize, length);
    let packet = &body[20..20 + length];
    let options = &body[20 + length.next_multiple_of(4)..];
    let comment = (!options.is_empty()).then(|| {
        let length = usize::from(u16::from_le_bytes([options[2], options[3]]));
        String::from_utf8(options[4..4 + length].to_vec()).unwrap()
    });
    let (pseudo, tcp, from, to): (Vec<u8>, &[u8], IpAddr, IpAddr) = if packet[0] >> 4 == 4 {
        assert_eq!(
            usize::from(u16::from_be_bytes([packet[2], packet[3]])),
            length
        );
        assert!(sums_to_nothing(&packet[..20]));
        let ends: [u8; 8] = packet[12..20].try_into().unwrap();
        let tcp = &packet[20..];
        let pseudo = [
            &ends[..],
            &[0, 6],
            &u16::try_from(tcp.len()).unwrap().to_be_bytes(),
        ]
        .concat();
        let address = |at: usize| {
            IpAddr::V4(Ipv4Addr::new(
                ends[at],
                ends[at + 1],
                ends[at + 2],
                ends[at + 3],
            ))
        };
        (pseudo, tcp, address(0), address(4))
    } else {
        assert_eq!(
            usize::from(u16::from_be_bytes([packet[4], packet[5]])),
            length - 40
        );
        let tcp = &packet[40..];
        let pseudo = [
            &packet[8..40],
            &u32::try_from(tcp.len()).unwrap().to_be_bytes(),
            &[0, 0, 0, 6],
        ]
        .concat();
        let address = |at: usize| {
            IpAddr::V6(Ipv6Addr::from(
                <[u8; 16]>::try_from(&packet[at..at + 16]).unwrap(),
            ))
        };
        (pseudo, tcp, address(8), address(24))
    };
    assert!(sums_to_nothing(&[&pseudo, tcp].concat()));
    let port = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    let four = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
    Packet {
        at: u64::from(number(body, 4)) << 32 | u64::from(number(body, 8)),
        from: (from, port(0)),
        to: (to, port(2)),
        sequence: four(4),
        acknowledged: four(8),
        flags: tcp[13],
        data: tcp[usize::from(tcp[12] >> 4) * 4..].to_vec(),
        comment,
    }
}

fn packets(file: &[u8]) -> Vec<Packet> {
    blocks(file)
        .into_iter()
        .filter(|(kind, _)| *kind == 6)
        .map(|(_, body)| read(body))
        .collect()
}

fn at(seconds: u64) -> Nanoseconds {
    Nanoseconds(1_764_000_000_000_000_000 + seconds * 1_000_000_001)
}

fn here() -> Place {
    Place::Address(IpAddr::V4(Ipv4Addr::LOCALHOST), 5432)
}

fn file(events: &[(u64, Event<'_>)]) -> Vec<u8> {
    let mut pcapng = Pcapng::new(Vec::new(), "").unwrap();
    pcapng
        .connection(
            at(0),
            &here(),
            "",
            events.iter().map(|(time, event)| (at(*time), *event)),
        )
        .unwrap();
    pcapng.finish().unwrap()
}

use Direction::{ToTarget, ToTechnician};

#[test]
fn one_connection_is_one_conversation_with_both_its_ends() {
    let events = [
        (1, Event::Bytes(ToTechnician, &b"hello"[..])),
        (2, Event::Bytes(ToTarget, b"hi")),
        (3, Event::Eof(ToTarget)),
        (4, Event::Bytes(ToTechnician, b"still here")),
        (5, Event::Eof(ToTechnician)),
        (6, Event::Close),
    ];
    let packets = packets(&file(&events));
    let shape: Vec<(u8, u32, u32, &[u8])> = packets
        .iter()
        .map(|packet| {
            (
                packet.flags,
                packet.sequence,
                packet.acknowledged,
                &packet.data[..],
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            (SYN, 0, 0, &b""[..]),
            (SYN | ACK, 0, 1, b""),
            (ACK, 1, 1, b""),
            (ACK | PSH, 1, 1, b"hello"),
            (ACK, 1, 6, b""),
            (ACK | PSH, 1, 6, b"hi"),
            (ACK, 6, 3, b""),
            (FIN | ACK, 3, 6, b""),
            (ACK, 6, 4, b""),
            (ACK | PSH, 6, 4, b"still here"),
            (ACK, 4, 16, b""),
            (FIN | ACK, 16, 4, b""),
            (ACK, 4, 17, b""),
        ]
    );
    let times: Vec<u64> = packets.iter().map(|packet| packet.at).collect();
    assert_eq!(
        [times[0], times[3], times[5], times[11]],
        [0, 1, 2, 5].map(|time| at(time).0)
    );
    assert_eq!(
        packets[0].comment.as_deref(),
        Some("forward to 127.0.0.1:5432")
    );
    assert!(packets[1..].iter().all(|packet| packet.comment.is_none()));
}

#[test]
fn a_connection_that_is_cut_says_so() {
    let packets = packets(&file(&[
        (1, Event::Eof(ToTechnician)),
        (2, Event::Close),
        (3, Event::Close),
    ]));
    let ends: Vec<(u8, Option<&str>)> = packets[3..]
        .iter()
        .map(|packet| (packet.flags, packet.comment.as_deref()))
        .collect();
    let cut = Some("closed without an end of both directions");
    assert_eq!(
        ends,
        [
            (FIN | ACK, None),
            (ACK, None),
            (FIN | ACK, cut),
            (ACK, None)
        ]
    );
}

#[test]
fn what_cannot_be_is_not_written() {
    let mut pcapng = Pcapng::new(Vec::new(), "").unwrap();
    let mut conversation = pcapng.open(at(5), &here(), "").unwrap();
    let event = |pcapng: &mut Pcapng<Vec<u8>>, conversation: &mut Conversation, time, event| {
        pcapng.event(conversation, at(time), event)
    };
    assert!(matches!(
        event(&mut pcapng, &mut conversation, 4, Event::Eof(ToTarget)),
        Err(PcapngError::Backwards)
    ));
    event(&mut pcapng, &mut conversation, 6, Event::Eof(ToTarget)).unwrap();
    event(&mut pcapng, &mut conversation, 6, Event::Eof(ToTarget)).unwrap();
    event(
        &mut pcapng,
        &mut conversation,
        7,
        Event::Bytes(ToTarget, b""),
    )
    .unwrap();
    assert!(matches!(
        event(
            &mut pcapng,
            &mut conversation,
            7,
            Event::Bytes(ToTarget, b"x")
        ),
        Err(PcapngError::AfterEnd)
    ));
    assert!(matches!(
        pcapng.open(at(1), &here(), ""),
        Err(PcapngError::Backwards)
    ));
    assert_eq!(packets(&pcapng.finish().unwrap()).len(), 5);
}

#[test]
fn names_have_addresses_and_no_two_connections_an_end_in_common() {
    let mut pcapng = Pcapng::new(Vec::new(), "session 7").unwrap();
    let places = [
        Place::Name("db.example".to_owned(), 5432),
        Place::Name("db.example".to_owned(), 80),
        Place::Name("web.example".to_owned(), 80),
        Place::Socket("/run/x.sock".to_owned()),
        Place::Address(IpAddr::V6(Ipv6Addr::LOCALHOST), 80),
        here(),
    ];
    for place in places.iter().cycle().take(40_000) {
        pcapng.open(at(0), place, "").unwrap();
    }
    let file = pcapng.finish().unwrap();
    let all = packets(&file);
    let starts: Vec<&Packet> = all.iter().filter(|packet| packet.flags == SYN).collect();
    let ends: std::collections::BTreeSet<_> = starts.iter().map(|packet| packet.from).collect();
    assert_eq!((starts.len(), ends.len()), (40_000, 40_000));
    let names = blocks(&file)
        .into_iter()
        .filter(|(kind, _)| *kind == 4)
        .count();
    assert_eq!(names, 3);
    assert_eq!(starts[0].to.0, starts[1].to.0);
    assert_ne!(starts[0].to.0, starts[2].to.0);
    assert_eq!(starts[4].comment.as_deref(), Some("forward to [::1]:80"));
}

#[test]
fn a_comment_moves_no_cursor_and_has_an_end() {
    let mut pcapng = Pcapng::new(Vec::new(), "\x1b[2J").unwrap();
    pcapng
        .open(
            at(0),
            &Place::Name("x\x1b\n\u{202e}é".repeat(500), 1),
            "\x07",
        )
        .unwrap();
    let file = pcapng.finish().unwrap();
    assert!(!file.windows(2).any(|pair| pair == b"\x1b["));
    let comment = packets(&file)[0].comment.clone().unwrap();
    assert!(
        comment.len() <= 1_000 && !comment.chars().any(char::is_control) && comment.contains('é')
    );
}

fn some_events() -> impl Strategy<Value = Vec<(bool, usize, u8)>> {
    proptest::collection::vec(
        (
            any::<bool>(),
            prop_oneof![0usize..50, Just(65_495), Just(65_496), 60_000usize..200_000],
            0u8..12,
        ),
        0..25,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever happens on whichever connection: each is put together again byte for byte, every sum holds, every byte is acknowledged when
    /// it is written, and times never go back.
    #[test]
    fn any_connections_are_put_together_again(events in some_events(), v6 in any::<bool>(), many in 1usize..4) {
        let place = match v6 {
            true => Place::Address(IpAddr::V6(Ipv6Addr::LOCALHOST), 9_999),
            false => Place::Name("x".to_owned(), 9_999),
        };
        let mut pcapng = Pcapng::new(Vec::new(), "").unwrap();
        let mut conversations: Vec<Conversation> = (0..many).map(|_| pcapng.open(at(0), &place, "").unwrap()).collect();
        let mut sent: BTreeMap<(u16, bool), Vec<u8>> = BTreeMap::new();
        let mut ended = BTreeMap::new();
        for (number, (is_up, length, what)) in events.into_iter().enumerate() {
            let which = number % many;
            let towards = if is_up { ToTarget } else { ToTechnician };
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from((at * 7 + number) % 251).unwrap()).collect();
            let key = (49_152 + u16::try_from(which).unwrap(), is_up);
            let event = match what {
                0 => Event::Eof(towards),
                1 => Event::Close,
                _ => Event::Bytes(towards, &bytes),
            };
            let is_over = ended.get(&key).copied().unwrap_or(false);
            let written = pcapng.event(&mut conversations[which], at(number as u64), event);
            match event {
                Event::Bytes(..) if is_over && length > 0 => prop_assert!(matches!(written, Err(PcapngError::AfterEnd))),
                Event::Bytes(..) => {
                    written.unwrap();
                    sent.entry(key).or_default().extend(&bytes);
                }
                Event::Eof(_) => {
                    written.unwrap();
                    ended.insert(key, true);
                }
                Event::Close => {
                    written.unwrap();
                    ended.insert((key.0, true), true);
                    ended.insert((key.0, false), true);
                }
            }
        }
        let mut read: BTreeMap<(u16, bool), Vec<u8>> = BTreeMap::new();
        let mut next: BTreeMap<(u16, bool), u32> = BTreeMap::new();
        let mut last = 0;
        for packet in packets(&pcapng.finish().unwrap()) {
            prop_assert!(packet.at >= last);
            last = packet.at;
            let is_up = packet.to.1 == 9_999;
            let port = if is_up { packet.from.1 } else { packet.to.1 };
            let from = next.entry((port, is_up)).or_default();
            prop_assert_eq!(packet.sequence, *from);
            let marks = u32::from(packet.flags & SYN != 0) + u32::from(packet.flags & FIN != 0);
            *from += u32::try_from(packet.data.len()).unwrap() + marks;
            if packet.flags & ACK != 0 {
                prop_assert_eq!(packet.acknowledged, next.get(&(port, !is_up)).copied().unwrap_or_default());
            }
            if !packet.data.is_empty() {
                read.entry((port, is_up)).or_default().extend(packet.data);
            }
        }
        sent.retain(|_, bytes| !bytes.is_empty());
        prop_assert_eq!(read, sent);
    }
}
