//! Against the real `sftp-server`: as it is, as one that only tidies the letters of a path, and as one that knows no path
//! of what is not there. Two paths at once, what refusals tell, homes and names.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::ground::*;
use super::packets::*;
use super::real::Realpath;

#[test]
fn two_paths_are_judged_where_both_end() {
    let renames = |a: &[u8], b: &[u8]| {
        [
            two(18, 1, a, b),
            extended(1, "posix-rename@openssh.com", &[&s(a), &s(b)]),
        ]
    };
    for server in Realpath::ALL {
        for (from, to, passes) in [
            ("@/in/file", "@/in/new", true),
            ("@/in/dir", "@/in/new", true),
            ("@/in/file", "@/in/own-dir/new", true),
            ("file", "new", true),
            ("@/in/file", "@/out/new", false),
            ("@/in/file", "@/in/to-dir/new", false),
            ("@/in/file", "@/in/up/out/new", false),
            ("@/out/file", "@/in/new", false),
            ("@/in/to-dir/file", "@/in/new", false),
            ("@/out/dir", "@/in/new", false),
            ("@/in/file", "/proc/self/cwd/../out/new", false),
            // A link is moved as a link, which then points from elsewhere.
            ("@/in/own", "@/in/new", true),
            ("@/in/to-file", "@/in/new", false),
            ("@/in/root", "@/in/new", false),
        ] {
            for request in renames(&Ground::new().at(""), b"")
                .iter()
                .map(|request| request[4])
            {
                let ground = Ground::new();
                let before = ground.outside();
                let [plain, posix] = renames(&ground.at(from), &ground.at(to));
                let mut session = ground.session(true, server);
                let seen = session.ask(if request == 18 { &plain } else { &posix });
                let told = format!("{from} {to} {server:?}: {}", seen.words());
                assert_eq!(seen.code(), Some(if passes { 0 } else { 3 }), "{told}");
                assert_eq!(ground.outside(), before, "{told}");
            }
        }
        // A relative link that leads nowhere from here leads out from there.
        let ground = Ground::new();
        symlink("../out/file", ground.root.join("in/dir/deep/sleeps")).unwrap();
        let mut session = ground.session(true, server);
        let (from, to) = (ground.at("@/in/dir/deep/sleeps"), ground.at("@/in/wakes"));
        let seen = session.ask(&two(18, 1, &from, &to));
        assert_eq!(seen.code(), Some(3), "{}", seen.words());

        for (points, at, passes) in [
            ("file", "@/in/new", true),
            ("dir/file", "@/in/new", true),
            ("@/in/file", "@/in/dir/new", true),
            // It stays inside, today: it would not once its directory is renamed.
            ("../file", "@/in/dir/new", false),
            ("@/in/dir/../file", "@/in/new", false),
            ("not-there-yet", "@/in/new", true),
            ("file", "@/out/new", false),
            ("@/in/file", "@/out/new", false),
            ("../out/file", "@/in/new", false),
            ("to-file", "@/in/new", false),
            ("to-dir/file", "@/in/new", false),
            ("@/out/file", "@/in/new", false),
            ("/", "@/in/new", false),
            ("..", "@/in/new", false),
            (".", "@/in/new", false),
            ("/proc/self/root", "@/in/new", false),
            ("../../out/new", "@/in/dir/new", false),
            ("file", "@/in/to-dir/new", false),
        ] {
            let ground = Ground::new();
            let before = ground.outside();
            let mut session = ground.session(true, server);
            let seen = session.ask(&two(20, 1, ground.at(points), ground.at(at)));
            let told = format!("{points} {at} {server:?}: {}", seen.words());
            assert_eq!(seen.code(), Some(if passes { 0 } else { 3 }), "{told}");
            assert_eq!(ground.outside(), before, "{told}");
            if passes {
                let read = fs::read_link(ground.root.join(&at[2..])).unwrap();
                assert_eq!(
                    read.as_os_str().as_bytes(),
                    ground.at(points),
                    "the link keeps its words"
                );
            }
        }
        for (of, at, passes) in [
            ("@/in/file", "@/in/new", true),
            ("@/in/own", "@/in/new", true),
            ("@/out/file", "@/in/new", false),
            ("@/in/to-file", "@/in/new", false),
            ("@/in/file", "@/out/new", false),
            ("@/in/file", "@/in/to-dir/new", false),
        ] {
            let ground = Ground::new();
            let before = ground.outside();
            let mut session = ground.session(true, server);
            let request = extended(
                1,
                "hardlink@openssh.com",
                &[&s(ground.at(of)), &s(ground.at(at))],
            );
            let seen = session.ask(&request);
            assert_eq!(
                seen.code(),
                Some(if passes { 0 } else { 3 }),
                "{of} {at} {}",
                seen.words()
            );
            assert_eq!(ground.outside(), before);
        }
    }
}

/// A link that stays inside from where it is made, and leads out once its directory is renamed, or once a directory on
/// its way is a link: neither can be made.
#[test]
fn a_link_that_would_lead_out_later_is_not_made() {
    for server in Realpath::ALL {
        let ground = Ground::new();
        let mut session = ground.session(true, server);
        let depth = ground.at("@/in").split(|byte| *byte == b'/').count() - 1;
        // As many directories as the ground is deep.
        let mut deep = ground.at("@/in");
        for _ in 0..depth {
            deep.extend(b"/d");
            session.ask(&mode(14, 1, &deep, 0o755));
        }
        session.ask(&mode(14, 1, ground.at("@/in/etc"), 0o755));
        let climbs = format!("{}etc/passwd", "../".repeat(depth));
        let at = [&deep[..], b"/link"].concat();
        let seen = session.ask(&two(20, 2, &climbs, &at));
        assert_eq!(seen.code(), Some(3), "{climbs}");
        assert!(seen.words().contains("absolute path"), "{}", seen.words());
        let through = [&deep[..], b"/", climbs.as_bytes()].concat();
        assert_eq!(
            session
                .ask(&two(20, 3, &through, ground.at("@/in/new")))
                .code(),
            Some(3)
        );
        // One that is there already does not move to another directory; where it stands it may be called otherwise.
        symlink("../file", ground.root.join("in/dir/climbs")).unwrap();
        let (from, to) = (
            ground.at("@/in/dir/climbs"),
            ground.at("@/in/dir/deep/climbs"),
        );
        fs::write(ground.root.join("in/dir/file"), b"inside").unwrap();
        let seen = session.ask(&two(18, 4, &from, &to));
        assert!(
            seen.words().contains("absolute path"),
            "{:?} {}",
            seen.code(),
            seen.words()
        );
        let seen = session.ask(&two(18, 5, &from, ground.at("@/in/dir/other")));
        assert_eq!(seen.code(), Some(0), "{}", seen.words());
    }
}

#[test]
fn refusals_do_not_tell_what_exists() {
    for server in Realpath::ALL {
        let ground = Ground::new();
        let mut session = ground.session(true, server);
        for path in [
            "@/out/file",
            "@/out/none",
            "@/out/none/deeper",
            "/root",
            "/nowhere",
            "/nowhere/at/all",
            "@/in/up/out/none/x",
            "@/in/to-dir/none/x/y",
        ] {
            for name in [
                "read", "stat", "lstat", "list", "create", "realpath", "remove", "mkdir", "expand",
            ] {
                let seen = session.ask(&on_path(name, &ground.at(path)));
                assert_eq!(
                    seen.code(),
                    Some(3),
                    "{name} {path} {server:?}: {}",
                    seen.words()
                );
                assert!(seen.words().contains("is not part of"), "{}", seen.words());
                assert!(
                    !seen
                        .words()
                        .contains(SECRET.escape_ascii().to_string().as_str())
                );
            }
        }
        // Where one may look, it is told.
        for path in ["@/in/none", "@/in/none/deeper", "none"] {
            for name in ["read", "stat", "lstat", "list", "remove"] {
                let seen = session.ask(&on_path(name, &ground.at(path)));
                assert_eq!(
                    seen.code(),
                    Some(2),
                    "{name} {path} {server:?}: {}",
                    seen.words()
                );
            }
        }
    }
}

#[test]
fn where_an_account_starts_is_told_and_no_other_home() {
    let ground = Ground::new();
    let mut session = ground.session(false, Realpath::Follows);
    for request in [
        one(16, 1, "."),
        one(16, 1, ""),
        extended(1, "expand-path@openssh.com", &[&s("~")]),
    ] {
        let seen = session.ask(&request);
        assert_eq!(seen.kind, 104, "{}", seen.words());
        assert_eq!(seen.string(4).0, ground.at("@/in"));
    }
    for request in [
        one(16, 1, ".."),
        extended(1, "expand-path@openssh.com", &[&s("~root")]),
        extended(1, "expand-path@openssh.com", &[&s("~nobody-of-that-name")]),
        extended(1, "expand-path@openssh.com", &[&s("~/file")]),
        extended(1, "home-directory", &[&s("daemon")]),
        extended(1, "home-directory", &[&s("nobody-of-that-name")]),
        extended(1, "users-groups-by-id@openssh.com", &[&s(n(0)), &s(n(0))]),
    ] {
        let seen = session.ask(&request);
        assert_eq!(seen.code(), Some(3), "{request:?}");
    }
    let mut session = ground.session(true, Realpath::Follows);
    let seen = session.ask(&extended(
        1,
        "users-groups-by-id@openssh.com",
        &[&s(n(0)), &s(n(0))],
    ));
    assert_eq!(seen.kind, 201);
}

#[test]
fn names_that_are_no_text_survive() {
    for server in Realpath::ALL {
        let ground = Ground::new();
        let name = [&ground.at("@/in/caf")[..], b"\xe9"].concat();
        let mut session = ground.session(true, server);
        let seen = session.ask(&open(1, &name, 0x1a));
        let handle = seen.string(0).0.to_vec();
        assert_eq!(session.ask(&write(2, &handle, 0, b"data")).code(), Some(0));
        session.ask(&close(3, &handle));
        let at = Path::new(std::ffi::OsStr::from_bytes(&name)).to_owned();
        assert_eq!(fs::read(&at).unwrap(), b"data");
        let record = session.done.log.last().unwrap();
        assert_eq!(record.typed[0], name);
        let seen = session.ask(&one(16, 4, &name));
        assert_eq!(seen.string(4).0, name);
    }
}

/// A client that names an upload otherwise until it is whole, and goes into a directory by opening it.
#[test]
fn the_requests_of_winscp_and_filezilla_pass_by_their_lines() {
    let ground = Ground::new();
    let mut session = ground.session(true, Realpath::Follows);
    assert_eq!(session.ask(&one(16, 1, ".")).kind, 104);
    let directory = session.ask(&one(11, 2, ground.at("@/in")));
    assert_eq!(directory.kind, 102);
    let handle = directory.string(0).0.to_vec();
    assert_eq!(session.ask(&packet(12, &[&n(3), &s(&handle)])).kind, 104);
    assert_eq!(session.ask(&close(4, &handle)).code(), Some(0));
    let (part, whole) = (ground.at("@/in/a.filepart"), ground.at("@/in/a"));
    assert_eq!(session.ask(&one(7, 5, &whole)).code(), Some(2));
    let opened = session.ask(&open(6, &part, 0x1a));
    let handle = opened.string(0).0.to_vec();
    let writes: Vec<Vec<u8>> = (0..64u32)
        .map(|at| write(100 + at, &handle, u64::from(at) * 32_768, &[7; 32_768]))
        .collect();
    let writes: Vec<&[u8]> = writes.iter().map(Vec::as_slice).collect();
    assert!(
        session
            .ask_all(&writes)
            .iter()
            .all(|seen| seen.code() == Some(0))
    );
    session.ask(&close(7, &handle));
    assert_eq!(session.ask(&two(18, 8, &part, &whole)).code(), Some(0));
    let times = packet(9, &[&n(9), &s(&whole), &n(8), &n(1), &n(1)]);
    assert_eq!(session.ask(&times).code(), Some(0));
    assert_eq!(
        fs::metadata(ground.root.join("in/a")).unwrap().len(),
        64 * 32_768
    );
}
