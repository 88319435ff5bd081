//! What an operator keeps out stays out: of this client, whoever tries, from wherever, at every gateway, until one lifts it.
//! I5, I8, O4.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ecluse_tests::{Answer, Site, Terminal, keys, store, wait};

const PATIENCE: Duration = Duration::from_secs(60);
/// Invariant 6, with room for a machine on which other tests run.
const AT_ONCE: Duration = Duration::from_secs(3);
const WHY: &str = "laptop stolen";
const OTHER: &str = "other-operator";
const CONTACT: &str = "+33 1 23 45 67 89";

fn site() -> Result<Site> {
    Site::start_with(|plan| {
        let documents = &mut plan.documents;
        documents.technician("alice")?.stations = vec!["*".to_owned()];
        documents.technician("bruno")?.lang = "en".to_owned();
        documents.client_tail += &format!("[contacts]\ntechnical = \"{CONTACT}\"\n");
        Ok(())
    })
}

fn keep_out(site: &Site, what: &str) -> Result<String> {
    let kept = site.operator(&["keep-out", what, "--reason", WHY])?;
    Ok(kept.success()?.text())
}

fn lift(site: &Site, what: &str) -> Result<()> {
    site.by_a_code("odile", &format!("keep-out {what} --lift"), "Lifted")
}

/// A command of the other client's operator.
fn at_the_other(site: &Site, command: &str) -> Result<Answer> {
    site.ssh(OTHER)
        .key(&site.layout().key(OTHER))
        .run(command)
        .answer()
}

/// I5, I8: what is live of a person ends at once; reconnecting, another station, a request and a restart open nothing, and say
/// which client, why and whom to call; somebody else passes. Lifted, what was approved can be used again.
#[test]
fn i5_a_person_stays_out_until_an_operator_lifts_it() -> Result<()> {
    let mut site = site()?;
    site.approved("alice", "db01")?;
    site.approved("bruno", "db01")?;
    let (mut hers, mut his) = (site.echoing("alice")?, site.echoing("bruno")?);
    let began = Instant::now();
    let told = keep_out(&site, "alice")?;
    ensure!(
        told.contains("Kept out: alice") && told.contains("One session ends."),
        "{told}"
    );
    let ended = hers.answer()?.status_is(254)?;
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    ended.says(&["keeps it out until further notice", WHY])?;
    his.goes_on()?;

    let words = ["hopital keeps you out", WHY, CONTACT];
    site.tries("alice")?.status_is(254)?.says(&words)?;
    let elsewhere = site
        .ssh("alice+db01")
        .key(&site.layout().key("ws-2"))
        .key(&site.layout().key("alice"))
        .run("true")
        .answer()?;
    elsewhere.status_is(254)?.says(&words)?;
    let asked = ["request", "db01", "--for", "1h", "--reason", "again"];
    site.lobby("alice", &asked)
        .answer()?
        .status_is(1)?
        .says(&words)?;
    let flows = site.lobby("alice", &["flows"]).answer()?;
    ensure!(
        flows.text().contains("hopital keeps you out") && !flows.text().contains("db01"),
        "{flows:?}"
    );
    for command in ["live", "pending", "keep-out"] {
        let told = site.operator(&[command])?.success()?.text();
        ensure!(told.contains("alice"), "{command}: {told}");
    }
    let kept = store::audit_of(&site, Some("hopital"), "keep-out")?;
    let [kept] = kept.as_slice() else {
        anyhow::bail!("{kept:?}");
    };
    ensure!(
        kept["person"] == "odile"
            && kept["reason"] == WHY
            && kept["detail"]["kept-out"] == "person alice",
        "{kept}"
    );
    let ends = store::audit(&site, "session-end")?;
    ensure!(
        ends.iter().any(|end| end["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("kept out by odile"))),
        "{ends:?}"
    );

    drop(his);
    site.close()?;
    site.open()?;
    site.tries("alice")?.status_is(254)?.says(&words)?;
    lift(&site, "alice")?;
    site.tries("alice")?.success()?;
    let told = site.operator(&["keep-out"])?.success()?.text();
    ensure!(told.contains("Nothing and nobody is kept out."), "{told}");
    let changes = site.operator(&["changes"])?.success()?.text();
    ensure!(
        changes.contains("odile keeps out alice") && changes.contains("lifted"),
        "{changes}"
    );
    Ok(())
}

/// I8: a station stays out whoever sits at it, a target whoever wants it, and `all` is all; each says what it is.
#[test]
fn i8_a_station_a_target_and_everything_stay_out() -> Result<()> {
    let site = site()?;
    site.approved("alice", "db01")?;
    site.approved("bruno", "db01")?;
    for (what, both, words) in [
        ("ws-1", false, "keeps out the station ws-1"),
        ("db01", true, "keeps everybody away from db01"),
        ("all", true, "keeps everybody out"),
    ] {
        let (mut hers, mut his) = (site.echoing("alice")?, site.echoing("bruno")?);
        keep_out(&site, what)?;
        hers.answer()?.status_is(254)?.says(&[WHY])?;
        site.tries("alice")?.status_is(254)?.says(&[words, WHY])?;
        if both {
            his.answer()?.status_is(254)?.says(&[WHY])?;
            site.tries("bruno")?.status_is(254)?.says(&[words])?;
        } else {
            his.goes_on()?;
            // It is the station that stays out, and not the person.
            let elsewhere = site
                .ssh("alice")
                .key(&site.layout().key("ws-2"))
                .key(&site.layout().key("alice"))
                .run("flows")
                .answer()?
                .success()?;
            ensure!(elsewhere.text().contains("db01"), "{elsewhere:?}");
        }
        lift(&site, what)?;
        site.tries("alice")?.success()?;
    }
    // Nothing of theirs has the name, and nothing is on record of it.
    site.operator(&["keep-out", "nobody", "--reason", WHY])?
        .status_is(1)?
        .says(&["nobody"])?;
    site.operator(&["keep-out", "alice"])?
        .status_is(2)?
        .says(&["Say why"])?;
    ensure!(store::audit(&site, "keep-out")?.len() == 3);
    Ok(())
}

/// I5: who waits reads it where they wait, and a code of now is asked for to lift it, none to keep out.
#[test]
fn i5_who_waits_is_told_and_a_lift_takes_a_code() -> Result<()> {
    let site = site()?;
    let room = Terminal::of(&site, &site.ssh("alice+db01"), 100, 40)?;
    room.sees("Why do you need to connect?")?;
    room.enters("disk is full")?;
    room.sees("For how long?")?;
    room.enters("1h")?;
    room.sees("This is what the client sees")?;
    // A second factor that is remembered keeps out, and lifts nothing.
    site.operator(&["pending"])?.success()?;
    let remembered = |command: &str| {
        site.ssh("odile")
            .option("BatchMode yes")
            .run(command)
            .answer()
    };
    remembered("keep-out alice --reason \"laptop stolen\"")?.success()?;
    room.sees("hopital keeps you out")?;
    room.ends()?;
    remembered("keep-out alice --lift")?
        .status_is(1)?
        .says(&["in the last 5 minutes"])?;
    site.operator(&["approve", "1"])?
        .status_is(1)?
        .says(&["is kept out"])?;
    ensure!(store::audit(&site, "keep-out-lifted")?.is_empty());
    lift(&site, "alice")?;
    site.operator(&["approve", "1"])?.success()?;
    site.tries("alice")?.success()?;
    Ok(())
}

/// O4: what one client keeps out is nothing to another: the same person goes on working there.
#[test]
fn o4_what_one_client_keeps_out_works_for_another() -> Result<()> {
    let site = Site::start_with(|plan| {
        let key = keys::pair(&plan.layout, OTHER)?;
        let db01 = plan.documents.target("db01")?.clone();
        let mairie = format!(
            "[client]\nid = \"mairie\"\nname = \"Mairie\"\nlang = \"en\"\nextraction = {{ session = \"1 GiB\", intervention = \"1 GiB\" }}\n\
             recording-recipients = [\"gateway\"]\n\
             [[operator]]\nid = \"{OTHER}\"\nname = \"Zoé\"\nkeys = [\"{key}\"]\n\
             [[target]]\nid = \"archive\"\naddress = \"{}\"\nprotocol = \"ssh\"\nhost-keys = {:?}\naccounts = {:?}\n\
             [[flow]]\nname = \"files\"\ntechnicians = [\"maintech:*\"]\ntargets = [\"archive\"]\naccounts = {:?}\n\
             allow = [\"shell\"]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n",
            db01.address, db01.host_keys, db01.accounts, db01.accounts
        );
        ecluse_tests::layout::write_private(
            &plan.layout.config().join("clients/mairie.toml"),
            &mairie,
        )?;
        plan.enrolled.push(OTHER.to_owned());
        Ok(())
    })?;
    let number = site.request("alice", "archive")?;
    at_the_other(&site, &format!("approve {number}"))?.success()?;
    keep_out(&site, "all")?;
    keep_out(&site, "alice")?;
    let listed = at_the_other(&site, "keep-out")?.success()?;
    ensure!(
        listed.text().contains("Nothing and nobody is kept out."),
        "{listed:?}"
    );
    // Admitted: what it misses is a credential, which nobody gave.
    let tried = site.ssh("alice+archive").flag("-tt").answer()?;
    ensure!(!tried.errors.contains("keeps"), "{tried:?}");
    let hers = site.request("alice", "archive")?;
    ensure!(hers > number);
    // The other client's operator lifts nothing of this one's.
    at_the_other(&site, "keep-out alice --lift")?
        .status_is(1)?
        .says(&["is called"])?;
    site.tries("alice")?
        .status_is(254)?
        .says(&["hopital keeps"])?;
    Ok(())
}

/// I5, I8: kept out at one gateway, somebody's session at the other ends, and they are out at both, until it is lifted at either.
#[test]
fn i8_what_is_kept_out_is_so_at_every_gateway() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        Ok(())
    })?;
    let mut there = here.beside()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    wait::until_true("the session to be listed", PATIENCE, || {
        Ok(here
            .operator(&["live"])?
            .success()?
            .text()
            .contains("alice"))
    })?;
    let began = Instant::now();
    let told = keep_out(&here, "alice")?;
    ensure!(told.contains("One session ends."), "{told}");
    let ended = running.answer()?.status_is(254)?;
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    ended.says(&[WHY])?;
    for site in [&here, &there] {
        site.tries("alice")?
            .status_is(254)?
            .says(&["hopital keeps you out", WHY])?;
    }
    there.close()?;
    there.open()?;
    there
        .tries("alice")?
        .status_is(254)?
        .says(&["hopital keeps you out"])?;
    lift(&there, "alice")?;
    there.tries("alice")?.success()?;
    wait::until_true("the lift at the other gateway", PATIENCE, || {
        Ok(here.tries("alice")?.status == Some(0))
    })
}

/// I5, R3: who owns the machine and its store lifts nothing by its rows: neither by taking the entry's words and its row of the index
/// away, nor by a row that says it was lifted. The verification names both.
#[test]
fn i5_rows_of_the_store_lift_nothing() -> Result<()> {
    const ATTACK: &str = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        for (name,) in store.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():\n    store.execute('DROP TRIGGER ' + name)\n\
        (seq,) = store.execute(\"SELECT seq FROM audit WHERE kind = 'keep-out'\").fetchone()\n\
        store.execute(\"UPDATE audit SET kind = 'keep-out-lifted' WHERE seq = ?\", [seq])\n\
        store.execute(\"UPDATE journal SET entry = replace(entry, 'keep-out', 'keep-out-lifted') WHERE seq = ?\", [seq])\n\
        store.commit()";
    let mut site = site()?;
    site.approved("alice", "db01")?;
    keep_out(&site, "alice")?;
    let words = ["hopital keeps you out", WHY];
    for again in [false, true] {
        if again {
            site.close()?;
            site.open()?;
        } else {
            let done = std::process::Command::new("python3")
                .args(["-c", ATTACK])
                .arg(site.layout().data().join("ecluse.db"))
                .output()?;
            ensure!(done.status.success(), "{done:?}");
        }
        site.tries("alice")?.status_is(254)?.says(&words)?;
        let listed = site.operator(&["keep-out"])?.success()?.text();
        ensure!(listed.contains("alice") && listed.contains(WHY), "{listed}");
    }
    let verified = site.gateway().try_run(["journal", "verify"], "")?;
    ensure!(verified.status.code() == Some(4), "{verified:?}");
    Ok(())
}
