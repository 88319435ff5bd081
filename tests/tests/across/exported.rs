//! Bundles of one client where each gateway has recordings on a disk of its own. R3, R10.

use std::fs;
use std::process::Output;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, wait};

use super::{PATIENCE, two_nodes};

/// R10: a recording that lies on the other gateway's disk is named with it, and is no loss in the bundle from here; the other's bundle has it, and
/// misses it once it is gone there.
#[test]
fn r10_a_recording_on_another_gateway_is_named_and_is_no_loss() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    drop(there.echoing("alice")?);
    wait::until_true("the seal", PATIENCE, || {
        Ok(!here.shared_audit("recording-sealed")?.is_empty())
    })?;
    let (exported, told) = export(&here, "here.tar")?;
    ensure!(
        exported.status.code() == Some(3)
            && said(&exported).contains("its recording lies on the gateway "),
        "{}",
        said(&exported)
    );
    ensure!(
        told.status.code() == Some(0)
            && said(&told).contains("its recording lies on the gateway ")
            && said(&told).contains("export it there as well"),
        "{}",
        said(&told)
    );
    let (whole, told) = export(&there, "there.tar")?;
    ensure!(
        whole.status.code() == Some(0) && told.status.code() == Some(0),
        "{}{}",
        said(&whole),
        said(&told)
    );
    for place in fs::read_dir(there.layout().recordings())? {
        let place = place?.path();
        if place.is_dir() {
            fs::remove_dir_all(place)?;
        }
    }
    let (_, told) = export(&there, "gone.tar")?;
    ensure!(
        told.status.code() == Some(5) && said(&told).contains("is not there"),
        "{}",
        said(&told)
    );
    Ok(())
}

/// Exports everything of the client, and verifies it.
fn export(site: &Site, name: &str) -> Result<(Output, Output)> {
    let bundle = site.layout().root().join(name).display().to_string();
    let line = ["export", "--client", "hopital", "--output", &bundle];
    let exported = site.gateway().try_run(line, "")?;
    let told = site.gateway().try_run(["verify", &bundle], "")?;
    Ok((exported, told))
}

fn said(output: &Output) -> String {
    let mut all = String::from_utf8_lossy(&output.stdout).into_owned();
    all.push_str(&String::from_utf8_lossy(&output.stderr));
    all
}
