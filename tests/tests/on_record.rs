//! What must be on record, and that nothing passes which cannot be put there (R4, R5).

use std::time::Duration;

use anyhow::{Result, ensure};
use ecluse_tests::{Site, store, wait};

/// R4, R5: log-ons, refusals, approvals and cuts are in the books, with who and from where.
#[test]
fn what_matters_is_in_the_audit_trail() -> Result<()> {
    let site = Site::start()?;
    site.ssh("alice+db01")
        .run("true")
        .answer()?
        .refused(&["request db01"])?;
    site.ssh("bruno")
        .code("000000")
        .run("flows")
        .answer()?
        .denied()?;
    let number = site.approved("alice", "db01")?;
    let mut running = site
        .ssh("alice+db01")
        .run("echo started; exec sleep 1000")
        .spawn()?;
    running.first_line()?;
    site.operator(&["cut", "alice"])?.success()?;
    running.answer()?;
    site.operator(&["withdraw", &number.to_string(), "--reason", "done"])?
        .success()?;
    // Each kind of event, with who and where; the columns that it must have.
    let alice = [
        ("person", "alice"),
        ("station", "ws-1"),
        ("source", "127.0.0.1"),
    ];
    let on_db01 = [
        ("person", "alice"),
        ("client", "hopital"),
        ("target", "db01"),
    ];
    let odile = [
        ("person", "odile"),
        ("source", "127.0.0.1"),
        ("client", "hopital"),
    ];
    let expected: [(&str, &[(&str, &str)]); 10] = [
        ("log-on", &alice),
        ("log-on", &[("person", "odile"), ("source", "127.0.0.1")]),
        ("log-off", &[("person", "alice")]),
        (
            "log-on-refused",
            &[("person", "bruno"), ("station", "ws-2")],
        ),
        ("request", &alice),
        ("approval", &odile),
        ("permit", &on_db01),
        ("session-start", &on_db01),
        ("cut", &odile),
        ("closing", &odile),
    ];
    for (kind, columns) in expected {
        wait::until_true(
            &format!("a {kind} with {columns:?}"),
            Duration::from_secs(60),
            || {
                let records = store::audit(&site, kind)?;
                Ok(records.iter().any(|record| {
                    let has =
                        |(column, value): &(&str, &str)| record[*column].as_str() == Some(*value);
                    columns.iter().all(has)
                }))
            },
        )?;
    }
    // From where, by address and port: the terminal of R4.
    let log_ons = store::audit(&site, "log-on")?;
    let named = |record: &serde_json::Value| {
        let terminal = record["terminal"].as_str();
        terminal.is_some_and(|name| name.starts_with("ssh 127.0.0.1:"))
    };
    ensure!(
        !log_ons.is_empty() && log_ons.iter().all(named),
        "{log_ons:?}"
    );
    Ok(())
}

/// R5: a flow whose permit cannot be put on record does not pass, and the target is not even dialled.
#[test]
fn what_cannot_be_put_on_record_does_not_pass() -> Result<()> {
    let site = Site::start()?;
    site.approved("alice", "db01")?;
    let database = site.layout().data().join("ecluse.db");
    let refuse = "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.kind = 'permit' \
                  BEGIN SELECT RAISE(ABORT, 'no room'); END";
    let made = std::process::Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])",
        ])
        .arg(&database)
        .arg(refuse)
        .output()?;
    ensure!(made.status.success(), "{made:?}");
    site.ssh("alice+db01")
        .run("echo passed")
        .answer()?
        .refused(&["cannot look up or record"])?;
    ensure!(
        !site.target_log().contains("Accepted"),
        "the target was entered without a record of it"
    );
    Ok(())
}

/// R5: a gateway that begins with other settings says so, in its own trail and in each client's, by the part and by no value;
/// operators are told. One that begins as before says nothing.
#[test]
fn r5_other_settings_are_on_record_and_told() -> Result<()> {
    const VALUE: &str = "17m";
    let mut site = Site::start()?;
    site.operator(&["pending"])?.success()?;
    site.close()?;
    site.open()?;
    ensure!(store::audit(&site, "settings-change")?.is_empty());
    site.close()?;
    site.apply(|documents| {
        documents.settings.remember = VALUE.to_owned();
        Ok(())
    })?;
    site.open()?;
    for trail in [None, Some("hopital")] {
        let records = store::audit_of(&site, trail, "settings-change")?;
        ensure!(records.len() == 1, "{trail:?}: {records:?}");
        for record in records {
            let parts = &record["detail"]["parts"];
            ensure!(*parts == serde_json::json!(["authentication"]), "{record}");
            ensure!(!record.to_string().contains(VALUE), "{record}");
        }
    }
    let told = site.operator(&["changes"])?.success()?.text();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        told.contains("The gateway was started with other settings than the time before"),
        "{told}"
    );
    Ok(())
}
