//! The same promises with the store in PostgreSQL. DESIGN §10.

use anyhow::{Result, ensure};
use ecluse_tests::{Site, recording, store};

/// A site whose store is in PostgreSQL; `None` where `tests/run` could start none.
fn site() -> Result<Option<Site>> {
    let Some(address) = store::database()? else {
        eprintln!(
            "skipped: no PostgreSQL; tests/run starts one where the package postgresql is installed"
        );
        return Ok(None);
    };
    let site = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        plan.documents.settings.remember = "10m".to_owned();
        Ok(())
    })?;
    Ok(Some(site))
}

#[test]
fn an_intervention_passes_from_request_to_replay_on_postgresql() -> Result<()> {
    let Some(mut site) = site()? else {
        return Ok(());
    };
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
    site.close()?;
    site.open()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn a_code_enters_once_on_postgresql() -> Result<()> {
    let Some(mut site) = site()? else {
        return Ok(());
    };
    site.apply(|_| Ok(()))?;
    let code = site.fresh_code("bruno")?;
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(site.ssh("bruno").code(&code).run("flows").spawn()?);
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        statuses.push(client.answer()?.status);
    }
    // The second may find the first one's code remembered; it may not enter by the code itself.
    ensure!(statuses.contains(&Some(0)), "{statuses:?}");
    Ok(())
}

#[test]
fn a_killed_gateway_recovers_on_postgresql() -> Result<()> {
    let Some(mut site) = site()? else {
        return Ok(());
    };
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
