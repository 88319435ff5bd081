//! The protocol: what passes is the same bytes, answered by its number, however much is on its way.

use super::super::{Direction, MOST_IN_FLIGHT, MOST_OPEN, Operation, Say, Sftp, Step};
use super::line::*;
use super::packets::*;
use super::server::Server;
use super::{give, judge, lines, now};

#[test]
fn what_passes_is_the_same_but_for_its_number() {
    let mut line = Line::new(ALL);
    let h = line.opened(1, "/x/a", 3);
    line.send(&one(11, 2, "/x"));
    let d = line.got()[0].string(0).0.to_vec();
    let requests = every_request(&h, &d);
    for request in &requests {
        line.done.passed.clear();
        let before = line.server.asked.len();
        let seen = line.ask(request);
        let (asked, _) = apart(request);
        assert_eq!(seen.id, asked[0].id, "{request:?}");
        assert_ne!(seen.code(), Some(3), "{:?} {}", asked[0], seen.words());
        if asked[0].kind == 16 {
            // The question was ours, and its answer is theirs.
            continue;
        }
        let passed = &line.done.passed;
        assert_eq!(passed[0].1[9..], request[9..], "{asked:?}");
        assert_eq!(passed[0].1[..5], request[..5]);
        let at_server = &line.server.asked[before..];
        assert!(
            at_server
                .iter()
                .any(|seen| seen.rest == asked[0].rest && seen.kind == asked[0].kind)
        );
        if asked[0].id != 121 {
            let answered = Server::default().read(request).remove(0);
            assert_eq!(passed[1].1[9..], answered[9..], "{asked:?}");
        }
    }
}

#[test]
fn the_payload_is_what_the_other_side_learns() {
    let mut line = Line::new(ALL);
    let payload = |line: &Line, at: usize| line.done.passed[at].2;
    line.done.passed.clear();
    let h = line.opened(1, "/x/abc", 3);
    // The path, the flags and the attributes' own flags; a handle back.
    assert_eq!((payload(&line, 0), payload(&line, 1)), (6 + 4 + 4, 4));
    line.done.passed.clear();
    line.ask(&write(2, &h, 0, b"12345"));
    assert_eq!(
        (payload(&line, 0), payload(&line, 1)),
        (8 + 5, 4 + "Success".len() as u64)
    );
    line.done.passed.clear();
    line.ask(&read(3, &h, 0, 10));
    assert_eq!((payload(&line, 0), payload(&line, 1)), (12, 10));
    line.done.passed.clear();
    line.ask(&one(7, 4, "/x/abc"));
    assert_eq!((payload(&line, 0), payload(&line, 1)), (6, 4 + 8 + 4));
    // A path that is asked by ourselves tells the target as much, whether it passes or not.
    let mut steps = Vec::new();
    let mut ask = |operation: &Operation| judge(&[], operation);
    line.sftp.read(
        Direction::ToTarget,
        &one(17, 5, "/etc/secretly"),
        now(),
        &mut ask,
        &mut steps,
    );
    assert!(
        matches!(
            &steps[0],
            Step::Own {
                towards: Direction::ToTarget,
                payload: 13,
                ..
            }
        ),
        "{steps:?}"
    );
}

#[test]
fn no_answer_to_a_question_of_ours_reaches_the_technician() {
    let mut line = Line::new(ALL);
    let seen = line.ask(&open(9, "/x/a", 1));
    assert_eq!((seen.kind, seen.id), (102, 9));
    // REALPATH before, OPEN, REALPATH and LSTAT behind.
    let kinds: Vec<u8> = line.server.asked.iter().map(|asked| asked.kind).collect();
    assert_eq!(kinds, [1, 16, 16, 16, 3, 16, 7]);
    let mut numbers: Vec<u32> = line.server.asked[1..]
        .iter()
        .map(|asked| asked.id)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 6);
}

#[test]
fn only_what_is_understood_is_advertised_and_passed() {
    let mut sftp = Sftp::new(None, Say::default());
    give(
        &mut sftp,
        &[],
        Direction::ToTarget,
        &packet(1, &[&n(6), &s("x"), &s("y")]),
    );
    let answer = version(super::server::EXTENSIONS);
    let done = give(&mut sftp, &[], Direction::ToTechnician, &answer);
    let (seen, _) = apart(&done.to_technician[0]);
    let text = String::from_utf8_lossy(&seen[0].rest).into_owned();
    assert!(text.contains("users-groups-by-id@openssh.com") && text.contains("copy-data"));
    assert!(!text.contains("check-file") && !text.contains("vendor-id"));
    let expected = version(&super::server::EXTENSIONS[..11]);
    assert_eq!(done.to_technician[0], expected);

    let mut line = Line::new(ALL);
    for request in [
        extended(1, "check-file@openssh.com", &[&s("/x/a")]),
        extended(2, "vendor-id", &[]),
        extended(3, "statvfs@openssh.com\0", &[&s("/x/a")]),
        packet(21, &[&n(4), &s("/x/a"), &s("/x/b"), &[1]]),
        packet(99, &[&n(5)]),
    ] {
        let before = line.server.asked.len();
        let seen = line.ask(&request);
        assert_eq!(seen.code(), Some(8), "{seen:?}");
        assert_eq!(
            line.server.asked.len(),
            before,
            "OpenSSH 9.2 stalls on what it does not know"
        );
    }
}

#[test]
fn an_extension_of_another_version_is_not_taken_for_ours() {
    let mut sftp = Sftp::new(None, Say::default());
    give(&mut sftp, &[], Direction::ToTarget, &init());
    let answer = version(&[
        ("statvfs@openssh.com", "3"),
        ("fsync@openssh.com", "1"),
        ("fsync@openssh.com", "1"),
    ]);
    let done = give(&mut sftp, &[], Direction::ToTechnician, &answer);
    assert_eq!(
        done.to_technician[0],
        version(&[("fsync@openssh.com", "1")])
    );
}

#[test]
fn limits_are_no_wider_than_what_passes_here() {
    let mut line = Line::new(&[]);
    let seen = line.ask(&extended(1, "limits@openssh.com", &[]));
    let number = |at: usize| u64::from_be_bytes(seen.rest[at..at + 8].try_into().unwrap());
    assert_eq!(
        (number(0), number(8), number(16)),
        (262_144, 261_120, 261_120)
    );
    assert_eq!(number(24), MOST_OPEN as u64);
}

#[test]
fn sixty_four_and_more_are_on_their_way_and_the_rest_waits_unread() {
    let mut sftp = Sftp::new(None, Say::default());
    let lines = lines(ALL);
    let mut server = Server::default();
    let mut asked = Vec::new();
    let mut answers = vec![];
    let done = give(
        &mut sftp,
        &lines,
        Direction::ToTarget,
        &[init(), open(0, "/x/a", 1)].concat(),
    );
    let mut todo = done.to_target.concat();
    while !todo.is_empty() {
        let mut next = Vec::new();
        for answer in server.read(&todo) {
            let done = give(&mut sftp, &lines, Direction::ToTechnician, &answer);
            next.extend(done.to_target.concat());
            answers.extend(done.to_technician.concat());
        }
        todo = next;
    }
    let (seen, _) = apart(&answers);
    let handle = seen[1].string(0).0.to_vec();
    // A client that asks for all of a gibibyte at once, as paramiko does.
    let mut given = 0u32;
    while sftp.wants(Direction::ToTarget) {
        let many: Vec<u8> = (0..64)
            .flat_map(|at| read(1 + given + at, &handle, 0, 32_768))
            .collect();
        given += 64;
        asked.extend(give(&mut sftp, &lines, Direction::ToTarget, &many).to_target);
    }
    assert_eq!(asked.len(), MOST_IN_FLIGHT);
    assert!(given < 2 * MOST_IN_FLIGHT as u32);
    // Each answer lets one more go, until all are done.
    let mut answered = 0;
    let mut waiting = std::collections::VecDeque::from(asked);
    while let Some(request) = waiting.pop_front() {
        let done = give(
            &mut sftp,
            &lines,
            Direction::ToTechnician,
            &server.read(&request)[0],
        );
        answered += done.to_technician.len();
        waiting.extend(done.to_target);
        assert!(waiting.len() <= MOST_IN_FLIGHT);
    }
    assert_eq!(answered, given as usize);
    assert!(sftp.wants(Direction::ToTarget));
}

#[test]
fn answers_out_of_order_are_matched_by_their_numbers() {
    let mut line = Line::new(ALL);
    let h = line.opened(1, "/x/a", 1);
    let mut requests: Vec<u8> = Vec::new();
    for (id, offset) in [(70u32, 1u64), (5, 2), (9_000_000, 3)] {
        requests.extend(read(id, &h, offset, 8));
    }
    let done = give(&mut line.sftp, &line.lines, Direction::ToTarget, &requests);
    let mut answers: Vec<Vec<u8>> = line.server.read(&done.to_target.concat());
    answers.reverse();
    let done = give(
        &mut line.sftp,
        &line.lines,
        Direction::ToTechnician,
        &answers.concat(),
    );
    let (seen, _) = apart(&done.to_technician.concat()).clone();
    let pairs: Vec<(u32, u8)> = seen
        .iter()
        .map(|seen| (seen.id, seen.string(0).0[0]))
        .collect();
    assert_eq!(pairs, [(9_000_000, 3), (5, 2), (70, 1)]);
}

#[test]
fn a_change_of_names_has_the_target_for_itself_and_order_is_kept() {
    let mut sftp = Sftp::new(None, Say::default());
    let lines = lines(ALL);
    let mut server = Server::default();
    let step = |sftp: &mut Sftp, server: &mut Server, bytes: &[u8]| -> Vec<u8> {
        let mut to_target = Vec::new();
        for answer in server.read(bytes) {
            to_target.extend(
                give(sftp, &lines, Direction::ToTechnician, &answer)
                    .to_target
                    .concat(),
            );
        }
        to_target
    };
    let mut todo = give(&mut sftp, &lines, Direction::ToTarget, &init())
        .to_target
        .concat();
    while !todo.is_empty() {
        todo = step(&mut sftp, &mut server, &todo);
    }
    server.asked.clear();
    let all = [
        open(1, "/x/a", 1),
        one(17, 2, "/x/b"),
        two(18, 3, "/x/a", "/x/c"),
        one(17, 4, "/x/c"),
        one(17, 5, "/x/d"),
    ]
    .concat();
    let mut todo = give(&mut sftp, &lines, Direction::ToTarget, &all)
        .to_target
        .concat();
    while !todo.is_empty() {
        todo = step(&mut sftp, &mut server, &todo);
    }
    let order: Vec<(u8, String)> = server
        .asked
        .iter()
        .map(|seen| {
            (
                seen.kind,
                String::from_utf8_lossy(seen.string(0).0).into_owned(),
            )
        })
        .collect();
    let at = |kind: u8, path: &str| {
        order
            .iter()
            .position(|(k, p)| *k == kind && p == path)
            .unwrap()
    };
    // Two are looked up together; the rename is looked up after both are answered, and what follows after it.
    assert!(at(16, "/x/b") < at(3, "/x/a"), "{order:?}");
    assert!(at(3, "/x/a") < at(17, "/x/b"));
    assert!(at(17, "/x/b") < at(18, "/x/a"));
    assert!(at(18, "/x/a") < at(16, "/x/c"));
    assert!(at(17, "/x/c") < at(17, "/x/d"));
}
