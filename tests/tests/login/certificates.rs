//! Certificates at the door.

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, keys, store};

use super::key;

/// Trusted, right type, right name, in time, without conditions we do not know: then a certificate is a person's key.
#[test]
fn a_certificate_of_the_providers_authority_is_a_persons_key() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        let authority = keys::pair(&plan.layout, "authority")?;
        keys::pair(&plan.layout, "certified")?;
        keys::pair(&plan.layout, "false-authority")?;
        plan.documents.settings.failures = 100;
        plan.documents.settings.source_failures = 100;
        // All of them one by one: more than a few a minute are only counted.
        let limits = &mut plan.documents.settings.limits;
        limits.push("refusals-per-source = 100".to_owned());
        limits.push("refusals-in-all = 100".to_owned());
        plan.documents.provider_lines = vec![
            format!("authority = [\"{authority}\"]"),
            "revoked-serials = [17]".to_owned(),
        ];
        Ok(())
    })?;
    let enter = |options: &[&str], authority: &str| -> Result<ecluse_tests::Answer> {
        certify(&site, authority, options)?;
        site.ssh("alice")
            .key(&key(&site, "ws-1"))
            .key(&key(&site, "certified"))
            .run("flows")
            .answer()
    };
    // Each for its own reason: on record, since at the door all refusals are one.
    let reason = |count: usize| -> Result<String> {
        let refusals = store::audit(&site, "log-on-refused")?;
        ensure!(refusals.len() > count, "it is not on record");
        let new = refusals.iter().skip(count);
        let reasons = new.filter_map(|refusal| refusal["reason"].as_str());
        Ok(reasons.collect::<Vec<_>>().join("\n"))
    };
    let count = || -> Result<usize> { Ok(store::audit(&site, "log-on-refused")?.len()) };
    let refused: [(&str, &str, &[&str]); 6] = [
        (
            "another person's",
            "it is not for this person",
            &["-n", "bruno", "-V", "-5m:+1h"],
        ),
        ("nobody's", "it names nobody", &["-V", "-5m:+1h"]),
        (
            "a host's",
            // The client shows the key without it.
            "is nobody's",
            &["-h", "-n", "alice", "-V", "-5m:+1h"],
        ),
        (
            "revoked",
            "it is revoked",
            &["-n", "alice", "-V", "-5m:+1h", "-z", "17"],
        ),
        (
            "bound to a command",
            "its critical option `force-command` cannot be kept here",
            &["-n", "alice", "-V", "-5m:+1h", "-O", "force-command=true"],
        ),
        (
            "for elsewhere",
            "it may not be used from this address",
            &[
                "-n",
                "alice",
                "-V",
                "-5m:+1h",
                "-O",
                "source-address=192.0.2.0/24",
            ],
        ),
    ];
    let right: &[&str] = &["-n", "alice", "-V", "-5m:+1h"];
    let of_nobody = (
        "of nobody's authority",
        "its authority is not one of the person's provider",
        right,
    );
    let all = refused.into_iter().map(|one| (one, "authority"));
    for ((what, why, options), authority) in all.chain([(of_nobody, "false-authority")]) {
        let what = || format!("a certificate that is {what}");
        let before = count()?;
        enter(options, authority)?.denied().with_context(what)?;
        let reason = reason(before)?;
        ensure!(reason.contains(why), "{}: {why:?}: {reason}", what());
    }
    // Somebody else's key, and somebody whom no authority vouches for.
    let before = count()?;
    certify_key(&site, "authority", "bruno", right)?;
    site.ssh("alice")
        .key(&key(&site, "ws-1"))
        .key(&key(&site, "bruno"))
        .run("flows")
        .answer()?
        .denied()?;
    let told = reason(before)?;
    ensure!(told.contains("its key belongs to somebody else"), "{told}");
    let before = count()?;
    certify(&site, "authority", &["-n", "odile", "-V", "-5m:+1h"])?;
    site.ssh("odile")
        .key(&key(&site, "certified"))
        .run("pending")
        .answer()?
        .denied()?;
    let told = reason(before)?;
    ensure!(
        told.contains("no authority may sign for this person"),
        "{told}"
    );
    enter(
        &[
            "-n",
            "alice",
            "-V",
            "-5m:+1h",
            "-O",
            "source-address=127.0.0.0/8",
        ],
        "authority",
    )?
    .success()?;
    // A client shows no certificate whose time it is not: so it is by the gateway's clock alone.
    for (hours, why) in [(2, "it was valid until"), (-4, "it is not valid before")] {
        site.clock().advance(hours * 3600)?;
        let before = count()?;
        enter(right, "authority")?.denied().context(why)?;
        let told = reason(before)?;
        ensure!(told.contains(why), "{why:?}: {told}");
    }
    Ok(())
}

fn certify(site: &Site, authority: &str, options: &[&str]) -> Result<()> {
    certify_key(site, authority, "certified", options)
}

fn certify_key(site: &Site, authority: &str, of: &str, options: &[&str]) -> Result<()> {
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(key(site, authority))
        .args(["-I", "alice at the provider"])
        .args(options)
        .arg(key(site, of).with_extension("pub"))
        .output()?;
    ensure!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}
