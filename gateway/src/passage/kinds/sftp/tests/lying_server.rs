//! A server that does not mean well: to the gateway, or through it to the technician.

use super::super::wire::WireError;
use super::super::{NoReply, Say, ServerFault, Sftp};
use super::lies::*;
use super::packets::*;

#[test]
fn a_server_that_does_not_greet_is_stopped() {
    for (answer, fault) in [
        (status(0, 0, ""), ServerFault::Version),
        (packet(2, &[&n(4)]), ServerFault::OtherVersion(4)),
        (
            packet(2, &[&n(3), &s("x")]),
            ServerFault::Wire(WireError::Short),
        ),
        (
            n(1 << 30).to_vec(),
            ServerFault::Wire(WireError::Length { length: 1 << 30 }),
        ),
        (
            b"Welcome to db01\n".to_vec(),
            ServerFault::Wire(WireError::Length {
                length: 0x5765_6c63,
            }),
        ),
    ] {
        let mut sftp = Sftp::new(None, Say::default());
        up(&mut sftp, &init());
        assert_eq!(
            down(&mut sftp, &answer).stopped,
            server(fault),
            "{answer:?}"
        );
    }
    let mut sftp = Sftp::new(None, Say::default());
    assert_eq!(
        down(&mut sftp, &version(&[])).stopped,
        server(ServerFault::Version),
        "unasked"
    );
    let (mut sftp, _) = greeted();
    assert_eq!(
        down(&mut sftp, &version(&[])).stopped,
        server(ServerFault::Version),
        "twice"
    );
}

#[test]
fn a_server_that_answers_what_nobody_asked_is_stopped() {
    let (mut sftp, mut honest) = greeted();
    let h = opened(&mut sftp, &mut honest, 1, "/x/a", 1);
    let id = apart(&up(&mut sftp, &read(7, &h, 0, 9)).to_target[0]).0[0].id;
    // By the technician's number, and by ours a second time.
    let mut other = greeted().0;
    assert_eq!(
        down(&mut other, &data(7, "x")).stopped,
        server(ServerFault::Unasked)
    );
    assert_eq!(down(&mut sftp, &data(id, "x")).stopped, None);
    assert_eq!(
        down(&mut sftp, &data(id, "x")).stopped,
        server(ServerFault::Unasked)
    );
}

#[test]
fn an_answer_of_another_type_or_size_is_none() {
    let short = NoReply::Malformed(WireError::Short);
    type Case<'a> = (&'a [u8], Box<dyn Fn(u32) -> Vec<u8>>, NoReply);
    let stat = one(17, 1, "/x/a");
    let opens = open(1, "/x/a", 1);
    let lists = one(11, 1, "/x");
    let removes = one(13, 1, "/x/a");
    let room = extended(1, "statvfs@openssh.com", &[&s("/x/a")]);
    let cases: Vec<Case<'_>> = vec![
        (&stat, Box::new(|id| handle(id, "h")), NoReply::Type),
        (&stat, Box::new(|id| data(id, "h")), NoReply::Type),
        (&stat, Box::new(|id| packet(105, &[&n(id), &n(1)])), short),
        (
            &stat,
            Box::new(|id| packet(105, &[&n(id), &n(0x20)])),
            NoReply::Malformed(WireError::Attributes),
        ),
        (
            &stat,
            Box::new(|id| packet(105, &[&n(id), &n(0), b"more"])),
            NoReply::Malformed(WireError::Left),
        ),
        (
            &stat,
            Box::new(|id| packet(250, &[&n(id), &n(0)])),
            NoReply::Type,
        ),
        (
            &opens,
            Box::new(|id| packet(105, &[&n(id), &n(0)])),
            NoReply::Type,
        ),
        (&opens, Box::new(|id| handle(id, "")), NoReply::Handle),
        (
            &opens,
            Box::new(|id| handle(id, [b'h'; 257])),
            NoReply::Handle,
        ),
        (
            &opens,
            Box::new(|id| packet(102, &[&n(id), &n(99), b"h"])),
            short,
        ),
        (&lists, Box::new(|id| names(id, &[b"x"])), NoReply::Type),
        (&removes, Box::new(|id| data(id, "x")), NoReply::Type),
        (
            &removes,
            Box::new(|id| packet(101, &[&n(id), &n(0), &n(9)])),
            short,
        ),
        (
            &room,
            Box::new(|id| packet(201, &[&n(id), &[0; 87]])),
            short,
        ),
        (
            &room,
            Box::new(|id| packet(201, &[&n(id), &[0; 96]])),
            short,
        ),
    ];
    for (request, answer, fault) in cases {
        let (mut sftp, mut honest) = greeted();
        let id = on_its_way(&mut sftp, &mut honest, request);
        let done = down(&mut sftp, &answer(id));
        assert_eq!(
            done.stopped,
            server(ServerFault::NoReply(fault)),
            "{:?}",
            answer(id)
        );
        assert!(done.to_technician.is_empty());
    }
    // More data than was asked; as much passes.
    let (mut sftp, mut honest) = greeted();
    let h = opened(&mut sftp, &mut honest, 1, "/x/a", 1);
    let id = apart(&up(&mut sftp, &read(7, &h, 0, 9)).to_target[0]).0[0].id;
    assert_eq!(
        down(&mut sftp, &data(id, "123456789")).to_technician.len(),
        1
    );
    let id = apart(&up(&mut sftp, &read(7, &h, 0, 9)).to_target[0]).0[0].id;
    let fault = ServerFault::NoReply(NoReply::TooMuch);
    assert_eq!(
        down(&mut sftp, &data(id, "1234567890")).stopped,
        server(fault)
    );
}

/// The shape of CVE-2019-6111: a server names files that the client did not ask for, outside its directory.
#[test]
fn a_listing_that_climbs_out_of_its_directory_stops_the_channel() {
    for name in [
        &b"../.ssh/authorized_keys"[..],
        b"/etc/cron.d/x",
        b"a/b",
        b"",
        b"a\0b",
        &[b'a'; 1_021],
    ] {
        let (mut sftp, mut honest) = greeted();
        let id = on_its_way(&mut sftp, &mut honest, &one(11, 1, "/x"));
        down(&mut sftp, &handle(id, "d"));
        let id = apart(&up(&mut sftp, &packet(12, &[&n(2), &s("d")])).to_target[0]).0[0].id;
        let done = down(&mut sftp, &names(id, &[b".", b"..", b"good", name]));
        let fault = ServerFault::NoReply(NoReply::Entry);
        assert_eq!(done.stopped, server(fault), "{name:?}");
        assert!(done.to_technician.is_empty());
    }
    let (mut sftp, mut honest) = greeted();
    let id = on_its_way(&mut sftp, &mut honest, &one(11, 1, "/x"));
    down(&mut sftp, &handle(id, "d"));
    let id = apart(&up(&mut sftp, &packet(12, &[&n(2), &s("d")])).to_target[0]).0[0].id;
    // A count that no packet holds.
    let lie = packet(104, &[&n(id), &n(u32::MAX), &s("x"), &s("x"), &n(0)]);
    let fault = ServerFault::NoReply(NoReply::Malformed(WireError::Short));
    assert_eq!(down(&mut sftp, &lie).stopped, server(fault));
}

#[test]
fn a_server_that_gives_one_handle_to_two_files_is_stopped() {
    let (mut sftp, mut honest) = greeted();
    opened(&mut sftp, &mut honest, 1, "/x/a", 1);
    let id = on_its_way(&mut sftp, &mut honest, &open(2, "/x/b", 2));
    assert_eq!(
        down(&mut sftp, &handle(id, "h1")).stopped,
        server(ServerFault::SameHandle)
    );
}

/// Whatever a server says of where a path leads, what is sent on is what was judged.
#[test]
fn a_server_that_lies_about_paths_is_judged_by_its_lies() {
    for (lie, code) in [
        (&b"/etc/shadow"[..], 3),
        (b"/x/../etc/shadow", 3),
        (b"/x//a", 3),
        (b"x/a", 3),
        (b"", 3),
        (b"/x/a\0b", 3),
        (b"/x/", 3),
    ] {
        let (mut sftp, _) = greeted();
        let (asked, _) = apart(&up(&mut sftp, &open(1, "/x/a", 1)).to_target[0]);
        let done = down(&mut sftp, &names(asked[0].id, &[lie]));
        assert!(done.to_target.is_empty(), "{lie:?}");
        assert_eq!(
            apart(&done.to_technician[0]).0[0].code(),
            Some(code),
            "{lie:?}"
        );
    }
    // Two paths for one, or none.
    for many in [&[][..], &[&b"/x/a"[..], b"/x/b"]] {
        let (mut sftp, _) = greeted();
        let (asked, _) = apart(&up(&mut sftp, &open(1, "/x/a", 1)).to_target[0]);
        let fault = ServerFault::NoReply(NoReply::Count);
        assert_eq!(
            down(&mut sftp, &names(asked[0].id, many)).stopped,
            server(fault)
        );
    }
}

/// A directory that becomes a link between the look and the open is found behind the open.
#[test]
fn what_moved_while_it_was_opened_is_closed_and_not_handed_out() {
    for moved_to in ["/etc/shadow", "/x/other"] {
        let (mut sftp, mut honest) = greeted();
        let done = up(&mut sftp, &open(1, "/x/a", 1));
        let done = down(&mut sftp, &honest.read(&done.to_target.concat()).concat());
        let (asked, _) = apart(&done.to_target.concat()).clone();
        assert_eq!(
            asked.iter().map(|asked| asked.kind).collect::<Vec<_>>(),
            [3, 16, 7]
        );
        let answers = [
            handle(asked[0].id, "h"),
            names(asked[1].id, &[moved_to.as_bytes()]),
            packet(105, &[&n(asked[2].id), &n(0)]),
        ];
        let done = down(&mut sftp, &answers.concat());
        let (seen, _) = apart(&done.to_technician[0]);
        assert_eq!((seen[0].id, seen[0].code()), (1, Some(3)));
        assert!(seen[0].words().contains("led elsewhere"));
        let (own, _) = apart(&done.to_target[0]);
        assert_eq!((own[0].kind, own[0].string(0).0), (4, &b"h"[..]));
    }
}

#[test]
fn a_server_whose_links_go_in_circles_is_not_followed_for_ever() {
    let mut sftp = Sftp::new(None, Say::default());
    up(&mut sftp, &init());
    let greeting = down(&mut sftp, &version(&[("fsync@openssh.com", "1")]));
    let (asked, _) = apart(&greeting.to_target.concat()).clone();
    // It does not follow links by itself.
    let answers = [
        names(asked[0].id, &[b"/home"]),
        names(asked[1].id, &[b"/proc/net"]),
    ];
    down(&mut sftp, &answers.concat());
    let mut done = up(&mut sftp, &one(17, 1, "/x/a"));
    let mut asked = 0;
    while done.to_technician.is_empty() {
        let mut answers = Vec::new();
        for question in apart(&done.to_target.concat()).0 {
            asked += 1;
            answers.extend(match question.kind {
                7 => packet(105, &[&n(question.id), &n(4), &n(0o120_777)]),
                19 => names(question.id, &[b"a"]),
                _ => unreachable!("{question:?}"),
            });
        }
        done = down(&mut sftp, &answers);
        assert!(asked < 1_000);
    }
    assert!(apart(&done.to_technician[0]).0[0].code().is_some());
}
