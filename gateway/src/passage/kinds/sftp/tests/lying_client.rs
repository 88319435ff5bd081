//! A client that does not mean well.

use super::super::handles::MOST_NAMED;
use super::super::wire::WireError;
use super::super::{ClientFault, MOST_OPEN, Say, Sftp};
use super::Done;
use super::lies::*;
use super::packets::*;
use super::server::Server;

#[test]
fn a_client_that_does_not_begin_with_init_is_stopped() {
    for (bytes, fault) in [
        (one(17, 1, "/x"), ClientFault::Init),
        (packet(1, &[&n(2)]), ClientFault::Version(2)),
        (
            n(0).to_vec(),
            ClientFault::Wire(WireError::Length { length: 0 }),
        ),
        (
            n(300_000).to_vec(),
            ClientFault::Wire(WireError::Length { length: 300_000 }),
        ),
        (
            b"SSH-2.0-x\r\n".to_vec(),
            ClientFault::Wire(WireError::Length {
                length: 0x5353_482d,
            }),
        ),
    ] {
        assert_eq!(
            up(&mut Sftp::new(None, Say::default()), &bytes).stopped,
            client(fault),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_client_that_lies_about_numbers_and_types_is_stopped() {
    for (bytes, fault) in [
        (init(), ClientFault::Init),
        (status(1, 0, ""), ClientFault::Answers),
        (version(&[]), ClientFault::Answers),
        (data(1, "x"), ClientFault::Answers),
        (
            [one(17, 5, "/x/a"), one(17, 5, "/x/b")].concat(),
            ClientFault::Twice(5),
        ),
        (
            n(u32::MAX).to_vec(),
            ClientFault::Wire(WireError::Length { length: u32::MAX }),
        ),
    ] {
        let (mut sftp, _) = greeted();
        let done = up(&mut sftp, &bytes);
        assert_eq!(done.stopped, client(fault), "{bytes:?}");
        let after = up(&mut sftp, &one(17, 9, "/x/a"));
        assert_eq!(after, Done::default(), "nothing passes any more");
    }
}

#[test]
fn malformed_requests_are_answered_here_and_reach_no_target() {
    let (mut sftp, _) = greeted();
    let whole = open(1, "/x/a", 1);
    let cut = |by: usize| packet(3, &[&whole[5..whole.len() - by]]);
    for (request, code) in [
        (cut(1), 5),
        (cut(9), 5),
        (packet(3, &[&whole[5..], b"more"]), 5),
        (packet(17, &[&n(1), &n(u32::MAX), b"/x"]), 5),
        (packet(17, &[&n(1)]), 5),
        (packet(3, &[&n(1), &s("/x/a"), &n(64), &n(0)]), 8),
        (packet(3, &[&n(1), &s("/x/a"), &n(1), &n(0x10)]), 5),
        (
            packet(
                9,
                &[
                    &n(1),
                    &s("/x/a"),
                    &n(0x8000_0000),
                    &n(1),
                    &s("acl"),
                    &s("x"),
                ],
            ),
            8,
        ),
        (
            packet(9, &[&n(1), &s("/x/a"), &n(0x8000_0000), &n(u32::MAX)]),
            5,
        ),
        (packet(5, &[&n(1), &s("h"), &q(u64::MAX), &n(1)]), 8),
        (packet(5, &[&n(1), &s("h"), &q(i64::MAX as u64), &n(1)]), 8),
        (write(1, "h", u64::MAX - 1, b"abc"), 8),
        (
            extended(
                1,
                "copy-data",
                &[&s("h"), &q(1), &q(u64::MAX), &s("h"), &q(0)],
            ),
            8,
        ),
        (
            extended(1, "users-groups-by-id@openssh.com", &[&s("abc"), &s("")]),
            5,
        ),
        (read(1, "nobody's", 0, 1), 4),
        (read(1, "", 0, 1), 4),
        (close(1, vec![b'h'; 100_000]), 4),
    ] {
        let done = up(&mut sftp, &request);
        assert_eq!(done.stopped, None);
        assert!(done.to_target.is_empty(), "{request:?}");
        let (seen, _) = apart(&done.to_technician[0]);
        assert_eq!((seen[0].id, seen[0].code()), (1, Some(code)), "{request:?}");
        assert!(!seen[0].words().is_empty());
    }
}

#[test]
fn paths_that_are_none_are_refused() {
    let (mut sftp, _) = greeted();
    for path in [
        &b"/x/a\0/etc/passwd"[..],
        b"/x/a\0",
        &[b'/'; 5_000],
        &[b'a'; 300][..].repeat(100),
    ] {
        for kind in [7, 11, 13, 15, 16, 17, 19] {
            let done = up(&mut sftp, &one(kind, 1, path));
            assert!(done.to_target.is_empty());
            let (seen, _) = apart(&done.to_technician[0]);
            assert_eq!(seen[0].code(), Some(3), "{kind}");
            assert_eq!(done.log.len(), 1, "what is refused is on record");
            assert!(done.log[0].typed[0].len() <= 4_096);
        }
        let done = up(&mut sftp, &two(18, 1, "/x/a", path));
        let seen = match done.to_technician.first() {
            Some(seen) => apart(seen).0,
            // The other path was asked first.
            None => {
                let answers = Server::default().read(&done.to_target.concat()).concat();
                apart(&down(&mut sftp, &answers).to_technician[0]).0
            }
        };
        assert_eq!(seen[0].code(), Some(3));
    }
}

#[test]
fn ten_thousand_handles_are_not_opened() {
    let (mut sftp, mut server) = greeted();
    for client in 0..u32::try_from(MOST_OPEN).unwrap() {
        opened(&mut sftp, &mut server, client, "/x/a", 1);
    }
    let mut todo = up(&mut sftp, &open(9_999, "/x/a", 1)).to_target.concat();
    let answers = server.read(&std::mem::take(&mut todo)).concat();
    let done = down(&mut sftp, &answers);
    assert!(done.to_target.is_empty());
    let (seen, _) = apart(&done.to_technician[0]);
    assert_eq!((seen[0].code(), seen[0].id), (Some(4), 9_999));
    assert!(seen[0].words().contains("too many files are open"));
    // Sent all at once, those that are being opened count too.
    let (mut sftp, mut server) = greeted();
    for client in 5_000..5_005 {
        opened(&mut sftp, &mut server, client, "/x/a", 1);
    }
    let all: Vec<u8> = (0..2_000)
        .flat_map(|client| open(client, "/x/a", 1))
        .collect();
    let mut todo = up(&mut sftp, &all).to_target.concat();
    let (mut open, mut refused) = (0, 0);
    while !todo.is_empty() {
        let answers = server.read(&todo).concat();
        let done = down(&mut sftp, &answers);
        todo = done.to_target.concat();
        for seen in apart(&done.to_technician.concat()).0 {
            match seen.kind {
                102 => open += 1,
                _ => refused += 1,
            }
        }
    }
    assert_eq!((open, refused), (MOST_OPEN - 5, 2_005 - MOST_OPEN));
}

/// Names of the greatest length are kept of few files, not of all that could be open.
#[test]
fn long_names_are_not_kept_by_the_hundred() {
    let (mut sftp, mut server) = greeted();
    let longest = format!("/x/{}", "a".repeat(4_000));
    let mut open = 0;
    for client in 0..u32::try_from(MOST_OPEN).unwrap() {
        let mut todo = up(&mut sftp, &super::packets::open(client, &longest, 1))
            .to_target
            .concat();
        let mut kind = None;
        while kind.is_none() {
            let answers = server.read(&std::mem::take(&mut todo)).concat();
            let done = down(&mut sftp, &answers);
            todo = done.to_target.concat();
            let seen = apart(&done.to_technician.concat()).0;
            kind = seen.first().map(|seen| seen.kind);
        }
        open += usize::from(kind == Some(102));
    }
    let kept = open * 3 * 4_003;
    assert!(
        open > 10 && kept <= MOST_NAMED + 3 * 4_003 + 1_024,
        "{open}"
    );
}

#[test]
fn a_handle_does_only_what_it_was_opened_for() {
    let (mut sftp, mut server) = greeted();
    let reads = opened(&mut sftp, &mut server, 1, "/x/r", 1);
    let writes = opened(&mut sftp, &mut server, 2, "/x/w", 2);
    let id = on_its_way(&mut sftp, &mut server, &one(11, 3, "/x"));
    down(&mut sftp, &handle(id, "d"));
    let setstat = |h: &[u8]| packet(10, &[&n(9), &s(h), &n(1), &q(0)]);
    for request in [
        write(9, &reads, 0, b"x"),
        setstat(&reads),
        read(9, &writes, 0, 1),
        read(9, "d", 0, 1),
        write(9, "d", 0, b"x"),
        packet(12, &[&n(9), &s(&reads)]),
        extended(9, "fsync@openssh.com", &[&s("d")]),
        extended(
            9,
            "copy-data",
            &[&s(&writes), &q(0), &q(0), &s(&reads), &q(0)],
        ),
        extended(
            9,
            "copy-data",
            &[&s(&reads), &q(0), &q(0), &s(&reads), &q(0)],
        ),
        extended(
            9,
            "copy-data",
            &[&s(&reads), &q(0), &q(0), &s("nobody's"), &q(0)],
        ),
        extended(
            9,
            "copy-data",
            &[&s(&writes), &q(0), &q(0), &s(&writes), &q(0)],
        ),
    ] {
        let done = up(&mut sftp, &request);
        assert!(done.to_target.is_empty(), "{request:?}");
        assert_eq!(apart(&done.to_technician[0]).0[0].code(), Some(3));
    }
    let copy = extended(
        9,
        "copy-data",
        &[&s(&reads), &q(0), &q(0), &s(&writes), &q(0)],
    );
    assert_eq!(up(&mut sftp, &copy).to_target.len(), 1);
}

#[test]
fn a_handle_is_nobody_s_as_soon_as_it_is_being_closed() {
    let (mut sftp, mut server) = greeted();
    let h = opened(&mut sftp, &mut server, 1, "/x/r", 1);
    let done = up(&mut sftp, &[close(2, &h), read(3, &h, 0, 1)].concat());
    assert_eq!(done.to_target.len(), 1);
    let (seen, _) = apart(&done.to_technician[0]);
    assert_eq!((seen[0].id, seen[0].code()), (3, Some(4)));
}
