//! The leg towards a target: what the gateway offers there, and what it takes of a target that can do one thing alone.
//! C1, C3; DESIGN §11.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::target::{HOST_KEY, sshd};
use ecluse_tests::{Site, keys, wait};

/// A target that can do the named thing alone is entered.
const TAKEN: &[(&str, &[&str])] = &[
    (
        "KexAlgorithms",
        &[
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
        ],
    ),
    (
        "Ciphers",
        &[
            "aes256-gcm@openssh.com",
            "aes128-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
            "aes256-ctr",
        ],
    ),
    (
        "MACs",
        &[
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha2-512-etm@openssh.com",
        ],
    ),
    (
        "HostKeyAlgorithms",
        &[
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ],
    ),
];

/// One that can do nothing but this is not, whatever else would fit; the target's own log names what was missing, and what
/// the gateway offered instead: this list, in this order.
const REFUSED: &[(&str, &[&str], &str, &str)] = &[
    (
        "KexAlgorithms",
        &[
            "ecdh-sha2-nistp521",
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group14-sha256",
            "diffie-hellman-group14-sha1",
        ],
        "no matching key exchange method found",
        "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384",
    ),
    (
        "Ciphers",
        &["aes192-ctr", "aes128-ctr", "aes256-cbc", "3des-cbc"],
        "no matching cipher found",
        "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr",
    ),
    (
        "MACs",
        &[
            "hmac-sha2-256",
            "hmac-sha2-512",
            "hmac-sha1-etm@openssh.com",
            "hmac-sha1",
            "hmac-md5",
        ],
        "no matching MAC found",
        "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com",
    ),
    (
        "HostKeyAlgorithms",
        &["ssh-rsa"],
        "no matching host key type found",
        "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256",
    ),
];

/// A site whose target has a host key of each kind, all of them pinned.
fn site() -> Result<Site> {
    Site::start_with(|plan| {
        let mut pinned = plan.documents.target("db01")?.host_keys.clone();
        for (name, kind, bits) in HOST_KEYS {
            let path = plan.layout.key(name);
            keys::generate_long(&path, name, kind, bits)?;
            pinned.push(keys::public_line(&path)?);
        }
        plan.documents.target("db01")?.host_keys = pinned;
        Ok(())
    })
}

const HOST_KEYS: [(&str, &str, &str); 4] = [
    ("host_p256", "ecdsa", "256"),
    ("host_p384", "ecdsa", "384"),
    ("host_p521", "ecdsa", "521"),
    ("host_rsa", "rsa", "3072"),
];

/// Starts the target again, able to do `algorithm` alone; returns where its log stands.
fn only(site: &mut Site, directive: &str, algorithm: &str) -> Result<usize> {
    let mut lines = vec![
        format!("{directive} {algorithm}"),
        "LogLevel DEBUG1".to_owned(),
    ];
    if directive == "MACs" {
        // The ciphers before this one bring a MAC of their own.
        lines.push("Ciphers aes256-ctr".to_owned());
    }
    for name in HOST_KEYS
        .map(|(name, ..)| name)
        .into_iter()
        .chain([HOST_KEY])
    {
        lines.push(format!("HostKey \"{}\"", site.layout().key(name).display()));
    }
    std::fs::write(sshd::more(site.layout()), lines.join("\n") + "\n")?;
    let before = site.target_log().len();
    site.restart_target(true)?;
    Ok(before)
}

/// What the target wrote from `before` on.
fn log_since(site: &Site, before: usize) -> Result<String> {
    let log = site.target_log();
    Ok(log
        .get(before..)
        .context("the log became shorter")?
        .to_owned())
}

#[test]
fn a_target_that_can_do_one_good_thing_alone_is_entered_by_it() -> Result<()> {
    let mut site = site()?;
    site.approved("alice", "db01")?;
    for (directive, algorithms) in TAKEN {
        for algorithm in *algorithms {
            let before = only(&mut site, directive, algorithm)?;
            let answer = site.ssh("alice+db01").run("echo entered").answer()?;
            let log = log_since(&site, before)?;
            ensure!(
                answer.status == Some(0) && answer.text() == "entered\n",
                "{directive} {algorithm}: {answer:?}\n{log}"
            );
            let agreed = log
                .lines()
                .filter(|line| line.contains("kex: "))
                .any(|line| line.split([' ', ':']).any(|word| word == *algorithm));
            ensure!(agreed, "{algorithm} was not agreed on:\n{log}");
        }
    }
    Ok(())
}

#[test]
fn a_target_that_can_do_nothing_good_is_refused_and_shown_the_profile_alone() -> Result<()> {
    let mut site = site()?;
    site.approved("alice", "db01")?;
    for (directive, algorithms, missing, offered) in REFUSED {
        for algorithm in *algorithms {
            let before = only(&mut site, directive, algorithm)?;
            let answer = site.ssh("alice+db01").run("echo entered").answer()?;
            let words = if *directive == "HostKeyAlgorithms" {
                format!("none of these kinds ({algorithm})")
            } else {
                "does not speak SSH as agreed".to_owned()
            };
            let answer = answer
                .failed(&["db01", &words])
                .with_context(|| format!("{directive} {algorithm}"))?;
            ensure!(answer.output.is_empty(), "{algorithm}: {answer:?}");
            // The target may write down why a moment after it has closed.
            let what = format!("{missing:?} in the target's log, for {algorithm}");
            let offer = wait::until(&what, Duration::from_secs(60), || {
                let log = log_since(&site, before)?;
                let told = log.lines().find(|line| line.contains(missing));
                let offer = told.and_then(|line| line.split_once("Their offer: "));
                Ok(offer.and_then(|(_, offer)| offer.split([' ', '[']).next().map(str::to_owned)))
            })
            .with_context(|| site.target_log())?;
            // Names that are no algorithms: they ask for extensions, and for strict key exchange.
            let names: Vec<&str> = offer
                .split(',')
                .filter(|name| !name.starts_with("ext-info-") && !name.starts_with("kex-strict-"))
                .collect();
            ensure!(names.join(",") == *offered, "{algorithm}: {offer}");
            if *directive == "KexAlgorithms" {
                ensure!(offer.contains("kex-strict-c-v00@openssh.com"), "{offer}");
            }
            let log = log_since(&site, before)?;
            ensure!(!log.contains("Accepted publickey"), "{algorithm}: {log}");
        }
    }
    Ok(())
}
