//! Peers that lie, links, and places that change while they are used.

use super::support::*;
use super::talk::*;

/// CVE-2019-6111 and CVE-2018-20685: a server that sends other files than were asked for, or names that lead elsewhere.
#[test]
fn cve_2019_6111_a_lying_server_gives_what_was_asked_for_or_nothing() {
    let tree = [
        ("/srv/in/file", "/srv/in/file", Nature::File),
        ("/srv/in/.bashrc", "/srv/in/.bashrc", Nature::File),
        ("/srv/in/d", "/srv/in/d", Nature::Directory),
        IN,
    ];
    let says = |command: &str, lines: &[&[u8]]| {
        let mut channel = download(command, READS, &tree);
        for line in lines {
            channel.target_says(line);
            channel.technician_says(b"\0");
        }
        assert!(!String::from_utf8_lossy(&channel.technician_hears()).contains("evil"));
        channel.stopped
    };
    let server = |fault| Some(Complaint::Server(fault));
    assert_eq!(
        says("scp -f /srv/in/file", &[b"C0644 4 .bashrc\nevil\0"]),
        server(Fault::Unasked(".bashrc".to_owned()))
    );
    assert_eq!(
        says("scp -f /srv/in/*", &[b"C0644 4 .bashrc\nevil\0"]),
        server(Fault::Unasked(".bashrc".to_owned())),
        "`*` is no hidden file"
    );
    assert_eq!(
        says("scp -f /srv/in/*.log", &[b"C0644 4 x.sh\nevil\0"]),
        server(Fault::Unasked("x.sh".to_owned()))
    );
    assert_eq!(
        says("scp -r -f /srv/in/d", &[b"C0644 4 evil\nevil\0"]),
        server(Fault::Unasked("evil".to_owned()))
    );
    assert_eq!(
        says("scp -f /srv/in/file", &[b"D0777 0 file\n"]),
        server(Fault::Directory("file".to_owned()))
    );
    for name in ["", ".", "..", "../x", "/etc/x", "a/b"] {
        let line = format!("D0777 0 {name}\n");
        assert_eq!(
            says("scp -r -f /srv/in/d", &[line.as_bytes()]),
            server(Fault::Name(name.to_owned())),
            "{name:?}"
        );
    }
    assert_eq!(says("scp -f /srv/in/file", &[b"E\n"]), server(Fault::End));
    assert_eq!(
        says("scp -r -f /srv/in/d", &[b"D0755 0 d\n", b"E\n", b"E\n"]),
        server(Fault::End)
    );
    assert_eq!(
        says(
            "scp -f /srv/in/file",
            &[b"C0644 0 file\n", b"\0", b"C0644 4 file\nevil\0"]
        ),
        server(Fault::Unasked("file".to_owned())),
        "each once"
    );
    assert_eq!(
        says("scp -f /srv/in/file", &[b"C0644 1 file\n", b"xevil"]),
        server(Fault::Reply),
        "no more than was announced"
    );
    assert_eq!(
        says("scp -f /srv/in/file", &[b"bash: scp: not found\n"]),
        server(Fault::Line("bash: scp: not found".to_owned()))
    );
    let endless = [b'C'; 3_000];
    assert_eq!(
        says("scp -f /srv/in/file", &[&endless]),
        server(Fault::LongLine)
    );
}

#[test]
fn a_target_that_announces_what_it_says_is_not_there_gives_nothing() {
    for (nature, line) in [
        (Nature::Nothing, &b"C0644 4 x\n"[..]),
        (Nature::Directory, b"C0644 4 x\n"),
        (Nature::File, b"D0755 0 x\n"),
    ] {
        let mut channel = download(
            "scp -r -f /srv/in/d",
            READS,
            &[
                ("/srv/in/d", "/srv/in/d", Nature::Directory),
                ("/srv/in/d/x", "/srv/in/d/x", nature),
            ],
        );
        channel.target_says(b"D0755 0 d\n");
        channel.technician_says(b"\0");
        channel.technician_hears();
        channel.target_says(line);
        assert!(
            channel
                .technician_hears()
                .starts_with(b"\x01ecluse: /srv/in/d/x: "),
            "{nature:?}"
        );
    }
}

#[test]
fn a_lying_client_gives_nothing_to_the_target() {
    for (lines, fault) in [
        (
            &[&b"C0644 4 ../x\nevil\0"[..]][..],
            Fault::Name("../x".to_owned()),
        ),
        (
            &[b"C0644 4 /etc/x\nevil\0"],
            Fault::Name("/etc/x".to_owned()),
        ),
        (&[b"D0755 0 ..\n"], Fault::Name("..".to_owned())),
        (&[b"C0644 4 x\0y\n"], Fault::Name("x\\x00y".to_owned())),
        (&[b"D0755 0 d\n"], Fault::Directory("d".to_owned())),
        (&[b"E\n"], Fault::End),
        (
            &[b"C0644 99999999999999999999 x\n"],
            Fault::Line("C0644 99999999999999999999 x".to_owned()),
        ),
        (&[b"C0644 -1 x\n"], Fault::Line("C0644 -1 x".to_owned())),
        (&[b"\n"], Fault::Line(String::new())),
        (&[b"rm -rf /\n"], Fault::Line("rm -rf /".to_owned())),
    ] {
        let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
        lines.iter().for_each(|line| channel.technician_says(line));
        assert_eq!(channel.stopped, Some(Complaint::Client(fault)));
        assert_eq!(channel.target_hears(), b"");
    }
}

/// A client that does not wait for answers: what it sends ahead waits, and of a refused file its bytes are no lines.
#[test]
fn what_is_sent_ahead_waits_for_its_turn() {
    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    channel.technician_says(b"C0644 3 x\nabc\0C0644 0 y\n");
    assert_eq!(channel.target_hears(), b"C0644 3 x\n");
    assert!(
        !channel.scp.wants(Direction::ToTarget),
        "and no more is taken"
    );
    there(&mut channel, "/srv/in/x");
    channel.target_says(b"\0");
    assert_eq!(channel.target_hears(), b"abc\0");
    channel.target_says(b"\0");
    assert_eq!(channel.target_hears(), b"C0644 0 y\n");
    let mut channel = upload("scp -t /srv/in", &["sftp-write: /srv/in/b"], &[IN]);
    channel.technician_says(b"C0644 21 x\nC0644 0 b\nC0644 0 c\n\0");
    assert_eq!(
        channel.technician_hears(),
        not_listed("sftp-write: /srv/in/x")
    );
    assert_eq!(
        channel.target_hears(),
        b"C0644 0 b\n",
        "what is sent behind a no is lines, and judged as such"
    );
    channel.target_says(b"\x01no\n");
    assert_eq!(
        channel.technician_hears(),
        [b"\x01no\n", &not_listed("sftp-write: /srv/in/c")[..]].concat()
    );
    assert_eq!(channel.target_hears(), b"");
}

#[test]
fn a_file_that_was_moved_while_it_was_opened_gets_no_byte() {
    for (to, nature) in [
        ("/etc/cron.d/x", Nature::File),
        ("/srv/in/x", Nature::Nothing),
        ("/srv/in/x", Nature::Directory),
    ] {
        let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
        channel.technician_says(b"C0644 4 x\n");
        channel
            .tree
            .insert("/srv/in/x".to_owned(), (to.to_owned(), nature));
        channel.target_says(b"\0");
        channel.technician_says(b"evil\0");
        assert_eq!(channel.target_hears(), b"C0644 4 x\n");
        assert_eq!(
            channel.technician_hears(),
            b"\x02ecluse: the path led elsewhere while it was being opened; try again\n"
        );
        assert!(matches!(channel.stopped, Some(Complaint::Moved(_))));
        assert!(matches!(
            channel.log[..],
            [Record {
                outcome: Outcome::Refused(_),
                ..
            }]
        ));
    }
}

/// The name that the target opened is a link within what is listed: it is the link that is looked at again, not where it led.
#[test]
fn a_link_that_leads_elsewhere_by_then_gets_no_byte() {
    let mut channel = upload(
        "scp -t /srv/in",
        WRITES,
        &[
            IN,
            ("/srv/in/link", "/srv/in/file", Nature::File),
            ("/srv/in/file", "/srv/in/file", Nature::File),
        ],
    );
    channel.technician_says(b"C0644 4 link\n");
    assert_eq!(channel.target_hears(), b"C0644 4 link\n");
    channel.tree.insert(
        "/srv/in/link".to_owned(),
        ("/etc/cron.d/x".to_owned(), Nature::File),
    );
    channel.target_says(b"\0");
    assert!(matches!(channel.stopped, Some(Complaint::Moved(_))));
}

/// A directory that is a link: what is below is looked up through the link, as the program goes through it.
#[test]
fn what_is_below_a_link_is_looked_up_through_it() {
    let rules = ["sftp-write: /srv/in/**", "sftp-mkdir: /srv/in/**"];
    let mut channel = upload(
        "scp -r -t /srv/in",
        &rules,
        &[IN, ("/srv/in/link", "/srv/in/d", Nature::Directory)],
    );
    channel.technician_says(b"D0755 0 link\n");
    channel.target_says(b"\0");
    channel.keeps_questions = true;
    channel.technician_says(b"C0644 4 x\n");
    assert_eq!(channel.questions[0].path, "/srv/in/link/x");
}

#[test]
fn links_that_are_there_are_judged_where_they_lead() {
    for (to, is_listed) in [("/srv/in/real", true), ("/etc/shadow", false)] {
        let mut channel = upload(
            "scp -t /srv/in",
            WRITES,
            &[IN, ("/srv/in/link", to, Nature::File)],
        );
        channel.technician_says(b"C0644 0 link\n");
        assert_eq!(
            channel.target_hears() == b"C0644 0 link\n",
            is_listed,
            "{to}"
        );
        let words = if is_listed {
            Vec::new()
        } else {
            not_listed("sftp-write: /srv/in/link")
        };
        assert_eq!(
            channel.technician_hears(),
            words,
            "by the name that was typed"
        );
    }
}

/// Who sends more than its turn's worth is sent away, before it takes anybody's memory.
#[test]
fn whoever_does_not_wait_for_its_turn_is_sent_away() {
    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    let answers = vec![0; 600 << 10];
    channel.target_says(&answers);
    assert_eq!(channel.stopped, None);
    channel.target_says(&answers);
    assert_eq!(channel.stopped, Some(Complaint::Server(Fault::Ahead)));
}

/// A target without an SFTP subsystem says so before anything is started.
#[test]
fn without_the_subsystem_nothing_is_started() {
    let mut channel = Channel::closed("scp -f /srv/in/file", READS, &[]);
    channel.keeps_questions = true;
    channel.start();
    channel.answer(0, Err(Lost::NoSftp));
    assert!(
        channel
            .technician_hears()
            .starts_with(b"\x01ecluse: /srv/in/file: this target has no SFTP subsystem")
    );
    assert_eq!((channel.run, channel.ended), (None, Some(1)));
}
