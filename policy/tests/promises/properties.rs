//! Promises tried on random matrices, requests and approvals, beside a naive model that reads the same matrix its own
//! way: granted ⊆ requested ⊆ matrix, nothing by absence, zero means zero, time only takes away.

mod naive;
mod world;

use std::collections::BTreeSet;

use ecluse_policy::*;
use proptest::prelude::*;

use self::naive::{naive, naive_answers, naive_lines};
use self::world::{Script, TARGETS, high, script, world};
use crate::site::*;

/// Asks, and lets every operator approve who can.
fn granted(documents: &Documents, script: &Script) -> Option<(Presence, Intervention)> {
    let presence = log_in(documents, "alice", &[ATELIER_1, ALICE], t0())
        .ok()?
        .presence()?;
    let ask = Ask {
        targets: script.targets.iter().map(|id| target(id)).collect(),
        account: Some(account(script.account)),
        capabilities: Some(
            script
                .capabilities
                .iter()
                .map(|text| capability(text))
                .collect(),
        ),
        reason: "a reason".into(),
        start: script.planned.then(|| t0().plus(span("1h"))),
        length: span(script.length),
        bytes: None,
    };
    let (id, number) = ids(1);
    let mut intervention = request_by(
        documents,
        &presence,
        ask,
        Waiting::counted(0, 0),
        id,
        number,
        t0(),
    )
    .ok()?;
    for (operator, seed) in [("odile", ODILE), ("olive", OLIVE)] {
        if let Ok(operator) = log_in(documents, operator, &[seed], t0())
            && let Ok(next) =
                intervention.approved_by(documents, &operator, &script.narrowing, t0())
        {
            intervention = next;
        }
    }
    Some((presence, intervention))
}

fn moments() -> Vec<Timestamp> {
    let after = [
        "0s", "1s", "29m59s", "30m", "59m59s", "1h", "1h30m", "2h", "3h", "4h", "5h", "9h",
        "11h59m", "12h", "21h", "24h", "6d",
    ];
    after.iter().map(|text| t0().plus(span(text))).collect()
}

/// Each alone, and what starts a channel with a terminal too.
fn starts() -> Vec<(FlowRequest, bool)> {
    let starting = requests()
        .into_iter()
        .filter(|request| matches!(request, FlowRequest::Shell | FlowRequest::Command(_)));
    let with_terminal: Vec<(FlowRequest, bool)> = starting.map(|flow| (flow, true)).collect();
    let alone = requests().into_iter().map(|flow| (flow, false));
    alone.chain(with_terminal).collect()
}

fn requests() -> Vec<FlowRequest> {
    let mut requests = vec![
        FlowRequest::SessionChannel,
        FlowRequest::Shell,
        command("ls"),
        command("ls /tmp"),
        command("ls a"),
        command("ls a=b"),
        command("ls /tmp; id"),
        command("id"),
        env("LANG", "C"),
        env("LC_ALL", "C"),
        env("TERM_PROGRAM", "x"),
        env("ORACLE_SID", "x"),
        env("LD_PRELOAD", "x"),
    ];
    requests.extend(never_served().into_iter().map(|(request, _)| request));
    requests
}

/// What is permitted at each moment, going through them in order as a technician would.
fn permitted_set(
    documents: &Documents,
    presence: &Presence,
    intervention: &Intervention,
    script: &Script,
) -> BTreeSet<(usize, usize, usize)> {
    let mut current = intervention.clone();
    let mut permitted = BTreeSet::new();
    for (moment, now) in moments().into_iter().enumerate() {
        for (place, id) in TARGETS.iter().enumerate() {
            let Ok(admission) = admit(
                documents,
                presence,
                &target(id),
                Some(&account(script.account)),
                std::slice::from_ref(&current),
                now,
            ) else {
                continue;
            };
            current = admission.intervention().clone();
            for (number, (flow, terminal)) in starts().iter().enumerate() {
                let start = if *terminal {
                    with_terminal(flow.clone(), "xterm")
                } else {
                    StartRequest::plain(flow.clone())
                };
                if let Verdict::Permit(permit) = admission.open(&start, now) {
                    // What comes along is what the table says, no more.
                    let is_shell = *flow == FlowRequest::Shell;
                    let passes = |request: FlowRequest| permit.decide(&request, now).is_ok();
                    assert_eq!(permit.terms().terminal().is_some(), *terminal);
                    assert_eq!(passes(FlowRequest::WindowChange), *terminal);
                    let starts = is_shell
                        || matches!(flow, FlowRequest::Command(_) | FlowRequest::SessionChannel);
                    assert_eq!(passes(FlowRequest::Signal("INT".into())), starts);
                    assert!(
                        is_shell
                            || *flow == FlowRequest::SessionChannel
                            || !passes(FlowRequest::Signal("KILL".into()))
                    );
                    assert!(
                        !passes(FlowRequest::Signal("INFO".into())) && !passes(FlowRequest::Break)
                    );
                    assert!(
                        now < permit.closes_at() && permit.closes_at() <= admission.closes_at()
                    );
                    assert_eq!(permit.destination().to_string(), format!("{id}.example:22"));
                    permitted.insert((moment, place, number));
                }
            }
        }
    }
    permitted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn granted_is_within_requested_and_requested_within_the_matrix(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((_, it)) = granted(&documents, &script) else { return Ok(()) };
        let asked = it.request();
        for id in &asked.scope.targets {
            for wanted in &asked.scope.capabilities {
                let lines = naive_lines(&world, id.as_str(), &script);
                for request in requests().iter().filter(|request| naive_answers(&wanted.to_string(), request)) {
                    prop_assert!(lines.iter().any(|line| line.allow.iter().any(|allowed| naive_answers(allowed.line, request))), "requested beyond the matrix: {request:?}");
                }
                prop_assert!(lines.iter().any(|line| asked.length <= line.at_most.naive().0), "longer than any line");
            }
        }
        if let Some(grant) = it.granted() {
            prop_assert!(grant.scope.is_within(&asked.scope) && !grant.scope.is_empty());
            prop_assert!(grant.scope.targets.is_subset(&asked.scope.targets) && grant.scope.accounts.is_subset(&asked.scope.accounts));
            prop_assert!(grant.scope.capabilities.iter().all(|one| asked.scope.capabilities.contains(one)));
            prop_assert!(grant.length <= asked.length && !grant.length.is_zero());
            prop_assert!(grant.length <= script.narrowing.length.unwrap_or(grant.length));
            prop_assert!(grant.starts_at >= asked.start.unwrap_or(asked.requested_at));
            prop_assert!(!it.approvals().is_empty());
        }
    }

    #[test]
    fn every_verdict_agrees_with_the_naive_model(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        let permitted = permitted_set(&documents, &presence, &it, &script);
        // The window opens with the first admission, which any rule gives.
        let opened_at = permitted.iter().next().map(|(moment, _, _)| moments()[*moment]);
        let Some(opened_at) = opened_at else {
            for now in moments() {
                for id in TARGETS {
                    prop_assert!(starts().iter().all(|request| !naive(&world, &script, &it, now, id, request, now)));
                }
            }
            return Ok(());
        };
        for (moment, now) in moments().into_iter().enumerate().filter(|(_, now)| *now >= opened_at) {
            for (place, id) in TARGETS.iter().enumerate() {
                for (number, request) in starts().iter().enumerate() {
                    prop_assert_eq!(
                        permitted.contains(&(moment, place, number)),
                        naive(&world, &script, &it, opened_at, id, request, now),
                        "{} {:?} at {}", id, request, now
                    );
                }
            }
        }
    }

    /// With the same approvals, one element less never permits what was not permitted before.
    #[test]
    fn nothing_is_permitted_by_absence(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let whole = granted(&documents, &script);
        let before = whole.as_ref().map(|(presence, it)| permitted_set(&documents, presence, it, &script)).unwrap_or_default();
        for less in world.each_with_one_less() {
            let Some(documents) = less.documents() else { continue };
            let Some((presence, it)) = granted(&documents, &script) else { continue };
            // What is asked where the easiest line is closed all along is refused (`NeverOpen`); without that line, a harder one
            // that is open gives it, for more approvals.
            let easiest = world.flows.iter().map(|line| line.by).min().unwrap_or_default();
            let most = whole.as_ref().map_or(easiest as usize, |(_, whole)| whole.approvals().len());
            let same = it.approvals().len() <= most;
            if same {
                let after = permitted_set(&documents, &presence, &it, &script);
                prop_assert!(after.is_subset(&before), "{:?} out of {:?}", after.difference(&before).collect::<Vec<_>>(), less);
            }
            // Taken away while the intervention stands: what is left was there before.
            if let Some((_, it)) = &whole {
                let after = permitted_set(&documents, &presence, it, &script);
                prop_assert!(after.is_subset(&before));
            }
        }
    }

    #[test]
    fn time_only_takes_rights_away(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        for id in TARGETS {
            for begin in moments() {
                let Ok(admission) = admit(&documents, &presence, &target(id), None, std::slice::from_ref(&it), begin) else { continue };
                prop_assert_eq!(admission.recheck(&documents, Some(admission.intervention()), begin), Ok(()));
                let end = admission.closes_at();
                for request in requests() {
                    let mut over = false;
                    for now in moments().into_iter().filter(|now| *now >= begin) {
                        let permit = matches!(admission.decide(&request, now), Verdict::Permit(_));
                        prop_assert!(!(permit && (over || now >= end)), "{request:?} came back at {now}");
                        over |= !permit;
                    }
                }
                prop_assert!(admission.recheck(&documents, Some(admission.intervention()), end).is_err());
                // Once the grant is over, no later moment opens it again without a new approval.
                let grant_end = admission.intervention().due().unwrap();
                for later in ["0s", "1h", "1d", "7d", "300d"] {
                    let again = admit(&documents, &presence, &target(id), None, &[admission.intervention().clone()], grant_end.plus(span(later)));
                    prop_assert!(again.is_err());
                }
            }
        }
    }

    /// P6: whatever a posture asks for, what is permitted in it is permitted without it, and no budget is larger.
    #[test]
    fn p6_a_posture_only_takes_away(world in world(), script in script(), high in high()) {
        let Some(documents) = world.documents_and(&high) else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        let before = permitted_set(&documents, &presence, &it, &script);
        let tight = documents.clone().as_if_heightened(t0().plus(span("30m")), "tried");
        let after = permitted_set(&tight, &presence, &it, &script);
        prop_assert!(after.is_subset(&before), "{:?} of {high}", after.difference(&before).collect::<Vec<_>>());
        // What is asked for and granted under it is within what may be asked for without it.
        if let Some((_, asked)) = granted(&tight, &script) {
            prop_assert!(granted(&documents, &script).is_some());
            let under = permitted_set(&tight, &presence, &asked, &script);
            prop_assert!(under.is_subset(&permitted_set(&documents, &presence, &asked, &script)));
        }
        for id in TARGETS {
            for now in moments() {
                let admitted = |documents: &Documents| admit(documents, &presence, &target(id), Some(&account(script.account)), std::slice::from_ref(&it), now);
                let (Ok(loose), Ok(tightened)) = (admitted(&documents), admitted(&tight)) else { continue };
                for request in requests() {
                    let (Verdict::Permit(wide), Verdict::Permit(narrow)) = (loose.decide(&request, now), tightened.decide(&request, now)) else { continue };
                    prop_assert!(narrow.closes_at() <= wide.closes_at());
                    let (wide, narrow) = (wide.terms().budgets(), narrow.terms().budgets());
                    for budget in &wide.list {
                        let Some(limit) = budget.bytes.bytes() else { continue };
                        let least = narrow.of(budget.level, budget.way).and_then(|one| one.bytes.bytes());
                        prop_assert!(least.is_some_and(|least| least <= limit));
                    }
                }
                // What runs without it is ended by it, or stands as long at most.
                let end = tightened.recheck(&documents, Some(tightened.intervention()), now);
                prop_assert_eq!(end, Ok(()));
            }
        }
    }

    #[test]
    fn before_its_start_and_without_enough_operators_nothing_opens(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        let permitted = permitted_set(&documents, &presence, &it, &script);
        let start = it.request().start.unwrap_or(t0());
        prop_assert!(permitted.iter().all(|(moment, _, _)| moments()[*moment] >= start));
        if world.operators.is_empty() || script.narrowing.length == Some(Span::ZERO) {
            prop_assert!(permitted.is_empty(), "zero means zero");
        }
        let two_each = world.flows.iter().all(|line| line.by == 2);
        if two_each && world.operators.len() < 2 {
            prop_assert!(permitted.is_empty());
        }
    }
}

/// The random sites are not all empty: each promise above was tried on something.
#[test]
fn random_sites_permit_something_often_enough() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut asked, mut approved, mut permitting) = (0, 0, 0);
    for _ in 0..2_000 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let script = script().new_tree(&mut runner).unwrap().current();
        let Some(documents) = world.documents() else {
            continue;
        };
        let Some((presence, it)) = granted(&documents, &script) else {
            continue;
        };
        asked += 1;
        approved += usize::from(it.granted().is_some());
        permitting += usize::from(!permitted_set(&documents, &presence, &it, &script).is_empty());
    }
    assert!(
        asked > 200 && approved > 100 && permitting > 100,
        "{asked} asked, {approved} approved, {permitting} permitting"
    );
}
