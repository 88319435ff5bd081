//! What is refused, how it is told, and what waits.

use ecluse_policy::capability::files::FileRequest;

use super::support::*;
use super::talk::*;

#[test]
fn f3_what_is_not_listed_is_refused_in_the_protocol_and_the_rest_goes_on() {
    let mut channel = upload(
        "scp -r -t /srv/in",
        &["sftp-write: /srv/in/*.log", "sftp-mkdir: /srv/in/a"],
        &[IN],
    );
    channel.technician_says(b"T1 0 1 0\n");
    channel.technician_hears();
    channel.technician_says(b"C0644 5 file\n");
    assert_eq!(
        channel.technician_hears(),
        not_listed("sftp-write: /srv/in/file")
    );
    channel.technician_says(b"D0755 0 b\n");
    assert_eq!(
        channel.technician_hears(),
        not_listed("sftp-mkdir: /srv/in/b")
    );
    assert_eq!(
        channel.target_hears(),
        b"",
        "the target hears of none of it, nor of their times"
    );
    channel.technician_says(b"D0755 0 a\n");
    assert_eq!(channel.target_hears(), b"D0755 0 a\n");
    channel.target_says(b"\0");
    channel.technician_hears();
    channel.technician_says(b"C0644 5 x.log\n");
    assert_eq!(
        channel.technician_hears(),
        not_listed("sftp-write: /srv/in/a/x.log"),
        "below, the pattern does not reach"
    );
    channel.technician_says(b"E\n");
    assert_eq!(channel.target_hears(), b"E\n");
    channel.target_says(b"\0");
    channel.technician_hears();
    channel.technician_says(b"C0644 0 x.log\n");
    assert_eq!(channel.target_hears(), b"C0644 0 x.log\n");
    let refusals = channel
        .log
        .iter()
        .filter(|record| matches!(record.outcome, Outcome::Refused(_)))
        .count();
    assert_eq!(refusals, 3);
}

#[test]
fn f3_a_file_of_a_directory_that_is_not_listed_does_not_leave_the_target() {
    let tree = [
        ("/srv/in/d", "/srv/in/d", Nature::Directory),
        ("/srv/in/d/key", "/srv/in/d/key", Nature::File),
        ("/srv/in/d/link", "/etc/shadow", Nature::File),
        ("/srv/in/d/sub", "/srv/in/d/sub", Nature::Directory),
        ("/srv/in/d/a.log", "/srv/in/d/a.log", Nature::File),
    ];
    let mut channel = download(
        "scp -r -f /srv/in/d",
        &["sftp-read: /srv/in/**/*.log", "sftp-list: /srv/in/d"],
        &tree,
    );
    channel.target_says(b"D0755 0 d\n");
    assert_eq!(channel.technician_hears(), b"D0755 0 d\n");
    channel.technician_says(b"\0");
    channel.target_hears();
    for (line, words) in [
        (&b"C0644 9 key\n"[..], "sftp-read: /srv/in/d/key"),
        (b"C0644 9 link\n", "sftp-read: /srv/in/d/link"),
        (b"D0644 9 sub\n", "sftp-list: /srv/in/d/sub"),
    ] {
        let paid = channel.payload;
        channel.target_says(line);
        assert_eq!(channel.technician_hears(), not_listed(words));
        assert_eq!(channel.target_hears(), b"\x01refused\n");
        let name = words.len() - words.rfind('/').unwrap() - 1;
        assert_eq!(
            channel.payload - paid,
            u64::try_from(name).unwrap(),
            "a name that is told is paid for"
        );
    }
    channel.target_says(b"C0644 1 a.log\n");
    assert_eq!(channel.technician_hears(), b"C0644 1 a.log\n");
    channel.technician_says(b"\0");
    channel.target_says(b"x\0");
    channel.technician_says(b"\0");
    channel.target_says(b"E\n");
    channel.technician_says(b"\0");
    assert_eq!(channel.technician_hears(), b"x\0E\n");
    let listed = channel.log.last().unwrap();
    assert_eq!(
        (
            listed.request.clone(),
            listed.moved.as_ref().unwrap().entries
        ),
        (Some(FileRequest::List(path("/srv/in/d"))), 4)
    );
}

#[test]
fn what_the_command_line_names_is_refused_before_anything_is_started() {
    for (command, words) in [
        ("scp -t /srv/out/x", not_listed("sftp-write: /srv/out/x")),
        ("scp -t link", not_listed("sftp-write: link")),
        ("scp -f /srv/out/x", not_listed("sftp-read: /srv/out/x")),
        (
            "scp -f /srv/in/file /srv/out/x",
            not_listed("sftp-read: /srv/out/x"),
        ),
        ("scp -f link", not_listed("sftp-read: link")),
        ("scp -r -f /srv/out", not_listed("sftp-read: /srv/out")),
        ("scp -f /srv/out/*", not_listed("sftp-list: /srv/out/*")),
        (
            "scp -f /srv/out/missing/x",
            not_listed("sftp-read: /srv/out/missing/x"),
        ),
        (
            "scp -f /srv/in/missing/x",
            refused("/srv/in/missing/x: No such file or directory"),
        ),
        (
            "scp -t /srv/in/missing/x",
            refused("/srv/in/missing/x: No such file or directory"),
        ),
        (
            "scp -r -f .",
            refused(
                ".: what is copied is called by its own name, not by `.`, `..` or `/`; write its path",
            ),
        ),
        (
            "scp -f /srv/in/file /srv/in/d/file",
            refused("/srv/in/d/file: two of these files have the same name; copy them one by one"),
        ),
    ] {
        let tree = [
            IN,
            ("link", "/etc/shadow", Nature::File),
            ("/srv/out/missing/x", "", Nature::Nothing),
            ("/srv/in/missing/x", "", Nature::Nothing),
            ("/srv/in/file", "/srv/in/file", Nature::File),
        ];
        let rules = [
            "sftp-write: /srv/in/**",
            "sftp-read: /srv/in/**",
            "sftp-list: /srv/in/**",
        ];
        let mut channel = Channel::open(command, &rules, &tree);
        assert_eq!(
            String::from_utf8_lossy(&channel.technician_hears()),
            String::from_utf8_lossy(&words),
            "{command}"
        );
        if command.contains("-t") {
            // PuTTY's client goes on after the first no.
            assert_eq!(channel.ended, None);
            channel.technician_says(b"T1 0 1 0\nC0644 1 x\n\x01scp: no\n");
            assert_eq!(channel.technician_hears(), [&words[..], &words].concat());
            channel.technician_ends();
        }
        assert_eq!(channel.target_hears(), b"", "{command}");
        assert_eq!(
            (channel.run.as_deref(), channel.ended),
            (None, Some(1)),
            "{command}"
        );
        assert!(
            matches!(
                channel.log[..],
                [Record {
                    outcome: Outcome::Refused(_),
                    ..
                }]
            ),
            "{command}"
        );
    }
}

#[test]
fn without_a_line_nothing_is_started_and_nothing_looked_at_is_told() {
    for command in [
        "scp -t /srv/in",
        "scp -f /srv/in/file",
        "scp -r -f /srv/in/nothing",
        "scp -f /srv/in/*",
    ] {
        let mut channel = Channel::open(command, &[], &[IN]);
        assert!(
            channel
                .technician_hears()
                .ends_with(b" is not part of this intervention\n"),
            "{command}"
        );
        assert_eq!(channel.run, None);
    }
}

#[test]
fn a_directory_needs_what_is_done_to_it() {
    let d = ("/srv/in/d", "/srv/in/d", Nature::Directory);
    for (command, times, is_there, rules, passes) in [
        (
            "scp -r -t /srv/in",
            false,
            false,
            &["sftp-mkdir: /srv/in/d"][..],
            true,
        ),
        (
            "scp -r -t /srv/in",
            false,
            false,
            &["sftp-write: /srv/in/**"],
            false,
        ),
        (
            "scp -r -t /srv/in",
            false,
            true,
            &["sftp-write: /srv/in/d/**"],
            true,
        ),
        (
            "scp -r -t /srv/in",
            false,
            true,
            &["sftp-write: /srv/in/e"],
            false,
        ),
        (
            "scp -r -p -t /srv/in",
            false,
            true,
            &["sftp-mkdir: /srv/in/**"],
            false,
        ),
        (
            "scp -r -p -t /srv/in",
            false,
            true,
            &["sftp-write: /srv/in/d"],
            true,
        ),
        (
            "scp -r -p -t /srv/in",
            true,
            false,
            &["sftp-mkdir: /srv/in/d"],
            false,
        ),
        (
            "scp -r -p -t /srv/in",
            true,
            false,
            &["sftp-mkdir: /srv/in/d", "sftp-write: /srv/in/d"],
            true,
        ),
        (
            "scp -r -p -t /srv/in",
            false,
            false,
            &["sftp-mkdir: /srv/in/d"],
            true,
        ),
    ] {
        let tree = if is_there { vec![IN, d] } else { vec![IN] };
        let mut channel = upload(command, rules, &tree);
        if times {
            channel.technician_says(b"T1 0 1 0\n");
        }
        channel.technician_says(b"D0755 0 d\n");
        assert_eq!(
            !channel.target_hears().is_empty(),
            passes,
            "{command} {times} {is_there} {rules:?}"
        );
    }
}

#[test]
fn a_file_waits_for_somebody_s_yes_and_is_looked_up_anew() {
    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    channel.waits_for = Some("sftp-write: /srv/in/x");
    channel.technician_says(b"C0644 0 x\n");
    assert!(!channel.scp.is_idle());
    assert_eq!(
        (channel.target_hears(), channel.technician_hears()),
        (Vec::new(), Vec::new())
    );
    channel.verdict(Verdict::Permit);
    assert_eq!(channel.target_hears(), b"C0644 0 x\n");

    let mut channel = upload("scp -t /srv/in", &["sftp-write: /srv/**"], &[IN]);
    channel.waits_for = Some("sftp-write: /srv/in/x");
    channel.technician_says(b"C0644 0 x\n");
    channel.tree.insert(
        "/srv/in/x".to_owned(),
        ("/etc/shadow".to_owned(), Nature::File),
    );
    channel.verdict(Verdict::Permit);
    assert_eq!(
        (channel.target_hears(), channel.technician_hears()),
        (Vec::new(), not_listed("sftp-write: /srv/in/x")),
        "a yes is for the same place"
    );

    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    channel.waits_for = Some("sftp-write: /srv/in/x");
    channel.technician_says(b"C0644 0 x\n");
    channel.verdict(Verdict::Refuse("nobody is there".to_owned()));
    assert_eq!(
        (channel.target_hears(), channel.technician_hears()),
        (Vec::new(), refused("nobody is there"))
    );
    channel.technician_says(b"C0644 0 y\n");
    assert_eq!(channel.target_hears(), b"C0644 0 y\n");
}

#[test]
fn a_line_that_is_lost_ends_the_file_that_needs_it() {
    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    channel.technician_says(b"C0644 9 x\n");
    there(&mut channel, "/srv/in/x");
    channel.target_says(b"\0");
    channel.technician_hears();
    channel.technician_says(b"abc");
    channel.lose();
    assert_eq!(
        channel.technician_hears(),
        b"\x02ecluse: the line is lost\n"
    );
    assert_eq!(
        channel.stopped,
        Some(Complaint::Withdrawn("the line is lost".to_owned()))
    );
    assert!(matches!(
        &channel.log[..],
        [Record {
            outcome: Outcome::Withdrawn(_),
            moved: Some(Moved { written: 3, .. }),
            ..
        }]
    ));

    // The other way, words would be a part of the file.
    let mut channel = download(
        "scp -f /srv/in/file",
        READS,
        &[("/srv/in/file", "/srv/in/file", Nature::File)],
    );
    channel.target_says(b"C0644 9 file\n");
    channel.technician_says(b"\0");
    channel.target_says(b"abc");
    channel.technician_hears();
    channel.lose();
    assert_eq!(channel.technician_hears(), b"");
    assert!(channel.stopped.is_some());

    // What waits for somebody is refused, and what comes later judged as it comes.
    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    channel.waits_for = Some("sftp-write");
    channel.technician_says(b"C0644 9 x\n");
    channel.lose();
    assert_eq!(channel.technician_hears(), refused("the line is lost"));
    assert_eq!(channel.stopped, None);
}

/// F1: the words of a refusal are the same for a file, a directory and nothing at all, where nothing is listed.
#[test]
fn f1_what_is_refused_does_not_tell_what_is_there() {
    let there = |nature| [IN, ("/srv/in/b", "/srv/in/b", nature)];
    for nature in [Nature::Nothing, Nature::File, Nature::Directory] {
        let tree = there(nature);
        let command = "scp -r -f /srv/in/b";
        let mut channel = Channel::open(command, &["sftp-read: /srv/in/*.log"], &tree);
        assert_eq!(
            String::from_utf8_lossy(&channel.technician_hears()),
            String::from_utf8_lossy(&not_listed("sftp-read: /srv/in/b")),
            "{nature:?}"
        );
        for command in ["scp -r -t /srv/in", "scp -r -p -t /srv/in"] {
            let mut channel = upload(command, &["sftp-write: /srv/in/*.log"], &tree);
            channel.technician_says(b"D0755 0 b\n");
            assert_eq!(
                String::from_utf8_lossy(&channel.technician_hears()),
                String::from_utf8_lossy(&not_listed("sftp-mkdir: /srv/in/b")),
                "{command} {nature:?}"
            );
        }
    }
}
