//! Certificates at the door.

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, keys, store};

use super::key;

/// Trusted, right type, right name, in time, without conditions we do not know: then a certificate is a person's key.
#[test]
fn a_certificate_of_the_providers_authority_is_a_persons_key() -> Result<()> {
    let site = Site::start_with(|plan| {
        let authority = keys::pair(&plan.layout, "authority")?;
        keys::pair(&plan.layout, "certified")?;
        keys::pair(&plan.layout, "false-authority")?;
        plan.documents.settings.failures = 100;
        plan.documents.settings.source_failures = 100;
        // All of them one by one on record, none only counted.
        plan.documents.settings.limits.extend([
            "refusals-in-all = 100".to_owned(),
            "refusals-per-source = 100".to_owned(),
        ]);
        plan.documents.provider_lines = vec![format!("authority = [\"{authority}\"]")];
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
    let refused: [(&str, &[&str]); 7] = [
        ("another person's", &["-n", "bruno", "-V", "-5m:+1h"]),
        ("nobody's", &["-V", "-5m:+1h"]),
        ("over", &["-n", "alice", "-V", "-2h:-1h"]),
        ("not yet valid", &["-n", "alice", "-V", "+1h:+2h"]),
        ("a host's", &["-h", "-n", "alice", "-V", "-5m:+1h"]),
        (
            "bound to a command",
            &["-n", "alice", "-V", "-5m:+1h", "-O", "force-command=true"],
        ),
        (
            "for elsewhere",
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
    for (what, options) in refused {
        let answer = enter(options, "authority")?;
        answer
            .denied()
            .with_context(|| format!("a certificate that is {what}"))?;
    }
    enter(&["-n", "alice", "-V", "-5m:+1h"], "false-authority")?
        .denied()
        .context("a certificate of nobody's authority")?;
    // Each for its own reason: on record, since at the door all refusals are one.
    let refusals = store::audit(&site, "log-on-refused")?;
    let reasons: String = refusals
        .iter()
        .filter_map(|refusal| Some(refusal["reason"].as_str()?.to_owned() + "\n"))
        .collect();
    for reason in REASONS {
        ensure!(
            reasons.contains(reason),
            "{reason:?} is not among:\n{reasons}"
        );
    }
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
    Ok(())
}

/// What the record says of each that came to the door: OpenSSH keeps back one that is over, not yet valid, or a host's, and
/// shows the key alone (`policy/tests/promises/certificates.rs` judges those).
const REASONS: [&str; 5] = [
    "it is not for this person",
    "it names nobody",
    "its critical option `force-command` cannot be kept here",
    "it may not be used from this address",
    "its authority is not one of the person's provider",
];

fn certify(site: &Site, authority: &str, options: &[&str]) -> Result<()> {
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(key(site, authority))
        .args(["-I", "alice at the provider"])
        .args(options)
        .arg(key(site, "certified").with_extension("pub"))
        .output()?;
    ensure!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}
