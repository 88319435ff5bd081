//! A reader that goes away (`| head -1`) neither stops a command of `ecluse` nor changes its exit status. Every command
//! there is has its line here, or the test fails.

use std::collections::BTreeMap;
use std::fs;
use std::io::pipe;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, keys, target};

use crate::bundles::{export, recorded};

/// What a command is run with, several times where it has more than one way to print; and whether it may be run again.
type Lines = (Vec<Vec<String>>, bool);

/// Each command's.
fn lines(site: &Site) -> Result<BTreeMap<&'static str, Lines>> {
    let layout = site.layout();
    let root = layout.root();
    let config = layout.config().display().to_string();
    let path = |name: &str| root.join(name).display().to_string();
    let bundle = export(site, &["1"], "evidence.tar")?.display().to_string();
    let log_keys: Vec<String> = site
        .gateway()
        .run(["journal", "keys"], "")?
        .lines()
        .filter(|line| line.starts_with("ecluse-"))
        .map(str::to_owned)
        .collect();
    fs::write(root.join("log-keys"), log_keys.join("\n"))?;
    fs::write(
        root.join("checkpoint"),
        site.gateway().run(["journal", "checkpoint"], "")?,
    )?;
    keys::pair(layout, "witness")?;
    let witness = layout.key("witness").display().to_string();
    let cosign = [
        "--key",
        &witness,
        "--name",
        "hopital.example/witness",
        "--state",
        &path("state"),
        "--log-key",
        &path("log-keys"),
        &path("checkpoint"),
    ]
    .map(str::to_owned);
    let cosigned = [&["journal".to_owned(), "cosign".to_owned()][..], &cosign].concat();
    fs::write(root.join("cosigned"), site.gateway().run(&cosigned, "")?)?;
    let recording = ecluse_tests::recording::files(&layout.recordings(), &|path| {
        path.ends_with("manifest.json")
    })?;
    let recording = recording
        .first()
        .and_then(|manifest| manifest.parent())
        .context("no recording")?
        .display()
        .to_string();
    let key = layout.recording_key().display().to_string();
    let reader = keys::reader(&root.join("reader.age"))?;
    let account = target::account()?;
    let case = "[[case]]\nname = \"a\"\nperson = \"alice\"\ntarget = \"db01\"\nasks = \"shell\"\nexpect = \"allowed\"\n";
    fs::write(root.join("cases.toml"), case)?;
    let words =
        |line: &[&str]| -> Vec<String> { line.iter().map(|word| (*word).to_owned()).collect() };
    Ok(BTreeMap::from([
        ("accounts", (vec![vec![]], true)),
        // Nothing is blocked or unused: refused.
        ("accounts enable", (vec![words(&["alice"])], true)),
        ("accounts unlock", (vec![words(&["alice"])], true)),
        (
            "apply",
            (
                vec![words(&["--dry-run", &config]), words(&[&config])],
                true,
            ),
        ),
        (
            "check",
            (vec![words(&[&config]), words(&["/nowhere"])], true),
        ),
        ("credential authority", (vec![vec![]], true)),
        (
            "credential set",
            (vec![words(&["web01", &account, "--certificate"])], true),
        ),
        ("enroll", (vec![words(&["alice", "--replace"])], true)),
        (
            "explain",
            (
                vec![
                    words(&["alice", "db01", "shell"]),
                    words(&["alice", "db01", "sftp"]),
                ],
                true,
            ),
        ),
        (
            "export",
            (vec![words(&["1", "--output", &path("another.tar")])], false),
        ),
        (
            "journal add-cosignature",
            (vec![words(&[&path("cosigned")])], true),
        ),
        ("journal checkpoint", (vec![vec![]], true)),
        ("journal cosign", (vec![cosign.to_vec()], true)),
        ("journal keys", (vec![vec![]], true)),
        ("journal proof", (vec![words(&["--from", "1"])], true)),
        ("journal rotate-key", (vec![vec![]], false)),
        (
            "journal verify",
            (vec![vec![], words(&["--contents"])], true),
        ),
        ("host-ca", (vec![vec![]], true)),
        (
            "matrix",
            (
                vec![vec![], words(&["--client", "hopital", "--format", "html"])],
                true,
            ),
        ),
        ("nodes", (vec![vec![]], true)),
        // There is none of that name: refused.
        ("nodes remove", (vec![words(&["nobody-at-all"])], true)),
        ("policy test", (vec![words(&[&path("cases.toml")])], true)),
        (
            "reach",
            (vec![words(&["alice"]), words(&["--target", "db01"])], true),
        ),
        ("recordings convert", (vec![words(&["1"])], true)),
        (
            "recordings read",
            (
                vec![words(&[
                    &recording,
                    "--into",
                    &path("clear"),
                    "--key",
                    &key,
                ])],
                false,
            ),
        ),
        (
            "recordings rewrap",
            (
                vec![words(&["1", "--key", &key, "--for", &reader, "--yes"])],
                false,
            ),
        ),
        ("retention", (vec![vec![]], true)),
        (
            "retention remove",
            (vec![words(&["--dry-run"]), vec![]], true),
        ),
        ("search reindex", (vec![vec![]], true)),
        (
            "verify",
            (vec![words(&[&bundle]), words(&["--json", &bundle])], true),
        ),
    ]))
}

/// The commands that have none below them, as the help lists them.
fn commands(site: &Site, above: &str) -> Result<Vec<String>> {
    let words: Vec<&str> = above.split_whitespace().chain(["--help"]).collect();
    let help = site.gateway().run(words, "")?;
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut found = Vec::new();
    for name in listed {
        let name = format!("{above} {name}").trim().to_owned();
        let below = commands(site, &name)?;
        // These do something by themselves.
        if below.is_empty() || ["accounts", "nodes", "retention"].contains(&name.as_str()) {
            found.push(name);
        }
        found.extend(below);
    }
    Ok(found)
}

/// A writing end that nobody reads.
fn nobody() -> Result<Stdio> {
    let (reader, writer) = pipe()?;
    drop(reader);
    Ok(writer.into())
}

#[test]
fn no_command_minds_a_reader_that_goes_away() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    let lines = lines(&site)?;
    let mut there: Vec<String> = commands(&site, "")?;
    there.retain(|name| name != "serve");
    there.sort();
    let tried: Vec<&str> = lines.keys().copied().collect();
    ensure!(
        there == tried,
        "there are {there:?}, and {tried:?} are tried"
    );
    let helps = there
        .iter()
        .map(|name| (name.as_str(), vec!["--help".to_owned()], true));
    let more = [
        ("", vec!["--help".to_owned()], true),
        ("", vec!["--version".to_owned()], true),
    ];
    let all = lines.iter().flat_map(|(name, (lines, again))| {
        lines.iter().map(move |line| (*name, line.clone(), *again))
    });
    for (name, arguments, again) in helps.chain(more).chain(all) {
        let run = || -> Command {
            let words = name.split_whitespace().map(str::to_owned);
            let mut command = site
                .gateway()
                .command(words.chain(arguments.iter().cloned()));
            command.stdin(Stdio::null());
            command
        };
        let expected = if again {
            Some(run().output()?.status.code())
        } else {
            None
        };
        let left = run().stdout(nobody()?).stderr(Stdio::piped()).output()?;
        let said = String::from_utf8_lossy(&left.stderr).into_owned();
        ensure!(
            left.status.code().is_some_and(|code| code != 101) && !said.contains("panicked"),
            "{name} {arguments:?} without a reader: {} {said}",
            left.status
        );
        match expected {
            Some(expected) => ensure!(
                left.status.code() == expected,
                "{name} {arguments:?} without a reader: {}, with one: {expected:?}: {said}",
                left.status
            ),
            None => ensure!(
                left.status.success(),
                "{name} {arguments:?}: {} {said}",
                left.status
            ),
        }
        if again {
            let alone = run().stdout(nobody()?).stderr(nobody()?).status()?;
            ensure!(
                Some(alone.code()) == expected,
                "{name} {arguments:?} with nobody at all: {alone}, with a reader: {expected:?}"
            );
        }
    }
    Ok(())
}

/// What is lost for another reason is told.
#[test]
fn a_command_whose_words_are_lost_fails() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    for arguments in [
        &["journal", "keys"][..],
        &["--help"],
        &["--version"],
        &["check", "--help"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
        let output = site
            .gateway()
            .command(arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(1) && said.contains("not all of this could be printed"),
            "{arguments:?}: {} {said}",
            output.status
        );
    }
    Ok(())
}
