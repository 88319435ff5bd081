//! Commands, of technicians from afar and of operators: what they answer, and to whom.

use std::sync::Arc;

use serde_json::json;

use super::super::testing::{House, documents, documents_where, lang};
use super::super::{refuse_without_terminal, run};
use super::{audited, command, db01};
use crate::audit::AuditKind;
use crate::passage::entry;
use crate::store::AuditQuery;
use crate::terminal::testing::person_in;

/// Without a terminal: standard error names the command that asks, and the status is 254.
#[tokio::test]
async fn without_a_terminal_the_exact_command_is_named() {
    let house = House::new().await;
    let visitor = house.visitor("alice");
    let (mut terminal, person) = person_in(None, "", lang(&visitor));
    let refusal = entry::look(&house.gateway, &visitor, &db01(), None, None)
        .await
        .unwrap()
        .unwrap_err();
    let leave = refuse_without_terminal(
        &mut terminal,
        &house.gateway,
        &visitor,
        &db01(),
        None,
        &refusal,
    )
    .await;
    drop(terminal);
    let (out, err) = person.all().await;
    assert_eq!((leave.status, out.as_str()), (254, ""));
    assert!(
        err.contains("ssh -p 2222 alice@192.0.2.1 request db01 --for 1h --reason \""),
        "{err}"
    );
}

/// The command that is named does what it says, also when the local shell has eaten the quotes.
#[tokio::test]
async fn a_request_from_afar_waits_and_can_be_cancelled() {
    let house = House::new().await;
    let line = "request db01 --for 2h --reason l'imprimante ne répond plus --only shell";
    let (status, out, err) = command(&house, "alice", line).await;
    assert_eq!(status, 0, "{err}");
    assert!(
        out.contains("#1") && out.contains("l'imprimante ne répond plus"),
        "{out}"
    );
    let (_, mine, _) = command(&house, "alice", "interventions").await;
    assert!(mine.contains("waiting for an answer"), "{mine}");
    let (status, _, theirs) = command(&house, "bruno", "cancel 1").await;
    assert_eq!(status, 1, "{theirs}");
    let (status, ..) = command(&house, "alice", "cancel #1").await;
    assert_eq!(status, 0);
}

#[tokio::test]
async fn wrong_use_is_explained_with_status_2() {
    let house = House::new().await;
    for (who, line, said) in [
        ("alice", "request db01 --reason x", "--for 30m"),
        (
            "alice",
            "request --for 2h --reason x",
            "at least one target",
        ),
        (
            "alice",
            "request db01 --for soon --reason x",
            "not a length",
        ),
        (
            "alice",
            "request db01 --for 2h --reason x --only sftp",
            "shell, command, env",
        ),
        ("alice", "request db01 --force", "--force"),
        ("odile", "approve", "by its number"),
        ("odile", "approve seventeen", "seventeen"),
        ("odile", "refuse", "by its number"),
        ("odile", "cut", "a technician by name"),
        ("aurele", "search --in typed", "--in refusal"),
        ("odile", "frobnicate \x1b[31m", "frobnicate"),
        ("aurele", "replay", "par son numéro"),
    ] {
        let (status, _, err) = command(&house, who, line).await;
        assert_eq!(status, 2, "{line}: {err}");
        assert!(!err.contains('\x1b'));
        assert!(err.contains(said), "{line}: {err}");
    }
}

/// O4: another client's operator neither sees nor answers.
#[tokio::test]
async fn clients_are_kept_apart() {
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 2h --reason disk").await;
    let zoe = command(&house, "zoe", "pending").await;
    assert!(zoe.1.contains("Aucune demande"), "{zoe:?}");
    let (status, _, err) = command(&house, "zoe", "approve 1").await;
    let (other_status, _, other) = command(&house, "zoe", "approve 99").await;
    assert_eq!((status, other_status), (1, 1));
    assert_eq!(
        err.replace("#1", "#"),
        other.replace("#99", "#"),
        "the answers must not differ"
    );
}

/// An approval only shrinks what was asked.
#[tokio::test]
async fn an_operator_cannot_grant_more() {
    let house = House::new().await;
    command(
        &house,
        "alice",
        "request db01 --for 1h --reason disk --only shell",
    )
    .await;
    for (more, what) in [
        ("--for 2h", "2h was not asked"),
        ("--only command", "command was not asked"),
        ("--account root", "root was not asked"),
        ("--target web01", "web01 was not asked"),
    ] {
        let (status, _, err) = command(&house, "odile", &format!("approve 1 {more}")).await;
        assert_eq!(status, 1, "{more}: {err}");
        assert!(err.contains(what), "{more}: {err}");
    }
    let (status, ..) = command(&house, "odile", "approve 1 --for 30m").await;
    assert_eq!(status, 0);
}

/// I2: fewer bytes are asked for and fewer granted; both sides read what became of it, and the log has it.
#[tokio::test]
async fn bytes_are_asked_for_and_granted() {
    let house = House::new().await;
    let ask = "request db01 --for 1h --reason disk --bytes";
    let (status, _, err) = command(&house, "alice", &format!("{ask} 300MiB")).await;
    assert_eq!(status, 1);
    assert!(
        err.contains("300 MiB cannot be asked for here: between 1 B and 200 MiB"),
        "{err}"
    );
    let (status, out, err) = command(&house, "alice", &format!("{ask} 100MiB")).await;
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("Data out") && out.contains("100 MiB"), "{out}");
    let (_, pending, _) = command(&house, "odile", "pending").await;
    assert!(pending.contains("100 MiB at most may leave"), "{pending}");
    let (status, _, err) = command(&house, "odile", "approve 1 --bytes 101MiB").await;
    assert_eq!(status, 1);
    assert!(err.contains("101 MiB was not asked"), "{err}");
    let (status, out, err) = command(&house, "odile", "approve 1 --bytes 30MiB").await;
    assert_eq!(status, 0, "{err}");
    assert!(
        out.contains("100 MiB → ") && out.contains("30 MiB"),
        "{out}"
    );
    let kinds = vec![AuditKind::Request, AuditKind::Approval];
    let query = AuditQuery {
        kinds,
        ..AuditQuery::default()
    };
    let records = house.gateway.store.audit(&query).await.unwrap();
    let of = |kind: AuditKind, key: &str| {
        let mut records = records.iter().map(|one| &one.record);
        let record = records.rfind(|record| record.kind == kind).unwrap();
        record.detail.get(key).cloned().unwrap()
    };
    assert_eq!(of(AuditKind::Request, "bytes"), json!("100 MiB"));
    assert_eq!(
        of(AuditKind::Approval, "granted")["bytes"],
        json!(30 * 1024 * 1024)
    );
}

/// No more requests wait than the settings allow, of one person.
#[tokio::test]
async fn the_number_of_waiting_requests_is_bounded() {
    let settings = "[interventions]\nwaiting-per-person = 1\n";
    let house = House::configured(documents(1, "4h"), settings).await;
    let ask = "request db01 --for 1h --reason disk";
    assert_eq!(command(&house, "alice", ask).await.0, 0);
    let (status, _, err) = command(&house, "alice", ask).await;
    assert_eq!(status, 1);
    assert!(err.contains("waits for an answer already"), "{err}");
}

/// I3: an operator can end what was approved at any time.
#[tokio::test]
async fn a_withdrawn_intervention_admits_nobody() {
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 1h --reason disk").await;
    command(&house, "odile", "approve 1").await;
    let alice = house.visitor("alice");
    assert!(
        entry::look(&house.gateway, &alice, &db01(), None, None)
            .await
            .unwrap()
            .is_ok()
    );
    let (status, out, err) = command(&house, "odile", "withdraw 1 --reason the job is done").await;
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        entry::look(&house.gateway, &alice, &db01(), None, None)
            .await
            .unwrap()
            .is_err()
    );
    assert!(audited(&house).await.contains(&AuditKind::Closing));
}

/// Operators read of new requests above their prompt, without a key being pressed.
#[tokio::test]
async fn an_operator_at_the_prompt_reads_of_new_requests() {
    let house = House::new().await;
    let visitor = house.visitor("odile");
    let (mut terminal, mut odile) = person_in(Some((80, 24)), "xterm", lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let prompt = tokio::spawn(async move { run(&mut terminal, &gateway, &visitor, None).await });
    odile.sees("No request is waiting").await;
    odile.types(b"appr").await;
    command(&house, "alice", "request db01 --for 1h --reason disk full").await;
    odile
        .sees("New request #1: alice (maintech), db01, for 1h: disk full")
        .await;
    // What was being typed is still there.
    odile.types(b"ove 1\r").await;
    odile.sees("#1 is approved").await;
    odile.types(b"exit\r").await;
    assert_eq!(prompt.await.unwrap(), 0);
}

/// F5: whoever asks and takes back in a loop fills neither the list that operators read nor the journal, not even with
/// refusals, and is told when to ask again.
#[tokio::test]
async fn asking_and_taking_back_in_a_loop_does_not_fill_the_journal() {
    let house = House::configured(
        documents(1, "4h"),
        "[interventions]\nrequests-per-hour = 4\n",
    )
    .await;
    let ask = "request db01 --for 1h --reason disk";
    for number in 1..=4 {
        let (status, _, err) = command(&house, "alice", ask).await;
        assert_eq!(status, 0, "{err}");
        let (status, _, err) = command(&house, "alice", &format!("cancel {number}")).await;
        assert_eq!(status, 0, "{err}");
    }
    for _ in 0..50 {
        let (status, _, err) = command(&house, "alice", ask).await;
        assert_eq!(status, 1);
        assert!(
            err.contains("4 requests within an hour") && err.contains("Ask again after"),
            "{err}"
        );
        // Its siblings: what is over, and what is another role's.
        command(&house, "alice", "cancel 1").await;
        command(&house, "alice", "approve 1").await;
    }
    // Others ask as before.
    let (status, _, err) = command(&house, "bruno", ask).await;
    assert_eq!(status, 0, "{err}");
    let count = async |kind: AuditKind| {
        let kinds = audited(&house).await;
        kinds.iter().filter(|one| **one == kind).count()
    };
    assert_eq!(count(AuditKind::Request).await, 4 + 1 + 20);
    assert_eq!(count(AuditKind::Cancel).await, 4 + 20);
    assert_eq!(count(AuditKind::ActRefused).await, 20);
    let gateway = &house.gateway;
    gateway
        .people
        .close(&gateway.store, crate::clock::now())
        .await;
    let query = AuditQuery {
        kinds: vec![AuditKind::Request],
        latest_first: true,
        limit: Some(1),
        ..AuditQuery::default()
    };
    let counted = gateway.store.audit(&query).await.unwrap();
    assert_eq!(
        counted[0].record.reason.as_deref(),
        Some("30 more refused within a minute")
    );
}

/// F5: what auditors look for is on record look by look, so there is a bound to the looks of a minute.
#[tokio::test]
async fn looking_in_a_loop_does_not_fill_the_journal() {
    let house = House::new().await;
    for _ in 0..60 {
        let (status, _, err) = command(&house, "aurele", "search disque").await;
        assert_eq!(status, 0, "{err}");
    }
    for _ in 0..40 {
        let (status, _, err) = command(&house, "aurele", "search disque").await;
        assert_eq!(status, 1);
        assert!(err.contains("Réessayez dans une minute"), "{err}");
    }
    let kinds = audited(&house).await;
    let count = |kind| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!(count(AuditKind::Search), 60);
    assert_eq!(count(AuditKind::ActRefused), 20);
}

/// Whoever asks, and whoever says yes, reads the terms of each line: a terminal or none, and whose derogation until when.
#[tokio::test]
async fn the_terms_of_each_line_are_shown_to_both_sides() {
    let allow = r#"allow = ["shell", "command: pg_dump --schema-only {db}", { line = "command: top", terminal = true }, { line = "command: *", owner = "Odile", until = "2099-03-31", why = "Ansible" }]"#;
    let documents = documents_where(1, "4h", |text| {
        text.replace(
            r#"allow = ["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]"#,
            allow,
        )
    });
    let house = House::with(documents).await;
    let (status, flows, err) = command(&house, "alice", "flows").await;
    assert_eq!(status, 0, "{err}");
    // I2: how much can be asked for.
    assert!(flows.contains("200 MiB"), "{flows}");
    command(&house, "alice", "request db01 --for 1h30 --reason disk").await;
    let (status, pending, err) = command(&house, "odile", "pending").await;
    assert_eq!(status, 0, "{err}");
    assert!(pending.contains("1h30m"), "{pending}");
    for shown in [flows, pending] {
        for line in [
            "command: pg_dump --schema-only {db} · without a terminal",
            "command: top · with a terminal",
            "command: * · with a terminal · derogation of Odile, until 2099-03-31 · Ansible",
        ] {
            assert!(shown.contains(line), "{line} is not in:\n{shown}");
        }
    }
    let (_, flux, _) = command(&house, "bruno", "flows").await;
    assert!(flux.contains("200 Mio"), "{flux}");
    assert!(
        flux.contains(
            "avec terminal · dérogation dont répond Odile, jusqu'au 2099-03-31 · Ansible"
        ),
        "{flux}"
    );
}

/// R10, O4: an auditor sees what their client was asked and answered, refusals too, and changes none of it; a name that
/// the client has nothing to do with is said to be unknown, whoever else may know it.
#[tokio::test]
async fn an_auditor_sees_interventions_and_unknown_names_are_told() {
    let house = House::new().await;
    command(&house, "alice", "request db01 --for 1h --reason disk").await;
    let refuse = "refuse 1 --reason not before the audit";
    command(&house, "odile", refuse).await;
    let (status, out, err) = command(&house, "aurele", "interventions").await;
    assert_eq!(status, 0, "{err}");
    for shown in [
        "#1",
        "refusée par odile",
        "not before the audit",
        "alice",
        "shell",
    ] {
        assert!(out.contains(shown), "{shown}: {out}");
    }
    let (status, _, _) = command(&house, "aurele", "approve 1").await;
    assert_eq!(status, 1);
    for (line, unknown) in [
        ("recordings --person alise", "« alise » n'est pas connu"),
        ("recordings --target db99", "« db99 » n'est pas connu"),
        ("search disk --person alise", "« alise » n'est pas connu"),
        ("recordings --intervention 99", "« interventions »"),
    ] {
        let (status, out, err) = command(&house, "aurele", line).await;
        let err = err.replace('\u{a0}', " ");
        assert!(status == 1 && err.contains(unknown), "{line}: {out}{err}");
    }
    for line in ["recordings --person alice", "recordings --target db01"] {
        let (status, out, err) = command(&house, "aurele", line).await;
        assert_eq!(status, 0, "{line}: {err}");
        assert!(out.contains("Aucun enregistrement ne correspond"), "{out}");
    }
}

/// I1: no command is told that would do something else: where another intervention is open, logging on opens that one.
#[tokio::test]
async fn a_planned_request_names_no_command_that_opens_another_intervention() {
    let house = House::new().await;
    let start = crate::clock::now().plus(ecluse_policy::Span::from_mins(90));
    let later = format!("request db01 --for 1h --at {start} --reason later");
    let (status, out, err) = command(&house, "alice", &later).await;
    assert_eq!(status, 0, "{out}{err}");
    assert!(out.contains("alice+db01@"), "nothing is open: {out}");
    command(&house, "alice", "cancel 1").await;
    command(&house, "alice", "request db01 --for 1h --reason now").await;
    command(&house, "odile", "approve 2").await;
    let (status, out, err) = command(&house, "alice", &later).await;
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        !out.contains("+db01@") && out.contains(" interventions"),
        "{out}"
    );
}

/// `COMMAND --help` and `help COMMAND` tell of that command alone.
#[tokio::test]
async fn help_is_given_where_it_is_asked_for() {
    let house = House::new().await;
    for line in ["approve --help", "approve 1 -h", "help approve"] {
        let (status, out, err) = command(&house, "odile", line).await;
        assert_eq!(status, 0, "{line}: {err}");
        assert!(out.contains("approve ID [--for D]"), "{line}: {out}");
        assert!(!out.contains("withdraw"), "{line}: {out}");
    }
    let (_, out, _) = command(&house, "aurele", "help recordings").await;
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        out.contains("dont l'écho n'a pas été reconnu, comme l'alerte aux opérateurs"),
        "{out}"
    );
    let (status, _, err) = command(&house, "odile", "help fly").await;
    assert!(status == 2 && err.contains("fly"), "{err}");
    let (_, out, _) = command(&house, "aurele", "help interventions").await;
    assert!(
        out.contains("refus compris") && !out.contains("replay"),
        "{out}"
    );
}

/// Alerts stand in the order of time, whatever they are of, the latest last.
#[tokio::test]
async fn alerts_stand_in_the_order_of_time() {
    let house = House::new().await;
    let now = crate::clock::now();
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    let ago = |minutes| now.minus(ecluse_policy::Span::from_mins(minutes));
    let of = |kind, minutes| {
        crate::audit::AuditRecord::new(kind, ago(minutes))
            .client(&client)
            .claimed("olivia")
    };
    let records = [
        of(AuditKind::NotOnRecord, 40).detail("number", 6u64),
        of(AuditKind::TypingHidden, 30).detail("lines", 2u64),
        of(AuditKind::RecordingFailed, 20).reason("the disk is full"),
        of(AuditKind::CheckpointFailed, 10).detail("destination", "tls://logs.example"),
    ];
    house.gateway.store.record(&records).await.unwrap();
    let (_, out, err) = command(&house, "odile", "pending").await;
    let places: Vec<usize> = ["#6", "2 lines", "the disk is full", "logs.example"]
        .map(|words| {
            out.find(words)
                .unwrap_or_else(|| panic!("{words}: {out}{err}"))
        })
        .to_vec();
    assert!(places.is_sorted(), "{out}");
}

/// R3: a store that was away for a moment is no word against the journal, and checkpoints that are made again are none at
/// all; a journal that is not the one that was signed is.
#[tokio::test]
async fn r3_checkpoints_that_are_made_again_alarm_nobody() {
    let house = House::new().await;
    let now = crate::clock::now();
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    let of = |minutes| {
        let at = now.minus(ecluse_policy::Span::from_mins(minutes));
        crate::audit::AuditRecord::new(AuditKind::CheckpointFailed, at).client(&client)
    };
    let away = |minutes| of(minutes).refused().reason("the database was away");
    let record = async |record| house.gateway.store.record(&[record]).await.unwrap();
    record(away(30)).await;
    let (_, out, err) = command(&house, "odile", "pending").await;
    assert!(
        out.contains("the database was away") && !out.contains("contradicts"),
        "{out}{err}"
    );
    record(of(20).permitted().reason("checkpoints are made again")).await;
    let (_, out, _) = command(&house, "odile", "pending").await;
    assert!(
        !out.contains("the database was away") && !out.contains("made again"),
        "{out}"
    );
    let rewritten = of(10).refused().reason("the journal was rewritten");
    record(rewritten.detail(crate::log::CONTRADICTED, true)).await;
    record(of(5).permitted().reason("checkpoints are made again")).await;
    let (_, out, _) = command(&house, "odile", "pending").await;
    assert!(
        out.contains("is not the one whose checkpoints it signed"),
        "{out}"
    );
}
