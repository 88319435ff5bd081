//! Against the real `sftp-server`: as it is, as one that only tidies the letters of a path, and as one that knows no path
//! of what is not there. Each kind of request by each way of naming a path.

use std::fs;

use super::ground::*;
use super::lines;
use super::real::{Realpath, Session};

#[test]
fn the_grid_of_requests_and_ways_to_name_a_path() {
    let mut cells = 0;
    for server in Realpath::ALL {
        for (requests, paths) in [
            (
                FILE,
                &[
                    ("@/in/file", true),
                    ("file", true),
                    ("@/in/dir/../file", true),
                    ("@/in/own-dir/file", true),
                    ("@/in/up/in/file", true),
                    ("@/out/back/file", true),
                    ("@/out/file", false),
                    ("../out/file", false),
                    ("@/in/../out/file", false),
                    ("@/in/dir/../../out/file", false),
                    ("@/in/to-dir/file", false),
                    ("@/in/to-dir/deep/../file", false),
                    ("@/in/up/out/file", false),
                    ("@/in//./root/@/out/file", false),
                    ("/proc/self/root@/out/file", false),
                    ("/proc/self/cwd/../out/file", false),
                    ("/etc/passwd", false),
                    ("/proc/self/environ", false),
                ][..],
            ),
            (
                DIRECTORY,
                &[
                    ("@/in/empty", true),
                    ("@/in/empty/", true),
                    ("@/in/own-dir/../empty", true),
                    ("empty", true),
                    ("@/out/empty", false),
                    ("@/out/empty/", false),
                    ("../out/empty/.", false),
                    ("@/in/to-dir/../empty", false),
                    ("@/in/root/proc", false),
                    ("/proc/self/fd", false),
                ][..],
            ),
            (
                NEW,
                &[
                    ("@/in/new", true),
                    ("new", true),
                    ("@/in/own-dir/new", true),
                    ("@/out/new", false),
                    ("../out/new", false),
                    ("@/in/to-dir/new", false),
                    ("@/in/up/out/new", false),
                    ("/proc/self/cwd/../out/new", false),
                ][..],
            ),
        ] {
            for name in requests {
                for (path, inside) in paths {
                    // By its letters alone this one stays inside, and there it is used.
                    let inside = *inside
                        || (server == Realpath::Letters
                            && *name != "expand"
                            && path.contains("to-dir/../empty"));
                    for allowed in [true, false] {
                        cells += 1;
                        let ground = Ground::new();
                        let before = ground.outside();
                        // The path of the root again, behind a link to `/`.
                        let typed =
                            path.replace("root/@", &format!("root{}", ground.root.display()));
                        let typed = typed
                            .replace("self/root@", &format!("self/root{}", ground.root.display()));
                        let typed = ground.at(&typed);
                        let mut session = ground.session(allowed, server);
                        let seen = session.ask(&on_path(name, &typed));
                        let told = format!(
                            "{name} {path} {server:?} allowed {allowed}: {seen:?} {}",
                            seen.words()
                        );
                        let is_refused =
                            seen.code() == Some(3) && seen.words().contains("not part of");
                        // The account starts in `in`; its own start is nobody's secret, but nothing here asks that.
                        assert_eq!(!is_refused, allowed && inside, "{told}");
                        assert_eq!(ground.outside(), before, "{told}");
                        if is_refused {
                            assert!(
                                session
                                    .done
                                    .passed
                                    .iter()
                                    .all(|(_, bytes, _)| bytes[4] <= 2),
                                "{told}"
                            );
                            assert_eq!(session.done.log.len(), 1);
                        }
                        // Two are told by the server that it cannot: it is empty there, or the name is taken.
                        if allowed && inside && !matches!(*name, "create new" | "readlink") {
                            assert!(matches!(seen.code(), None | Some(0)), "{told}");
                        }
                    }
                }
            }
        }
    }
    println!("{cells} cells");
}

#[test]
fn the_last_name_of_a_path_is_followed_where_the_server_would() {
    let names: Vec<&str> = FILE
        .iter()
        .chain(DIRECTORY)
        .chain(NEW)
        .chain(&["readlink"])
        .copied()
        .collect();
    for server in Realpath::ALL {
        for name in &names {
            for (path, inside) in [
                ("@/in/to-file", false),
                ("@/in/to-dir", false),
                ("@/in/to-nothing", false),
                ("@/in/own", true),
                ("@/in/own-dir", true),
                ("@/in/own-nothing", true),
            ] {
                let ground = Ground::new();
                let before = ground.outside();
                let mut session = ground.session(true, server);
                let seen = session.ask(&on_path(name, &ground.at(path)));
                let told = format!("{name} {path} {server:?}: {seen:?} {}", seen.words());
                let is_refused = seen.code() == Some(3) && seen.words().contains("not part of");
                assert_eq!(!is_refused, inside || keeps_link(name), "{told}");
                assert_eq!(ground.outside(), before, "{told}");
                if matches!(*name, "create" | "append") && path == "@/in/own-nothing" {
                    assert!(ground.root.join("in/made").exists(), "{told}");
                }
                if *name == "remove" {
                    assert!(fs::symlink_metadata(ground.root.join(&path[2..])).is_err());
                }
            }
            // With a slash behind it, a link is what it leads to, or nothing.
            let ground = Ground::new();
            let before = ground.outside();
            let mut session = ground.session(true, server);
            session.ask(&on_path(name, &ground.at("@/in/to-dir/")));
            session.ask(&on_path(name, &ground.at("@/in/loop")));
            assert_eq!(ground.outside(), before);
        }
    }
}

#[test]
fn each_right_gives_its_own_and_no_other() {
    for (right, gives) in [
        ("read", &["read", "no flags"][..]),
        (
            "write",
            &["write", "create", "append", "chmod", "truncate", "lchmod"],
        ),
        ("list", &[]),
        ("delete", &["remove"]),
        ("rename", &[]),
        ("mkdir", &[]),
    ] {
        for name in FILE {
            let ground = Ground::new();
            let line = format!("sftp-{right}: {}/in/**", ground.root.display());
            let mut session =
                Session::start(&ground.root.join("in"), lines(&[&line]), Realpath::Follows);
            let seen = session.ask(&on_path(name, &ground.at("@/in/file")));
            let looks = matches!(*name, "stat" | "lstat" | "realpath" | "expand" | "statvfs");
            let fails = *name == "create new" && right == "write";
            let passes = looks || fails || gives.contains(name);
            assert_eq!(
                seen.code() != Some(3),
                passes,
                "{right} {name} {}",
                seen.words()
            );
        }
    }
}
