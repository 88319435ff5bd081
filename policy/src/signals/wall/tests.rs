use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::extraction::ByteCount;
use crate::signals::Then;

fn rule(bytes: &str) -> Wall {
    Wall {
        bytes: ByteCount::parse(bytes).unwrap(),
        then: Then::Notify,
    }
}

/// Whether it is told, given in pieces of that length.
fn fires(bytes: &[u8], piece: usize) -> bool {
    let mut run = Run::default();
    bytes
        .chunks(piece)
        .any(|piece| run.pass(&rule("64 KiB"), piece).is_some())
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Text in lines of so many letters.
fn folded(text: &[u8], columns: usize, end: &[u8]) -> Vec<u8> {
    let lines = text.chunks(columns);
    lines
        .flat_map(|line| line.iter().chain(end).copied().collect::<Vec<_>>())
        .collect()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

fn uuencoded(bytes: &[u8]) -> Vec<u8> {
    let letter = |six: u8| if six == 0 { b'`' } else { six + 32 };
    let mut out = Vec::new();
    for line in bytes.chunks_exact(45) {
        out.push(b'M');
        for three in line.chunks_exact(3) {
            let all = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
            out.extend([18, 12, 6, 0].map(|by| letter((all >> by & 63) as u8)));
        }
        out.push(b'\n');
    }
    out
}

#[test]
fn walls_are_told_however_they_come() {
    let noise = noise(200_000);
    let text = "The quick brown fox jumps over the lazy dog; 12 of 345 rows.\n".repeat(3000);
    for (what, wall) in [
        (
            "base64",
            folded(STANDARD.encode(&noise).as_bytes(), 76, b"\n"),
        ),
        (
            "on a terminal",
            folded(STANDARD.encode(&noise).as_bytes(), 76, b"\r\n"),
        ),
        ("one line", STANDARD.encode(&noise).into_bytes()),
        (
            "of text",
            folded(STANDARD.encode(&text).as_bytes(), 64, b"\n"),
        ),
        ("hex", folded(&hex(&noise), 60, b"\n")),
        ("one line of hex", hex(&noise)),
        ("uuencode", uuencoded(&noise)),
    ] {
        for piece in [1, 37, 1024, 32 << 10, 1 << 20] {
            assert!(fires(&wall, piece), "{what} in pieces of {piece}");
        }
    }
}

/// As SQLite writes it: a header, and pages of which most is zeros, with cells of text and small numbers at the end.
fn database() -> Vec<u8> {
    let mut out = b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20".to_vec();
    out.resize(4096, 0);
    for page in 0..60_u32 {
        let mut cells = Vec::new();
        for row in 0..=page % 40 {
            cells.extend([30, row as u8, 4, 0, 0x21, 0x35, 1]);
            cells.extend(format!("name {row}2026-11-30T10:{:02}", row % 60).into_bytes());
        }
        let mut one = vec![13, 0, 0, 0, (page % 40) as u8, 0, 0, 0];
        for row in 0..=page % 40 {
            one.extend((4096 - 30 * row).to_be_bytes().split_at(2).1);
        }
        one.resize(4096 - cells.len(), 0);
        one.extend(cells);
        out.extend(one);
    }
    out
}

/// The tables of an ELF file: symbols and relocations, which are small numbers between zeros, and the code of this very program.
fn program() -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    for symbol in 0..4000_u64 {
        out.extend((symbol as u32 * 17).to_le_bytes());
        out.extend([0x12, 0, 12, 0]);
        out.extend((0x1000 + symbol * 64).to_le_bytes());
        out.extend((symbol % 200).to_le_bytes());
    }
    let here = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    out.extend(here.into_iter().take(200_000));
    out
}

/// X3: what is taken on a screen is a database or a program more often than noise, and half of these is zeros.
#[test]
fn x3_walls_of_databases_programs_and_zeros_are_told() {
    for (what, bytes) in [
        ("database", database()),
        ("program", program()),
        ("zeros", vec![0; 200_000]),
    ] {
        let base64 = STANDARD.encode(&bytes);
        let walls = [
            ("base64", folded(base64.as_bytes(), 76, b"\n")),
            ("on a terminal", folded(base64.as_bytes(), 76, b"\r\n")),
            ("of openssl", folded(base64.as_bytes(), 64, b"\n")),
            ("one line", base64.into_bytes()),
            ("hex", folded(&hex(&bytes), 60, b"\n")),
            ("uuencode", uuencoded(&bytes)),
        ];
        for (how, wall) in walls {
            for piece in [37, 32 << 10] {
                assert!(fires(&wall, piece), "{what}, {how}, in pieces of {piece}");
            }
        }
    }
}

/// Letters that were drawn, in lines of that width.
fn drawn(from: &[u8], columns: usize) -> String {
    let letters: Vec<u8> = noise(1 << 20)
        .iter()
        .map(|byte| from[usize::from(*byte) % from.len()])
        .collect();
    String::from_utf8(folded(&letters, columns, b"\n")).unwrap()
}

/// X3: what is folded like encoded bytes and is none.
#[test]
fn x3_what_is_folded_alike_is_no_wall() {
    let lines = |line: String| format!("{line}\n").repeat(8000);
    for (what, output) in [
        ("one letter", lines("a".repeat(76))),
        ("one letter without end", "a".repeat(1 << 20)),
        ("rulers", lines("=".repeat(76))),
        ("dashes", lines("-".repeat(64))),
        ("slashes", lines("/".repeat(76))),
        ("bases", drawn(b"ACGT", 60)),
        ("many of one base", drawn(b"AAAACGT", 60)),
        ("proteins", drawn(b"ACDEFGHIKLMNPQRSTVWY", 60)),
        ("a number", drawn(b"0123456789", 60)),
        ("a number without end", drawn(b"0123456789", 1 << 21)),
        ("a power of ten", format!("1{}", "0".repeat(1 << 20))),
        (
            "a list of files",
            (0..20_000)
                .map(|n| format!("/usr/share/doc/lib{n}/examples/Some{}Thing\n", n % 97))
                .collect(),
        ),
        (
            "a build",
            (0..20_000)
                .map(|n| {
                    format!(
                        "   Compiling some-crate-{n} v0.{}.1 (/build/some-crate)\n",
                        n % 40
                    )
                })
                .collect(),
        ),
    ] {
        for piece in [37, 32 << 10] {
            let (unix, terminal) = (output.clone(), output.replace('\n', "\r\n"));
            assert!(
                !fires(unix.as_bytes(), piece),
                "{what} in pieces of {piece}"
            );
            assert!(!fires(terminal.as_bytes(), piece), "{what} on a terminal");
        }
    }
}

#[test]
fn what_people_read_is_no_wall() {
    let row = |line: &str| line.repeat((1 << 20) / line.len());
    let numbers: String = (0..200_000).map(|number| format!("{number}\n")).collect();
    for (what, output) in [
        ("yes", row("y\n")),
        (
            "a log",
            row(
                "Nov 30 15:22:16 db01 sshd[4242]: Accepted publickey for ops from 10.1.2.3 port 50022 ssh2: ED25519 SHA256:q3Jw0p2yZs1v\n",
            ),
        ),
        (
            "a build",
            row(
                "   Compiling ecluse-recordings v0.1.0 (/build/recordings)\nwarning: unused variable: `x`\n  --> src/lib.rs:12:9\n",
            ),
        ),
        (
            "object files",
            row(
                "gcc -O2 -g -Wall -c -o build/release/objects/passage/pump/holds.o src/passage/pump/holds.c\n",
            ),
        ),
        (
            "paths",
            row("/usr/share/doc/libreoffice-common/examples/templates/something\n"),
        ),
        (
            "digests",
            row(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  ./var/lib/backups/daily/one.tar.gz\n",
            ),
        ),
        ("numbers", numbers),
        (
            "one letter",
            row("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"),
        ),
        ("tildes", row("~~~~~~~~~~~~~~~~")),
        (
            "JSON",
            row(
                "{\"id\":12345,\"name\":\"Something\",\"at\":\"2026-11-30T15:22:16Z\",\"ok\":true},",
            ),
        ),
    ] {
        for piece in [37, 1024, 32 << 10] {
            assert!(
                !fires(output.as_bytes(), piece),
                "{what} in pieces of {piece}"
            );
        }
    }
    for piece in [37, 32 << 10] {
        assert!(!fires(&noise(1 << 20), piece), "bytes that are not encoded");
    }
}

/// A key or a certificate on a screen is no wall.
#[test]
fn less_than_the_threshold_is_none() {
    let wall = folded(STANDARD.encode(noise(40_000)).as_bytes(), 76, b"\n");
    assert!(wall.len() < 64 << 10 && !fires(&wall, 4096));
    let mut run = Run::default();
    for _ in 0..50 {
        let key = folded(STANDARD.encode(noise(3000)).as_bytes(), 64, b"\n");
        assert_eq!(run.pass(&rule("64 KiB"), &key), None);
        let text = "and then a page of what people read, with words and blanks\n".repeat(300);
        assert_eq!(run.pass(&rule("64 KiB"), text.as_bytes()), None);
    }
}

proptest! {
    /// How it is cut into pieces changes nothing.
    #[test]
    fn pieces_change_nothing(length in 60_000usize..120_000, piece in 1usize..40_000) {
        let wall = folded(STANDARD.encode(noise(length)).as_bytes(), 76, b"\n");
        prop_assert_eq!(fires(&wall, piece), fires(&wall, usize::MAX));
    }
}
