//! One-time passwords at the door: in their time, once, remembered for minutes; and what guessing them leads to.

use anyhow::{Result, ensure};
use ecluse_tests::{Answer, Site, peers};

use super::{key, site_without_memory};

/// What comes of alice's login with this code.
fn enter_with(site: &Site, code: &str) -> Result<Answer> {
    site.ssh("alice+db01").code(code).run("true").answer()
}

#[test]
fn a_wrong_code_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    let wrong = wrong_code(&site)?;
    enter_with(&site, &wrong)?.denied()?;
    // The person is not blocked by one mistake.
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn a_code_enters_once() -> Result<()> {
    let site = site_without_memory()?;
    let code = site.fresh_code("alice")?;
    enter_with(&site, &code)?.success()?;
    enter_with(&site, &code)?.denied()?;
    Ok(())
}

/// Two logins race with one code: the store accepts it once.
#[test]
fn a_code_enters_once_even_at_the_same_moment() -> Result<()> {
    let site = site_without_memory()?;
    let code = site.fresh_code("alice")?;
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(site.ssh("alice+db01").code(&code).run("true").spawn()?);
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        statuses.push(client.answer()?.status);
    }
    statuses.sort_unstable();
    ensure!(statuses == [Some(0), Some(255)], "{statuses:?}");
    Ok(())
}

#[test]
fn a_late_code_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    for offset in [-2, 2] {
        let code = site.codes().at(&site.secret("alice")?, offset)?;
        enter_with(&site, &code)?.denied()?;
    }
    Ok(())
}

/// A6: three failures block the person for half an hour, whatever they prove meanwhile; then the door opens again.
#[test]
fn three_failures_block_the_person_for_half_an_hour() -> Result<()> {
    let mut site = site_without_memory()?;
    let wrong = wrong_code(&site)?;
    // Two are no block: the next good code enters, and what was counted is over.
    for _ in 0..2 {
        enter_with(&site, &wrong)?.denied()?;
    }
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let wrong = wrong_code(&site)?;
    for _ in 0..3 {
        enter_with(&site, &wrong)?.denied()?;
    }
    site.ssh("alice+db01").run("true").answer()?.denied()?;
    // Others are not touched.
    site.ssh("bruno").run("flows").answer()?.success()?;
    // A clock that is set lifts nothing; by the time of a gateway that starts then, the half hour passes.
    site.clock().advance(29 * 60)?;
    site.close()?;
    site.open()?;
    site.ssh("alice+db01").run("true").answer()?.denied()?;
    site.clock().advance(2 * 60)?;
    site.ssh("alice+db01").run("true").answer()?.denied()?;
    site.close()?;
    site.open()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// A6: a source is blocked too, at its own, higher count, even when it tries another name each time.
#[test]
fn many_failures_block_their_source() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.settings.remember = "0s".to_owned();
        plan.documents.settings.failures = 100;
        plan.documents.settings.source_failures = 5;
        Ok(())
    })?;
    for number in 0..5 {
        if number == 4 {
            // Not before the fifth.
            site.ssh("bruno").run("flows").answer()?.success()?;
        }
        let wrong = wrong_code(&site)?;
        let person = if number % 2 == 0 { "alice" } else { "bruno" };
        site.ssh(person)
            .code(&wrong)
            .run("flows")
            .answer()?
            .denied()?;
    }
    site.ssh("bruno").run("flows").answer()?.denied()?;
    site.clock().advance(31 * 60)?;
    site.close()?;
    site.open()?;
    site.ssh("bruno").run("flows").answer()?.success()?;
    Ok(())
}

/// A proven code is remembered for the same person, station and source only, and only for the minutes that were set.
#[test]
fn a_proven_code_is_remembered_for_minutes() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.technician("alice")?.stations = vec!["*".to_owned()];
        Ok(())
    })?;
    site.ssh("alice").run("flows").answer()?.success()?;
    site.ssh("alice")
        .option("BatchMode yes")
        .run("flows")
        .answer()?
        .success()?;
    // From another station it is asked for again.
    let elsewhere = site
        .ssh("alice")
        .key(&key(&site, "ws-2"))
        .key(&key(&site, "alice"));
    elsewhere
        .clone()
        .option("BatchMode yes")
        .run("flows")
        .answer()?
        .denied()?;
    site.clock().advance(11 * 60)?;
    site.ssh("alice")
        .option("BatchMode yes")
        .run("flows")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn operators_and_auditors_need_their_code_too() -> Result<()> {
    let site = Site::start()?;
    for (person, command) in [("odile", "pending"), ("aurele", "recordings")] {
        site.ssh(person)
            .option("BatchMode yes")
            .run(command)
            .answer()?
            .denied()?;
        site.ssh(person).run(command).answer()?.success()?;
    }
    Ok(())
}

#[test]
fn a_code_without_keys_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    for trick in ["code_first", "many_answers"] {
        let answer = peers::run(&site, "hostile_client", &[trick, "alice+db01"])?.success()?;
        ensure!(
            answer.text().ends_with("authenticated: False\n"),
            "{trick}: {answer:?}"
        );
    }
    Ok(())
}

/// A code that none of the three current steps has.
pub(super) fn wrong_code(site: &Site) -> Result<String> {
    let secret = site.secret("alice")?;
    let other = site.secret("bruno")?;
    let mut right = Vec::new();
    for offset in -2..=2 {
        right.push(site.codes().at(&secret, offset)?);
        right.push(site.codes().at(&other, offset)?);
    }
    Ok((0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|code| !right.contains(code))
        .unwrap_or_default())
}
