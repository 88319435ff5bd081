//! What a line gives, and what each thing asked needs.

use super::*;

#[test]
fn what_writes_anywhere_is_told_from_what_names_a_place() {
    for anywhere in ["sftp-write: /**", "sftp-write: /*/**", "sftp-rename: /**/x"] {
        assert!(line(anywhere).writes_anywhere(), "{anywhere}");
    }
    for somewhere in [
        "sftp-write: /srv/**",
        "sftp-write: /etc*/**",
        "sftp-rename: /srv/*/x",
        "sftp-read: /**",
        "sftp-delete: /**",
    ] {
        assert!(!line(somewhere).writes_anywhere(), "{somewhere}");
    }
}

fn path(text: &str) -> TargetPath {
    TargetPath::canonical(text.as_bytes()).unwrap()
}

fn line(text: &str) -> FileLine {
    let (family, pattern) = text.split_once(": ").unwrap();
    FileLine::parse(family, pattern).unwrap().unwrap()
}

#[test]
fn a_line_reads_back_as_it_is_written() {
    for right in FileRight::ALL {
        let text = format!("{}: /srv/**", right.family());
        assert_eq!(line(&text).to_string(), text);
        assert_eq!(line(&text).family(), right.family());
    }
    assert_eq!(FileLine::parse("shell", "/x"), None);
    assert_eq!(FileLine::parse("sftp-own", "/x"), None);
    assert!(FileLine::parse("sftp-read", "x").unwrap().is_err());
}

#[test]
fn families_do_not_stand_in_for_one_another() {
    for one in FileRight::ALL {
        for two in FileRight::ALL {
            let all = FileLine::new(one, PathGlob::parse("/**").unwrap());
            let some = FileLine::new(two, PathGlob::parse("/a/*").unwrap());
            assert_eq!(all.includes(&some), one == two);
            assert_eq!(all.common(&some), (one == two).then(|| some.clone()));
            let need = FileNeed::Right(two, path("/a/b"));
            assert_eq!(all.answers(&need), one == two, "{one:?} {two:?}");
        }
    }
}

#[test]
fn a_directory_is_listed_where_its_entries_are_named() {
    let needs = |dir: &str| FileNeed::Right(FileRight::List, path(dir));
    assert!(line("sftp-list: /a/**").answers(&needs("/a")));
    assert!(line("sftp-list: /a").answers(&needs("/a")));
    assert!(!line("sftp-list: /a/*.log").answers(&needs("/a")));
    assert!(!line("sftp-list: /a/**").answers(&needs("/")));
    assert!(!line("sftp-read: /a/**").answers(&needs("/a")));
}

#[test]
fn no_line_at_all_gives_nothing_but_the_account_s_own_start() {
    let nothing: [FileLine; 0] = [];
    let (a, b) = (path("/a"), path("/b"));
    for request in [
        FileRequest::Open {
            path: a.clone(),
            reads: true,
            writes: false,
        },
        FileRequest::List(a.clone()),
        FileRequest::Look(a.clone()),
        FileRequest::Locate {
            path: a.clone(),
            home: false,
        },
        FileRequest::SetAttributes(a.clone()),
        FileRequest::Remove(a.clone()),
        FileRequest::RemoveDirectory(a.clone()),
        FileRequest::MakeDirectory(a.clone()),
        FileRequest::Rename {
            from: a.clone(),
            to: b.clone(),
            link: None,
            replaces: false,
        },
        FileRequest::Symlink {
            at: a.clone(),
            to: b.clone(),
        },
        FileRequest::Hardlink {
            of: a.clone(),
            at: b.clone(),
        },
        FileRequest::Copy {
            from: a.clone(),
            to: b,
        },
        FileRequest::Names,
    ] {
        assert!(request.missing(&nothing).is_some(), "{request:?}");
    }
    assert_eq!(
        FileRequest::Locate {
            path: a,
            home: true
        }
        .missing(&nothing),
        None
    );
}

#[test]
fn a_rename_and_a_link_need_both_their_ends() {
    let lines = [
        line("sftp-rename: /a/**"),
        line("sftp-write: /a/**"),
        line("sftp-read: /a/**"),
    ];
    let rename = |from: &str, to: &str, link: Option<&str>| FileRequest::Rename {
        from: path(from),
        to: path(to),
        link: link.map(path),
        replaces: true,
    };
    assert_eq!(rename("/a/x", "/a/y", None).missing(&lines), None);
    let missing = |request: FileRequest| request.missing(&lines).map(|need| need.line());
    assert_eq!(
        missing(rename("/a/x", "/b", None)),
        Some("sftp-rename: /b".to_owned())
    );
    assert_eq!(
        missing(rename("/b", "/a/x", None)),
        Some("sftp-rename: /b".to_owned())
    );
    assert_eq!(
        missing(rename("/a/x", "/a/y", Some("/etc"))),
        Some("sftp-read: /etc".to_owned())
    );
    let symlink = FileRequest::Symlink {
        at: path("/a/x"),
        to: path("/etc/shadow"),
    };
    assert_eq!(missing(symlink), Some("sftp-read: /etc/shadow".to_owned()));
    let hardlink = FileRequest::Hardlink {
        of: path("/a/x"),
        at: path("/b"),
    };
    assert_eq!(missing(hardlink), Some("sftp-write: /b".to_owned()));
}
