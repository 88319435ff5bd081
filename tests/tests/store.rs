//! The same promises with the store in PostgreSQL. DESIGN §10.

use anyhow::{Result, ensure};
use ecluse_tests::{Plan, Site, recording, store};

/// A site whose store is in PostgreSQL.
fn site() -> Result<Site> {
    site_with(|_| Ok(()))
}

fn site_with(change: impl FnOnce(&mut Plan) -> Result<()>) -> Result<Site> {
    let address = store::database()?;
    Site::start_with(|plan| {
        plan.documents.settings.store = address;
        change(plan)
    })
}

#[test]
fn an_intervention_passes_from_request_to_replay_on_postgresql() -> Result<()> {
    let mut site = site()?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["request db01"])?;
    site.approved("alice", "db01")?;
    let answer = site
        .ssh("alice+db01")
        .run("echo on postgresql")
        .answer()?
        .success()?;
    ensure!(answer.text() == "on postgresql\n");
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let listed = site.auditor(&["recordings"])?.success()?.text();
    ensure!(listed.contains("alice"), "{listed}");
    let number = ecluse_tests::lobby::first_row(&listed)?;
    let replayed = site.auditor(&["replay", &number])?.success()?.text();
    ensure!(replayed.contains("on postgresql"), "{replayed}");
    site.close()?;
    site.open()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    // All of that was in PostgreSQL: no embedded store stands beside it.
    let embedded = site.layout().data().join("ecluse.db");
    ensure!(!embedded.exists(), "{} was made", embedded.display());
    Ok(())
}

/// A6: of logins that race with one code exactly one enters. Nothing is remembered, so that each needs the code.
#[test]
fn a_code_enters_once_on_postgresql() -> Result<()> {
    let site = site_with(|plan| {
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    let code = site.fresh_code("bruno")?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(site.ssh("bruno").code(&code).run("flows").spawn()?);
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        statuses.push(client.answer()?.status);
    }
    statuses.sort_unstable();
    ensure!(
        statuses == [Some(0), Some(255), Some(255)],
        "{statuses:?}: exactly one was to enter"
    );
    site.ssh("bruno")
        .code(&code)
        .run("flows")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn a_killed_gateway_recovers_on_postgresql() -> Result<()> {
    let mut site = site()?;
    site.approved("alice", "db01")?;
    site.crash_in_session("before the crash")?;
    let casts = recording::wait_for_casts(&site.layout().recordings(), 1)?;
    let mut found = false;
    for cast in casts {
        found |= recording::output(&cast)?.contains("before the crash");
    }
    ensure!(found, "the recording was not recovered");
    Ok(())
}
