//! Right codes that open nothing, by no fault of whoever gives them: they count against nobody, and whoever proved their keys at a
//! place of theirs is told why. A6.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Answer, Site, client, store, wait};

use super::mistakes::{three_prompts, told};
use super::{key, site_without_memory};

const SOON: Duration = Duration::from_secs(20);

/// Alice gives one code three times, as OpenSSH asks for it three times, and is not let in.
fn thrice(site: &Site, code: &str) -> Result<Answer> {
    let ssh = told(site.ssh("alice")).code(code).run("flows");
    let mut command = Command::new("setsid");
    command.arg("--wait").args(three_prompts(&ssh));
    command.envs(ssh.variables());
    client::run(&mut command, &[], Duration::from_secs(60))?.denied()
}

/// No try of anybody counts, and nobody is blocked.
fn nothing_counts(site: &Site) -> Result<()> {
    let refused = store::audit(site, "log-on-refused")?;
    let counted = refused
        .iter()
        .filter(|record| record.to_string().contains("counted-against"));
    ensure!(counted.count() == 0, "{refused:?}");
    ensure!(store::audit(site, "lockout")?.is_empty());
    Ok(())
}

/// A provider's document that somebody altered in the store: its technicians read that no code is looked at, their right codes
/// count as no guess, and once the right text is in force again they come in at once.
#[test]
fn a6_an_altered_document_of_a_provider_blocks_none_of_its_people() -> Result<()> {
    let site = site_without_memory()?;
    store::change(
        &site,
        "UPDATE document_texts SET text = text || '# and more' WHERE file LIKE 'providers/%'",
    )?;
    wait::until_true("the fault on record", SOON, || {
        Ok(!store::audit(&site, "not-on-record")?.is_empty())
    })?;
    let code = site.fresh_code("alice")?;
    for _ in 0..3 {
        thrice(&site, &code)?.says(&["not the one on record", "no code is looked at"])?;
    }
    nothing_counts(&site)?;
    // Who has not proven both keys is told nothing.
    let stranger = told(site.ssh("alice"))
        .key(&key(&site, "alice"))
        .run("flows")
        .answer()?
        .denied()?;
    ensure!(!stranger.errors.contains("on record"), "{stranger:?}");
    let config = site.layout().config().display().to_string();
    site.gateway().run(["apply", &config], "")?;
    wait::until_true("alice to come in", SOON, || {
        let answer = site.ssh("alice").run("flows").answer()?;
        Ok(answer.status == Some(0))
    })
}

/// At a station from which she may not work a right code opens nothing, and nothing tells that it was right, nor that another answer
/// was none; what she gives after it is no guess either. A wrong one is, hers alone: who shares her address reads nothing of it. That
/// a code was right is an entry of its own, although the refusals of that minute are only counted, and her operators are told.
#[test]
fn a6_right_codes_at_another_station_block_nobody_and_are_told_to_operators() -> Result<()> {
    let site = Site::start_with(|plan| {
        // Not the language of alice.
        plan.documents.settings.lang = "fr".to_owned();
        plan.documents.technician("alice")?.stations = vec!["ws-2".to_owned()];
        Ok(())
    })?;
    let words = thrice(&site, "a password")?;
    for _ in 0..2 {
        thrice(&site, "")?;
    }
    ensure!(store::audit(&site, "code-elsewhere")?.is_empty());
    let code = site.fresh_code("alice")?;
    let right = thrice(&site, &code)?;
    nothing_counts(&site)?;
    let elsewhere = store::audit(&site, "code-elsewhere")?;
    ensure!(
        matches!(elsewhere.as_slice(), [only] if only.to_string().contains("the station ws-1 may not be used")),
        "{elsewhere:?}"
    );
    let pending = site.operator(&["pending"])?.success()?.text();
    ensure!(
        pending.contains("A right code of alice was given"),
        "{pending}"
    );
    let wrong = thrice(&site, &super::codes::wrong_code(&site)?)?;
    for other in [&words, &wrong] {
        ensure!(right.errors == other.errors, "{right:?} {other:?}");
    }
    ensure!(right.errors.contains("six digits"), "{right:?}");
    // Blocked, and told neither.
    let blocked = thrice(&site, &code)?;
    ensure!(right.errors == blocked.errors, "{right:?} {blocked:?}");
    ensure!(!store::audit(&site, "lockout")?.is_empty());
    let refused = format!("{:?}", store::audit(&site, "log-on-refused")?);
    ensure!(
        refused.contains("person:alice") && !refused.contains("source:"),
        "{refused}"
    );
    Ok(())
}
