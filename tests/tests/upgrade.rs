//! A store that an older gateway left is read by today's: what is from before is said to be, and is no forgery. R3, R10.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, recording, store, wait};
use serde_json::json;

use crate::bundles::{SAYS_IT, SECRET, ends_with, export, recorded, said};

/// Turns a site's store into one that a gateway of this format wrote.
fn made_older(site: &Site, format: u32) -> Result<()> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new("python3")
        .arg(tests.join("peers/older_store.py"))
        .arg(site.layout().data().join("ecluse.db"))
        .arg(tests.join("../gateway/src/store/migrations"))
        .arg(format.to_string())
        .output()?;
    ensure!(done.status.success(), "{}", said(&done));
    Ok(())
}

/// Replay, export, and both verifications of what an older gateway left, and of what comes beside it.
fn is_read_today(format: u32, told: &[&str]) -> Result<()> {
    let mut site = recorded(|_| Ok(()))?;
    site.operator(&["withdraw", "1", "--reason", "done"])?
        .success()?;
    site.close()?;
    made_older(&site, format)?;
    site.open()?;
    let replayed = site.auditor(&["replay", "1", "--text"])?.success()?;
    ensure!(replayed.text().contains(SECRET), "{replayed:?}");
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ensure!(listed.contains("alice"), "{listed}");
    accepts_whom_it_had(&site)?;
    names_flows_without_a_budget(&site)?;
    let verified = site
        .gateway()
        .try_run(["journal", "verify", "--contents"], "")?;
    ends_with(&verified, 0, told)?;
    let verify = |name: &str, arguments: &[&str], words: &[&str]| -> Result<String> {
        let bundle = export(&site, arguments, name)?;
        let told = site.gateway().try_run([Path::new("verify"), &bundle], "")?;
        ends_with(&told, 0, words)?;
        Ok(said(&told))
    };
    verify("old.tar", &["1"], &["intact", "from before"])?;

    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run(SAYS_IT).answer()?.success()?;
    recording::wait_for_casts(&site.layout().recordings(), 2)?;
    wait::until_true("the seal on record", Duration::from_secs(120), || {
        let told = site.gateway().try_run(["journal", "verify"], "")?;
        Ok(!said(&told).contains("being sealed"))
    })?;
    let new = verify("new.tar", &["2"], &["intact"])?;
    ensure!(
        !new.contains("began before the journal had digests"),
        "{new}"
    );
    verify(
        "all.tar",
        &["--client", "hopital"],
        &["intact", "from before"],
    )?;
    let verified = site.gateway().try_run(["journal", "verify"], "")?;
    ends_with(&verified, 0, told)
}

/// P1: those whom the documents of before name are accepted, on record, once.
fn accepts_whom_it_had(site: &Site) -> Result<()> {
    let said = store::audit_of(site, Some("hopital"), "people-accepted")?;
    let [said] = said.as_slice() else {
        anyhow::bail!("{said:?}");
    };
    ensure!(
        said.pointer("/detail/people") == Some(&json!(["maintech/alice", "maintech/bruno"]))
            && said.get("person").is_none_or(serde_json::Value::is_null),
        "{said}"
    );
    let listed = site.operator(&["people"])?.success()?.text();
    ensure!(!listed.contains("people accept"), "{listed}");
    Ok(())
}

/// X3: documents of before go on without a budget, and the gateway names their flows when it starts.
fn names_flows_without_a_budget(site: &Site) -> Result<()> {
    let log = std::fs::read_to_string(site.layout().logs().join("gateway.err"))?;
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("no budget of what leaves"))
        .collect();
    ensure!(
        lines.len() == 1
            && ["dba", "hopital", "a session", "an intervention"]
                .iter()
                .all(|words| lines.concat().contains(words)),
        "{lines:?}"
    );
    Ok(())
}

/// From before digests and trails.
#[test]
fn a_store_from_before_the_digests_is_read_and_accuses_nobody() -> Result<()> {
    is_read_today(
        9,
        &[
            "intact",
            "before the journal had digests",
            "from before trails were numbered",
        ],
    )
}

/// From before causes of ends were typed: the first with a journal.
#[test]
fn a_store_of_the_first_journal_is_read_and_accuses_nobody() -> Result<()> {
    is_read_today(
        3,
        &[
            "intact",
            "before the journal had digests",
            "from before trails were numbered",
        ],
    )
}

/// From before the journal itself: only an audit trail. What people asked and answered stands in it; recordings of that time
/// had no seal, and none is kept.
#[test]
fn a_store_from_before_the_journal_is_read_and_accuses_nobody() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    site.operator(&["withdraw", "1", "--reason", "done"])?
        .success()?;
    site.close()?;
    made_older(&site, 2)?;
    site.open()?;
    let listed = site.auditor(&["interventions"])?.success()?.text();
    ensure!(listed.contains("alice"), "{listed}");
    let verified = site
        .gateway()
        .try_run(["journal", "verify", "--contents"], "")?;
    ends_with(
        &verified,
        0,
        &["intact", "from before trails were numbered"],
    )?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01").run(SAYS_IT).answer()?.success()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let bundle = export(&site, &["1"], "new.tar")?;
    let told = site.gateway().try_run([Path::new("verify"), &bundle], "")?;
    ends_with(&told, 0, &["intact"])
}
