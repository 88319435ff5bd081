//! Documents: what is accepted, what a difference shows, what is said about mistakes. F1, F7, R5; DESIGN §4.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, peers};

fn check(site: &Site) -> Result<std::process::Output> {
    site.gateway()
        .try_run([Path::new("check"), &site.layout().config()], "")
}

fn errors(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// Writes the client's document with `from` replaced by `to`, and returns what `check` says.
fn check_with(site: &Site, from: &str, to: &str) -> Result<std::process::Output> {
    let path = site.layout().config().join("clients/hopital.toml");
    let text = site.plan().documents.client_text();
    ensure!(text.contains(from), "the document has no {from:?}");
    fs::write(&path, text.replacen(from, to, 1))?;
    let output = check(site)?;
    fs::write(&path, text)?;
    Ok(output)
}

#[test]
fn the_samples_of_the_repository_are_accepted() -> Result<()> {
    let config = peers::repository().join("config");
    let site = Site::prepare(|_| Ok(()))?;
    let output = std::process::Command::new(site.gateway().binary())
        .arg("check")
        .arg(&config)
        .output()?;
    ensure!(output.status.success(), "{}", errors(&output));
    Ok(())
}

#[test]
fn mistakes_are_told_with_file_line_key_and_what_is_accepted() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    for (from, to, key) in [
        ("hours = \"always\"", "hours = \"sometimes\"", ".hours: "),
        ("protocol = \"ssh\"", "protocol = \"telnet\"", ".protocol: "),
        ("by = 1", "by = 0", ".approval.by: "),
        ("at-most = \"4h\"", "at-most = \"4 hours\"", ".at-most: "),
        ("lang = \"fr\"", "lang = \"de\"", ".lang: "),
        // X1: nobody leaves out how much may leave; the line to add is told.
        ("extraction = ", "# extraction = ", ".extraction: "),
        ("[[flow]]", "[[flow]]\ncolour = \"red\"", ".colour: "),
        ("allow = [\"shell\"", "allow = [\"everything\"", ".allow: "),
        (
            "allow = [\"shell\"",
            "allow = [\"env: FOO_*\"",
            "reaches nothing",
        ),
        (
            "at-most = \"4h\"",
            "at-most = \"25h\"",
            "long = true, owner = ",
        ),
        ("targets = [\"db01\"", "targets = [\"db99\"", ".targets: "),
        ("maintech:dba", "maintech:nobody", ".technicians: "),
        ("host-keys = [", "host-keys = [] # [", ".host-keys: "),
    ] {
        let output = check_with(&site, from, to)?;
        let said = errors(&output);
        ensure!(!output.status.success(), "{to:?} was accepted");
        // `clients/hopital.toml:31: flow.dba.hours: …; accepted: …`, on one line.
        let place = |line: &str| -> Option<u32> {
            line.split_once("hopital.toml:")?
                .1
                .split(':')
                .next()?
                .parse()
                .ok()
        };
        let whole = said.lines().any(|line| {
            place(line).is_some() && line.contains(key) && line.contains("; accepted: ")
        });
        ensure!(
            whole,
            "{to:?}: no line with place, {key:?} and what is accepted in:\n{said}"
        );
    }
    Ok(())
}

/// P15: a derogation that nobody answers for is refused, with what to write; one that is over is named and closes
/// nothing else; a template that takes less than it once did is named.
#[test]
fn derogations_and_templates_that_shrank_are_told() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let text = site.plan().documents.client_text();
    let begin = text
        .find("{ line = \"command: *\"")
        .context("the sample site has no derogation")?;
    let end = text[begin..].find('}').context("no end")? + begin + 1;
    let derogation = &text[begin..end];

    let output = check_with(&site, derogation, "\"command: *\"")?;
    let said = errors(&output);
    ensure!(
        !output.status.success()
            && said.contains("{ line = \"command: *\", owner = ")
            && said.contains("until = \""),
        "{said}"
    );
    let over = "{ line = \"command: *\", owner = \"Odile\", until = \"2020-12-31\" }";
    let output = check_with(&site, derogation, over)?;
    let said = errors(&output);
    ensure!(
        output.status.success()
            && said.contains("`command: *` is over (owner Odile, until 2020-12-31)")
            && said.contains("hopital.toml:"),
        "{said}"
    );
    let output = check_with(&site, derogation, "\"command: pg_dump {db}\"")?;
    let said = errors(&output);
    ensure!(
        output.status.success() && said.contains("{db:word} takes what it took before"),
        "{said}"
    );
    let said = errors(&check(&site)?);
    ensure!(
        !said.contains("is over") && !said.contains("takes what it took before"),
        "what holds is no note: {said}"
    );
    Ok(())
}

#[test]
fn all_mistakes_are_told_at_once() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let output = check_with(
        &site,
        "hours = \"always\"",
        "hours = \"sometimes\"\ncolour = \"red\"",
    )?;
    let said = errors(&output);
    ensure!(
        said.contains("sometimes") && said.contains("colour"),
        "{said}"
    );
    Ok(())
}

#[test]
fn broken_files_are_refused_with_a_clear_error() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let path = site.layout().config().join("clients/hopital.toml");
    let cases: [(&str, Vec<u8>); 5] = [
        ("no TOML", b"[[[client]\n".to_vec()),
        ("no UTF-8", b"[client]\nid = \"\xff\xfe\"\n".to_vec()),
        (
            "control characters",
            b"[client]\nid = \"a\\u001b[31m\"\n".to_vec(),
        ),
        ("empty", Vec::new()),
        (
            "very long",
            [
                b"[client]\nid = \"".to_vec(),
                vec![b'a'; 1 << 20],
                b"\"\n".to_vec(),
            ]
            .concat(),
        ),
    ];
    for (what, bytes) in cases {
        fs::write(&path, bytes)?;
        let output = check(&site)?;
        ensure!(!output.status.success(), "{what} was accepted");
        let said = errors(&output);
        ensure!(said.contains("hopital.toml"), "{what}: {said}");
        ensure!(
            !said.contains('\u{1b}') && said.len() < 10_000,
            "{what}: the mistake itself was printed raw or whole"
        );
        ensure!(!said.contains("panicked"), "{what}: {said}");
    }
    Ok(())
}

#[test]
fn one_key_for_two_persons_is_refused() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let mut documents = site.plan().documents.clone();
    let key = documents.technician("alice")?.keys.clone();
    documents.technician("bruno")?.keys = key;
    documents.write(&site.layout().config())?;
    let output = check(&site)?;
    ensure!(!output.status.success(), "a shared key was accepted (A1)");
    ensure!(
        errors(&output).contains("belongs to technician alice"),
        "{}",
        errors(&output)
    );
    Ok(())
}

#[test]
fn a_weak_key_is_refused() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    let weak = site.layout().key("weak");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"])
        .arg(&weak)
        .status()?;
    ensure!(made.success());
    let mut documents = site.plan().documents.clone();
    documents.technician("alice")?.keys = vec![ecluse_tests::keys::public_line(&weak)?];
    documents.write(&site.layout().config())?;
    let output = check(&site)?;
    ensure!(
        !output.status.success() && errors(&output).contains("2048"),
        "RSA with 2048 bits was accepted (DESIGN §11): {}",
        errors(&output)
    );
    Ok(())
}

#[test]
fn a_limit_that_is_not_enforced_is_refused() -> Result<()> {
    let site = Site::prepare(|_| Ok(()))?;
    for (line, what) in [
        (
            "extraction = { session = \"50 MiB\", intervention = \"200 MiB\", at-limit = \"hold\", ceiling = \"110%\" }",
            ".extraction.ceiling: ",
        ),
        ("allow = [\"subsystem: netconf\"]", ".allow: "),
        (
            "approval = { by = 1, at-most = \"4h\", sessions-per-operator = 3 }",
            ".approval.sessions-per-operator: ",
        ),
    ] {
        let key = line.split(' ').next().context("no key")?;
        let text = site.plan().documents.client_text();
        let replaced: String = text
            .lines()
            .map(|old| {
                if old.starts_with(key) {
                    line.to_owned()
                } else {
                    old.to_owned()
                }
            })
            .collect::<Vec<_>>()
            .join("\n");
        let replaced = if replaced.contains(line) {
            replaced
        } else {
            format!("{replaced}\n{line}\n")
        };
        fs::write(
            site.layout().config().join("clients/hopital.toml"),
            replaced,
        )?;
        let output = check(&site)?;
        let said = errors(&output);
        ensure!(
            !output.status.success() && said.contains(what),
            "{line:?} was accepted, and would not be enforced, or is refused for something else:\n{said}"
        );
    }
    Ok(())
}

#[test]
fn a_dry_run_shows_the_difference_and_changes_nothing() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    let mut documents = site.plan().documents.clone();
    documents.technicians.retain(|person| person.id != "bruno");
    documents.target("web01")?.address = "192.0.2.7:22".to_owned();
    documents.write(&site.layout().config())?;
    let shown = site.gateway().run(
        [
            "apply".as_ref(),
            site.layout().config().as_os_str(),
            "--dry-run".as_ref(),
        ],
        "",
    )?;
    for fact in ["bruno", "web01", "192.0.2.7:22"] {
        ensure!(
            shown.contains(fact),
            "the difference does not show {fact:?}:\n{shown}"
        );
    }
    ensure!(
        !shown.contains("alice"),
        "what did not change is shown as changed:\n{shown}"
    );
    site.ssh("bruno").run("flows").answer()?.success()?;
    Ok(())
}

#[test]
fn applying_the_same_again_changes_nothing() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let said = site.apply(|_| Ok(()))?;
    ensure!(!said.contains("alice") && !said.contains("db01"), "{said}");
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn refused_documents_leave_the_old_ones_in_force() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    let refused = site.apply(|documents| {
        documents.flow("dba")?.hours = "never ever".to_owned();
        documents.technicians.clear();
        Ok(())
    });
    let refused = match refused {
        Ok(said) => anyhow::bail!("bad documents were applied: {said}"),
        Err(error) => format!("{error:#}"),
    };
    ensure!(refused.contains("never ever"), "{refused}");
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn a_change_takes_effect_without_a_restart() -> Result<()> {
    let mut site = Site::start()?;
    let before = site
        .ssh("alice")
        .shared("alice")
        .run("flows")
        .answer()?
        .success()?
        .text();
    ensure!(!before.contains("new01"), "{before}");
    site.apply(|documents| {
        let target = ecluse_tests::documents::Target {
            id: "new01".to_owned(),
            ..documents.target("db01")?.clone()
        };
        documents.targets.push(target);
        documents.flow("dba")?.targets.push("new01".to_owned());
        Ok(())
    })?;
    ecluse_tests::wait::until_true(
        "the new target in `flows`",
        std::time::Duration::from_secs(60),
        || {
            Ok(site
                .ssh("alice")
                .shared("alice")
                .run("flows")
                .answer()?
                .text()
                .contains("new01"))
        },
    )
}

#[test]
fn explain_names_the_line_that_allows_and_what_is_missing() -> Result<()> {
    let site = Site::start()?;
    let explain = |words: &[&str]| -> Result<(bool, String)> {
        let output = site.gateway().try_run([&["explain"], words].concat(), "")?;
        Ok((output.status.success(), errors(&output)))
    };
    let (done, allowed) = explain(&["alice", "db01", "shell"])?;
    ensure!(
        done && allowed.contains("allowed, after an approval, by:")
            && allowed.contains("hopital.toml:")
            && allowed.contains("flow dba")
            && allowed.contains("256 GiB an intervention, 64 GiB a session; told from 70%"),
        "no file and line in:\n{allowed}"
    );
    let (done, refused) = explain(&["alice", "db01", "forward: 127.0.0.1:5432"])?;
    ensure!(!done, "a script takes it for allowed");
    ensure!(
        !refused.contains("allowed, after")
            && refused.contains("\"forward: 127.0.0.1:5432\" is not there"),
        "what is missing is not named:\n{refused}"
    );
    for (unknown, told) in [
        (["nobody", "db01", "shell"], "nobody is in no document"),
        (
            ["alice", "nowhere", "shell"],
            "nowhere is a target of no client",
        ),
    ] {
        let (_, said) = explain(&unknown)?;
        ensure!(said.contains(told), "{unknown:?}: {said}");
    }
    let (_, at) = explain(&["alice", "db01", "shell", "--at", "2026-11-23T10:00:00Z"])?;
    ensure!(at.contains("flow dba"), "{at}");
    Ok(())
}
