//! What ends, waits or is refused midway; and the lessons of others.

use super::super::log::Outcome;
use super::super::{Answer, Direction, Operation, Refusing, Say, Sftp, Ticket, Verdict};
use super::line::*;
use super::packets::*;
use super::server::Server;
use super::{Done, give, lines, now};

#[test]
fn a_request_that_waits_holds_up_no_other() {
    let mut sftp = Sftp::new(None, Say::default());
    let mut server = Server::default();
    let mut got: Vec<Seen> = Vec::new();
    let mut asked = 0;
    let mut ask = |operation: &Operation| match operation.typed.first() {
        Some(path) if &path[..] == b"/x/etc" => {
            asked += 1;
            Answer::Wait(Ticket(asked))
        }
        _ => Answer::Permit,
    };
    let mut drive = |sftp: &mut Sftp,
                     server: &mut Server,
                     bytes: &[u8],
                     verdict: Option<(Ticket, Verdict)>,
                     got: &mut Vec<Seen>| {
        let mut steps = Vec::new();
        match verdict {
            None => sftp.read(Direction::ToTarget, bytes, now(), &mut ask, &mut steps),
            Some((ticket, verdict)) => sftp.answered(ticket, verdict, now(), &mut ask, &mut steps),
        }
        loop {
            let mut done = Done::default();
            done.take(std::mem::take(&mut steps));
            assert_eq!(done.stopped, None);
            got.extend(apart(&done.to_technician.concat()).0);
            let answers = server.read(&done.to_target.concat()).concat();
            if answers.is_empty() {
                return;
            }
            sftp.read(
                Direction::ToTechnician,
                &answers,
                now(),
                &mut ask,
                &mut steps,
            );
        }
    };
    drive(&mut sftp, &mut server, &init(), None, &mut got);
    got.clear();
    let both = [
        open(1, "/x/etc", 26),
        open(2, "/x/b", 1),
        one(13, 3, "/x/c"),
        open(4, "/x/etc", 26),
    ]
    .concat();
    drive(&mut sftp, &mut server, &both, None, &mut got);
    let ids: Vec<u32> = got.iter().map(|seen| seen.id).collect();
    assert_eq!(ids, [2, 3], "the others are answered");
    assert!(
        !server
            .asked
            .iter()
            .any(|seen| seen.kind == 3 && seen.string(0).0 == b"/x/etc")
    );
    got.clear();
    drive(
        &mut sftp,
        &mut server,
        &[],
        Some((Ticket(1), Verdict::Permit)),
        &mut got,
    );
    assert_eq!((got[0].id, got[0].kind), (1, 102));
    got.clear();
    let no = Verdict::Refuse("nobody is there".to_owned());
    drive(
        &mut sftp,
        &mut server,
        &[],
        Some((Ticket(2), no.clone())),
        &mut got,
    );
    assert_eq!(
        (got[0].id, got[0].code(), got[0].words()),
        (4, Some(3), "nobody is there".to_owned())
    );
    got.clear();
    // Answered twice, or never asked: nothing.
    drive(&mut sftp, &mut server, &[], Some((Ticket(2), no)), &mut got);
    drive(
        &mut sftp,
        &mut server,
        &[],
        Some((Ticket(99), Verdict::Permit)),
        &mut got,
    );
    assert!(got.is_empty());
    // Seventeen wait no more.
    let many: Vec<u8> = (100..117).flat_map(|id| open(id, "/x/etc", 26)).collect();
    drive(&mut sftp, &mut server, &many, None, &mut got);
    assert_eq!((got.len(), got[0].id), (1, 116));
    assert!(got[0].words().contains("too many requests wait"));
}

#[test]
fn a_lost_line_closes_what_is_open_and_refuses_what_comes_of_it() {
    let mut line = Line::new(ALL);
    let h = line.opened(1, "/x/a", 3);
    let kept = line.opened(2, "/x/keep", 1);
    // One answer is on its way while the line is lost.
    let done = give(
        &mut line.sftp,
        &line.lines,
        Direction::ToTarget,
        &read(3, &h, 0, 8),
    );
    let late = line.server.read(&done.to_target.concat()).concat();
    let mut steps = Vec::new();
    line.lines = lines(&["sftp-read: /x/keep"]);
    let lines = line.lines.clone();
    line.sftp.revoke(
        now(),
        &mut |operation| match operation.request.missing(&lines) {
            None => Ok(()),
            Some(_) => Err("the line is gone".to_owned()),
        },
        &mut steps,
    );
    let mut done = Done::default();
    done.take(steps);
    assert_eq!(
        apart(&done.to_target[0]).0[0].kind,
        4,
        "closed on the target"
    );
    assert_eq!(done.to_target.len(), 1);
    line.carry(done);
    let done = give(&mut line.sftp, &line.lines, Direction::ToTechnician, &late);
    let (seen, _) = apart(&done.to_technician[0]);
    assert_eq!(
        (seen[0].id, seen[0].code(), seen[0].words()),
        (3, Some(3), "the line is gone".to_owned())
    );
    for request in [
        read(4, &h, 0, 8),
        write(5, &h, 0, b"x"),
        packet(8, &[&n(6), &s(&h)]),
    ] {
        let seen = line.ask(&request);
        assert_eq!(seen.words(), "the line is gone");
    }
    assert_eq!(line.ask(&read(7, &kept, 0, 8)).kind, 103);
    let seen = line.ask(&close(8, &h));
    assert_eq!(seen.code(), Some(3));
    assert!(matches!(
        line.done.log.last().unwrap().outcome,
        Outcome::Withdrawn(_)
    ));
    assert_eq!(
        line.ask(&read(9, &h, 0, 8)).code(),
        Some(4),
        "nobody's name any more"
    );
}

#[test]
fn a_handle_that_is_given_again_after_a_loss_is_told_apart() {
    let mut line = Line::new(ALL);
    let h = line.opened(1, "/x/a", 3);
    let mut steps = Vec::new();
    line.sftp
        .revoke(now(), &mut |_| Err("gone".to_owned()), &mut steps);
    let mut done = Done::default();
    done.take(steps);
    line.carry(done);
    // The server closes and gives the same bytes to the next file.
    line.server = Server::default();
    let other = line.opened(2, "/x/b", 3);
    assert_ne!(other, h);
    line.server.asked.clear();
    assert_eq!(line.ask(&write(3, &h, 0, b"old")).words(), "gone");
    assert_eq!(line.ask(&write(4, &other, 7, b"new")).code(), Some(0));
    let written = &line.server.asked[0];
    assert_eq!(written.string(0).0, h, "the target's own name for it");
    assert_eq!(written.rest[8..], [&q(7)[..], &s("new")].concat());
    let copy = extended(
        5,
        "copy-data",
        &[&s(&other), &q(1), &q(2), &s(&other), &q(3)],
    );
    line.ask(&copy);
    let copied = &line.server.asked[1];
    let expected = [
        s("copy-data"),
        s(&h),
        q(1).to_vec(),
        q(2).to_vec(),
        s(&h),
        q(3).to_vec(),
    ]
    .concat();
    assert_eq!(copied.rest, expected);
    assert_eq!(line.ask(&close(6, &other)).code(), Some(0));
}

/// What is being closed already is not closed once more: by then the target may call another file so.
#[test]
fn a_line_that_is_lost_while_its_file_is_closed_closes_nothing_else() {
    let mut line = Line::new(ALL);
    let h = line.opened(1, "/x/a", 3);
    let done = give(
        &mut line.sftp,
        &line.lines,
        Direction::ToTarget,
        &close(2, &h),
    );
    let mut steps = Vec::new();
    line.sftp
        .revoke(now(), &mut |_| Err("gone".to_owned()), &mut steps);
    assert!(steps.is_empty(), "{steps:?}");
    line.carry(done);
    let seen = line.got();
    assert_eq!((seen.len(), seen[0].words()), (1, "gone".to_owned()));
}

#[test]
fn what_was_passed_on_when_its_line_was_lost_is_not_handed_out() {
    let mut line = Line::new(ALL);
    let done = give(
        &mut line.sftp,
        &line.lines,
        Direction::ToTarget,
        &open(1, "/x/a", 1),
    );
    let answer = line.server.read(&done.to_target.concat()).concat();
    let done = give(
        &mut line.sftp,
        &line.lines,
        Direction::ToTechnician,
        &answer,
    );
    let mut steps = Vec::new();
    line.sftp
        .revoke(now(), &mut |_| Err("gone".to_owned()), &mut steps);
    assert!(steps.is_empty());
    line.carry(done);
    let seen = line.got();
    assert_eq!(
        (seen[0].code(), seen[0].words()),
        (Some(3), "gone".to_owned())
    );
    assert_eq!(
        line.server.asked.last().unwrap().kind,
        4,
        "closed on the target"
    );
}

#[test]
fn a_refused_subsystem_is_refused_inside_the_protocol() {
    let mut refusing = Refusing::new("files are not part of this intervention".to_owned());
    let mut steps = Vec::new();
    let all = [init(), one(16, 7, "."), open(8, "/etc/passwd", 1)].concat();
    all.chunks(3)
        .for_each(|part| refusing.read(part, &mut steps));
    let mut done = Done::default();
    done.take(steps);
    let (seen, _) = apart(&done.to_technician.concat()).clone();
    assert_eq!((seen[0].kind, seen[0].id), (2, 3));
    for (seen, id) in seen[1..].iter().zip([7, 8]) {
        assert_eq!((seen.id, seen.code()), (id, Some(3)));
        assert_eq!(seen.words(), "files are not part of this intervention");
    }
    assert!(done.passed.is_empty());
}

#[test]
fn tp_21518_ten_thousand_looks_are_counted_and_not_logged_one_by_one() {
    let mut line = Line::new(ALL);
    for id in 0..10_000 {
        line.send(&one(7, id, "/x/a"));
    }
    assert_eq!(line.got().len(), 10_000);
    assert_eq!((line.done.log.len(), line.sftp.looked()), (0, 10_000));
    line.ask(&one(7, 1, "/etc"));
    assert_eq!(line.done.log.len(), 1, "a refused one is on record");
}

#[test]
fn tp_48051_each_file_has_its_own_record() {
    let mut line = Line::new(ALL);
    for id in 0..5 {
        let h = line.opened(id, &format!("/x/{id}"), 3);
        line.ask(&write(100, &h, 0, b"abc"));
        line.ask(&close(101, &h));
    }
    line.opened(9, "/x/open", 1);
    let mut steps = Vec::new();
    line.sftp.finish(now(), &mut steps);
    line.done.take(steps);
    assert_eq!(line.done.log.len(), 6);
    assert!(
        line.done.log[..5]
            .iter()
            .all(|record| record.moved.as_ref().unwrap().written == 3)
    );
    assert_eq!(line.done.log[5].outcome, Outcome::Unfinished);
}

/// The lesson of CVE-2023-45140: no way of asking goes round the gate.
#[test]
fn cve_2023_45140_no_kind_of_request_passes_without_a_line() {
    let mut line = Line::new(ALL);
    let h = line.opened(1, "/x/a", 3);
    line.send(&one(11, 2, "/x"));
    let d = line.got()[0].string(0).0.to_vec();
    let mut steps = Vec::new();
    line.lines.clear();
    line.sftp
        .revoke(now(), &mut |_| Err("gone".to_owned()), &mut steps);
    let mut done = Done::default();
    done.take(steps);
    line.carry(done);
    for request in every_request(&h, &d) {
        let (asked, _) = apart(&request);
        line.done.passed.clear();
        let seen = line.ask(&request);
        if asked[0].id == 121 {
            continue; // limits@openssh.com says nothing of files.
        }
        assert_eq!(seen.code(), Some(3), "{asked:?}");
        assert!(line.done.passed.is_empty(), "{asked:?}");
    }
}

/// Found by the fuzzer: a line that is lost, or a no that comes, behind the end of a target that does not speak as agreed.
#[test]
fn nothing_passes_behind_a_stop() {
    let mut sftp = Sftp::new(None, Say::default());
    let mut server = Server::default();
    let mut ask = |_: &Operation| Answer::Wait(Ticket(1));
    let mut steps = Vec::new();
    let asked = [init(), open(1, "/x/a", 26)].concat();
    sftp.read(Direction::ToTarget, &asked, now(), &mut ask, &mut steps);
    loop {
        let mut done = Done::default();
        done.take(std::mem::take(&mut steps));
        let answers = server.read(&done.to_target.concat()).concat();
        if answers.is_empty() {
            break;
        }
        let back = Direction::ToTechnician;
        sftp.read(back, &answers, now(), &mut ask, &mut steps);
    }
    assert_eq!(sftp.parked().count(), 1);
    let back = Direction::ToTechnician;
    sftp.read(back, &[0xff; 8], now(), &mut ask, &mut steps);
    let mut done = Done::default();
    done.take(std::mem::take(&mut steps));
    assert!(done.stopped.is_some());
    let lost = &mut |_: &Operation| Err("the line is lost".to_owned());
    sftp.revoke(now(), lost, &mut steps);
    let no = Verdict::Refuse("no".to_owned());
    sftp.answered(Ticket(1), no, now(), &mut ask, &mut steps);
    assert_eq!(steps, []);
    // What waited is on record as it is.
    sftp.finish(now(), &mut steps);
    done.take(steps);
    let [record] = done.log.as_slice() else {
        panic!("{:?}", done.log)
    };
    assert_eq!(record.outcome, Outcome::Unfinished);
}
