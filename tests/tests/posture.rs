//! One word of an operator tightens everything of their client at once, and operators lead back. P6.

use std::io::{Read, Write};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Answer, Plan, Site, Terminal, store, wait};

const PATIENCE: Duration = Duration::from_secs(60);
const SECOND: &str = "odile-2";
const WHY: &str = "intrusion at a supplier";
const IS_HIGH: &str = "hopital is in heightened posture since";
const TWO: &str = "approvers = 2\nat-most = \"1h\"\nrefuse = [\"command: *\"]";

/// Two operators, and a posture that warns for two seconds.
fn tightened_by(plan: &mut Plan, high: &str) -> Result<()> {
    plan.operator(SECOND, "en")?;
    let documents = &mut plan.documents;
    documents.technician("bruno")?.lang = "en".to_owned();
    documents.client_tail += &format!("[posture.high]\nwarning = \"2s\"\n{high}\n");
    Ok(())
}

fn site(high: &str) -> Result<Site> {
    Site::start_with(|plan| tightened_by(plan, high))
}

fn high(site: &Site) -> Result<String> {
    let told = site.operator(&["posture", "high", "--reason", WHY])?;
    Ok(told.success()?.text())
}

fn normal(site: &Site, who: &str, told: &str) -> Result<()> {
    site.by_a_code(who, "posture normal", told)
}

fn approves(site: &Site, who: &str, number: u64) -> Result<Answer> {
    site.lobby(who, &["approve", &number.to_string()]).answer()
}

/// P6: a line that is refused ends after a warning, what lacks the second yes is suspended and goes on by the same number once it
/// is there; a request needs two, and less time; a restart changes nothing; back to normal gives back what was suspended.
#[test]
fn p6_one_word_tightens_everything_and_loses_nothing() -> Result<()> {
    let mut site = site(TWO)?;
    let hers = site.approved("alice", "db01")?;
    let his = site.approved("bruno", "db01")?;
    let shell = Terminal::of(&site, &site.ssh("alice+db01"), 160, 40)?;
    shell.sees("recorded")?;
    let mut command = site.echoing("bruno")?;

    let told = high(&site)?;
    for words in [
        IS_HIGH,
        "approvals needed: 2 at least",
        &format!("intervention #{hers} needs another operator's yes"),
        "“command: *” ends",
    ] {
        ensure!(told.contains(words), "{words:?} is not in {told}");
    }
    shell.sees("once another operator has approved it, connect again")?;
    command.answer()?.status_is(254)?.says(&[
        "is refused meanwhile and ends in",
        "“command: *” is refused meanwhile",
        WHY,
    ])?;
    shell.sees("is suspended, not lost")?;
    shell.ends()?;

    let lost = [&format!("Intervention #{hers} is suspended, not lost"), WHY];
    let again = site.ssh("alice+db01").flag("-tt").answer()?;
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let read = on_one_line(&format!("{} {}", again.text(), again.errors));
    ensure!(
        lost.iter().all(|words| read.contains(words as &str)),
        "{again:?}"
    );
    let waits = site.operator(&["pending"])?.success()?.text();
    ensure!(
        waits.contains("Suspended by heightened posture") && waits.contains(IS_HIGH),
        "{waits}"
    );
    for (who, command) in [
        ("odile", "live"),
        ("alice", "flows"),
        ("alice", "quota"),
        ("aurele", "posture"),
    ] {
        let told = site.lobby(who, &[command]).answer()?;
        ensure!(told.text().contains(IS_HIGH), "{who} {command}: {told:?}");
    }
    approves(&site, "odile", hers)?
        .status_is(1)?
        .says(&["already"])?;
    approves(&site, SECOND, hers)?.success()?;
    let shell = Terminal::of(&site, &site.ssh("alice+db01"), 160, 40)?;
    shell.sees(&format!("intervention #{hers}"))?;
    shell.enters("exit")?;
    shell.ends()?;
    // The line is refused all the same, and says by what.
    site.tries("alice")?
        .status_is(254)?
        .says(&["“command: *” is refused", WHY])?;

    let asks = |length: &str| {
        let words = ["request", "db01", "--for", length, "--reason", "again"];
        site.lobby("bruno", &words).answer()
    };
    asks("2h")?
        .status_is(1)?
        .says(&[IS_HIGH, "ask for 1h at most"])?;
    let two = asks("30m")?.success()?.text();
    ensure!(two.contains("2 approvals needed, none yet"), "{two}");
    // One of two waits, and is told of; it is enough once the posture is over.
    let waits = two.rsplit('#').find_map(|text| {
        text.split(|it: char| !it.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    });
    let waits: u64 = waits.context("no number")?;
    approves(&site, "odile", waits)?.success()?;
    approves(&site, "odile", waits)?
        .status_is(1)?
        .says(&["Another operator must approve it too"])?;

    site.close()?;
    site.open()?;
    site.tries("bruno")?.status_is(254)?.says(&[IS_HIGH, WHY])?;
    normal(&site, "odile", "The posture is normal again")?;
    site.tries("bruno")?.success()?;
    ensure!(his != hers);
    let mut yeses = Vec::new();
    wait::until_true("what waited to be open", PATIENCE, || {
        yeses = store::audit_of(&site, Some("hopital"), "approval")?;
        Ok(yeses
            .iter()
            .any(|yes| yes["detail"]["number"] == waits && yes["person"].is_null()))
    })?;
    let told = site
        .lobby("bruno", &["interventions", &waits.to_string()])
        .answer()?;
    ensure!(told.text().contains("approved"), "{told:?}");
    let changes = site.operator(&["changes"])?.success()?.text();
    ensure!(
        changes.contains("odile heightened the posture") && changes.contains("is over"),
        "{changes}"
    );
    let said = store::audit_of(&site, Some("hopital"), "posture-high")?;
    ensure!(
        said.len() == 1 && said.iter().all(|one| one["reason"] == WHY),
        "{said:?}"
    );
    let ends = store::audit(&site, "session-end")?;
    ensure!(
        ends.iter()
            .any(|end| end.to_string().contains("heightened posture of hopital")),
        "{ends:?}"
    );
    let replayed = site.auditor(&["replay", "1", "--text"])?;
    ensure!(
        replayed.text().contains("heightened posture"),
        "{replayed:?}"
    );
    let verified = site.gateway().try_run(["journal", "verify"], "")?;
    ensure!(verified.status.success(), "{verified:?}");
    Ok(())
}

/// P6, X1: a smaller budget acts at once on what runs; and where two operators lead back, one does not.
#[test]
fn p6_a_smaller_budget_acts_at_once_and_two_lead_back() -> Result<()> {
    let site = site(
        "approvers = 1\nat-most = \"24h\"\nrefuse = []\nnormal-by = 2\nextraction = { session = \"100 KiB\" }",
    )?;
    site.approved("alice", "db01")?;
    let mut running = site.echoing("alice")?;
    let mut says = |bytes: usize| -> Result<()> {
        let stdin = running.child.stdin.as_mut().context("no stdin")?;
        stdin.write_all(&vec![b'~'; bytes])?;
        let mut got = vec![0; bytes];
        let stdout = running.child.stdout.as_mut().context("no stdout")?;
        stdout.read_exact(&mut got)?;
        Ok(())
    };
    says(200 << 10)?;
    high(&site)?;
    let stdin = running.child.stdin.as_mut().context("no stdin")?;
    // It may be gone already.
    let _ = stdin.write_all(&vec![b'~'; 200 << 10]);
    let ended = running.answer()?;
    ensure!(
        ended.status == Some(254)
            && ended.errors.contains("100 KiB")
            && ended.output.len() < 64 << 10,
        "{} bytes more: {}",
        ended.output.len(),
        ended.errors
    );
    normal(&site, "odile", "one more operator says it")?;
    let told = site.operator(&["posture"])?.success()?.text();
    ensure!(
        told.contains(IS_HIGH) && told.contains("Said to be over by: odile"),
        "{told}"
    );
    normal(&site, SECOND, "The posture is normal again")?;
    let told = site.operator(&["posture"])?.success()?.text();
    ensure!(told.contains("The posture is normal"), "{told}");
    Ok(())
}

/// P6: a second gateway on the same store obeys, for the sessions that it carries, and after a restart of its own.
#[test]
fn p6_every_gateway_obeys() -> Result<()> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        tightened_by(plan, TWO)
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
    let told = high(&here)?;
    ensure!(told.contains("“command: *” ends"), "{told}");
    running.answer()?.status_is(254)?.says(&[WHY])?;
    there.close()?;
    there.open()?;
    there.tries("alice")?.status_is(254)?.says(&[IS_HIGH])?;
    normal(&here, "odile", "The posture is normal again")?;
    wait::until_true("the word at the other gateway", PATIENCE, || {
        Ok(there.tries("alice")?.status == Some(0))
    })
}

/// P6, R3: who owns the machine and its store relaxes nothing by its rows, and the verification names what was changed.
#[test]
fn p6_rows_of_the_store_relax_nothing() -> Result<()> {
    const ATTACK: &str = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1], timeout=30)\n\
        for (name,) in store.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():\n    store.execute('DROP TRIGGER ' + name)\n\
        (seq,) = store.execute(\"SELECT seq FROM audit WHERE kind = 'posture-high'\").fetchone()\n\
        if sys.argv[2] == 'altered':\n    store.execute(\"UPDATE audit SET kind = 'posture-normal' WHERE seq = ?\", [seq])\n    store.execute(\"UPDATE journal SET entry = replace(entry, 'posture-high', 'posture-normal') WHERE seq = ?\", [seq])\n\
        else:\n    store.execute('DELETE FROM audit WHERE seq = ?', [seq])\n    store.execute('UPDATE journal SET entry = NULL WHERE seq = ?', [seq])\n\
        store.commit()";
    for how in ["altered", "deleted"] {
        let mut site = site(TWO)?;
        site.approved("alice", "db01")?;
        high(&site)?;
        let done = std::process::Command::new("python3")
            .args(["-c", ATTACK])
            .arg(site.layout().data().join("ecluse.db"))
            .arg(how)
            .output()?;
        ensure!(done.status.success(), "{done:?}");
        for again in [false, true] {
            if again {
                site.close()?;
                site.open()?;
            }
            site.tries("alice")?.status_is(254)?.says(&[IS_HIGH, WHY])?;
        }
        let verified = site.gateway().try_run(["journal", "verify"], "")?;
        ensure!(!verified.status.success(), "{how}: {verified:?}");
    }
    Ok(())
}
