//! What changed, as operators are told.

use super::*;

/// R5: so many changes of one kind push none of another out.
#[tokio::test]
async fn no_number_of_changes_pushes_another_out() {
    let house = House::with(documents(1, "4h")).await;
    let hopital = ClientId::parse("hopital").unwrap();
    let record = |kind| AuditRecord::new(kind, clock::now()).client(&hopital);
    let store = &house.gateway.store;
    let first = record(AuditKind::CredentialSet);
    store.record(&[first]).await.unwrap();
    let many: Vec<AuditRecord> = (0..1100)
        .map(|n| {
            record(AuditKind::DocumentChange)
                .detail("change", "created")
                .detail("object", format!("target hopital/t{n}"))
        })
        .collect();
    store.record(&many).await.unwrap();
    let odile = house.visitor("odile");
    let found = changes(&house.gateway, &odile, Changes::default()).await;
    let found = found.unwrap().changes;
    let one = found
        .iter()
        .filter(|change| change.what == What::Credential);
    assert_eq!(one.count(), 1);
    assert!(found.len() > 1100 && found[0].object == "target hopital/t1099");
}

/// What changed, as facts; what somebody was told is on record once.
#[tokio::test]
async fn changes_are_facts_and_told_once() {
    let house = House::new().await;
    let (gateway, odile) = (&house.gateway, house.visitor("odile"));
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    let applied = gateway.applied();
    let operator = odile.as_operator(&applied).unwrap();
    let mut upto = up_to_now(gateway, &operator).await.unwrap();
    assert_eq!(untold(gateway, &odile, &mut upto).await.unwrap(), None);
    let removed = AuditRecord::new(AuditKind::DocumentChange, clock::now())
        .client(&client)
        .detail("object", "target hopital/db01")
        .detail("change", "changed")
        .detail("by", "root")
        .detail("lines", vec!["hours: 8-18 -> nothing"]);
    gateway.store.record(&[removed]).await.unwrap();
    let told = news(gateway, &odile, &mut upto).await.unwrap().unwrap();
    assert_eq!(told.changes[0].what, super::changes::What::Changed);
    assert_eq!(told.changes[0].object, "target hopital/db01");
    returns(&told);
    assert_eq!(news(gateway, &odile, &mut upto).await.unwrap(), None);
    assert_eq!(untold(gateway, &odile, &mut upto).await.unwrap(), None);
    let since = |since: &str| ask::<Changes>(json!({ "since": since }));
    let again = changes(gateway, &odile, since("1h")).await.unwrap();
    assert_eq!(again.changes, told.changes);
    let unclear = changes(gateway, &odile, since("lately")).await;
    assert!(matches!(unclear, Err(Undone::Unclear(_))), "{unclear:?}");
    let zoe = changes(gateway, &house.visitor("zoe"), Changes::default()).await;
    assert_eq!(zoe.unwrap().changes, []);
}

/// R9: what cannot be read is told once it can be, and holds up nothing: nobody hears the same twice, however long it is away.
#[tokio::test]
async fn r9_what_stays_away_makes_nobody_hear_the_rest_again() {
    let house = House::new().await;
    let (gateway, odile) = (&house.gateway, house.visitor("odile"));
    let client = ecluse_policy::ClientId::parse("hopital").unwrap();
    let applied = gateway.applied();
    let operator = odile.as_operator(&applied).unwrap();
    let mut upto = up_to_now(gateway, &operator).await.unwrap();
    let change = async |object: &str| {
        let record = AuditRecord::new(AuditKind::DocumentChange, clock::now())
            .client(&client)
            .detail("object", object)
            .detail("change", "changed");
        gateway.store.record(&[record]).await.unwrap();
        gateway.store.watch().await.unwrap();
    };
    let objects = |told: Option<crate::deeds::changes::Changed>| {
        let changes = told.into_iter().flat_map(|told| told.changes);
        changes.map(|change| change.object).collect::<Vec<_>>()
    };
    change("before").await;
    let told = news(gateway, &odile, &mut upto).await.unwrap();
    assert_eq!(objects(told), ["before"]);
    change("away").await;
    change("there").await;
    words_away(&gateway.store, "entry LIKE '%\"away\"%'").await;
    let again = async || {
        let mut upto = up_to_now(gateway, &operator).await.unwrap();
        let told = untold(gateway, &odile, &mut upto).await.unwrap();
        (objects(told), upto)
    };
    assert_eq!(again().await.0, ["there"]);
    for _ in 0..3 {
        assert!(again().await.0.is_empty());
    }
    change("later").await;
    assert_eq!(again().await.0, ["later"]);
    let (told, mut upto) = again().await;
    assert!(told.is_empty());
    words_back(&gateway.store).await;
    // At the prompt as at a log-on.
    let told = news(gateway, &odile, &mut upto).await.unwrap();
    assert_eq!(objects(told), ["away"]);
    assert!(again().await.0.is_empty());
}

/// R5, R7: whose own words retention took is no newcomer: they are told what came since, of the destruction too.
#[tokio::test]
async fn who_was_away_for_longer_than_words_are_kept_is_told_what_came_since() {
    let house = House::new().await;
    let (hopital, now) = (ClientId::parse("hopital").unwrap(), clock::now());
    // In the order of their dates, behind those with which the house began.
    let later = |days: u64| now.plus(Span::from_hours(24 * days));
    let store = &house.gateway.store;
    let odile = house.visitor("odile");
    let untold = async || {
        let applied = house.gateway.applied();
        let operator = odile.as_operator(&applied).unwrap();
        let mut upto = up_to_now(&house.gateway, &operator).await.unwrap();
        untold(&house.gateway, &odile, &mut upto).await.unwrap()
    };
    let came = AuditRecord::new(AuditKind::LogOn, later(1))
        .person(odile.person())
        .client(&hopital)
        .detail("connection", "an earlier one");
    store.record(&[came]).await.unwrap();
    let changed = AuditRecord::new(AuditKind::CredentialSet, later(350)).client(&hopital);
    store.record(&[changed]).await.unwrap();
    let destruction = Destruction {
        client: Some(hopital.clone()),
        in_force: true,
        before: later(300),
        at: later(400),
        by: "root".to_owned(),
        why: "its time is over".to_owned(),
    };
    let taken = store.destroy_client_entries(&destruction).await.unwrap();
    assert_eq!(taken.unwrap().entries, 1);
    let told = untold().await.unwrap();
    // That is no time at which they were told.
    let removed = Timestamp::parse(&later(300).to_string()).unwrap();
    assert_eq!((told.from, told.begin), (removed, Begin::Removed));
    let told: Vec<What> = told.changes.iter().map(|one| one.what).collect();
    assert_eq!(told, [What::WordsDestroyed, What::Credential]);
    // Once.
    assert!(untold().await.is_none());
    let changed = AuditRecord::new(AuditKind::CredentialSet, later(401)).client(&hopital);
    store.record(&[changed]).await.unwrap();
    assert_eq!(untold().await.unwrap().begin, Begin::Told);
}

/// R5, R7: an earlier word of what they were told, dated ahead by a clock that was wrong, outlives the last one: it is not said that they
/// were told then.
#[tokio::test]
async fn r7_a_time_at_which_nobody_was_told_is_not_said() {
    let house = House::with(documents(1, "4h")).await;
    let (hopital, now) = (ClientId::parse("hopital").unwrap(), clock::now());
    let later = |days: u64| now.plus(Span::from_hours(24 * days));
    let store = &house.gateway.store;
    let odile = house.visitor("odile");
    for days in [500, 2] {
        let upto = store.journal_size().await.unwrap();
        let told = AuditRecord::new(AuditKind::ChangesTold, later(days))
            .person(odile.person())
            .client(&hopital)
            .detail("up-to", upto);
        store.record(&[told]).await.unwrap();
    }
    for days in 3..8 {
        let log_off = AuditRecord::new(AuditKind::LogOff, later(days)).client(&hopital);
        store.record(&[log_off]).await.unwrap();
    }
    let destruction = Destruction {
        client: Some(hopital.clone()),
        in_force: true,
        before: later(300),
        at: later(400),
        by: "root".to_owned(),
        why: "its time is over".to_owned(),
    };
    let taken = store.destroy_client_entries(&destruction).await.unwrap();
    assert!(taken.is_some());
    let applied = house.gateway.applied();
    let operator = odile.as_operator(&applied).unwrap();
    let mut upto = up_to_now(&house.gateway, &operator).await.unwrap();
    let told = untold(&house.gateway, &odile, &mut upto).await.unwrap();
    let told = told.unwrap();
    let removed = Timestamp::parse(&later(300).to_string()).unwrap();
    assert_eq!((told.from, told.begin), (removed, Begin::Removed));
}
