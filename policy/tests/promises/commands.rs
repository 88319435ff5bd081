//! Promises of command templates: nothing a shell reads as more than a word gets through (F2, F3).

use std::io::Write as _;
use std::process::{Command, Stdio};

use ecluse_policy::capability::command::stands_for_itself;
use ecluse_policy::capability::{CommandRefused, CommandTemplate, EnvNames};
use ecluse_policy::*;
use proptest::prelude::*;

use crate::site::*;

fn template(text: &str) -> CommandTemplate {
    match Capability::parse(&format!("command: {text}")).unwrap() {
        Capability::Command(template) => template,
        other => panic!("{other}"),
    }
}

fn names(text: &str) -> EnvNames {
    match Capability::parse(&format!("env: {text}")).unwrap() {
        Capability::Env(names) => names,
        other => panic!("{other}"),
    }
}

#[test]
fn a_template_matches_its_words_and_nothing_around_them() {
    let dump = template("pg_dump --schema-only {db}");
    assert_eq!(dump.matches(b"pg_dump --schema-only prod"), Ok(()));
    for other in [
        "pg_dump",
        "pg_dump --schema-only",
        "pg_dump --schema-only a b",
        "pg_dump --data-only a",
        "PG_DUMP --schema-only a",
        "x pg_dump --schema-only a",
    ] {
        assert_eq!(
            dump.matches(other.as_bytes()),
            Err(CommandRefused::OtherWords),
            "{other}"
        );
    }
    for spacing in [
        " pg_dump --schema-only a",
        "pg_dump --schema-only a ",
        "pg_dump  --schema-only a",
        "pg_dump --schema-only ",
    ] {
        assert_eq!(
            dump.matches(spacing.as_bytes()),
            Err(CommandRefused::Spacing),
            "{spacing:?}"
        );
    }
}

/// Each way out of a word that a shell knows, in the place of a hole and after a whole command.
#[test]
fn no_quoting_substitution_separator_or_unicode_passes() {
    let tricks = [
        ";id",
        "|id",
        "&id",
        "&&id",
        "||id",
        "\nid",
        "\rid",
        "\tid",
        "`id`",
        "$(id)",
        "${IFS}id",
        "$HOME",
        "'a'",
        "\"a\"",
        "\\a",
        "a\\",
        "*",
        "?",
        "[a]",
        "{a,b}",
        "~",
        "~root",
        "#x",
        "!x",
        "!!",
        "^a^b",
        "<x",
        ">x",
        ">>x",
        "<(id)",
        "(id)",
        "a\u{a0}b",
        "a\u{2003}b",
        "a\u{2028}b",
        "\u{ff1b}id",
        "\u{37e}",
        "é",
        "\u{202e}",
        "a\x0bb",
        "a\x0cb",
        "\x1b[2J",
        "\x7f",
        "\u{0}",
        "a\0b",
        "\u{feff}a",
    ];
    for (text, good) in [
        ("ls {word}", "ls a"),
        ("ls {any:word}", "ls a"),
        ("ls {path}", "ls a"),
        ("ls {int}", "ls 1"),
        ("ls --x={name}", "ls --x=a"),
        ("ls a", "ls a"),
    ] {
        let template = template(text);
        assert_eq!(template.matches(good.as_bytes()), Ok(()));
        for trick in tricks {
            for command in [
                format!("{good}{trick}"),
                format!("{good} {trick}"),
                format!("{trick}{good}"),
                format!("ls {trick}"),
                format!("ls{trick}a"),
                format!("ls --x={trick}"),
            ] {
                assert!(
                    template.matches(command.as_bytes()).is_err(),
                    "{text}: {command:?}"
                );
            }
        }
        for bytes in [
            &b""[..],
            b"\0",
            b"ls a\0",
            b"ls \xff",
            b"\xc0\xaf",
            b"ls a\xe2\x80",
        ] {
            assert!(template.matches(bytes).is_err(), "{text}: {bytes:?}");
        }
    }
}

#[test]
fn a_hole_takes_its_kind_only() {
    let refuses = |text: &str, fills: &[&str]| {
        for fill in fills {
            let command = format!("ls {fill}");
            assert!(
                template(text).matches(command.as_bytes()).is_err(),
                "{text}: {command}"
            );
        }
    };
    let takes = |text: &str, fills: &[&str]| {
        for fill in fills {
            assert_eq!(
                template(text).matches(format!("ls {fill}").as_bytes()),
                Ok(()),
                "{text}: {fill}"
            );
        }
    };
    for name in ["ls {word}", "ls {db}"] {
        takes(name, &["a", "A_1", "_", "0", "a-b", "a..", "web.1"]);
        refuses(
            name,
            &[
                "", "-l", "--all", "=ls", "%1", "@x", "a/b", "/", "..", ".a", "a@b", "a:b", "a,b",
                "a=b", "1%", "..a", "a+b",
            ],
        );
    }
    takes(
        "ls {db:word}",
        &["a", "A_1", "a@b", "a:b", "a,b", "a=b", "1%", "..a", "a.."],
    );
    refuses(
        "ls {db:word}",
        &["", "-l", "--all", "=ls", "%1", "@x", "a/b", "/", ".."],
    );
    takes("ls {log:path}", &["a", "/var/log/x", "a@b"]);
    refuses("ls {log:path}", &["..", "/a/../b", "-x"]);
    takes("ls {n:int}", &["1"]);
    refuses("ls {n:int}", &["a", "-1"]);
    takes(
        "ls {path}",
        &["a", "/", "/var/log/x", "./a", "a//b", "a..b/c", "host:path"],
    );
    refuses(
        "ls {path}",
        &[
            "-l", "..", "../a", "/a/..", "/a/../b", "a:../b", "a=../b", "=a",
        ],
    );
    takes("ls {int}", &["0", "007", "123456789012345678"]);
    refuses(
        "ls {int}",
        &[
            "-1",
            "+1",
            "1.0",
            "0x1",
            "1e3",
            "a",
            "1234567890123456789",
            "1_000",
        ],
    );
    takes("ls /var/log/{path}", &["/var/log/a/b"]);
    refuses(
        "ls /var/log/{path}",
        &[
            "/var/log/",
            "/var/log/../x",
            "/var/log/a/../../x",
            "/var/log/-x",
            "/etc/x",
        ],
    );
    refuses("ls /var/log/.{path}", &["/var/log/../x", "/var/log/.."]);
    refuses("ls {path}/x", &["../x", "/a/../x"]);
    refuses("ls {word}", &[&"a".repeat(256)]);
    refuses("ls {db:word}", &[&"a".repeat(256)]);
    refuses("ls {path}", &[&"a".repeat(1_025)]);
    takes("ls {path}", &[&"a".repeat(1_024)]);
    assert_eq!(
        template("ls {path}").matches(&[b'a'; 5_000]),
        Err(CommandRefused::TooLong)
    );
}

/// `pg_dump DB` takes a connection string in the place of a name: a way out to any server (F6). A hole with a name of
/// its own lets none through, nor what other programs read as more than a name.
#[test]
fn a_named_hole_takes_a_name_and_no_way_out() {
    let dump = template("pg_dump --schema-only {db}");
    for way_out in [
        "host=evil.example",
        "dbname=x,host=evil.example",
        "postgresql:evil.example",
        "user@evil.example",
        "evil.example:dir",
        "evil.example::module",
        "@file",
        "+x",
        ".pgpass",
    ] {
        let command = format!("pg_dump --schema-only {way_out}");
        assert!(
            matches!(
                dump.matches(command.as_bytes()),
                Err(CommandRefused::Hole { .. })
            ),
            "{way_out}"
        );
    }
}

#[test]
fn a_hole_says_its_kind_once_and_as_it_was_written() {
    for text in [
        "ls {db}",
        "ls {db:word}",
        "ls {db:path}",
        "ls {n:int}",
        "ls {path}",
        "ls {int}",
        "ls a{x:word}b",
    ] {
        assert_eq!(template(text).to_string(), text);
    }
    for (text, says) in [
        ("ls {path:word}", "says its kind already"),
        ("ls {int:path}", "says its kind already"),
        ("ls {db:file}", "{db:word} one word"),
        ("ls {db:}", "is not a kind of hole"),
        ("ls {:word}", "a hole's name has 1 to 32"),
    ] {
        let error = Capability::parse(&format!("command: {text}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn every_command_must_be_written_and_still_is_no_empty_one() {
    let any = template("*");
    assert_eq!(any.matches(b"anything; at | all $(x) \xff"), Ok(()));
    assert_eq!(any.matches(b""), Err(CommandRefused::EmptyOrNul));
    assert_eq!(any.matches(b"a\0b"), Err(CommandRefused::EmptyOrNul));
}

/// What is permitted, a real shell reads as exactly those words.
#[test]
fn a_real_shell_reads_a_permitted_command_as_its_words() {
    let alphabet: Vec<u8> = (0u8..=255)
        .filter(|byte| stands_for_itself(*byte))
        .collect();
    let template = template("printf {path} {any:word} x{name:word}y");
    let mut script = Vec::new();
    let mut expected = String::new();
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut fill = |slash: bool| -> String {
        let mut text = String::new();
        for _ in 0..8 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let byte = alphabet[usize::try_from(seed % alphabet.len() as u64).unwrap()];
            text.push(if byte == b'/' && !slash {
                '.'
            } else {
                char::from(byte)
            });
        }
        text
    };
    let mut permitted = 0;
    for _ in 0..2_000 {
        let command = format!("printf {} {} x{}y", fill(true), fill(false), fill(false));
        if template.matches(command.as_bytes()).is_ok() {
            permitted += 1;
            // The words are printed one a line by the shell that split them.
            let words = command.strip_prefix("printf ").unwrap();
            writeln!(script, "for word in {words}; do echo \"$word\"; done").unwrap();
            words
                .split(' ')
                .for_each(|word| expected.push_str(&format!("{word}\n")));
        }
    }
    assert!(permitted > 500, "{permitted}");
    let empty = std::env::temp_dir();
    let mut shell = Command::new("sh")
        .current_dir(empty)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("install a POSIX sh");
    let mut input = shell.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&script));
    let output = shell.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

proptest! {
    /// Whatever bytes arrive: permitted means single spaces, harmless bytes, and the literal words in place.
    #[test]
    fn no_bytes_pass_that_are_not_words(command in prop::collection::vec(prop_oneof![Just(b' '), Just(b'a'), Just(b'l'), Just(b's'), any::<u8>()], 0..12)) {
        for text in ["ls {word}", "ls {any:word}", "ls {path}", "ls a{word}"] {
            if template(text).matches(&command).is_ok() {
                let text = String::from_utf8(command.clone()).unwrap();
                let words: Vec<&str> = text.split(' ').collect();
                prop_assert_eq!(words.len(), 2);
                prop_assert_eq!(words[0], "ls");
                prop_assert!(words[1].bytes().all(stands_for_itself) && !words[1].is_empty() && !words[1].starts_with('-'));
            }
        }
    }

    /// A wider capability permits whatever a narrower one does.
    #[test]
    fn what_a_capability_includes_it_permits(wide in 0usize..POOL.len(), narrow in 0usize..POOL.len(), fill in "[a-z/.0-9-]{1,4}") {
        let (wide, narrow) = (capability(POOL[wide]), capability(POOL[narrow]));
        if let (Capability::Command(wide), Capability::Command(narrow)) = (&wide, &narrow) {
            for command in [format!("ls {fill}"), format!("ls x{fill}"), fill.clone(), "ls".to_owned()] {
                if wide.includes(narrow) && narrow.matches(command.as_bytes()).is_ok() {
                    prop_assert_eq!(wide.matches(command.as_bytes()), Ok(()));
                }
            }
        }
        if let Some(common) = wide.common(&narrow) {
            prop_assert!(wide.includes(&common) && narrow.includes(&common));
        }
        prop_assert!(wide.includes(&wide));
        prop_assert_eq!(capability(&wide.to_string()), wide);
    }
}

const POOL: &[&str] = &[
    "shell",
    "command: *",
    "command: ls",
    "command: ls {path}",
    "command: ls {word}",
    "command: ls {db:word}",
    "command: ls {log:path}",
    "command: ls {int}",
    "command: ls x{word}",
    "command: ls x1",
    "command: ls -x",
    "command: ls {path} {int}",
    "env: *",
    "env: LC_*",
    "env: LC_ALL",
    "env: LANG LC_A*",
    "env: LANG",
];

#[test]
fn what_includes_what() {
    let includes = |wide: &str, narrow: &str| capability(wide).includes(&capability(narrow));
    assert!(includes("command: *", "command: ls {path}"));
    assert!(includes("command: ls {path}", "command: ls {db:word}"));
    assert!(includes("command: ls {db:word}", "command: ls {word}"));
    assert!(!includes("command: ls {word}", "command: ls {db:word}"));
    assert!(!includes("command: ls {int}", "command: ls {word}"));
    assert!(includes("command: ls {word}", "command: ls {int}"));
    assert!(includes("command: ls {db}", "command: ls prod"));
    assert!(!includes("command: ls {word}", "command: ls {path}"));
    assert!(!includes("command: ls {word}", "command: ls -x"));
    assert!(!includes("command: ls {word}", "command: ls"));
    assert!(!includes("command: ls {word}", "command: *"));
    assert!(
        !includes("shell", "command: ls"),
        "a shell is not an agreed command"
    );
    assert!(!includes("command: *", "shell"));
    assert!(includes("env: LC_*", "env: LC_ALL LC_A*"));
    assert!(!includes("env: LC_ALL", "env: LC_*"));
    assert_eq!(
        capability("env: LANG LC_*").common(&capability("env: LC_ALL L*")),
        Some(capability("env: LANG LC_* LC_ALL"))
    );
    assert_eq!(capability("env: LANG").common(&capability("env: TZ")), None);
    assert!(names("LC_*").matches("LC_", "x").is_ok() && names("LC_*").matches("LC", "x").is_err());
    assert!(
        names("LANG").matches("LANGUAGE", "x").is_err()
            && names("LANG").matches("lang", "x").is_err()
    );
}

/// Of several templates of one length, the refusal tells of the one that was meant.
#[test]
fn the_refusal_names_the_hole_of_the_nearest_template() {
    let documents = crate::terms::flows(
        r#"["command: tail -n {int} {path}", "command: pg_dump --table {table} {db}"]"#,
    );
    let admission = admitted(&documents);
    let hole = |typed: &str| match refused(admission.decide(&command(typed), t0())) {
        Refusal::Command {
            reason: CommandRefused::Hole { hole, .. },
            ..
        } => hole,
        other => panic!("{typed}: {other}"),
    };
    assert_eq!(hole("tail -n 5 ../x"), "path");
    assert_eq!(hole("tail -n x /var/log/syslog"), "int");
    assert_eq!(hole("pg_dump --table a host=evil"), "db");
    // Both begin alike: the one of which more words fit.
    let documents = crate::terms::flows(
        r#"["command: get {n:int} of {m:int}", "command: get {name} of {m:int}"]"#,
    );
    let admission = admitted(&documents);
    match refused(admission.decide(&command("get a of b"), t0())) {
        Refusal::Command {
            reason: CommandRefused::Hole { hole, .. },
            ..
        } => assert_eq!(hole, "m"),
        other => panic!("{other}"),
    }
}
