//! Nobody new passes unseen: an operator of each client says yes once to each of a provider's people. P1, I10, O4.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Plan, Site, Terminal, keys, store, wait};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

/// A site whose provider will hire carla, who has keys and codes.
fn site(change: impl FnOnce(&mut Plan) -> Result<()>) -> Result<Site> {
    let site = Site::start_with(|plan| {
        keys::pair(&plan.layout, "carla")?;
        change(plan)
    })?;
    Ok(site)
}

/// The provider hires carla, in the group that the matrix names; she gets codes and sits down where bruno works.
fn hire(site: &mut Site) -> Result<()> {
    let key = keys::pair(site.layout(), "carla")?;
    site.apply(|documents| {
        let mut carla = documents.technician("bruno")?.clone();
        carla.id = "carla".to_owned();
        carla.lang = "en".to_owned();
        carla.keys = vec![key];
        documents.technicians.push(carla);
        Ok(())
    })?;
    site.enroll("carla")
}

fn carla(site: &Site, command: &str) -> Result<Answer> {
    site.ssh("carla")
        .key(&site.layout().key("ws-2"))
        .key(&site.layout().key("carla"))
        .run(command)
        .answer()
}

const ASKS: &str = "request db01 --for 1h --reason \"monthly check\"";

/// P1: a newcomer logs on, is told who has not accepted them, and asks for nothing before a yes; operators read of them where they
/// look first. Refused, they end.
#[test]
fn p1_a_newcomer_has_no_right_before_an_operators_yes() -> Result<()> {
    let mut site = site(|_| Ok(()))?;
    hire(&mut site)?;
    wait::until_true("the newcomer to be let in", PATIENCE, || {
        Ok(carla(&site, "flows")?.text().contains("hopital"))
    })?;
    let flows = carla(&site, "flows")?;
    ensure!(
        flows.text().contains("hopital has not accepted you yet") && !flows.text().contains("db01"),
        "{flows:?}"
    );
    carla(&site, ASKS)?
        .status_is(1)?
        .says(&["hopital has not accepted you yet"])?;
    for command in ["live", "pending", "people"] {
        let told = site.operator(&[command])?.success()?.text();
        ensure!(told.contains("people accept carla"), "{command}: {told}");
    }
    // She is no operator, and nobody accepts themself.
    carla(&site, "people accept carla")?
        .status_is(1)?
        .says(&["for the client's operators"])?;
    for nobody in ["odile", "aurele", "nobody"] {
        site.operator(&["people", "accept", nobody])?.status_is(1)?;
    }
    let told = site.operator(&["people", "accept", "carla"])?.success()?;
    ensure!(told.text().contains("is accepted"), "{told:?}");
    let said = store::audit_of(&site, Some("hopital"), "people-accepted")?;
    let said = said.last().cloned().unwrap_or_default();
    ensure!(
        said["person"] == "odile"
            && said["detail"]["people"] == json!(["maintech/carla"])
            && said["detail"]["code-proven-at"].is_string(),
        "{said}"
    );
    carla(&site, ASKS)?.success()?;
    site.operator(&["approve", "1"])?.success()?;
    let passes = || {
        site.ssh("carla+db01")
            .key(&site.layout().key("ws-2"))
            .key(&site.layout().key("carla"))
            .run("echo started; exec cat")
    };
    let mut running = passes().spawn()?;
    running.first_line()?;
    let told = site
        .operator(&["people", "refuse", "carla"])?
        .success()?
        .text();
    ensure!(told.contains("one session ends"), "{told}");
    running
        .answer()?
        .status_is(254)?
        .says(&["does not accept you"])?;
    passes()
        .answer()?
        .status_is(254)?
        .says(&["hopital does not accept you"])?;
    let listed = site.operator(&["people"])?.success()?.text();
    for word in ["maintech", "carla", "REFUSED by odile", "SHA256:", "ws-1"] {
        ensure!(listed.contains(word), "{word}: {listed}");
    }
    // It stays so.
    site.close()?;
    site.open()?;
    carla(&site, ASKS)?
        .status_is(1)?
        .says(&["hopital does not accept you"])?;
    let changes = site.operator(&["changes"])?.success()?.text();
    ensure!(
        changes.contains("odile accepted: maintech/carla")
            && changes.contains("odile refused: maintech/carla"),
        "{changes}"
    );
    let verified = site.gateway().try_run(["journal", "verify"], "")?;
    ensure!(verified.status.success(), "{verified:?}");
    Ok(())
}

/// P1: whom a client's first document names is accepted by it, on record; who left and comes again is new.
#[test]
fn p1_who_is_named_at_a_first_start_is_accepted_and_who_left_is_new_again() -> Result<()> {
    let mut site = site(|_| Ok(()))?;
    let first = store::audit_of(&site, Some("hopital"), "people-accepted")?;
    let [first] = first.as_slice() else {
        anyhow::bail!("{first:?}");
    };
    ensure!(
        first["detail"]["people"] == json!(["maintech/alice", "maintech/bruno"])
            && first["person"].is_null(),
        "{first}"
    );
    site.approved("alice", "db01")?;
    let bruno = site.plan().documents.clone().technician("bruno")?.clone();
    site.apply(|documents| {
        documents.technicians.retain(|one| one.id != "bruno");
        Ok(())
    })?;
    let ended = store::audit_of(&site, Some("hopital"), "clearance-ended")?;
    let [ended] = ended.as_slice() else {
        anyhow::bail!("{ended:?}");
    };
    ensure!(
        ended["detail"]["people"] == json!(["maintech/bruno"]),
        "{ended}"
    );
    site.apply(|documents| {
        documents.technicians.push(bruno);
        Ok(())
    })?;
    wait::until_true("who came again to be new", PATIENCE, || {
        let listed = site.operator(&["people"])?.success()?.text();
        Ok(listed.contains("people accept bruno"))
    })
}

/// The fingerprint of a key of the site, as OpenSSH tells it.
fn fingerprint(site: &Site, key: &str) -> Result<String> {
    let file = site.layout().key(key).with_extension("pub");
    let told = Command::new("ssh-keygen").arg("-lf").arg(file).output()?;
    let told = String::from_utf8(told.stdout)?;
    let word = told.split_whitespace().nth(1);
    Ok(word.context("no fingerprint")?.to_owned())
}

/// What `people` tells of somebody, on one line.
fn of(site: &Site, person: &str) -> Result<String> {
    let told = site.operator(&["people"])?.success()?.text();
    let mut parts = told.split("\n\n");
    let part = parts.find(|part| part.contains(&format!("{person} (")));
    let part = part.with_context(|| format!("no {person} in {told}"))?;
    Ok(part.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// I10: an operator reads of a newcomer as they log on, and in `people`, of each of the provider's people, how they stand, their
/// stations, their keys and their last session, which moves with each.
#[test]
fn i10_operators_see_whose_keys_stations_and_last_use_these_are() -> Result<()> {
    let mut site = site(Plan::move_clock)?;
    let alice = fingerprint(&site, "alice")?;
    let never = of(&site, "alice")?;
    for words in [
        "accepted by the document",
        "ws-1",
        &alice,
        "no session with you",
    ] {
        ensure!(never.contains(words), "{words:?} is not in {never}");
    }
    hire(&mut site)?;
    let key = fingerprint(&site, "carla")?;
    wait::until_true("the newcomer in `people`", PATIENCE, || {
        Ok(of(&site, "carla").is_ok())
    })?;
    let new = of(&site, "carla")?;
    for words in ["NOT ACCEPTED YET", "ws-2", &key, "no session with you"] {
        ensure!(new.contains(words), "{words:?} is not in {new}");
    }
    let lobby = Terminal::of(&site, &site.ssh("odile"), 160, 30)?;
    let screen = lobby.sees("écluse>")?;
    ensure!(
        screen.contains("carla (maintech) is not accepted by you"),
        "{screen}"
    );
    site.proven("alice", "db01")?;
    let once = of(&site, "alice")?;
    ensure!(
        !once.contains("no session with you") && once.contains(&alice),
        "{once}"
    );
    site.clock().advance(3600)?;
    site.ssh("alice+db01").run("true").answer()?.success()?;
    let twice = of(&site, "alice")?;
    ensure!(once != twice, "her last session stands still: {twice}");
    Ok(())
}
