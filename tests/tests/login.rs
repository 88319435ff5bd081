//! Who gets through the door, and who does not. A1 to A8, G1.
//!
//! Every refusal says the same: OpenSSH's `Permission denied`, and never which part failed.

mod certificates;
mod codes;
mod mistakes;
mod no_fault;

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
    // That alone was it: where its networks are these, it enters.
    let site = site_without_memory()?;
    site.ssh("alice").run("flows").answer()?.success()?;
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

#[test]
fn what_was_proven_for_one_name_does_not_count_for_another() -> Result<()> {
    let site = site_without_memory()?;
    let answer = peers::run(&site, "hostile_client", &["user_changed", "alice+db01"])?.success()?;
    ensure!(
        answer.text().ends_with("authenticated: False\n"),
        "{answer:?}"
    );
    let honest = peers::run(&site, "hostile_client", &["honest", "alice+db01"])?.success()?;
    ensure!(honest.text() == "authenticated: True\n", "{honest:?}");
    Ok(())
}

#[test]
fn one_key_twice_is_one_factor() -> Result<()> {
    let site = site_without_memory()?;
    let answer = peers::run(
        &site,
        "hostile_client",
        &["twice_the_same_key", "alice+db01"],
    )?
    .success()?;
    ensure!(
        answer.text().ends_with("authenticated: False\n"),
        "{answer:?}"
    );
    Ok(())
}
