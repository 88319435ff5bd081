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

/// At a station from which she may not work a right code opens nothing, and nothing tells that it was right; what she gives after it
/// is no guess either. A wrong one is.
#[test]
fn a6_right_codes_at_another_station_block_nobody() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.technician("alice")?.stations = vec!["ws-2".to_owned()];
        Ok(())
    })?;
    let code = site.fresh_code("alice")?;
    let right = thrice(&site, &code)?;
    nothing_counts(&site)?;
    let wrong = thrice(&site, &super::codes::wrong_code(&site)?)?;
    ensure!(right.errors == wrong.errors, "{right:?} {wrong:?}");
    ensure!(!store::audit(&site, "lockout")?.is_empty());
    Ok(())
}
