//! What is put back beside the log: an old second factor, the file that says how the gateway ended, whose a session is.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{store, wait};

use super::Crime;

const PATIENCE: Duration = Duration::from_secs(60);

/// However it was broken into lines.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A3, N3, R3, R10: the row of a second factor that was replaced lets nobody in again; a gateway that was killed is told of without
/// its lock's file; a session that the table gives to somebody else, or has no more, is listed.
#[test]
fn r3_what_is_put_back_beside_the_log_is_not_believed() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.sql("create table old as select secret from enrolments where person = 'alice'")?;
    // The same secret, sealed anew: what refuses its codes afterwards is the row alone.
    let code = crime.site.fresh_code("alice")?;
    crime.enrolls_alice_anew(&code)?;
    crime.sql(
        "update enrolments set secret = (select secret from old) where person = 'alice'; drop table old; \
         update sessions set client = 'mairie' where number = 2",
    )?;
    crime.site.open()?;
    ensure!(store::audit(&crime.site, "serve-cut-short")?.is_empty());
    crime.site.kill()?;
    fs::remove_file(crime.site.layout().data().join("serve.lock"))?;
    crime.site.open()?;
    ensure!(!store::audit(&crime.site, "serve-cut-short")?.is_empty());

    let answer = crime.site.ssh("alice+db01").run("echo in").answer()?;
    ensure!(
        answer.status != Some(0) && !answer.text().contains("in\n"),
        "she got in: {answer:?}"
    );
    wait::until_true("the row on record", PATIENCE, || {
        let told = store::audit(&crime.site, "not-on-record")?;
        Ok(told
            .iter()
            .any(|line| format!("{line:?}").contains("enrolment of alice")))
    })?;
    let pending = in_one_line(&crime.site.operator(&["pending"])?.success()?.text());
    ensure!(pending.contains("the second factor of alice"), "{pending}");

    let listed = in_one_line(&crime.site.auditor(&["recordings"])?.success()?.text());
    ensure!(listed.contains("Session 2 is NOT ON RECORD as"), "{listed}");
    crime.sql("delete from sessions where number = 2")?;
    for words in [
        &["recordings"][..],
        &["search", "checkpoint"],
        &["replay", "2", "--text"],
    ] {
        let answer = crime.site.auditor(words)?;
        let all = in_one_line(&format!("{} {}", answer.text(), answer.errors));
        all.contains("Session 2 is on record, and")
            .then_some(())
            .with_context(|| format!("{words:?}: {answer:?}"))?;
    }
    Ok(())
}
