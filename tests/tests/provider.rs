//! A provider's document changes for one client and not for another: each client's own trail vouches for it all the same,
//! and nobody is accused. R3, R9.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, store, wait};

use crate::bundles::{ends_with, export};

fn session(site: &Site) -> Result<()> {
    let before = store::audit(site, "recording-sealed")?.len();
    site.ssh("alice+db01").run("true").answer()?.success()?;
    wait::until_true("the seal on record", Duration::from_secs(120), || {
        Ok(store::audit(site, "recording-sealed")?.len() == before + 1)
    })
}

fn last_reached(site: &Site) -> Result<serde_json::Value> {
    let mut records = store::audit_of(site, Some("hopital"), "reached")?;
    Ok(records.pop().unwrap_or_default())
}

/// R3: what a client begins to reach, and what changes in a provider's document without concerning it, is in its own trail:
/// its bundles show what a session rested on, and accuse nobody.
#[test]
fn r3_a_provider_that_changes_for_others_accuses_nobody() -> Result<()> {
    // The client's matrix does not name her at first.
    let mut site = Site::start_with(|plan| {
        plan.documents.flow("dba")?.technicians = vec!["maintech/bruno".to_owned()];
        Ok(())
    })?;
    ensure!(store::audit_of(&site, Some("hopital"), "reached")?.is_empty());
    site.apply(|documents| {
        documents.flow("dba")?.technicians = vec!["maintech/alice".to_owned()];
        Ok(())
    })?;
    let begun = last_reached(&site)?;
    ensure!(
        begun["detail"]["change"] == "reach-begun"
            && begun["detail"]["lines"]
                == serde_json::json!(["station maintech/ws-1", "technician maintech/alice"]),
        "{begun}"
    );
    // Nobody new passes unseen (P1).
    wait::until_true("the newcomer to be known", Duration::from_secs(60), || {
        let accepted = site.operator(&["people", "accept", "alice"])?;
        Ok(accepted.status == Some(0))
    })?;
    wait::until_true("the flow in force", Duration::from_secs(60), || {
        let flows = site.ssh("alice").run("flows").answer()?;
        Ok(flows.text().contains("db01"))
    })?;
    site.approved("alice", "db01")?;
    session(&site)?;
    // Somebody whom this client never sees.
    site.apply(|documents| {
        documents.technician("bruno")?.lang = "en".to_owned();
        Ok(())
    })?;
    let elsewhere = last_reached(&site)?;
    ensure!(
        elsewhere["detail"]["change"] == "changed-elsewhere"
            && !elsewhere.to_string().contains("bruno"),
        "{elsewhere}"
    );
    let version = elsewhere["detail"]["version"].clone();
    wait::until_true("a session under it", Duration::from_secs(60), || {
        session(&site)?;
        let starts = store::audit(&site, "session-start")?;
        Ok(starts
            .last()
            .is_some_and(|start| start["detail"]["documents"] == version))
    })?;
    for (name, arguments) in [
        ("intervention.tar", &["--intervention", "1"][..]),
        ("client.tar", &["--client", "hopital"]),
    ] {
        let bundle = export(&site, arguments, name)?;
        let told = site.gateway().try_run([Path::new("verify"), &bundle], "")?;
        ends_with(&told, 0, &["intact"])?;
        let told = crate::bundles::said(&told);
        ensure!(!told.contains("not among this client's"), "{told}");
        ensure!(
            !told.contains("tells of this provider's document"),
            "{told}"
        );
    }
    let verified = site.gateway().try_run(["journal", "verify"], "")?;
    ends_with(&verified, 0, &["intact"])?;
    let told = site.operator(&["changes"])?.success()?.text();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        told.contains("From here on the matrix of hopital reaches, of the provider maintech: station maintech/ws-1; technician maintech/alice")
            && told.contains("changed the document of the provider maintech in what does not concern hopital"),
        "{told}"
    );
    Ok(())
}
