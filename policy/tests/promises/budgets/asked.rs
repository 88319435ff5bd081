//! How much is asked for and granted (I2).

use proptest::prelude::*;

use super::*;

#[test]
fn a_request_asks_for_less_and_an_approval_leaves_less() {
    let documents = documents_saying(
        "extraction = { session = \"50 MiB\", intervention = \"200 MiB\" }",
        "",
        "",
    );
    let reaches = matrix_scope(&documents, &person("alice"), t0());
    assert_eq!(reaches[0].bytes, Some(size("200 MiB")));
    let ask = |bytes: &str| {
        let ask = Ask {
            bytes: Some(size(bytes)),
            ..ask_for(&["db01"], "2h")
        };
        requested(&documents, &alice(&documents), ask, t0())
    };
    for too_much in ["201 MiB", "0 B"] {
        assert_eq!(
            ask(too_much).map(|_| ()),
            Err(Refusal::Bytes {
                asked: size(too_much),
                at_most: size("200 MiB")
            })
        );
    }
    let asked = ask("100 MiB").unwrap();
    let approve = |bytes: Option<&str>| {
        let narrowing = Narrowing {
            bytes: bytes.map(size),
            ..Narrowing::default()
        };
        asked.approved_by(&documents, &odile(&documents), &narrowing, t0())
    };
    let left = |intervention: Result<Intervention, Refusal>| {
        let budgets = shell_by(&documents, &intervention.unwrap())
            .terms()
            .budgets()
            .clone();
        (
            limit_of(&budgets, Level::Intervention),
            limit_of(&budgets, Level::Session),
        )
    };
    let bytes = |text: &str| Some(Limit::Bytes(size(text)));
    assert_eq!(left(approve(None)), (bytes("100 MiB"), bytes("50 MiB")));
    assert_eq!(
        left(approve(Some("10 MiB"))),
        (bytes("10 MiB"), bytes("50 MiB"))
    );
    assert_eq!(
        approve(Some("101 MiB")).map(|_| ()),
        Err(Refusal::OnlyShrinks {
            what: "101 MiB".to_owned()
        })
    );
    assert!(matches!(
        approve(Some("0 B")),
        Err(Refusal::NothingLeft { .. })
    ));
    // Nobody asked for a number: the matrix bounds what is granted.
    let all = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "2h"),
        t0(),
    )
    .unwrap();
    let more = Narrowing {
        bytes: Some(size("1 GiB")),
        ..Narrowing::default()
    };
    assert_eq!(
        all.approved_by(&documents, &odile(&documents), &more, t0())
            .map(|_| ()),
        Err(Refusal::BytesToGrant {
            number: all.number(),
            asked: size("1 GiB"),
            at_most: size("200 MiB")
        })
    );
    // A matrix that has become narrower meanwhile leaves less of what was granted.
    let narrower = documents_saying(
        "extraction = { session = \"50 MiB\", intervention = \"5 MiB\" }",
        "",
        "",
    );
    let granted = approve(None).unwrap();
    assert_eq!(
        limit_of(
            shell_by(&narrower, &granted).terms().budgets(),
            Level::Intervention
        ),
        bytes("5 MiB")
    );
}

/// Both sides compare a code of everything that was asked; what was asked before there were budgets keeps its own.
#[test]
fn the_code_of_a_request_covers_its_bytes_and_old_ones_stay() {
    let documents = documents();
    let code = |bytes: Option<&str>| {
        let ask = Ask {
            bytes: bytes.map(size),
            ..ask_for(&["db01"], "2h")
        };
        requested(&documents, &alice(&documents), ask, t0()).unwrap()
    };
    let codes =
        [code(None), code(Some("1 MiB")), code(Some("2 MiB"))].map(|it| it.request().code());
    assert!(codes[0] != codes[1] && codes[1] != codes[2] && codes[0] != codes[2]);
    // Stored rows of before have no such key, and none is written where nothing is asked.
    let stored = serde_json::to_string(&code(None)).unwrap();
    assert!(!stored.contains("bytes"), "{stored}");
    let read: Intervention = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, code(None));
    let with = serde_json::to_string(&code(Some("1 MiB"))).unwrap();
    assert_eq!(
        serde_json::from_str::<Intervention>(&with).unwrap(),
        code(Some("1 MiB"))
    );
}

#[test]
fn what_two_operators_leave_is_what_both_agreed_to() {
    let documents = documents_of(&maintech(), &hopital(&DBA.replace("by = 1", "by = 2")));
    let asked = requested(
        &documents,
        &alice(&documents),
        ask_for(&["db01"], "2h"),
        t0(),
    )
    .unwrap();
    let fewer = |bytes: &str| Narrowing {
        bytes: Some(size(bytes)),
        ..Narrowing::default()
    };
    let once = asked
        .approved_by(&documents, &odile(&documents), &fewer("30 MiB"), t0())
        .unwrap();
    let twice = once
        .approved_by(&documents, &olive(&documents), &fewer("40 MiB"), t0())
        .unwrap();
    assert_eq!(twice.granted().unwrap().bytes, Some(size("30 MiB")));
}

fn maybe_bytes() -> impl Strategy<Value = Option<u64>> {
    prop::option::weighted(0.7, 0u64..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// I2: granted ⊆ requested ⊆ allowed, whatever each level says and whoever narrows how.
    #[test]
    fn granted_bytes_are_within_requested_and_requested_within_allowed(
        written in [maybe_bytes(), maybe_bytes(), maybe_bytes(), maybe_bytes()],
        asked in maybe_bytes(),
        narrowed in maybe_bytes(),
        later in maybe_bytes(),
    ) {
        let line = |bytes: Option<u64>| bytes.map_or(String::new(), |bytes| format!("intervention = \"{bytes} B\""));
        let table = |bytes: Option<u64>| format!("extraction = {{ {} }}", line(bytes));
        let [flow, of_target, client, of_node] = written;
        let documents = documents_saying(&table(client), &table(of_target), &table(flow))
            .on_node(node(&format!("[extraction]\n{}\n", line(of_node))));
        // The naive side: the nearest that says something; nothing, where nobody does.
        let allowed = flow.or(of_target).or(client).or(of_node).unwrap_or(0);
        let ask = Ask { bytes: asked.map(ByteCount::new), ..ask_for(&["db01"], "2h") };
        let request = requested(&documents, &alice(&documents), ask, t0());
        if let Some(asked) = asked {
            prop_assert_eq!(request.is_ok(), asked > 0 && asked <= allowed);
        }
        let Ok(request) = request else { return Ok(()) };
        let narrowing = Narrowing { bytes: narrowed.map(ByteCount::new), ..Narrowing::default() };
        let approved = request.approved_by(&documents, &odile(&documents), &narrowing, t0());
        if let Some(narrowed) = narrowed {
            prop_assert_eq!(approved.is_ok(), narrowed > 0 && narrowed <= asked.unwrap_or(allowed));
        }
        let Ok(approved) = approved else { return Ok(()) };
        let granted = approved.granted().unwrap().bytes.map_or(u64::MAX, ByteCount::as_u64);
        prop_assert!(granted <= asked.unwrap_or(u64::MAX) && granted <= narrowed.unwrap_or(u64::MAX));
        let limit = |documents: &Documents| {
            limit_of(shell_by(documents, &approved).terms().budgets(), Level::Intervention)
        };
        let expected = allowed.min(asked.unwrap_or(u64::MAX)).min(narrowed.unwrap_or(u64::MAX));
        prop_assert_eq!(limit(&documents), Some(Limit::Bytes(ByteCount::new(expected))));
        // What the client writes later takes away, and never gives more than was granted.
        let later = documents_saying(&table(client), &table(of_target), &table(later)).on_node(node(""));
        let Some(Limit::Bytes(now)) = limit(&later) else { return Err(TestCaseError::fail("no limit")) };
        prop_assert!(now.as_u64() <= granted);
    }
}
