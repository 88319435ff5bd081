//! What was removed under retention is said to be that, whatever part of the evidence is taken out; and what was lost keeps
//! its own word beside it. R3, R7, O1, O9.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Plan, Site, clock, recording, store, wait};

use crate::bundles::{ends_with, said};

const REMOVED: &str = "removed under retention";
const DAY: i64 = 86_400;

/// Evidence that is taken out, with what its export and its verification end with.
struct Case {
    asked: Vec<String>,
    export: i32,
    verify: i32,
    says: &'static [&'static str],
    never: &'static [&'static str],
}

fn case(asked: &[&str], says: &'static [&'static str], never: &'static [&'static str]) -> Case {
    Case {
        asked: asked.iter().map(|&word| word.to_owned()).collect(),
        export: 0,
        verify: 0,
        says,
        never,
    }
}

/// The same where a recording that was asked for is lost.
fn lost(asked: &[&str], says: &'static [&'static str], never: &'static [&'static str]) -> Case {
    Case {
        export: 3,
        verify: 5,
        ..case(asked, says, never)
    }
}

/// The gateway's command line at the gateway's own time.
fn ecluse(site: &Site, arguments: &[&str]) -> Result<Output> {
    let mut command = site.gateway().command(arguments);
    Ok(command.envs(site.clock().environment()?).output()?)
}

fn verify(site: &Site, bundle: &Path) -> Result<Output> {
    let mut command = Command::new(site.gateway().binary());
    Ok(command.arg("verify").arg(bundle).env_clear().output()?)
}

/// Takes out each of them, and looks.
fn hold(site: &Site, when: &str, cases: &[Case]) -> Result<()> {
    for (number, case) in cases.iter().enumerate() {
        let bundle = site.layout().root().join(format!("{when}-{number}.tar"));
        let output = bundle.display().to_string();
        let asked = case.asked.iter().map(String::as_str);
        let all: Vec<&str> = ["export"]
            .into_iter()
            .chain(asked)
            .chain(["--output", &output])
            .collect();
        let what = || format!("{when}: {:?}", case.asked);
        ends_with(&ecluse(site, &all)?, case.export, &[]).with_context(what)?;
        let told = verify(site, &bundle)?;
        ends_with(&told, case.verify, case.says).with_context(what)?;
        for word in case.never {
            ensure!(
                !said(&told).contains(word),
                "{word}: {}: {}",
                what(),
                said(&told)
            );
        }
    }
    Ok(())
}

fn sessions(site: &Site, count: usize) -> Result<()> {
    let before = store::audit(site, "recording-sealed")?.len();
    for _ in 0..count {
        let session = site.ssh("alice+db01").run("echo done").answer()?;
        session.success()?;
    }
    wait::until_true("the seals on record", Duration::from_secs(60), || {
        Ok(store::audit(site, "recording-sealed")?.len() == before + count)
    })
}

fn remove(site: &Site) -> Result<String> {
    let done = ecluse(site, &["retention", "remove"])?;
    ensure!(done.status.success(), "{}", said(&done));
    Ok(said(&done))
}

fn sql(site: &Site, text: &str) -> Result<String> {
    const SCRIPT: &str = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        print(store.execute(sys.argv[2]).fetchall())\n\
        store.commit()";
    let done = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(text)
        .output()?;
    ensure!(done.status.success(), "{}", said(&done));
    Ok(said(&done).trim().to_owned())
}

/// The only recording that is left.
fn left(site: &Site) -> Result<PathBuf> {
    let sealed = |path: &Path| path.ends_with("manifest.json");
    let found = recording::files(&site.layout().recordings(), &sealed)?;
    ensure!(found.len() == 1, "{found:?}");
    let dir = found.first().and_then(|file| file.parent());
    Ok(dir.context("no recording")?.to_owned())
}

/// Two sessions of an intervention that is open still when their time is over; then a third of another one.
fn two_removed_and_one_left() -> Result<Site> {
    let mut site = Site::start_with(Plan::move_clock)?;
    site.approved("alice", "db01")?;
    sessions(&site, 2)?;
    site.close()?;
    site.apply(|documents| {
        documents.client_tail = "\n[retention]\nregime = \"own\"\nkeep = \"1d\"\n".to_owned();
        Ok(())
    })?;
    site.clock().advance(3 * DAY)?;
    site.serve_for_a_moment()?;
    let done = remove(&site)?;
    ensure!(
        done.contains("removed recording 1") && done.contains("removed recording 2"),
        "{done}"
    );
    site.open()?;
    site.approved("alice", "db01")?;
    sessions(&site, 1)?;
    Ok(site)
}

/// All the choices of `export`, of what retention took, of what was lost, and of both.
#[test]
fn r7_what_retention_removed_is_said_whatever_is_taken_out_and_a_loss_keeps_its_word() -> Result<()>
{
    let mut site = two_removed_and_one_left()?;
    let (first, second) = (clock::date_in(1)?, clock::date_in(2)?);
    let client = ["--client", "hopital"];
    let of_client = |more: &[&'static str]| [&client[..], more].concat();
    let until = ["--client", "hopital", "--to", &first];
    let between = ["--client", "hopital", "--from", &first, "--to", &second];
    let removed: &[&str] = &["intact", REMOVED];
    hold(
        &site,
        "removed",
        &[
            case(&["1"], removed, &["missing"]),
            case(&["1", "2"], removed, &["missing"]),
            case(&["1", "3"], removed, &["missing"]),
            case(&["3"], &["intact"], &[REMOVED, "missing"]),
            case(&["--intervention", "1"], removed, &["missing"]),
            case(&["--intervention", "2"], &["intact"], &[REMOVED, "missing"]),
            case(&client, removed, &["missing"]),
            case(&of_client(&["--from", "1d"]), removed, &["missing"]),
            case(&until, removed, &["missing"]),
            case(&between, &["intact"], &[REMOVED, "missing"]),
        ],
    )?;
    ends_with(&ecluse(&site, &["journal", "verify"])?, 0, &["intact"])?;

    // One is lost beside them.
    let dir = left(&site)?;
    let aside = site.layout().root().join("aside");
    fs::rename(&dir, &aside)?;
    let missing: &[&str] = &["missing", "and is not there"];
    let both: &[&str] = &["missing", "and is not there", REMOVED];
    hold(
        &site,
        "lost",
        &[
            lost(&["3"], missing, &[REMOVED]),
            lost(&["1", "3"], both, &[]),
            lost(&["--intervention", "2"], missing, &[REMOVED]),
            lost(&client, both, &[]),
            lost(&of_client(&["--from", "1d"]), both, &[]),
            case(&["1"], removed, &["missing"]),
            case(&["--intervention", "1"], removed, &["missing"]),
            case(&until, removed, &["missing"]),
            case(&between, &["intact"], &[REMOVED, "missing"]),
        ],
    )?;
    ends_with(
        &ecluse(&site, &["journal", "verify"])?,
        5,
        &["is not there"],
    )?;
    fs::rename(&aside, &dir)?;

    // An older program took the rows of sessions away, and left the entries of their intervention.
    sql(&site, "delete from sessions where number = 2")?;
    hold(
        &site,
        "older",
        &[
            case(&["--intervention", "1"], removed, &["missing"]),
            case(&["1"], removed, &["missing"]),
            case(&client, removed, &["missing"]),
        ],
    )?;
    ends_with(
        &ecluse(&site, &["journal", "verify"])?,
        0,
        &["intact", REMOVED],
    )?;
    let output = site.layout().root().join("none.tar").display().to_string();
    let none = ecluse(&site, &["export", "2", "--output", &output])?;
    ends_with(
        &none,
        1,
        &["session #2 was removed under retention", "--client hopital"],
    )?;

    // Nothing is left of them but what says so: neither words nor texts, nor the salts before those.
    site.operator(&["withdraw", "2", "--reason", "done"])?
        .success()?;
    site.close()?;
    site.clock().advance(3 * DAY)?;
    site.serve_for_a_moment()?;
    let done = remove(&site)?;
    ensure!(done.contains("removed recording 3"), "{done}");
    ensure!(sql(&site, "select count(*) from interventions")? == "[(0,)]");
    ensure!(sql(&site, "select count(*) from sessions")? == "[(0,)]");
    let wordless: &[&str] = &["intact", REMOVED, "lost their words under retention"];
    hold(
        &site,
        "wordless",
        &[
            case(&client, wordless, &["missing"]),
            case(&until, removed, &["missing"]),
            case(&between, removed, &["missing"]),
        ],
    )?;
    ends_with(&ecluse(&site, &["journal", "verify"])?, 0, &["intact"])?;
    let none = ecluse(&site, &["export", "1", "--output", &output])?;
    ends_with(&none, 1, &["session #1 was removed under retention"])?;
    let none = ecluse(
        &site,
        &["export", "--intervention", "1", "--output", &output],
    )?;
    ends_with(&none, 1, &["there is no intervention #1", REMOVED])?;
    let into = tempfile::tempdir()?;
    let unpacked = Command::new("tar")
        .arg("-xf")
        .arg(site.layout().root().join("wordless-0.tar"))
        .arg("-C")
        .arg(into.path())
        .status()?;
    ensure!(unpacked.success(), "tar does not unpack the bundle");
    let salts = fs::read_to_string(into.path().join("salts"))?;
    ensure!(!salts.contains("interventions/"), "{salts}");
    ensure!(!into.path().join("interventions").exists());
    Ok(())
}
