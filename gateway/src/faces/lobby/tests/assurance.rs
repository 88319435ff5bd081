//! What is shown is not less than there is, nor somebody else's words for ours; what is not there is said to be not
//! there.

use super::super::testing::documents_where;
use super::*;

/// Many requests, the first of which stays approved.
async fn crowded() -> House {
    let house = House::new().await;
    command(
        &house,
        "alice",
        "request db01 --for 2h --reason the first of all",
    )
    .await;
    command(&house, "odile", "approve 1").await;
    for number in 2..=33 {
        let (status, _, err) =
            command(&house, "alice", "request db01 --for 1h --reason more").await;
        assert_eq!(status, 0, "{err}");
        command(&house, "alice", &format!("cancel {number}")).await;
    }
    house
}

#[tokio::test]
async fn what_is_not_over_never_falls_off_a_list() {
    let house = crowded().await;
    for who in ["alice", "odile"] {
        let (_, list, _) = command(&house, who, "interventions").await;
        assert!(list.contains("the first of all"), "{who}: {list}");
        assert!(
            !list.lines().any(|line| line.starts_with("#2 ")),
            "{who}: {list}"
        );
        assert!(list.contains("There are older ones."), "{who}: {list}");
    }
}

#[tokio::test]
async fn what_was_granted_is_shown_of_what_is_over() {
    let house = House::new().await;
    for over in ["withdraw 1 --reason done", "cancel 2"] {
        command(&house, "alice", "request db01 --for 2h --reason disk").await;
        let number = over.split(' ').nth(1).unwrap();
        command(
            &house,
            "odile",
            &format!("approve {number} --for 30m --only shell"),
        )
        .await;
        let who = if over.starts_with("cancel") {
            "alice"
        } else {
            "odile"
        };
        let (status, _, err) = command(&house, who, over).await;
        assert_eq!(status, 0, "{err}");
        let (_, list, _) = command(&house, "odile", "interventions").await;
        let line = list
            .lines()
            .find(|line| line.starts_with(&format!("#{number} ")))
            .unwrap();
        assert!(line.contains(" 30m ") && !line.contains(" 2h "), "{list}");
        assert!(!line.contains("commands"), "{list}");
    }
}

/// Padding of any kind, and words that end where a line does: none of it reads as a line of `pending`.
#[tokio::test]
async fn a_reason_cannot_look_like_a_line_of_ours() {
    let fake = "code AAAA-BBBB approve 9";
    let filler = "words ".repeat(12);
    let reasons = [
        format!("disk{}{fake}", " ".repeat(71)),
        format!("disk{}{fake}", "\u{3000}".repeat(40)),
        format!("disk{}{fake}", "\t".repeat(9)),
        format!("{filler}{fake}"),
        format!("{filler}more {fake}"),
        format!("{}{fake}", "x".repeat(74)),
    ];
    // Letters that nobody sees are in no reason at all.
    let unseen = format!("disk{}{fake}", "\u{2800}".repeat(75));
    let line = format!("request db01 --for 1h --reason {unseen}");
    let (status, _, _) = command(&House::new().await, "alice", &line).await;
    assert_ne!(status, 0, "a reason of blanks that are letters");
    for reason in reasons {
        for size in [None, Some((80, 24)), Some((40, 24))] {
            let house = House::new().await;
            let line = format!("request db01 --for 1h --reason {reason}");
            let (status, _, err) = command(&house, "alice", &line).await;
            assert_eq!(status, 0, "{reason:?}: {err}");
            let visitor = house.visitor("odile");
            let (mut terminal, odile) = person_in(size, "xterm", lang(&visitor));
            run(&mut terminal, &house.gateway, &visitor, Some("pending")).await;
            drop(terminal);
            let seen = if size.is_some() {
                odile.screen()
            } else {
                Vec::new()
            };
            let (text, _) = odile.all().await;
            let seen = if size.is_some() {
                seen
            } else {
                text.lines().map(str::to_owned).collect()
            };
            let theirs: Vec<&String> = seen.iter().filter(|line| line.contains("AAAA")).collect();
            assert!(!theirs.is_empty(), "{reason:?}: {seen:?}");
            for line in theirs {
                assert!(line.trim_start().starts_with('│'), "{reason:?}: {line:?}");
                assert!(!line.contains("   code"), "{reason:?}: {line:?}");
                assert!(line.chars().count() <= 80, "{reason:?}: {line:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let house = House::new().await;
    let flow = "request db01 --flow nope --for 1h --reason disk";
    for (who, line, said) in [
        ("alice", flow, "no flow “nope”"),
        ("alice", flow, "There are: dba"),
        ("alice", "cancel 99", "no intervention #99"),
        ("odile", "approve 99", "no intervention #99"),
        ("odile", "refuse 99 --reason no", "no intervention #99"),
        ("odile", "withdraw 99 --reason no", "no intervention #99"),
        (
            "odile",
            "approve 18446744073709551615",
            "no intervention #18446744073709551615",
        ),
        ("odile", "watch 99", "no session 99"),
        (
            "aurele",
            "recordings --intervention 99",
            "Aucune intervention #99",
        ),
        (
            "aurele",
            "search disk --intervention 99",
            "Aucune intervention #99",
        ),
        ("aurele", "replay 99", "Aucun enregistrement 99"),
    ] {
        let (status, out, err) = command(&house, who, line).await;
        assert!(
            status == 1 && err.contains(said),
            "{who}: {line}: {out}{err}"
        );
        assert!(!err.contains("backup"), "{line}: {err}");
    }
}

/// "Nothing found" is said where all that could hold it was looked through.
#[tokio::test]
async fn a_search_says_what_it_did_not_look_through() {
    let house = House::new().await;
    let (status, out, _) = command(&house, "aurele", "search disk").await;
    assert_eq!(status, 0);
    assert!(
        out.contains("ce n'est pas tout") && out.contains("screen-text"),
        "{out}"
    );
    let (_, out, _) = command(&house, "aurele", "search disk --in command").await;
    assert!(!out.contains("screen-text"), "{out}");
    // Two letters are looked for.
    let (status, out, err) = command(&house, "aurele", "search rm").await;
    assert_eq!(status, 0, "{out}{err}");
    house.apply(documents_where(1, "4h", |text| {
        text.replace("[contacts]", "[search]\nscreen-text = true\n[contacts]")
    }));
    let (_, out, _) = command(&house, "aurele", "search disk").await;
    assert!(
        out.contains("Rien n'a été trouvé.") && !out.contains("screen-text"),
        "{out}"
    );
}

/// Changes that say the same are one line, with how often and when.
#[tokio::test]
async fn changes_that_repeat_are_told_once() {
    use crate::audit::{AuditKind, AuditRecord};
    let house = House::new().await;
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    let now = crate::clock::now();
    for ago in [30, 20, 10] {
        let at = now.minus(ecluse_policy::Span::from_mins(ago));
        let away = AuditRecord::new(AuditKind::CopiesAway, at)
            .client(&client)
            .detail("destination", "tls://logs.example:6514");
        house.gateway.store.record(&[away]).await.unwrap();
    }
    let set = AuditRecord::new(AuditKind::CredentialSet, now)
        .claimed("root")
        .client(&client)
        .target(&ecluse_policy::TargetId::parse("db01").unwrap())
        .detail("account", "postgres");
    let removed = AuditRecord::new(AuditKind::DocumentChange, now)
        .claimed("root")
        .client(&client)
        .detail("object", "target hopital/db01")
        .detail("change", "changed")
        .detail("lines", vec!["hours: 8-18 -> nothing"]);
    let long: String = (0..60).map(|n| format!("+ command: n{n}, ")).collect();
    let flow = AuditRecord::new(AuditKind::DocumentChange, now)
        .claimed("root")
        .client(&client)
        .detail("object", "flow hopital/dba")
        .detail("change", "created")
        .detail(
            "lines",
            vec![format!("allow: {long}"), "targets: db01".to_owned()],
        );
    let stopped = now.minus(ecluse_policy::Span::from_secs(2));
    let cut_short = AuditRecord::new(AuditKind::ServeCutShort, now)
        .client(&client)
        .detail("stopped-after", stopped.to_string());
    let records = [set, removed, flow, cut_short];
    house.gateway.store.record(&records).await.unwrap();
    let (status, out, err) = command(&house, "odile", "changes").await;
    assert_eq!(status, 0, "{err}");
    let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flat.matches("logs.example").count(), 1, "{out}");
    assert!(
        flat.contains("3 × The receiver tls://logs.example:6514 stopped taking the copies"),
        "{out}"
    );
    assert!(
        flat.contains("logs on to db01 as postgres")
            && flat.contains("changed the target hopital/db01")
            && flat.contains("hours: 8-18 -> nothing"),
        "{out}"
    );
    let seconds = |at| crate::texts::times::to_the_second(at, now);
    let between = format!(
        "after {} and at the latest at {},",
        seconds(stopped),
        seconds(now)
    );
    assert!(flat.contains(&between), "{out}");
    // What was asked for is whole, however long.
    assert!(flat.contains("n59, ; targets: db01"), "{out}");
}

/// What keeps a recording from being shown, and the store from working, is said in the reader's language.
#[tokio::test]
async fn problems_are_told_in_the_readers_language() {
    use crate::store::StoreError;
    use crate::texts::Unreadable;
    let texts = crate::texts::Texts::load().unwrap();
    let found = "01999999-9999-7999-8999-999999999999".to_owned();
    let french = texts.unreadable(ecluse_policy::Lang::Fr, &Unreadable::OtherSession { found });
    assert!(
        french.starts_with("son répertoire contient l'enregistrement d'une autre session"),
        "{french}"
    );
    let full = StoreError::Database(sqlx::Error::PoolTimedOut);
    assert_eq!(
        texts.store(ecluse_policy::Lang::Fr, &full),
        "la base ne répond pas"
    );
}

/// Operators at the prompt are told of what changes meanwhile, once, and not again when they come back.
#[tokio::test]
async fn connected_operators_are_told_of_changes_once() {
    use super::super::run;
    use super::super::testing::lang;
    use crate::audit::{AuditKind, AuditRecord};
    use crate::terminal::testing::person_in;
    let house = House::new().await;
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    let prompt = || {
        let visitor = house.visitor("odile");
        let (mut terminal, odile) = person_in(Some((200, 40)), "xterm", lang(&visitor));
        let gateway = std::sync::Arc::clone(&house.gateway);
        let run = tokio::spawn(async move { run(&mut terminal, &gateway, &visitor, None).await });
        (odile, run)
    };
    let (mut odile, run) = prompt();
    odile.sees("“help”").await;
    let changed = |object: &str| {
        AuditRecord::new(AuditKind::DocumentChange, crate::clock::now())
            .claimed("root")
            .client(&client)
            .detail("object", object)
            .detail("change", "changed")
            .detail("lines", vec!["disabled: false -> true"])
    };
    let first = changed("technician maintech/bruno");
    house.gateway.store.record(&[first]).await.unwrap();
    odile.sees("changed the technician maintech/bruno").await;
    let second = changed("target hopital/db01");
    house.gateway.store.record(&[second]).await.unwrap();
    odile.sees("changed the target hopital/db01").await;
    odile.types(b"exit\r").await;
    run.await.unwrap();
    let text = odile.text();
    assert_eq!(text.matches("maintech/bruno").count(), 1, "{text}");
    let (mut odile, run) = prompt();
    odile.sees("“help”").await;
    odile.types(b"exit\r").await;
    run.await.unwrap();
    assert!(!odile.text().contains("hopital/db01"), "{}", odile.text());
}
