//! Who gets through the door, and who does not. A1 to A8, G1.
//!
//! Every refusal says the same: OpenSSH's `Permission denied`, and never which part failed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, keys, layout, peers, wait};

fn site_without_memory() -> Result<Site> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.settings.remember = "0s".to_owned();
        Ok(())
    })?;
    site.approved("alice", "db01")?;
    Ok(site)
}

fn key(site: &Site, name: &str) -> PathBuf {
    site.layout().key(name)
}

#[test]
fn station_then_person_then_code_is_a_login() -> Result<()> {
    let site = site_without_memory()?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn the_order_of_the_two_keys_does_not_matter() -> Result<()> {
    let site = site_without_memory()?;
    site.ssh("alice+db01")
        .key(&key(&site, "alice"))
        .key(&key(&site, "ws-1"))
        .run("true")
        .answer()?
        .success()?;
    Ok(())
}

/// PEERS conformance 11: foreign keys in an agent are offered first, and must not count as failures.
#[test]
fn foreign_keys_offered_first_do_no_harm() -> Result<()> {
    let site = site_without_memory()?;
    let mut ssh = site.ssh("alice+db01");
    for number in 0..5 {
        let name = format!("foreign{number}");
        keys::pair(site.layout(), &name)?;
        ssh = ssh.key(&key(&site, &name));
        if number == 2 {
            ssh = ssh.key(&key(&site, "ws-1"));
        }
    }
    for _ in 0..4 {
        ssh.clone()
            .key(&key(&site, "alice"))
            .run("true")
            .answer()?
            .success()?;
    }
    Ok(())
}

#[test]
fn without_a_station_key_nobody_enters() -> Result<()> {
    let site = site_without_memory()?;
    site.ssh("alice+db01")
        .key(&key(&site, "alice"))
        .run("true")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn without_a_persons_key_nobody_enters() -> Result<()> {
    let site = site_without_memory()?;
    site.ssh("alice+db01")
        .key(&key(&site, "ws-1"))
        .run("true")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn another_persons_key_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    site.ssh("alice+db01")
        .key(&key(&site, "ws-1"))
        .key(&key(&site, "bruno"))
        .run("true")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn a_station_the_person_may_not_use_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    site.ssh("alice+db01")
        .key(&key(&site, "ws-2"))
        .key(&key(&site, "alice"))
        .run("true")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn a_station_of_another_provider_does_not_enter() -> Result<()> {
    let site = Site::start_with(|plan| {
        let line = keys::pair(&plan.layout, "ws-other")?;
        let person = keys::pair(&plan.layout, "other-person")?;
        let text = format!(
            "[provider]\nid = \"autre\"\nname = \"Autre\"\nlang = \"fr\"\n\n[[technician]]\nid = \"other-person\"\nname = \"Other\"\nlang = \"en\"\ngroups = []\nkeys = [\"{person}\"]\nstations = [\"*\"]\n\n[[station]]\nid = \"ws-other\"\nkeys = [\"{line}\"]\nnetworks = [\"127.0.0.0/8\"]\n"
        );
        layout::write_private(&plan.layout.config().join("providers/autre.toml"), &text)?;
        plan.documents.technician("alice")?.stations = vec!["*".to_owned()];
        Ok(())
    })?;
    site.ssh("alice")
        .key(&key(&site, "ws-other"))
        .key(&key(&site, "alice"))
        .run("flows")
        .answer()?
        .denied()?;
    site.ssh("alice")
        .key(&key(&site, "ws-2"))
        .key(&key(&site, "alice"))
        .run("flows")
        .answer()?
        .success()?;
    Ok(())
}

#[test]
fn a_station_from_elsewhere_than_its_networks_does_not_enter() -> Result<()> {
    let site = Site::start_with(|plan| {
        for station in &mut plan.documents.stations {
            station.networks = vec!["192.0.2.0/24".to_owned()];
        }
        Ok(())
    })?;
    site.ssh("alice").run("flows").answer()?.denied()?;
    Ok(())
}

#[test]
fn a_wrong_code_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    let wrong = wrong_code(&site)?;
    let answer = site.ssh("alice+db01").code(&wrong).run("true").answer()?;
    answer.denied()?;
    // The person is not blocked by one mistake.
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

#[test]
fn a_code_enters_once() -> Result<()> {
    let site = site_without_memory()?;
    let code = site.fresh_code("alice")?;
    site.ssh("alice+db01")
        .code(&code)
        .run("true")
        .answer()?
        .success()?;
    site.ssh("alice+db01")
        .code(&code)
        .run("true")
        .answer()?
        .denied()?;
    Ok(())
}

/// Two logins race with one code: the store accepts it once.
#[test]
fn a_code_enters_once_even_at_the_same_moment() -> Result<()> {
    let site = site_without_memory()?;
    let code = site.fresh_code("alice")?;
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(site.ssh("alice+db01").code(&code).run("true").spawn()?);
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        statuses.push(client.answer()?.status);
    }
    statuses.sort_unstable();
    ensure!(statuses == [Some(0), Some(255)], "{statuses:?}");
    Ok(())
}

#[test]
fn a_late_code_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    for offset in [-2, 2] {
        let code = site.codes().at(&site.secret("alice")?, offset)?;
        site.ssh("alice+db01")
            .code(&code)
            .run("true")
            .answer()?
            .denied()?;
    }
    Ok(())
}

/// A6: three failures block the person for half an hour, whatever they prove meanwhile; then the door opens again.
#[test]
fn three_failures_block_the_person_for_half_an_hour() -> Result<()> {
    let site = site_without_memory()?;
    let wrong = wrong_code(&site)?;
    for _ in 0..3 {
        site.ssh("alice+db01")
            .code(&wrong)
            .run("true")
            .answer()?
            .denied()?;
    }
    site.ssh("alice+db01").run("true").answer()?.denied()?;
    // Others are not touched.
    site.ssh("bruno").run("flows").answer()?.success()?;
    site.clock().advance(29 * 60)?;
    site.ssh("alice+db01").run("true").answer()?.denied()?;
    site.clock().advance(2 * 60)?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    Ok(())
}

/// A6: a source is blocked too, at its own, higher count, even when it tries another name each time.
#[test]
fn many_failures_block_their_source() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.settings.remember = "0s".to_owned();
        plan.documents.settings.failures = 100;
        plan.documents.settings.source_failures = 5;
        Ok(())
    })?;
    for number in 0..5 {
        let wrong = wrong_code(&site)?;
        let person = if number % 2 == 0 { "alice" } else { "bruno" };
        site.ssh(person)
            .code(&wrong)
            .run("flows")
            .answer()?
            .denied()?;
    }
    site.ssh("bruno").run("flows").answer()?.denied()?;
    site.clock().advance(31 * 60)?;
    site.ssh("bruno").run("flows").answer()?.success()?;
    Ok(())
}

/// A6: an unknown person gets the same questions and the same answer as a known one who fails.
#[test]
fn an_unknown_person_gets_the_same_answer() -> Result<()> {
    let site = site_without_memory()?;
    let ask = |address: &str| -> Result<(Option<i32>, String)> {
        let answer = site
            .ssh(address)
            .key(&key(&site, "ws-1"))
            .key(&key(&site, "bruno"))
            .code("000000")
            .run("true")
            .answer()?;
        Ok((answer.status, answer.errors.replace(address, "PERSON")))
    };
    let known = ask("alice+db01")?;
    ensure!(known.0 == Some(255), "{known:?}");
    for unknown in ["nobody+db01", "mallory", "zoe+nothing"] {
        let answer = ask(unknown)?;
        ensure!(answer == known, "{unknown}: {answer:?} and not {known:?}");
    }
    Ok(())
}

#[test]
fn an_expired_account_does_not_enter() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.technician("alice")?.expires = Some(ecluse_tests::clock::date_in(3)?);
        Ok(())
    })?;
    site.ssh("alice").run("flows").answer()?.success()?;
    site.clock().advance(5 * 86_400)?;
    site.ssh("alice").run("flows").answer()?.denied()?;
    Ok(())
}

#[test]
fn a_disabled_account_does_not_enter() -> Result<()> {
    let mut site = Site::start()?;
    site.ssh("alice").run("flows").answer()?.success()?;
    site.apply(|documents| {
        documents.technician("alice")?.disabled = true;
        Ok(())
    })?;
    // The running gateway takes new documents up within a second or two.
    wait::until_true("the end of alice's access", Duration::from_secs(3), || {
        Ok(site.ssh("alice").run("flows").answer()?.status == Some(255))
    })?;
    site.ssh("alice").run("flows").answer()?.denied()?;
    Ok(())
}

/// A4: documents alone give nobody a way in; enrolment does.
#[test]
fn who_is_not_enrolled_does_not_enter() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.enrolled.retain(|person| person != "bruno");
        Ok(())
    })?;
    keys::totp_secret(site.layout(), "bruno")?;
    site.ssh("bruno").run("flows").answer()?.denied()?;
    site.enroll("bruno")?;
    site.ssh("bruno").run("flows").answer()?.success()?;
    Ok(())
}

/// A proven code is remembered for the same person, station and source only, and only for the minutes that were set.
#[test]
fn a_proven_code_is_remembered_for_minutes() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.movable_clock = true;
        plan.documents.technician("alice")?.stations = vec!["*".to_owned()];
        Ok(())
    })?;
    site.ssh("alice").run("flows").answer()?.success()?;
    site.ssh("alice")
        .option("BatchMode yes")
        .run("flows")
        .answer()?
        .success()?;
    // From another station it is asked for again.
    let elsewhere = site
        .ssh("alice")
        .key(&key(&site, "ws-2"))
        .key(&key(&site, "alice"));
    elsewhere
        .clone()
        .option("BatchMode yes")
        .run("flows")
        .answer()?
        .denied()?;
    site.clock().advance(11 * 60)?;
    site.ssh("alice")
        .option("BatchMode yes")
        .run("flows")
        .answer()?
        .denied()?;
    Ok(())
}

#[test]
fn operators_and_auditors_need_their_code_too() -> Result<()> {
    let site = Site::start()?;
    for (person, command) in [("odile", "pending"), ("aurele", "recordings")] {
        site.ssh(person)
            .option("BatchMode yes")
            .run(command)
            .answer()?
            .denied()?;
        site.ssh(person).run(command).answer()?.success()?;
    }
    Ok(())
}

#[test]
fn passwords_are_not_asked_for() -> Result<()> {
    let site = Site::start()?;
    let answer = site
        .ssh("alice")
        .option("PreferredAuthentications password")
        .option("PasswordAuthentication yes")
        .run("flows")
        .answer()?;
    let answer = answer.denied()?;
    ensure!(
        !answer.errors.contains("password") && !answer.errors.contains("hostbased"),
        "{}",
        answer.errors
    );
    Ok(())
}

/// Trusted, right type, right name, in time, without conditions we do not know: then a certificate is a person's key.
#[test]
fn a_certificate_of_the_providers_authority_is_a_persons_key() -> Result<()> {
    let site = Site::start_with(|plan| {
        let authority = keys::pair(&plan.layout, "authority")?;
        keys::pair(&plan.layout, "certified")?;
        keys::pair(&plan.layout, "false-authority")?;
        plan.documents.settings.failures = 100;
        plan.documents.settings.source_failures = 100;
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
        ensure!(
            answer.status == Some(255),
            "a certificate that is {what} was accepted: {answer:?}"
        );
    }
    let answer = enter(&["-n", "alice", "-V", "-5m:+1h"], "false-authority")?;
    ensure!(
        answer.status == Some(255),
        "a certificate of nobody's authority was accepted"
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
    Ok(())
}

#[test]
fn what_was_proven_for_one_name_does_not_count_for_another() -> Result<()> {
    let site = site_without_memory()?;
    let answer = peers::run(&site, "hostile_client", &["user_changed", "alice+db01"])?;
    ensure!(answer.text().contains("authenticated: False"), "{answer:?}");
    Ok(())
}

#[test]
fn one_key_twice_is_one_factor() -> Result<()> {
    let site = site_without_memory()?;
    let answer = peers::run(
        &site,
        "hostile_client",
        &["twice_the_same_key", "alice+db01"],
    )?;
    ensure!(answer.text().contains("authenticated: False"), "{answer:?}");
    Ok(())
}

#[test]
fn a_code_without_keys_does_not_enter() -> Result<()> {
    let site = site_without_memory()?;
    for trick in ["code_first", "many_answers"] {
        let answer = peers::run(&site, "hostile_client", &[trick, "alice+db01"])?;
        ensure!(
            answer.text().contains("authenticated: False"),
            "{trick}: {answer:?}"
        );
    }
    Ok(())
}

/// A code that none of the three current steps has.
fn wrong_code(site: &Site) -> Result<String> {
    let secret = site.secret("alice")?;
    let other = site.secret("bruno")?;
    let mut right = Vec::new();
    for offset in -2..=2 {
        right.push(site.codes().at(&secret, offset)?);
        right.push(site.codes().at(&other, offset)?);
    }
    Ok((0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|code| !right.contains(code))
        .unwrap_or_default())
}

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
