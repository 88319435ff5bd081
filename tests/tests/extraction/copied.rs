//! Real programs that copy files inside a permitted command: what they take is bounded, and what was held arrives exactly.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use ecluse_tests::client;

use super::*;

/// A program that goes through the gateway as alice, by the options of her `ssh`.
fn scp(site: &Site) -> Command {
    let ssh = site.ssh("alice+db01");
    let mut options = ssh.arguments();
    // Neither `ssh` itself nor where it goes.
    options.remove(0);
    options.pop();
    let mut scp = Command::new("scp");
    scp.arg("-O").args(options).envs(ssh.variables());
    scp
}

fn rsync(site: &Site) -> Result<Command> {
    let ssh = site.ssh("alice+db01");
    let mut words = ssh.arguments();
    words.pop();
    let quoted = |word: &OsString| Some(format!("'{}'", word.to_str()?));
    let words: Option<Vec<String>> = words.iter().map(quoted).collect();
    let words = words.context("a path that is no text")?.join(" ");
    let mut rsync = Command::new("rsync");
    rsync
        .args(["--inplace", "-e", &words])
        .envs(ssh.variables());
    Ok(rsync)
}

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
    for mut program in [scp(&site), rsync(&site)?] {
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
    let mut program = rsync(&site)?;
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
