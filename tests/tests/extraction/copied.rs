//! Real programs that copy files inside a permitted command: what they take is bounded, and what was held arrives exactly.

use std::path::Path;

use ecluse_tests::client;

use super::programs::{git, repository, rsync, scp};
use super::*;

fn size(path: &Path) -> Result<usize> {
    let found = fs::metadata(path).map(|found| found.len());
    Ok(usize::try_from(found.unwrap_or_default())?)
}

/// X1, X3: `scp` and `rsync` have no more of a file than the session's budget, and all of it where an operator adds to one that
/// holds.
#[test]
fn x1_programs_that_copy_take_no_more_and_go_on_exactly() -> Result<()> {
    let mut site = open_site()?;
    let limits = "session = \"200 KiB\", intervention = \"64 GiB\"";
    budgets(&mut site, limits, "64 GiB")?;
    let got = site.layout().root().join("got");
    let ssh = site.ssh("alice+db01");
    for mut program in [scp(&ssh), rsync(&ssh)?] {
        program.arg("alice+db01@gw:noise").arg(&got);
        let answer = client::run(&mut program, &[], PATIENCE)?;
        ensure!(answer.status != Some(0), "{answer:?}");
        ensure!(
            answer.errors.contains("a budget is spent: 200 KiB"),
            "{answer:?}"
        );
        let size = size(&got)?;
        ensure!(
            size <= 200 * KIB && size > 50 * KIB,
            "{program:?}: {size} bytes came"
        );
        fs::remove_file(&got)?;
    }
    let hold = "session = \"200 KiB\", intervention = \"63 GiB\", at-limit = \"hold\"";
    budgets(&mut site, hold, "63 GiB")?;
    let mut program = rsync(&ssh)?;
    program.arg("alice+db01@gw:noise").arg(&got);
    let mut running = program.spawn()?;
    let session = held::held(&site)?;
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    let status = wait::until("the end of rsync", PATIENCE, || Ok(running.try_wait()?))?;
    ensure!(status.success(), "{status}");
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    ensure!(fs::read(&got)? == noise, "what came is not exact");
    Ok(())
}

/// X1, X3: so has `git clone`, whose `ssh` received no more than that; what an operator adds makes the clone whole.
#[test]
fn x1_a_clone_takes_no_more_and_goes_on_exactly() -> Result<()> {
    let mut site = open_site()?;
    repository(&site)?;
    let limits = "session = \"200 KiB\", intervention = \"64 GiB\"";
    budgets(&mut site, limits, "64 GiB")?;
    let (root, ssh) = (site.layout().root().to_owned(), site.ssh("alice+db01"));
    let (came, into) = (root.join("came"), root.join("clone"));
    let from = "alice+db01@gw:repository";
    let mut program = git(&site, &ssh, &came)?;
    program.args(["clone", "--quiet", from]).arg(&into);
    let answer = client::run(&mut program, &[], PATIENCE)?;
    ensure!(answer.status != Some(0), "{answer:?}");
    answer.says(&["a budget is spent: 200 KiB (session)"])?;
    let received = size(&came)?;
    ensure!(
        received <= 200 * KIB && received > 100 * KIB,
        "{received} bytes came"
    );
    ensure!(!into.join("noise").exists(), "a part became a clone");
    let hold = "session = \"200 KiB\", intervention = \"63 GiB\", at-limit = \"hold\"";
    budgets(&mut site, hold, "63 GiB")?;
    let mut running = client::spawn(&mut program, PATIENCE)?;
    let session = held::held(&site)?;
    ensure!(size(&came)? <= 200 * KIB);
    site.operator(&["topup", &session, "64MiB"])?.success()?;
    running.answer()?.success()?;
    let noise = fs::read(site.layout().target_home().join("noise"))?;
    ensure!(
        fs::read(into.join("noise"))? == noise,
        "the clone is not exact"
    );
    Ok(())
}
