//! The log's key changes while others verify and take evidence out: nobody is accused of it. R3.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use ecluse_tests::Site;

use crate::bundles::{ends_with, recorded, said};

/// What the journal's verification and a fresh bundle say, again and again, until told to end.
fn verified(site: &Site, done: &AtomicBool) -> Result<usize> {
    let bundle = site.layout().root().join("beside.tar");
    let output = bundle.display().to_string();
    let mut count = 0;
    while !done.load(Ordering::Relaxed) {
        let told = site
            .gateway()
            .try_run(["journal", "verify", "--contents"], "")?;
        ends_with(&told, 0, &["intact"])?;
        let made = site
            .gateway()
            .try_run(["export", "1", "--output", &output], "")?;
        ends_with(&made, 0, &[])?;
        let told = site.gateway().try_run([Path::new("verify"), &bundle], "")?;
        ends_with(&told, 0, &["intact"])?;
        fs::remove_file(&bundle)?;
        count += 1;
    }
    Ok(count)
}

/// R3: a key that is rotated while the journal is verified and exported accuses nobody, and each key's checkpoints hold.
#[test]
fn r3_a_key_that_is_rotated_meanwhile_accuses_nobody() -> Result<()> {
    const ROTATIONS: usize = 6;
    let site = recorded(|_| Ok(()))?;
    let kept = site.layout().root().join("of-the-first-key");
    fs::write(&kept, site.gateway().run(["journal", "checkpoint"], "")?)?;
    let first = site.gateway().run(["journal", "keys"], "")?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<()> {
        let verifier = scope.spawn(|| verified(&site, &done));
        let rotated = (0..ROTATIONS).try_for_each(|_| -> Result<()> {
            site.gateway().run(["journal", "rotate-key"], "")?;
            site.ssh("alice+db01").run("true").answer()?.success()?;
            Ok(())
        });
        done.store(true, Ordering::Relaxed);
        let count = verifier
            .join()
            .map_err(|_| anyhow::anyhow!("a thread was lost"))??;
        rotated?;
        ensure!(count > 0, "nothing was verified meanwhile");
        Ok(())
    })?;
    let kept = kept.display().to_string();
    let told = site
        .gateway()
        .try_run(["journal", "verify", "--since", &kept], "")?;
    ends_with(&told, 0, &["intact"])?;
    let keys = site.gateway().run(["journal", "keys"], "")?;
    let count = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("ecluse"))
            .count()
    };
    ensure!(
        keys.len() > first.len() && count(&keys) >= count(&first),
        "{first}\n{keys}\n{}",
        said(&told)
    );
    Ok(())
}
