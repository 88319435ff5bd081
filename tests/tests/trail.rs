//! Each client's own trail: written by the real paths, whole, numbered, and its own alone. R4, R5, R8, R9.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::receiver::{Authority, Rsyslog};
use ecluse_tests::{Site, Terminal, keys, recording, store, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a record has to say: `detail.act` is the act in its detail.
type Fields<'a> = &'a [(&'a str, &'a str)];

fn says(record: &Value, fields: Fields<'_>) -> bool {
    fields.iter().all(|(name, wanted)| {
        let value = match name.strip_prefix("detail.") {
            Some(name) => record["detail"].get(name),
            None => record.get(name),
        };
        match value {
            Some(Value::String(text)) => text == wanted,
            Some(other) => format!("{other}").as_str() == *wanted,
            None => *wanted == "nothing",
        }
    })
}

/// Waits for a record of this kind that says all of it.
fn on_record(site: &Site, kind: &str, fields: Fields<'_>) -> Result<Value> {
    let mut last = Vec::new();
    let found = wait::until(&format!("a {kind} with {fields:?}"), PATIENCE, || {
        last = store::audit(site, kind)?;
        Ok(last.iter().find(|record| says(record, fields)).cloned())
    });
    found.with_context(|| format!("{kind}: {last:?}"))
}

fn administrator(site: &Site, words: &[&str]) -> Result<String> {
    site.gateway().run(words, "")
}

/// A second client with an auditor and an operator of its own, whom no technician of the first reaches.
fn with_a_mairie(plan: &mut ecluse_tests::Plan) -> Result<()> {
    let key = keys::pair(&plan.layout, "aurore")?;
    let text = format!(
        "[client]\nid = \"mairie\"\nname = \"Mairie\"\nlang = \"fr\"\n\n[[auditor]]\nid = \"aurore\"\nname = \"Aurore\"\nlang = \"en\"\nkeys = [\"{key}\"]\n"
    );
    let clients = plan.layout.config().join("clients");
    fs::create_dir_all(&clients)?;
    fs::write(clients.join("mairie.toml"), text)?;
    plan.enrolled.push("aurore".to_owned());
    Ok(())
}

/// R4, R5, R9: every act of people and of the administrator, by ssh against the running gateway and by its own commands:
/// with person, station, source, client, target and verdict.
#[test]
fn r4_each_act_is_on_record_with_who_from_where_about_what_and_how_it_was_decided() -> Result<()> {
    let mut site = Site::start_with(with_a_mairie)?;
    let document = site.layout().config().join("clients/hopital.toml");
    let granted = fs::read_to_string(&document)?
        .replace("id = \"aurele\"\n", "id = \"aurele\"\nunmask = true\n");
    fs::write(&document, granted)?;
    let config = site.layout().config().display().to_string();
    administrator(&site, &["apply", &config])?;

    // A technician, before any approval, and then with one.
    let secret = "echo of what was typed; exec sleep 1000 # ".to_owned() + &"x".repeat(3000);
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["request db01"])?;
    site.ssh("alice").run("pending").answer()?.status_is(1)?;
    let number = site.approved("alice", "db01")?;
    let mut running = site.ssh("alice+db01").run(&secret).spawn()?;
    running.first_line()?;
    let live = site.live_session()?;
    let watch = Terminal::of(
        &site,
        &site
            .ssh("odile")
            .shared("odile")
            .run(format!("watch {live}")),
        100,
        40,
    )?;
    watch.sees("of what was typed")?;
    watch.presses("q")?;
    watch.ends()?;
    site.operator(&["cut", "alice", "--reason", "enough"])?
        .success()?;
    running.answer()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;

    // An auditor.
    let row = wait::until_sealed("a sealed recording", || {
        let table = site.auditor(&["recordings"])?.success()?.text();
        Ok(ecluse_tests::lobby::first_row(&table).ok())
    })?;
    site.auditor(&["search", "typed"])?.success()?;
    site.auditor(&["replay", &row, "--text"])?.success()?;
    site.auditor(&["replay", &row, "--text", "--unmask"])?
        .success()?;

    // A guess too many, and an administrator.
    for _ in 0..3 {
        site.ssh("bruno")
            .code("000000")
            .run("flows")
            .answer()?
            .denied()?;
    }
    administrator(&site, &["accounts", "unlock", "bruno"])?;
    let bundle = site.layout().root().join("evidence.tar");
    administrator(
        &site,
        &[
            "export",
            "--client",
            "hopital",
            "--from",
            "30d",
            "--lang",
            "en",
            "-o",
            &bundle.display().to_string(),
        ],
    )?;
    site.close()?;

    let alice = [
        ("person", "alice"),
        ("station", "ws-1"),
        ("source", "127.0.0.1"),
    ];
    let bruno = [
        ("person", "bruno"),
        ("station", "ws-2"),
        ("source", "127.0.0.1"),
        ("client", "hopital"),
        ("verdict", "refuse"),
    ];
    let odile = [
        ("person", "odile"),
        ("source", "127.0.0.1"),
        ("client", "hopital"),
    ];
    let aurele = [
        ("person", "aurele"),
        ("source", "127.0.0.1"),
        ("client", "hopital"),
    ];
    let on_db01 = [
        ("person", "alice"),
        ("station", "ws-1"),
        ("source", "127.0.0.1"),
        ("client", "hopital"),
        ("target", "db01"),
    ];
    let permitted = [("verdict", "permit")];
    let refused = [("verdict", "refuse")];
    let unmasked = [("detail.unmask", "true")];
    let enough = [("reason", "enough")];
    let expected: [(&str, Fields<'_>, Fields<'_>); 25] = [
        ("log-on", &on_db01, &permitted),
        ("log-on", &odile, &permitted),
        ("log-on", &aurele, &permitted),
        ("log-on", &alice, &[("client", "nothing")]),
        ("log-off", &on_db01, &[]),
        ("log-off", &odile, &[]),
        ("log-on-refused", &bruno[..3], &refused),
        ("lockout", &bruno, &[]),
        (
            "lockout-lifted",
            &[("person", "bruno")],
            &[("client", "hopital")],
        ),
        ("admission", &on_db01, &refused),
        ("act-refused", &alice, &refused),
        ("request", &on_db01, &permitted),
        ("approval", &odile, &permitted),
        ("opening", &on_db01, &permitted),
        ("session-start", &on_db01, &permitted),
        ("permit", &on_db01, &[("detail.command", secret.as_str())]),
        ("session-end", &on_db01, &[]),
        ("watch", &odile, &permitted),
        ("cut", &odile, &enough),
        ("search", &aurele, &[("detail.words", "typed")]),
        ("replay", &aurele, &[("detail.unmask", "false")]),
        ("replay", &aurele, &unmasked),
        (
            "enrolment",
            &[("person", "alice")],
            &[("client", "hopital")],
        ),
        (
            "credential-set",
            &[("client", "hopital")],
            &[("target", "db01")],
        ),
        ("export", &[("client", "hopital")], &[]),
    ];
    for (kind, who, more) in expected {
        let fields: Vec<(&str, &str)> = who.iter().chain(more).copied().collect();
        on_record(&site, kind, &fields)?;
    }
    // N3, of the gateway itself: that its log starts and stops, to every client, and once its own; one event.
    for kind in ["serve-start", "serve-stop", "clock-reading"] {
        let records = store::audit(&site, kind)?;
        let mut of: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
        for record in &records {
            let event = record["event"].as_str().context("no event")?;
            of.entry(event).or_default().push(record["client"].as_str());
        }
        for clients in of.values() {
            ensure!(
                *clients == [None, Some("hopital"), Some("mairie")],
                "{kind}: {records:?}"
            );
        }
        ensure!(!of.is_empty(), "no {kind}");
    }
    // The request was approved and is named in what it led to.
    let approval = on_record(&site, "approval", &odile)?;
    ensure!(approval["detail"]["number"] == number, "{approval}");

    // R9: nothing in the mairie's trail tells of the hopital, its people or its targets.
    for (seq, _, entry) in store::entries(&site, "mairie")? {
        for word in ["hopital", "db01", "odile", "aurele", "alice", "bruno"] {
            ensure!(
                !entry.contains(word),
                "entry {seq} tells of {word}: {entry}"
            );
        }
    }

    // The client's bundle has the whole of its trail, and is held to it.
    let verified = site
        .gateway()
        .try_run(["verify", &bundle.display().to_string()], "")?;
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    ensure!(verified.status.success(), "{text}");
    let unpacked = site.layout().root().join("unpacked");
    fs::create_dir(&unpacked)?;
    let tar = std::process::Command::new("tar")
        .arg("-xf")
        .arg(&bundle)
        .arg("-C")
        .arg(&unpacked)
        .status()?;
    ensure!(tar.success(), "tar failed");
    let entries = fs::read_to_string(unpacked.join("entries.jsonl"))?;
    let numbers: Vec<u64> = entries
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["nth"].as_u64())
        .collect();
    ensure!(
        numbers == (1..=numbers.len() as u64).collect::<Vec<_>>(),
        "{numbers:?}"
    );
    let trail: Value = serde_json::from_slice(&fs::read(unpacked.join("trail.json"))?)?;
    ensure!(
        trail["entries"] == numbers.len() && trail["whole-from"] == 1,
        "{trail}"
    );
    Ok(())
}

/// A site whose client has its copies sent to `receiver`.
fn with_copies(receiver: &Rsyslog, authority: &Authority) -> Result<Site> {
    let tail = receiver.document(authority)?;
    Site::start_with(|plan| {
        plan.documents.client_tail = tail;
        Ok(())
    })
}

/// R8: who turns copies off does not do it behind the back of whoever receives them: the change arrives first, with a
/// checkpoint that covers it and the client's own count, and operators read of it at their next prompt.
#[test]
fn r8_turning_copies_off_arrives_at_the_receiver_first_and_operators_read_of_it() -> Result<()> {
    let authority = Authority::new("IP:127.0.0.1")?;
    let mut receiver = Rsyslog::new(&authority)?;
    receiver.start()?;
    let mut site = with_copies(&receiver, &authority)?;
    site.operator(&["pending"])?.success()?;
    wait::until_true("the first entries", PATIENCE, || {
        Ok(receiver.messages()?.iter().any(|one| one.seq().is_some()))
    })?;
    // Away while it is turned off: it is owed the change all the same, and a new start of the gateway forgets nothing.
    receiver.stop(false)?;
    site.apply(|documents| {
        documents.client_tail.clear();
        Ok(())
    })?;
    site.close()?;
    site.open()?;
    receiver.start()?;
    let removal = wait::until("the change at the receiver", PATIENCE * 2, || {
        let messages = receiver.messages()?;
        Ok(messages
            .iter()
            .find(|one| {
                one.head.contains(" document-change ")
                    && one.text.contains("copies.syslog: tls://")
                    && one.text.contains("nothing")
            })
            .and_then(|one| one.seq()))
    })?;
    wait::until_true("a checkpoint that covers it", PATIENCE * 2, || {
        let messages = receiver.messages()?;
        let covers = |one: &ecluse_tests::receiver::Message| {
            let size = one.field("size").and_then(|size| size.parse::<u64>().ok());
            let counted = one.field("entries").is_some() && one.field("head").is_some();
            size.is_some_and(|size| size >= removal) && counted
        };
        Ok(messages.iter().any(covers))
    })?;
    // And the sender ends.
    let store = site.layout().data().join("ecluse.db");
    wait::until_true("the end of the sender", PATIENCE, || {
        let script = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1], timeout=30).execute('select count(*) from copy_leases').fetchone()[0])";
        let asked = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(&store)
            .output()?;
        Ok(String::from_utf8_lossy(&asked.stdout).trim() == "0")
    })?;

    let prompt = Terminal::of(&site, &site.ssh("odile").flag("-tt"), 120, 40)?;
    prompt.sees("hopital since")?;
    prompt.sees("copies.syslog")?;
    prompt.enters("exit")?;
    prompt.ends()?;
    on_record(
        &site,
        "changes-told",
        &[("person", "odile"), ("client", "hopital")],
    )?;
    // Once: the next prompt has no more to tell.
    let prompt = Terminal::of(&site, &site.ssh("odile").flag("-tt"), 120, 40)?;
    prompt.sees("exit")?;
    ensure!(
        !prompt.screen()?.contains("copies.syslog"),
        "{}",
        prompt.screen()?
    );
    prompt.enters("changes --since 1h")?;
    prompt.sees("copies.syslog")?;
    prompt.enters("exit")?;
    prompt.ends()?;
    Ok(())
}

/// SQL of an administrator who owns the machine, on a stopped gateway, with what protects from mistakes taken away.
fn attack(site: &Site, sql: &str) -> Result<()> {
    const SCRIPT: &str = "import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for (name,) in db.execute(\"select name from sqlite_master where type = 'trigger'\").fetchall():
    db.execute('drop trigger ' + name)
db.executescript(sys.argv[2])
db.commit()
db.execute('pragma wal_checkpoint(truncate)')
db.close()";
    let done = std::process::Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(site.layout().data().join("ecluse.db"))
        .arg(sql)
        .output()?;
    ensure!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

fn verdict(site: &Site) -> Result<(Option<i32>, String)> {
    let told = site.gateway().try_run(["journal", "verify"], "")?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    Ok((told.status.code(), text))
}

/// R3, R9: as root, in each table of the trail: what was altered is named, and an export is not deceived by it.
#[test]
fn r3_each_table_of_the_trail_altered_as_root_is_named() -> Result<()> {
    let mut site = Site::start()?;
    site.approved("alice", "db01")?;
    site.ssh("alice+db01")
        .run("echo done")
        .answer()?
        .success()?;
    recording::wait_for_casts(&site.layout().recordings(), 1)?;
    site.close()?;
    let (code, text) = verdict(&site)?;
    ensure!(code == Some(0), "nothing was done, and it is told: {text}");
    let data = site.layout().data().join("ecluse.db");
    let kept: PathBuf = site.layout().root().join("kept.db");
    fs::copy(&data, &kept)?;
    let last = "(select max(seq) from audit where client = 'hopital')";
    let attacks = [
        (
            "update audit set client = null where kind = 'session-start'".to_owned(),
            4,
            "its entry in the journal says something else",
        ),
        (
            "update audit set person = 'bruno' where kind = 'permit'".to_owned(),
            4,
            "its entry in the journal says something else",
        ),
        (
            "delete from audit where kind = 'approval'".to_owned(),
            4,
            "its entry in the journal says something else",
        ),
        (
            "delete from journal where seq in (select seq from audit where kind = 'approval')"
                .to_owned(),
            // The approval that the intervention shows has no entry any more.
            4,
            "of the trail of hopital",
        ),
        (
            "update trails set nth = nth - 1 where client = 'hopital'".to_owned(),
            4,
            "the trail of hopital was counted up to number",
        ),
        (
            "delete from trails where client = ''".to_owned(),
            4,
            "the gateway's own trail was counted up to number 0",
        ),
        (
            format!("update journal set entry = null, destroyed_by = {last} where seq in (select seq from audit where kind = 'cut' or kind = 'permit')"),
            4,
            "tells of a destruction of other entries",
        ),
        (
            "insert into destructions (seq, client, up_to, at) values (1, 'hopital', 1000, 0); update journal set entry = null, destroyed_by = 1 where seq in (select seq from audit where kind = 'permit')".to_owned(),
            4,
            "tells of a destruction of other entries",
        ),
        (
            "update counters set value = value - 1 where name = 'audit'".to_owned(),
            // It falls short of the checkpoints and of the count of a trail.
            5,
            "was never written by the gateway",
        ),
    ];
    for (sql, code, said) in attacks {
        attack(&site, &sql)?;
        let (found, text) = verdict(&site)?;
        ensure!(
            found == Some(code) && text.contains(said),
            "{sql}: {found:?} instead of {code}, and not {said:?} in:\n{text}"
        );
        fs::copy(&kept, &data)?;
    }

    // Rows given away in the index: the export has them all the same.
    let export = |name: &str| -> Result<Vec<String>> {
        let bundle = site.layout().root().join(name);
        let path = bundle.display().to_string();
        site.gateway().run(["export", "1", "-o", &path], "")?;
        let read = std::process::Command::new("tar")
            .args(["-xOf", &path, "entries.jsonl"])
            .output()?;
        let kinds = String::from_utf8(read.stdout)?;
        Ok(kinds
            .lines()
            .filter_map(|line| {
                let entry: Value = serde_json::from_str(line).ok()?;
                Some(entry["kind"].as_str()?.to_owned())
            })
            .filter(|kind| kind != "export")
            .collect())
    };
    let whole = export("whole.tar")?;
    attack(
        &site,
        "update audit set client = null, session = null, intervention = null where kind in ('approval', 'permit', 'session-start')",
    )?;
    let deceived = export("deceived.tar")?;
    ensure!(
        whole == deceived && whole.contains(&"approval".to_owned()),
        "{whole:?}\n{deceived:?}"
    );
    Ok(())
}
