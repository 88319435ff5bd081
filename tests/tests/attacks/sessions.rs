//! What is written into the table of sessions, and into the tables that nothing at the doors reads, as root: nothing is
//! destroyed, ended, listed or exported by it, and `journal verify` names each (R3, R7, R10).

use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ecluse_tests::{Site, store, wait};

use super::{Crime, said};

const PATIENCE: Duration = Duration::from_secs(60);
/// A hundred days, in microseconds.
const LONG: &str = "8640000000000";

/// The gateway's command line at the gateway's own time.
fn ecluse(site: &Site, arguments: &[&str]) -> Result<Output> {
    let mut command = site.gateway().command(arguments);
    Ok(command.envs(site.clock().environment()?).output()?)
}

impl Crime {
    /// Sessions kept for two months after their end.
    fn kept_two_months(&mut self) -> Result<()> {
        self.site.open()?;
        self.site.apply(|documents| {
            documents.client_tail = "\n[retention]\nregime = \"ext\"\nkeep = \"62d\"\n".to_owned();
            Ok(())
        })?;
        self.site
            .operator(&["withdraw", "1", "--reason", "done"])?
            .success()?;
        self.site.close()
    }

    fn both_recordings_are_there(&self) -> Result<()> {
        let manifests =
            ecluse_tests::recording::files(&self.site.layout().recordings(), &|path| {
                path.ends_with("manifest.json")
            })?;
        ensure!(manifests.len() == 2, "{manifests:?}");
        Ok(())
    }
}

/// R7: whoever puts the end of a session back in the table makes nothing due: no recording goes, no words go, and why is said
/// and on record.
#[test]
fn r7_an_end_that_was_put_back_destroys_nothing_early() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.kept_two_months()?;
    let back = |columns: &[&str], sign: &str| {
        let set: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} = {column} {sign} {LONG}"))
            .collect();
        format!("update sessions set {}", set.join(", "))
    };
    let columns = ["started_at", "ended_at", "sealed_at"];
    crime.sql(&back(&columns, "-"))?;
    crime.sql("update interventions set requested_at = 1")?;
    crime.is_told(4, &["session #1 of the table was altered", "its end"])?;
    let removed = ecluse(&crime.site, &["retention", "remove"])?;
    let words = said(&removed);
    for kept in [
        "kept recording 1",
        "kept recording 2",
        "was altered",
        "kept the words of hopital",
    ] {
        ensure!(words.contains(kept), "{kept:?}: {words}");
    }
    ensure!(!words.contains("removed "), "{words}");
    crime.both_recordings_are_there()?;
    let told = store::audit(&crime.site, "not-on-record")?;
    ensure!(told.len() == 2, "one of each session: {told:?}");
    crime.sql(&back(&columns, "+"))?;
    crime.sql("update sessions set client = 'clinique' where number = 1")?;
    let removed = ecluse(&crime.site, &["retention", "--client", "hopital", "remove"])?;
    ensure!(!said(&removed).contains("removed "), "{}", said(&removed));
    crime.sql("update sessions set client = 'hopital'; update interventions set requested_at = json_extract(body, '$.request.requested_at')")?;
    crime.is_told(0, &["intact"])?;
    // In its time it goes, on record.
    crime.site.clock().advance(70 * 86_400)?;
    crime.site.serve_for_a_moment()?;
    let removed = ecluse(&crime.site, &["retention", "remove"])?;
    ensure!(
        said(&removed).contains("removed recording 1")
            && said(&removed).contains("removed recording 2"),
        "{}",
        said(&removed)
    );
    crime.is_told(0, &["intact"])
}

/// R10: the list says so, shows nothing of it as if it were so, and the operator is told; a bundle is of the session that the
/// log has under its number, with the entries of the intervention that the log has it under.
#[test]
fn r10_altered_rows_are_listed_as_not_on_record_and_exported_as_the_log_has_them() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.sql(
        "update sessions set number = number + 10; update sessions set number = 13 - number",
    )?;
    crime.is_told(
        4,
        &["session #1 of the table was altered: it has the number 1"],
    )?;
    let output = crime.site.layout().root().join("one.tar");
    let output = output.display().to_string();
    let exported = crime
        .site
        .gateway()
        .try_run(["export", "1", "--output", &output], "")?;
    ensure!(
        exported.status.code() == Some(0) && said(&exported).contains("was altered"),
        "{}",
        said(&exported)
    );
    let verified = crime.site.gateway().try_run(["verify", &output], "")?;
    ensure!(
        verified.status.code() == Some(0) && said(&verified).contains("session #1"),
        "{}",
        said(&verified)
    );
    std::fs::remove_file(&output)?;
    // Whatever else the row says: whose it was and under which intervention, the log does.
    crime.sql("update sessions set person = 'bruno', intervention = id, documents = 9")?;
    let exported = crime
        .site
        .gateway()
        .try_run(["export", "2", "--output", &output], "")?;
    ensure!(exported.status.code() == Some(0), "{}", said(&exported));
    let verified = crime.site.gateway().try_run(["verify", &output], "")?;
    ensure!(verified.status.code() == Some(0), "{}", said(&verified));
    std::fs::remove_file(&output)?;
    // Of everything of the client, each has the number that the log has.
    let exported = crime
        .site
        .gateway()
        .try_run(["export", "--client", "hopital", "--output", &output], "")?;
    ensure!(exported.status.code() == Some(0), "{}", said(&exported));
    ensure!(
        said(&exported).contains("was altered"),
        "{}",
        said(&exported)
    );
    let verified = crime.site.gateway().try_run(["verify", &output], "")?;
    ensure!(verified.status.code() == Some(0), "{}", said(&verified));
    // An intervention that the store has otherwise is told with the bundle that holds it.
    std::fs::remove_file(&output)?;
    crime.sql("update interventions set body = replace(body, 'db01', 'db02')")?;
    let exported = crime
        .site
        .gateway()
        .try_run(["export", "--intervention", "1", "--output", &output], "")?;
    ensure!(
        exported.status.code() == Some(3)
            && said(&exported).contains("1 intervention in it not as on record"),
        "{}",
        said(&exported)
    );
    crime.sql("update interventions set body = replace(body, 'db02', 'db01')")?;
    crime.site.open()?;
    let listed = crime.site.auditor(&["recordings"])?.success()?.text();
    ensure!(
        listed.matches("NOT ON RECORD").count() >= 2 && !listed.contains("alice"),
        "{listed}"
    );
    let pending = crime.site.operator(&["pending"])?.success()?.text();
    ensure!(pending.contains("Somebody changed session 1"), "{pending}");
    Ok(())
}

/// R3: a row of nobody's is not ended by the next start, which would put a forged end on record; it is named by `check`, by the
/// start and by verification, again and again.
#[test]
fn r3_forged_rows_are_named_by_check_and_start_and_never_put_on_record() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.sql(
        "insert into sessions (id, number, node, person, station, source, client, target, account, intervention, documents, started_at, to_target, to_technician) \
         select x'01999999999979998999999999999999', 9, node, 'bruno', station, source, client, target, account, intervention, documents, started_at, 0, 0 from sessions where number = 1;
         insert into interventions (id, number, revision, client, person, provider, state, requested_at, salt, body) \
         select x'01999999999979998999999999999998', 9, revision, client, person, provider, 'expired', requested_at, salt, body from interventions",
    )?;
    let named = [
        "session #9",
        "intervention #9",
        "put into the store by hand",
    ];
    let config = crime.site.layout().config().display().to_string();
    let checked = crime.site.gateway().try_run(["check", &config], "")?;
    ensure!(!checked.status.success(), "{}", said(&checked));
    for words in named {
        ensure!(said(&checked).contains(words), "{}", said(&checked));
    }
    for _ in 0..2 {
        crime.site.open()?;
        wait::until_true("both on record", PATIENCE, || {
            Ok(store::audit(&crime.site, "not-on-record")?.len() == 2)
        })?;
        crime.site.close()?;
        crime.is_told(7, &named)?;
    }
    let ends = store::audit(&crime.site, "session-end")?;
    ensure!(ends.len() == 2, "{ends:?}");
    Ok(())
}

/// R10: an intervention that is gone from its table is gone from the bundle of its client, and the bundle says so, whether it
/// ever had a session or not.
#[test]
fn r10_an_intervention_that_was_deleted_is_missing_from_its_clients_bundle() -> Result<()> {
    let mut crime = Crime::scene()?;
    crime.site.open()?;
    let number = crime.site.request("bruno", "db01")?;
    crime
        .site
        .operator(&["refuse", &number.to_string(), "--reason", "not today"])?
        .success()?;
    crime.site.close()?;
    crime.sql(&format!(
        "delete from interventions where number = {number}"
    ))?;
    crime.is_told(5, &[&format!("intervention #{number}")])?;
    let output = crime.site.layout().root().join("all.tar");
    let output = output.display().to_string();
    let exported = crime
        .site
        .gateway()
        .try_run(["export", "--client", "hopital", "--output", &output], "")?;
    ensure!(
        exported.status.code() == Some(3) && said(&exported).contains("the store does not have it"),
        "{}",
        said(&exported)
    );
    let verified = crime.site.gateway().try_run(["verify", &output], "")?;
    ensure!(
        verified.status.code() == Some(5)
            && said(&verified).contains(&format!("interventions/{number}.json")),
        "{}",
        said(&verified)
    );
    Ok(())
}

/// R3: a row of the index beyond the end of the log keeps nobody from exporting, and stands in the log from then on.
#[test]
fn r3_a_record_beyond_the_end_of_the_log_is_told_and_keeps_nothing_from_being_written() -> Result<()>
{
    let crime = Crime::scene()?;
    crime.sql(
        "insert into audit (seq, at, kind, client) select max(seq) + 1, at, 'approval', 'hopital' from audit",
    )?;
    crime.is_told(7, &["stands beyond the end of the log"])?;
    let output = crime.site.layout().root().join("all.tar");
    let output = output.display().to_string();
    let export = ["export", "--client", "hopital", "--output", &output];
    crime.site.gateway().run(export, "")?;
    crime.is_told(0, &["intact"])?;
    let told = store::audit(&crime.site, "not-on-record")?;
    ensure!(
        told.first().context("nothing")?["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("beyond the end of the log")),
        "{told:?}"
    );
    Ok(())
}

/// R3: every other table that the log can vouch for, one attack each, undone again.
#[test]
fn r3_what_is_changed_in_any_other_table_is_named() -> Result<()> {
    let mut crime = Crime::scene()?;
    for (attack, undone, code, words) in [
        (
            "update document_versions set applied_at = applied_at - 864000000000",
            "update document_versions set applied_at = applied_at + 864000000000",
            4,
            "version 1 of the documents was altered: when it was applied",
        ),
        (
            "update document_versions set applied_by = applied_by || 'x'",
            "update document_versions set applied_by = substr(applied_by, 1, length(applied_by) - 1)",
            4,
            "who applied it",
        ),
        (
            "update document_texts set file = 'clients/other.toml' where file = 'clients/hopital.toml'",
            "update document_texts set file = 'clients/hopital.toml' where file = 'clients/other.toml'",
            4,
            "client hopital",
        ),
        (
            "update enrolments set confirmed_by = 'nobody' where person = 'alice'; update enrolments set confirmed_at = 1 where person = 'odile'",
            "",
            4,
            "the enrolment of alice was altered",
        ),
        (
            "update enrolments set secret = (select secret from enrolments where person = 'odile') where person = 'alice'",
            "",
            4,
            "the sealed value of enrolments alice does not open",
        ),
        (
            "delete from enrolments where person = 'alice'",
            "",
            5,
            "the enrolment of alice, made with entry",
        ),
        (
            "insert into counters (name, value) values ('receipts/hopital', 7)",
            "delete from counters where name = 'receipts/hopital'",
            4,
            "the counter of receipts of hopital stands at 7",
        ),
        (
            "update signing_keys set from_at = from_at - 864000000000",
            "update signing_keys set from_at = from_at + 864000000000",
            4,
            "it signs since",
        ),
        (
            "update signing_keys set until_at = 1",
            "update signing_keys set until_at = null",
            4,
            "its end is",
        ),
        (
            "update checkpoints set at = at + 1",
            "update checkpoints set at = at - 1",
            4,
            "stands in its table as one of",
        ),
        (
            "update gateway_keys set made_at = made_at - 864000000000",
            "update gateway_keys set made_at = made_at + 864000000000",
            4,
            "the gateway's key journal-signing was altered",
        ),
        (
            "update signing_keys set source = 'agent:elsewhere'",
            "update signing_keys set source = 'store'",
            4,
            "where it lies",
        ),
        (
            "update counters set value = value + 5 where name = 'session'",
            "update counters set value = value - 5 where name = 'session'",
            4,
            "the counter of sessions",
        ),
        (
            "insert into destructions (seq, client, up_to, at) values (2, 'hopital', 9, 1)",
            "delete from destructions",
            7,
            "a permission to take words away names entry 2",
        ),
        (
            "insert into host_key_alerts (id, at, client, target, expected, got) values (x'01999999999979998999999999999999', 1, 'hopital', 'db01', 'a', 'b')",
            "delete from host_key_alerts",
            7,
            "the alert about the host key of db01",
        ),
        (
            "insert into credentials (target, account, kind, sealed, set_at, set_by) values ('db09', 'root', 'certificate', x'00', 1, 'root')",
            "delete from credentials where target = 'db09'",
            4,
            "the credential of root@db09",
        ),
    ] {
        if undone.is_empty() {
            crime.sql("create table kept as select * from enrolments")?;
        }
        crime.sql(attack)?;
        crime.is_told(code, &[words])?;
        if undone.is_empty() {
            crime.sql(
                "delete from enrolments; insert into enrolments select * from kept; drop table kept",
            )?;
        } else {
            crime.sql(undone)?;
        }
    }
    crime.is_told(0, &["intact"])?;
    // What the store keeps of the settings, taken away so that a change of them is not told: the next start says that it is gone.
    crime.sql("delete from facts where name like 'settings of %'")?;
    crime.site.open()?;
    let told = store::audit(&crime.site, "settings-change")?;
    ensure!(!told.is_empty(), "that it is gone is not on record");
    crime.site.close()?;
    crime.is_told(0, &["intact"])
}

/// R3, A4: the secret of an enrolment is the one of its entry: an older one of the same person, which opens as well, is named.
#[test]
fn r3_an_older_secret_put_back_is_named() -> Result<()> {
    let crime = Crime::scene()?;
    let layout = crime.site.layout();
    let old = store::rows(
        &crime.site,
        "select hex(secret) from enrolments where person = 'alice'",
    )?;
    let old = old.pointer("/0/0").and_then(|old| old.as_str());
    let old = old.context("no enrolment of alice")?.to_owned();
    std::fs::remove_file(layout.secret("alice"))?;
    let secret = ecluse_tests::keys::totp_secret(layout, "alice")?;
    let code = crime.site.codes().fresh("alice", &secret)?;
    crime.enrolls_alice_anew(&code)?;
    crime.is_told(0, &["intact"])?;
    crime.sql(&format!(
        "update enrolments set secret = x'{old}' where person = 'alice'"
    ))?;
    crime.is_told(
        4,
        &["the sealed value of enrolments alice was altered: it is not the one of entry"],
    )
}
