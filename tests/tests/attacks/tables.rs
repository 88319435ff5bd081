//! What is written into the tables of the store as root opens nothing, and is told: one attack for each table that the
//! log vouches for, and one on the directories of recordings (R3, I2). Each of them opened a door, or passed as evidence,
//! before the tables were bound to the log.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Terminal, store, wait};

use super::{Crime, said};

const PATIENCE: Duration = Duration::from_secs(60);
/// Some looks at the documents, which are two seconds apart, and the log-ons of whoever asks.
const SOON: Duration = Duration::from_secs(10);

impl Crime {
    /// Alice does not get in, and reads why.
    fn keeps_alice_out(&self, words: &[&str]) -> Result<()> {
        let answer = self.site.ssh("alice+db01").run("echo in").answer()?;
        ensure!(
            answer.status != Some(0) && !answer.text().contains("in\n"),
            "she got in: {answer:?}"
        );
        for word in words {
            ensure!(answer.errors.contains(word), "{word:?}: {answer:?}");
        }
        Ok(())
    }
}

/// Another approver, written into the intervention that is open: it admits nobody, the operator reads so, it is on record
/// once, and verification says so, of the store and of what is exported from it.
#[test]
fn r3_a_changed_approver_admits_nobody_and_is_told() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime
        .sql("update interventions set body = json_set(body, '$.approvals[0].operator', 'omar')")?;
    crime.is_told(4, &["intervention #1", "another one than the log tells of"])?;
    crime.site.open()?;
    crime.keeps_alice_out(&["not the one on record"])?;
    wait::until_true("the change on record", PATIENCE, || {
        Ok(!store::audit(&crime.site, "not-on-record")?.is_empty())
    })?;
    let pending = crime.site.operator(&["pending"])?.success()?.text();
    ensure!(
        pending.contains("intervention #1") && pending.contains("not the one on record"),
        "{pending}"
    );
    let listed = crime.site.operator(&["interventions"])?.success()?.text();
    ensure!(listed.contains("NOT AS ON RECORD"), "{listed}");
    // It was looked at many times since.
    let told = store::audit(&crime.site, "not-on-record")?;
    ensure!(told.len() == 1, "{told:?}");
    let bundle = crime.site.layout().root().join("altered.tar");
    let bundle = bundle.display().to_string();
    let exported = ["export", "1", "--output", &bundle];
    let exported = crime.site.gateway().try_run(exported, "")?;
    ensure!(
        exported.status.code() == Some(3)
            && said(&exported).contains("1 intervention in it not as on record"),
        "{}",
        said(&exported)
    );
    let verified = crime.site.gateway().try_run(["verify", &bundle], "")?;
    ensure!(
        verified.status.code() == Some(4)
            && said(&verified)
                .contains("interventions/1.json: it is not the intervention on record"),
        "{}",
        said(&verified)
    );
    Ok(())
}

/// R3, A8: what runs under it ends.
#[test]
fn r3_a_session_ends_when_its_intervention_is_changed_under_it() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.site.open()?;
    let mut running = crime.site.ssh("alice+db01").run("echo up; cat").spawn()?;
    ensure!(running.first_line()?.contains("up"));
    crime.sql(
        "update interventions set body = json_set(body, '$.request.reason', 'nothing to see')",
    )?;
    let answer = running.answer()?;
    ensure!(
        answer.errors.contains("not the one on record"),
        "{answer:?}"
    );
    Ok(())
}

/// A row of its own, approved by nobody: no entry tells of it.
#[test]
fn r3_an_approved_intervention_put_in_by_hand_admits_nobody_and_is_told() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.site.open()?;
    let number = crime
        .site
        .operator(&["withdraw", "1", "--reason", "enough"])?;
    number.success()?;
    crime.site.close()?;
    let open = "$.request.id', '01999999-9999-7999-8999-999999999999', '$.request.number', 9, '$.state', \
                json('{\"approved\":{\"granted\":' || json_extract(body, '$.state.closed.granted') || '}}')";
    crime.sql(&format!(
        "insert into interventions (id, number, revision, client, person, provider, state, requested_at, salt, body) \
         select x'01999999999979998999999999999999', 9, revision, client, person, provider, 'approved', requested_at, salt, \
         json_set(body, '{open}) from interventions"
    ))?;
    crime.is_told(7, &["intervention #9", "put into the store by hand"])?;
    crime.site.open()?;
    crime.keeps_alice_out(&["not the one on record"])
}

/// A document changed in its table: nobody passes, nobody answers, `check` says what to do, and that opens the door again.
#[test]
fn r3_a_changed_document_closes_the_door_until_it_is_put_in_force_again() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.sql(
        "update document_texts set text = text || '# and more' where file = 'clients/hopital.toml'",
    )?;
    crime.is_told(4, &["client hopital", "not the text that was put in force"])?;
    let config = crime.site.layout().config().display().to_string();
    let checked = crime.site.gateway().try_run(["check", &config], "")?;
    ensure!(
        !checked.status.success()
            && said(&checked).contains("client hopital")
            && said(&checked).contains("ecluse apply")
            // The files are right: it is no error of theirs.
            && said(&checked).contains("Right: 1 provider")
            && said(&checked).contains("In the store, beside these files:\n")
            && said(&checked).contains("1 fault in the store; nothing was changed")
            && !said(&checked).contains("error in"),
        "{}",
        said(&checked)
    );
    crime.site.open()?;
    crime.keeps_alice_out(&["The door of hopital is closed"])?;
    let flows = crime.site.ssh("alice").run("flows").answer()?;
    ensure!(
        flows.status == Some(254)
            && flows.errors.contains("The door of hopital is closed")
            && !flows.text().contains("No flow names you"),
        "{flows:?}"
    );
    let operator = crime.site.operator(&["pending"])?;
    ensure!(
        operator.status != Some(0) && operator.errors.contains("The door of hopital is closed"),
        "{operator:?}"
    );
    ensure!(store::audit(&crime.site, "not-on-record")?.len() == 1);
    crime.site.gateway().run(["apply", &config], "")?;
    wait::until_true("the door to open", PATIENCE, || {
        let answer = crime.site.ssh("alice+db01").run("echo in").answer()?;
        Ok(answer.status == Some(0))
    })
}

/// R3: that a door is closed is said in the greeting, to the technician and to the client's operators, in whatever
/// connection they look; the right text put back by hand opens it within seconds, though somebody asks all the time, and
/// no version is said to be new.
#[test]
fn r3_a_closed_door_is_told_in_the_greeting_and_opens_with_the_right_text() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.site.open()?;
    let at_the_prompt = |ssh| -> Result<Terminal> {
        let terminal = Terminal::of(&crime.site, &ssh, 160, 40)?;
        terminal.sees("\u{e9}cluse>")?;
        Ok(terminal)
    };
    let operator = || crime.site.ssh("odile").shared("odile");
    let before = at_the_prompt(operator())?;
    crime.sql(
        "update document_texts set text = text || '# and more' where file = 'clients/hopital.toml'",
    )?;
    let closed = "The door of hopital is closed";
    before.sees(closed)?;
    at_the_prompt(crime.site.ssh("alice").shared("alice"))?.sees(closed)?;
    at_the_prompt(operator())?.sees(closed)?;
    crime.sql(
        "update document_texts set text = replace(text, '# and more', '') where file = 'clients/hopital.toml'",
    )?;
    wait::until_true("the door to open", SOON, || {
        let answer = crime.site.ssh("alice+db01").run("echo in").answer()?;
        Ok(answer.status == Some(0))
    })?;
    before.sees("The door of hopital is open again")?;
    let log = fs::read_to_string(crime.site.layout().logs().join("gateway.err"))?;
    ensure!(
        !log.contains("new documents are in force")
            && log.contains("the documents are the ones on record again"),
        "{log}"
    );
    Ok(())
}

/// A version put in by hand while a session runs: the session ends with the door.
#[test]
fn r3_a_version_put_in_by_hand_ends_what_runs_under_the_one_before() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.site.open()?;
    let mut running = crime.site.ssh("alice+db01").run("echo up; cat").spawn()?;
    ensure!(running.first_line()?.contains("up"));
    crime.sql(
        "insert into document_versions (version, applied_at, applied_by) values (9, 1, 'root');
         insert into document_texts (version, file, text, salt, owner)
         select 9, file, text || '# x', salt, owner from document_texts where version = 1 and file = 'clients/hopital.toml';
         insert into document_texts (version, file, text, salt, owner)
         select 9, file, text, salt, owner from document_texts where version = 1 and file <> 'clients/hopital.toml'",
    )?;
    let answer = running.answer()?;
    ensure!(
        answer.errors.contains("The door of hopital is closed"),
        "{answer:?}"
    );
    crime.site.close()?;
    crime.is_told(4, &["client hopital", "not the text that was put in force"])
}

/// R3, R10: two directories of recordings that changed places are not shown under each other's number.
#[test]
fn r3_recordings_that_changed_places_are_not_shown_under_each_others_number() -> Result<()> {
    let mut crime = Crime::scene()?;
    let (first, second) = (crime.recording(false)?, crime.recording(true)?);
    let aside = first.with_file_name("aside");
    fs::rename(&first, &aside)?;
    fs::rename(&second, &first)?;
    fs::rename(&aside, &second)?;
    crime.is_told(4, &["altered"])?;
    crime.site.open()?;
    for number in ["1", "2"] {
        let replayed = crime.site.auditor(&["replay", number, "--text"])?;
        ensure!(
            replayed.status == Some(1)
                && replayed.errors.contains("the recording of another session")
                && !replayed.text().contains("the checkpoint"),
            "{replayed:?}"
        );
    }
    let found = crime.site.auditor(&["search", "checkpoint"])?;
    ensure!(!found.text().contains("before the checkpoint"), "{found:?}");
    let bundle = crime.site.layout().root().join("swapped.tar");
    let output = bundle.display().to_string();
    let exported = crime
        .site
        .gateway()
        .try_run(["export", "1", "--output", &output], "")?;
    let exported = said(&exported);
    ensure!(
        exported.contains("the recording of another session") && exported.contains("0 recordings"),
        "{exported}"
    );
    let other = ecluse_tests::keys::reader(&crime.site.layout().root().join("other.age"))?;
    let rewrap = ["recordings", "rewrap", "1", "--yes", "--for", &other];
    let refused = crime.site.gateway().try_run(rewrap, "")?;
    ensure!(
        said(&refused).contains("the recording of another session"),
        "{}",
        said(&refused)
    );
    Ok(())
}

/// R3, O4, R7: whose a session was and when is what its first entry says: the table of sessions, which lists and retention
/// read, is compared with it, and a recording itself says whose it is.
#[test]
fn r3_the_table_of_sessions_is_compared_with_the_entries() -> Result<()> {
    const FORTY_DAYS: &str = "3456000000000";
    let crime = Crime::scene()?;
    crime.sql(&format!(
        "update sessions set started_at = started_at - {FORTY_DAYS}, ended_at = ended_at - {FORTY_DAYS}"
    ))?;
    crime.is_told(4, &["session #1 of the table was altered", "its beginning"])?;
    crime.sql(&format!(
        "update sessions set started_at = started_at + {FORTY_DAYS}, ended_at = ended_at + {FORTY_DAYS}"
    ))?;
    crime.sql("update sessions set client = 'clinique'")?;
    crime.is_told(
        4,
        &["session #1 of the table was altered", "client clinique"],
    )?;
    crime.sql("update sessions set client = 'hopital', person = 'bruno'")?;
    crime.is_told(4, &["session #1 of the table was altered", "person bruno"])?;
    crime.sql("delete from sessions")?;
    crime.is_told(5, &["is not in the table any more"])
}

/// A yes says by whom, from where, and by what they proved who they are.
#[test]
fn r4_an_approval_says_by_which_key_and_code_and_from_where() -> Result<()> {
    let crime = Crime::scene()?;
    let approvals = store::audit(&crime.site, "approval")?;
    let approval = approvals.first().context("no approval")?;
    let detail = &approval["detail"];
    let key = detail["key"].as_str().unwrap_or_default();
    let public = crime
        .site
        .layout()
        .key(approval["person"].as_str().unwrap_or_default());
    ensure!(
        key == ecluse_tests::keys::fingerprint(&public.with_extension("pub"))?,
        "{approval}"
    );
    ensure!(
        approval["source"].as_str() == Some("127.0.0.1"),
        "{approval}"
    );
    ensure!(
        detail["log-on-code"].is_string() && detail["code-proven-at"].is_string(),
        "{approval}"
    );
    ensure!(detail["approvals"] == 1, "{approval}");
    Ok(())
}
