//! Lines of real clients, lines that are none, and both against a shell.

use std::process::Command as Process;

use super::*;
use crate::capability::files::TargetPath;
use proptest::prelude::*;

fn parse(line: &str) -> Option<Command> {
    Command::parse(line.as_bytes())
}

fn one_path(line: &str) -> String {
    let command = parse(line).unwrap_or_else(|| panic!("{line}"));
    assert_eq!(command.paths.len(), 1, "{line}");
    String::from_utf8(command.paths[0].shown()).unwrap()
}

#[test]
fn what_stock_clients_send_is_read() {
    for (client, line, path) in [
        ("OpenSSH", "scp -t /srv/in/file", "/srv/in/file"),
        ("OpenSSH", "scp -v -r -p -d -t dir/", "dir/"),
        ("OpenSSH", "scp -f -- -odd", "-odd"),
        ("OpenSSH", "scp -f ~/x", "./x"),
        ("OpenSSH", "scp -t ~", "."),
        ("OpenSSH", "scp -f /var/log/*.log", "/var/log/*.log"),
        ("OpenSSH", "scp -t /srv/with\\ space", "/srv/with space"),
        ("PuTTY", "scp -r -p -t .", "."),
        ("libssh2", "scp -pt '/srv/in/a b'", "/srv/in/a b"),
        ("libssh2", "scp -f '/srv/it'\"'\"'s'", "/srv/it's"),
        ("paramiko's scp", "scp -r -p -t '/srv/in'", "/srv/in"),
        ("Go", "/usr/bin/scp -qt \"/srv/in\"", "/srv/in"),
        ("sshj", "scp -q -r -t '/srv/in'", "/srv/in"),
        (
            "Ruby",
            "scp -t -r /srv/d\u{e9}j\u{e0}",
            "/srv/d\u{e9}j\u{e0}",
        ),
    ] {
        assert_eq!(one_path(line), path, "{client}: {line}");
    }
    let command = parse("scp -v -r -p -d -t x").unwrap();
    assert_eq!(command.way, Way::To);
    assert!(
        command.recursive
            && command.preserve
            && command.directory
            && command.verbose
            && !command.quiet
    );
    let many = parse("scp -f /a '/b c' /d/*").unwrap();
    assert_eq!((many.way, many.paths.len()), (Way::From, 3));
}

#[test]
fn whatever_a_shell_could_make_more_of_is_a_command_like_any_other() {
    for line in [
        "",
        "scp",
        "scp -t",
        "scp -f",
        "scp /a /b",
        "scp -t -f /a",
        "scp -t /a /b",
        "scp -t ''",
        "scp -t /a*",
        "scp -f /*/x",
        "scp -f /a/**",
        "scp -f $HOME/x",
        "scp -f \"$HOME\"",
        "scp -f `id`",
        "scp -f \"`id`\"",
        "scp -f $(id)",
        "scp -f ~root/x",
        "scp -f {a,b}",
        "scp -f [ab]",
        "scp -f a;b",
        "scp -f a|b",
        "scp -f a&b",
        "scp -f a>b",
        "scp -f a\nb",
        "scp -f 'a\nb'",
        "scp -f a\tb",
        "scp -f 'a",
        "scp -f \"a",
        "scp -f a\\",
        "scp -f a\\n",
        "scp -f a!b",
        "scp -f '!'",
        "scp -f 'a\\b'",
        "scp -f #a",
        "scp -f a\0b",
        "scp -S /tmp/x -t /a",
        "scp -o ProxyCommand=x -t /a",
        "scp -D /tmp/x -t /a",
        "scp -3 -t /a",
        "scp -t /a -r",
        "scp -f /a -S x",
        "scp -t -- /a /b",
        "scp - -t /a",
        "-scp -t /a",
        "sudo scp -t /a",
        "/tmp/scp -t /a",
        "scp\t-t /a",
        "SCP -t /a",
        "A=b scp -t /a",
        "exec scp -t /a",
        "scp -t* /a",
        "s?p -t /a",
        "rsync --server . /a",
        "scp -t /a ", // the last is one
    ] {
        let is_one = line == "scp -t /a ";
        assert_eq!(parse(line).is_some(), is_one, "{line:?}");
    }
    let many = format!("scp -f{}", " /a".repeat(MOST_PATHS + 1));
    assert_eq!(parse(&many), None);
}

/// JumpServer's filters of commands were passed by what a shell makes of a line (PEERS: #5346, #2479, #8215, #11527, #4080, #16814).
/// Here such a line is not taken for `scp`, so that no line of files ever starts one.
#[test]
fn jumpserver_5346_a_second_command_behind_scp_is_not_taken_for_scp() {
    for line in [
        "scp -t /srv/in;rm -rf /",
        "scp -t /srv/in; rm -rf /",
        "scp -t /srv/in && id",
        "scp -t /srv/in\nid",
        "scp -t /srv/in\rid",
        "scp -t /srv/in #",
        "scp -t /srv/in|sh",
        "scp -t $(id>/srv/in/x)",
        "scp -t `id`",
        "scp -t <(id)",
        "scp -t /srv/in 2>/etc/x",
        "scp -S ./evil -f x:y /srv/in",
        "scp -oProxyCommand=id -f /x",
    ] {
        assert_eq!(parse(line), None, "{line:?}");
    }
}

#[test]
fn what_is_sent_names_the_place_and_not_what_was_typed() {
    let path = |text: &str| TargetPath::canonical(text.as_bytes()).unwrap();
    let (home, odd, root) = (path("/home/ops/x"), path("/a b/it's\\!$(id)"), path("/"));
    let sent = |line: &str, is_directory: bool, places: &[(&TargetPath, bool)]| {
        let command = parse(line).unwrap();
        let places = places
            .iter()
            .zip(&command.paths)
            .map(|((path, has_pattern), typed)| Place {
                path,
                pattern: typed.pattern.as_ref().filter(|_| *has_pattern),
            });
        String::from_utf8(command.run(is_directory, places).unwrap()).unwrap()
    };
    assert_eq!(
        sent("scp -t x", false, &[(&home, false)]),
        "scp -t /home/ops/x"
    );
    assert_eq!(
        sent("scp -rpqv -t x", true, &[(&home, false)]),
        "scp -v -q -r -p -d -t /home/ops/x"
    );
    assert_eq!(
        sent("scp -d -f x", true, &[(&home, false)]),
        "scp -f /home/ops/x"
    );
    assert_eq!(
        sent("scp -f x *.log", false, &[(&odd, false), (&root, true)]),
        "scp -f '/a b/it'\\''s'\\\\\\!'$(id)' /*.log"
    );
    let line_break = path("/a\nb");
    assert_eq!(
        parse("scp -t x").unwrap().run(
            false,
            [Place {
                path: &line_break,
                pattern: None
            }]
        ),
        None
    );
}

#[test]
fn a_pattern_takes_what_a_shell_takes() {
    let matches = |pattern: &str, name: &[u8]| {
        let command = parse(&format!("scp -f /d/{pattern}")).unwrap();
        command.paths[0].pattern.as_ref().unwrap().matches(name)
    };
    assert!(
        matches("*", b"a")
            && matches("*.log", b"x.log")
            && matches("a*b*", b"ab")
            && matches(".*", b".x")
    );
    assert!(matches("?", b"a") && matches("?", "é".as_bytes()) && matches("?", b"\xe9"));
    assert!(
        !matches("*", b".bashrc")
            && !matches("?x", b".x")
            && !matches("*.log", b"x.log.gz")
            && !matches("a?", b"a")
    );
}

#[test]
fn a_name_is_the_last_of_its_path() {
    let name = |path: &str| {
        parse(&format!("scp -f {path}")).unwrap().paths[0]
            .last_name()
            .map(<[u8]>::to_vec)
    };
    assert_eq!(name("/a/b"), Some(b"b".to_vec()));
    assert_eq!(name("/a/b//"), Some(b"b".to_vec()));
    for none in ["/", "//", ".", "..", "/a/.", "/a/..", "a/../"] {
        assert_eq!(name(none), None, "{none}");
    }
}

/// What a shell makes of a line: its words, each behind a mark.
fn shell_words(shell: &str, line: &[u8]) -> Option<Vec<Vec<u8>>> {
    use std::os::unix::ffi::OsStrExt;
    let script = [&b"scp() { printf '<%s>\\0' scp \"$@\"; }; "[..], line].concat();
    let output = Process::new(shell)
        .current_dir("/")
        .env("HOME", ".")
        .arg("-c")
        .arg(std::ffi::OsStr::from_bytes(&script))
        .output()
        .ok()?;
    let mut words: Vec<Vec<u8>> = output
        .stdout
        .split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect();
    words.pop();
    Some(words)
}

fn marked(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words
        .iter()
        .map(|word| [b"<", *word, b">"].concat())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_line_is_scp_or_not(line in proptest::collection::vec(prop_oneof![Just(b' '), Just(b'\''), Just(b'"'), Just(b'\\'), Just(b'-'), Just(b't'), any::<u8>()], 0..60)) {
        let whole = [b"scp -f ", &line[..]].concat();
        for line in [&line[..], &whole] {
            if let Some(command) = Command::parse(line) {
                prop_assert!(command.paths.iter().all(|typed| !typed.path.is_empty() && !typed.path.contains(&0)));
            }
        }
    }

    /// What is read as `scp` is read by the shell of this machine word by word as here.
    #[test]
    fn a_shell_reads_the_same_words(rest in "[ a-z'\"\\\\/._~$`;!-]{1,24}") {
        let line = format!("scp -f {rest}");
        if let Some(command) = Command::parse(line.as_bytes()) {
            let typed: Vec<Vec<u8>> = command.paths.iter().map(Typed::shown).collect();
            let words = shell_words("sh", line.as_bytes()).unwrap();
            let paths = words.len().checked_sub(typed.len()).and_then(|from| words.get(from..)).unwrap_or_default();
            let typed: Vec<&[u8]> = typed.iter().map(|typed| &typed[..]).collect();
            prop_assert_eq!(paths, marked(&typed), "{:?}", line);
        }
    }

    /// Whatever a place is called, the shell gives it to the program as it is.
    #[test]
    fn a_shell_reads_back_what_is_sent(name in proptest::collection::vec(prop_oneof![Just(b'\''), Just(b'\\'), Just(b'$'), Just(b'!'), Just(b'"'), Just(b' '), any::<u8>()], 1..20)) {
        prop_assume!(!name.contains(&b'/') && !matches!(&name[..], b"." | b".."));
        if let Ok(path) = TargetPath::root().join(&name) {
            let command = Command::parse(b"scp -r -f x").unwrap();
            match command.run(false, [Place { path: &path, pattern: None }]) {
                Some(line) => prop_assert_eq!(shell_words("sh", &line).unwrap(), marked(&[b"scp", b"-r", b"-f", path.as_bytes()])),
                None => prop_assert!(name.iter().any(|byte| matches!(byte, b'\n' | b'\r'))),
            }
        }
    }
}
